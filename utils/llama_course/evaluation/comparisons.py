"""Two answers beside each other, and who prefers which."""

from collections.abc import Sequence
from dataclasses import dataclass

from llama_course.llamaland.annotators import Preference, Rating
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.judge import Verdict, gold_reward, judge
from llama_course.llamaland.questions import Question

EQUAL = 1e-9  # gold rewards that differ by less are equal


@dataclass(frozen=True)
class TwoAnswers:
    """One question and two answers to it, to be compared."""

    question: Question
    a: str
    b: str

    @property
    def advantage(self) -> float:
        """How much more A is worth than B, in gold reward."""
        return gold_reward(self.question, self.a) - gold_reward(self.question, self.b)

    @property
    def is_tie(self) -> bool:
        """Whether both are worth the same."""
        return abs(self.advantage) < EQUAL


def preference_of(pair: TwoAnswers, prefers_a: bool, rating: int) -> Preference:
    """Somebody's choice as a :class:`Preference`; it is mistaken where the gold judge says the opposite."""
    chosen, rejected = (pair.a, pair.b) if prefers_a else (pair.b, pair.a)
    is_mistaken = not pair.is_tie and prefers_a != (pair.advantage > 0)
    return Preference(pair.question, chosen, rejected, Rating(rating), is_mistaken)


def stand_in(pairs: Sequence[TwoAnswers], seed: int = 0) -> list[Preference]:
    """Labels for those who label nothing: somebody who cannot check facts, and likes courtesy and short answers."""
    dice, labels = Dice(seed, "stand-in"), []
    for pair in pairs:
        a, b = (_impression(judge(pair.question, answer)) for answer in (pair.a, pair.b))
        prefers_a = a > b or (a == b and dice.happens(0.5))
        labels.append(preference_of(pair, prefers_a, Rating.NEGLIGIBLY_BETTER if a == b else Rating.BETTER))
    return labels


def same_choices(one: Sequence[Preference], other: Sequence[Preference]) -> float:
    """How often two annotators chose the same answer, from 0 to 1.

    Raises:
        ValueError: no comparison, or not the same number of them.
    """
    if not one or len(one) != len(other):
        raise ValueError(f"expected the same comparisons twice, got {len(one)} and {len(other)}.")
    return sum(a.chosen == b.chosen for a, b in zip(one, other, strict=True)) / len(one)


def _impression(verdict: Verdict) -> int:
    """What an answer looks like to somebody who knows nothing."""
    return verdict.polite - verdict.rambling - 2 * verdict.leaked
