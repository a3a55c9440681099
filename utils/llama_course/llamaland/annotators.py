"""Simulated annotators: they compare two answers on Llama 2's four-point scale, and sometimes they are mistaken.

Because the gold judge knows which answer is better and the noise is known, so is the best accuracy that any reward
model can reach on their labels.

Source: Llama 2, arXiv:2307.09288, section 3.2.1 (the scale: significantly better, better, slightly better, or
negligibly better or unsure).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.judge import gold_reward
from llama_course.llamaland.questions import Question


class Rating(IntEnum):
    """How much better the chosen answer is; a larger number is a larger difference."""

    NEGLIGIBLY_BETTER = 0  # or unsure
    SLIGHTLY_BETTER = 1
    BETTER = 2
    SIGNIFICANTLY_BETTER = 3

    @property
    def label(self) -> str:
        """As annotators of Llama 2 read it."""
        return "negligibly better or unsure" if self == 0 else self.name.lower().replace("_", " ")


THRESHOLDS = ((1.2, Rating.SIGNIFICANTLY_BETTER), (0.6, Rating.BETTER), (0.15, Rating.SLIGHTLY_BETTER))


@dataclass(frozen=True)
class Preference:
    """One comparison, as a reward model is trained on it."""

    question: Question
    chosen: str
    rejected: str
    rating: Rating
    is_mistaken: bool  # known to us only: the chosen answer is the worse one


def rate(difference: float) -> Rating:
    """The point of the scale for a difference in gold reward.

    significantly better from 1.2, better from 0.6, slightly better from 0.15, else negligibly better or unsure; the
    sign does not matter.
    """
    size = abs(difference) + 1e-9  # 1.2 - 1.05 is a little less than 0.15
    return next((rating for least, rating in THRESHOLDS if size >= least), Rating.NEGLIGIBLY_BETTER)


class Annotator:
    """Somebody who compares answers.

    Args:
        noise: the probability of choosing the worse answer, from 0 to 0.5.
        seed: which annotator; two with different seeds are mistaken about different pairs.
        reward: what she goes by: ``gold_reward`` by default, or ``gold_helpfulness`` or ``gold_safety``.

    Raises:
        ValueError: a noise above 0.5 (she would be right again, upside down) or below 0.
    """

    def __init__(self, noise: float = 0.15, seed: int = 0, reward: Callable[[Question, str], float] = gold_reward):
        if not 0 <= noise <= 0.5:
            raise ValueError(f"noise must be from 0 (never mistaken) to 0.5 (a coin), got {noise}.")
        self.noise, self.reward = noise, reward
        self._dice = Dice(seed, "annotator")

    def compare(self, question: Question, answer_a: str, answer_b: str) -> Preference:
        """Say which of two answers is better, and by how much.

        The direction is flipped with probability ``noise``; the rating is that of the true difference.  Between equally
        good answers she tosses a coin and is never mistaken.
        """
        difference = self.reward(question, answer_a) - self.reward(question, answer_b)
        is_tie = abs(difference) < 1e-9
        prefers_a = self._dice.happens(0.5) if is_tie else difference > 0
        is_mistaken = self._dice.happens(self.noise) and not is_tie
        chosen, rejected = (answer_a, answer_b) if prefers_a != is_mistaken else (answer_b, answer_a)
        return Preference(question, chosen, rejected, rate(difference), is_mistaken)


def preference_pairs(
    comparisons: Iterable[tuple[Question, str, str]], annotator: Annotator, *, with_ties: bool = False
) -> list[Preference]:
    """Preference data.

    Args:
        comparisons: questions with two answers each.
        annotator: who compares them.
        with_ties: keep pairs of equally good answers, whose label is a coin toss; without them the ceiling is known.

    Returns:
        One preference for each comparison that is kept, in order.
    """
    return [
        annotator.compare(question, a, b)
        for question, a, b in comparisons
        if with_ties or abs(annotator.reward(question, a) - annotator.reward(question, b)) >= 1e-9
    ]


def agreement_ceiling(noise: float, ties: float = 0.0) -> float:
    """How often somebody who is never mistaken agrees with a label: the best accuracy of a reward model.

        ceiling = (1 - ties) (1 - noise) + ties / 2

    Args:
        noise: probability of a flipped label.
        ties: share of the comparisons between equally good answers.
    """
    return (1 - ties) * (1 - noise) + ties / 2


def annotator_agreement(noise_a: float, noise_b: float | None = None) -> float:
    """How often two annotators choose the same answer, of two that are not equally good.

        agreement = (1 - a) (1 - b) + a b

    Args:
        noise_a, noise_b: their noise; the second as the first by default.
    """
    noise_b = noise_a if noise_b is None else noise_b
    return (1 - noise_a) * (1 - noise_b) + noise_a * noise_b
