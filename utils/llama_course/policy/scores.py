"""A score for an article, and the choices hidden in it: which verdicts count as good, which claims count at all."""

from collections.abc import Collection
from dataclasses import dataclass

from llama_course.policy.claim_rows import UNCHECKABLE
from llama_course.policy.claims import articles, claims


@dataclass(frozen=True)
class Score:
    """How many of the counted claims of an article are good."""

    article: str
    good: int
    counted: int

    @property
    def share(self) -> float:
        """Good claims as a share of the counted ones, from 0 to 1."""
        return self.good / self.counted if self.counted else 0.0

    def __str__(self) -> str:
        return f"{self.article}: {self.good} of {self.counted} ({100 * self.share:.0f} %)"


def leaders(scores: list[Score]) -> list[str]:
    """The articles with the highest share, several where they are level."""
    return [score.article for score in scores if score.share == max(other.share for other in scores)]


def ranking(
    good: Collection[str] = ("supported",),
    *,
    leave_out: Collection[str] = UNCHECKABLE,
    leave_out_topics: Collection[str] = (),
) -> list[Score]:
    """The articles from the highest share of good claims to the lowest; equal shares in the order of the articles.

    Args:
        good: verdicts that count as good.
        leave_out: verdicts of claims that are not counted, by default those that no document decides.
        leave_out_topics: topics whose claims are not counted, such as "wording", where the copy was damaged.
    """
    scores = []
    for article in articles():
        counted = [
            row.verdict.name
            for row in claims(article=article)
            if row.verdict.name not in leave_out and row.topic not in leave_out_topics
        ]
        scores.append(Score(article, sum(name in good for name in counted), len(counted)))
    return sorted(scores, key=lambda score: -score.share)
