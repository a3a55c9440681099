"""What the articles of 2023 foresaw, beside what happened; and a score for those who say how sure they are.

Who says "70 %" and it happens is off by 0.3; the Brier score is the mean of such errors, squared:

    score = mean of (forecast − outcome)², outcome 1 if it came true, else 0

Source: Brier, Verification of forecasts expressed in terms of probability, 1950.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source

OUTCOMES = ("came true", "in part", "did not come true", "cannot be decided")
DECIDED = {"came true": 1.0, "did not come true": 0.0}
COIN = 0.25  # the score of who always says one half


@dataclass(frozen=True)
class Prediction:
    """A sentence of 2023 about the future, and what became of it by November 2026."""

    id: str
    article: str  # "A1"
    claim: str  # its number among the claims, or empty
    speaker: str
    quote: str  # words of the article's copy
    question: str  # the sentence as a question with yes or no; ours
    outcome: str  # one of OUTCOMES; our judgement
    because: str
    source: Source

    def __post_init__(self):
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}")

    @property
    def is_decided(self) -> bool:
        """Whether it clearly came true, or clearly did not."""
        return self.outcome in DECIDED


ROWS = PublishedRows(paths.data_file("policy/predictions.json"), predictions=Prediction)
figure, statement = ROWS.figure, ROWS.statement


def predictions() -> dict[str, Prediction]:
    """All predictions by id."""
    return ROWS.rows["predictions"]


def decided() -> dict[str, float]:
    """Those that can be scored: 1 if it came true, 0 if it did not."""
    return {name: DECIDED[row.outcome] for name, row in predictions().items() if row.is_decided}


def count_outcomes() -> dict[str, int]:
    """How many predictions ended in which way."""
    ended = [row.outcome for row in predictions().values()]
    return {outcome: ended.count(outcome) for outcome in OUTCOMES}


def brier_score(forecasts: Mapping[str, float], outcomes: Mapping[str, float]) -> float:
    """The mean squared error of probabilities, over the outcomes; 0 is best, 1 worst, 0.25 a coin.

    Args:
        forecasts: probability of each, from 0 to 1; those without an outcome do not count.
        outcomes: 1 or 0 for each.

    Raises:
        ValueError: no outcome, one without a forecast, a forecast outside 0 to 1.
    """
    if not outcomes:
        raise ValueError("expected at least one outcome.")
    missing = [name for name in outcomes if name not in forecasts]
    if missing:
        raise ValueError(f"there is no forecast for {', '.join(missing)}.")
    outside = [name for name, value in forecasts.items() if not 0 <= value <= 1]
    if outside:
        raise ValueError(f"a probability lies between 0 and 1; see {', '.join(outside)}.")
    return sum((forecasts[name] - outcome) ** 2 for name, outcome in outcomes.items()) / len(outcomes)
