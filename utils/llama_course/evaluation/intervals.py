"""How sure a measured number is: intervals for shares, for means, and for the difference of two models.

An interval says what chance alone could have done: that other questions of the same kind had been drawn.  It knows
nothing of questions of another kind, of judges who are mistaken, or of a test that was learned by heart.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured number with the range in which the true one lies, most likely."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of what lies between both ends."""
        return (self.high - self.low) / 2

    def contains(self, number: float) -> bool:
        """Whether a number lies in it, its ends included."""
        return self.low <= number <= self.high

    def overlaps(self, other: "Interval") -> bool:
        """Whether both have a number in common."""
        return self.low <= other.high and other.low <= self.high

    def in_percent(self) -> tuple[float, float, float]:
        """Number, lower end and upper end in percent, as plots want them."""
        return 100 * self.value, 100 * self.low, 100 * self.high

    def percent(self, digits: int = 0, sign: bool = False) -> str:
        """As people write it: "36 % (35 to 37)"."""
        mark = "+" if sign else ""
        value, low, high = (f"{100 * number:{mark}.{digits}f}" for number in (self.value, self.low, self.high))
        return f"{value} % ({low} to {high})"

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def normal_quantile(level: float = LEVEL) -> float:
    """How many standard errors lie on either side: 1.96 for a level of 0.95.

    Raises:
        ValueError: a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, such as 0.95; got {level}.")
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(successes: float, count: int, level: float = LEVEL) -> Interval:
    """Wilson's interval for a share, good for few questions too, and at 0 % and 100 %.

        centre = (p + z²/2n) / (1 + z²/n)
        half   = z / (1 + z²/n) · √( p (1 − p) / n + z²/4n² )

    Args:
        successes: how many of them; half successes are allowed.
        count: n, how many in all, each independent of the others.
        level: how often such intervals hold the true share, in the long run.

    Raises:
        ValueError: nothing was counted, or more successes than there were.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927); as method 3 in Newcombe, Statistics in Medicine 17 (1998).
    """
    if count < 1 or not 0 <= successes <= count:
        raise ValueError(f"expected from 0 to n successes with n of 1 or more, got {successes} of {count}.")
    z, p = normal_quantile(level), successes / count
    centre = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + (z / (2 * count)) ** 2)
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def of_share(verdicts: Sequence[bool], level: float = LEVEL) -> Interval:
    """Wilson's interval for the share of those that are true.

    Raises:
        ValueError: no verdict.
    """
    return wilson(sum(map(bool, verdicts)), len(verdicts), level)


def of_mean(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The usual interval for a mean: z standard errors to either side.

    half = z · s / √n, with s the standard deviation of n − 1

    Raises:
        ValueError: fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"an interval for a mean needs two values or more, got {len(values)}.")
    numbers = np.asarray(values, dtype=float)
    mean = float(numbers.mean())
    half = normal_quantile(level) * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return Interval(mean, mean - half, mean + half)


def of_difference(ours: Sequence[float], theirs: Sequence[float], level: float = LEVEL) -> Interval:
    """How much better one model is than another on the *same* questions, as :func:`of_mean` of the differences.

    What makes a question hard for both cancels out, so this is narrower than two intervals side by side suggest.

    Raises:
        ValueError: not the same number of values, or fewer than two.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"expected both on the same questions, got {len(ours)} and {len(theirs)} values.")
    return of_mean([float(a) - float(b) for a, b in zip(ours, theirs, strict=True)], level)


def resample(
    values: Sequence, statistic: Callable[[np.ndarray], float], times: int = 2_000, seed: int = 0
) -> np.ndarray:
    """What a statistic would be on tests like this one: as many values, drawn from these with replacement, many times.

    Args:
        values: one for each question, or one row for each question.
        statistic: of an array of values, such as ``np.mean``.
        times: how many tests.
        seed: of the draw.

    Returns:
        One number for each test, shape (times,).

    Raises:
        ValueError: nothing to draw from.

    Source: Efron, Annals of Statistics 7 (1979): the bootstrap.
    """
    numbers = np.asarray(values)
    if not len(numbers):
        raise ValueError("there is nothing to draw from.")
    generator = np.random.default_rng(seed)
    return np.array([statistic(numbers[generator.integers(len(numbers), size=len(numbers))]) for _ in range(times)])


def bootstrap(
    values: Sequence,
    statistic: Callable[[np.ndarray], float] = np.mean,
    level: float = LEVEL,
    times: int = 2_000,
    seed: int = 0,
) -> Interval:
    """The interval that leaves out equally many of the resampled statistics on either side.

    It needs no formula, so it serves any statistic; with fewer than about 20 values it is too narrow.  The other
    arguments are those of :func:`resample`.
    """
    normal_quantile(level)  # is it a level?
    drawn = resample(values, statistic, times, seed)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(np.asarray(values))), float(low), float(high))
