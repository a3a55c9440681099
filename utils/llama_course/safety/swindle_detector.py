"""A detector of swindles at the door, small enough to be read, and the arithmetic of its mistakes.

Naive Bayes: each word speaks for a swindle or against it, as if it knew nothing of the other words.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llama_course.evaluation.intervals import Interval, wilson
from llama_course.llamaland.dialogues import Dialogue
from llama_course.llamaland.phrasings import plain_text


@dataclass(frozen=True)
class Errors:
    """What a detector did; swindles and honest talks are counted apart, so no share depends on how many there are."""

    caught: int
    swindles: int
    false_alarms: int
    honest: int

    @property
    def hit_rate(self) -> Interval:
        """Share of the swindles that were flagged."""
        return wilson(self.caught, self.swindles)

    @property
    def false_alarm_rate(self) -> Interval:
        """Share of the honest talks that were flagged."""
        return wilson(self.false_alarms, self.honest)


class SwindleDetector:
    """Learns from talks which words speak for a swindle.

        score = ln p(swindle) - ln p(honest) + Σ over words of (ln p(word | swindle) - ln p(word | honest))

    Args:
        talks: some of either kind.

    Raises:
        ValueError: one kind is missing.
    """

    def __init__(self, talks: Sequence[Dialogue]):
        self.words = {is_swindle: Counter[str]() for is_swindle in (True, False)}
        self.count = Counter(talk.is_swindle for talk in talks)
        if min(self.count[True], self.count[False]) == 0:
            raise ValueError("expected swindles and honest talks to learn from, got one kind only.")
        for talk in talks:
            self.words[talk.is_swindle].update(words_of(talk.text))

    def weight(self, word: str) -> float:
        """How much a word speaks for a swindle, in nats; a word never met says nothing."""
        if not any(word in words for words in self.words.values()):
            return 0.0
        said = [(self.words[kind][word] + 1) / (self.count[kind] + 2) for kind in (True, False)]
        return math.log(said[0]) - math.log(said[1])

    def score(self, text: str) -> float:
        """Above 0 where a swindle is more probable than not, among talks mixed as those learned from."""
        return math.log(self.count[True] / self.count[False]) + sum(map(self.weight, words_of(text)))

    def errors(self, talks: Sequence[Dialogue], threshold: float = 0.0) -> Errors:
        """Flag what scores above a threshold, and count.

        Raises:
            ValueError: swindles or honest talks are missing.
        """
        flagged = Counter((talk.is_swindle, self.score(talk.text) > threshold) for talk in talks)
        swindles, honest = (sum(flagged[kind, flag] for flag in (True, False)) for kind in (True, False))
        if not swindles or not honest:
            raise ValueError("expected swindles and honest talks to test with, got one kind only.")
        return Errors(flagged[True, True], swindles, flagged[False, True], honest)


def words_of(text: str) -> set[str]:
    """The words that a caller says, each once."""
    said = [line.removeprefix("Caller:") for line in text.splitlines() if line.startswith("Caller:")]
    return set(plain_text(" ".join(said)).split())


def right_when_it_flags(base_rate: float, hit_rate: float, false_alarm_rate: float) -> float:
    """How often a flag is right.

        p(swindle | flag) = base · hit / (base · hit + (1 - base) · false alarm)

    Args:
        base_rate: share of what is looked for among all that is looked at, from 0 to 1.
        hit_rate: share of it that is flagged.
        false_alarm_rate: share of the rest that is flagged.

    Raises:
        ValueError: a number outside [0, 1], or nothing is ever flagged.
    """
    if not all(0 <= share <= 1 for share in (base_rate, hit_rate, false_alarm_rate)):
        raise ValueError(f"expected shares from 0 to 1, got {base_rate}, {hit_rate} and {false_alarm_rate}.")
    right, wrong = base_rate * hit_rate, (1 - base_rate) * false_alarm_rate
    if right + wrong == 0:
        raise ValueError("nothing is ever flagged, so no flag is right or wrong.")
    return right / (right + wrong)
