"""A table of models by their results on one test, with intervals, and with the ranks that the test leaves open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_course.evaluation.intervals import LEVEL, Interval, of_difference, of_share


@dataclass(frozen=True)
class Place:
    """One model on a leaderboard."""

    name: str
    share: Interval  # of right answers
    best: int  # the best rank that the test leaves open, from 1
    worst: int  # the worst one

    @property
    def ranks(self) -> str:
        """ "2" or "2–4"."""
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def leaderboard(results: Mapping[str, Sequence[bool]], level: float = LEVEL) -> list[Place]:
    """Models by the share of right answers, the best one first.

    A rank is given away only where it is earned: model by model on the same questions, by an interval of the difference
    that does not hold 0.  Left out: with many models some such differences come about by chance alone.

    Args:
        results: for each model one verdict a question; the questions are the same for all, in the same order.
        level: of all intervals.

    Raises:
        ValueError: no model, or models with different numbers of questions.
    """
    if not results or len({len(verdicts) for verdicts in results.values()}) != 1:
        raise ValueError("expected at least one model, and the same questions for all of them.")

    def is_better(one: str, other: str) -> bool:
        return one != other and of_difference(results[one], results[other], level).low > 0

    places = [
        Place(
            name,
            of_share(verdicts, level),
            best=1 + sum(is_better(other, name) for other in results),
            worst=len(results) - sum(is_better(name, other) for other in results),
        )
        for name, verdicts in results.items()
    ]
    return sorted(places, key=lambda place: -place.share.value)
