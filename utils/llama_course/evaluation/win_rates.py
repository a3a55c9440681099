"""Two models side by side: wins, ties and losses, what they are called, and how many prompts it takes."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from llama_course.evaluation.intervals import LEVEL, Interval, normal_quantile, wilson

POWER = 0.8  # how often a real difference should be found


@dataclass(frozen=True)
class WinRate:
    """How often one model's answer was preferred to another's: counts of prompts.

    Raises:
        ValueError: a negative count, or no prompt.
    """

    wins: int
    ties: int
    losses: int

    def __post_init__(self):
        if min(self.wins, self.ties, self.losses) < 0 or self.prompts < 1:
            raise ValueError(
                f"expected counts of 0 or more and at least one prompt, "
                f"got {self.wins} wins, {self.ties} ties, {self.losses} losses."
            )

    @classmethod
    def of_shares(cls, wins: float, ties: float, prompts: int) -> "WinRate":
        """Counts from published shares (0 to 1) of so many prompts, rounded; the rest are losses."""
        won, tied = round(wins * prompts), round(ties * prompts)
        return cls(won, tied, prompts - won - tied)

    @property
    def prompts(self) -> int:
        """How many there were."""
        return self.wins + self.ties + self.losses

    @property
    def scores(self) -> np.ndarray:
        """One number a prompt: 1 for a win, 0 for a tie, −1 for a loss."""
        return np.repeat([1, 0, -1], [self.wins, self.ties, self.losses])

    def won(self, level: float = LEVEL) -> Interval:
        """Share of wins, ties counted as no win."""
        return wilson(self.wins, self.prompts, level)

    def not_lost(self, level: float = LEVEL) -> Interval:
        """Share of wins and ties."""
        return wilson(self.wins + self.ties, self.prompts, level)

    def of_decided(self, level: float = LEVEL) -> Interval:
        """Share of wins where somebody won.

        Raises:
            ValueError: there were ties alone.
        """
        if not self.wins + self.losses:
            raise ValueError("all prompts were ties: nobody won anything.")
        return wilson(self.wins, self.wins + self.losses, level)

    def with_half_ties(self, level: float = LEVEL) -> Interval:
        """Share of wins, a tie being half a win for both; half of (1 + lead)."""
        lead = self.lead(level)
        return Interval(*((1 + number) / 2 for number in (lead.value, lead.low, lead.high)))

    def lead(self, level: float = LEVEL) -> Interval:
        """Wins minus losses, as a share of the prompts.

            lead = w − l      variance of one prompt = w + l − (w − l)²

        Both counts are from the same prompts: who draws one more win draws one loss less, so the two intervals of w
        and l do not tell how sure the lead is.
        """
        won, lost = self.wins / self.prompts, self.losses / self.prompts
        half = normal_quantile(level) * math.sqrt((won + lost - (won - lost) ** 2) / self.prompts)
        return Interval(won - lost, won - lost - half, won - lost + half)


def prompts_for_lead(wins: float, losses: float, level: float = LEVEL, power: float = POWER) -> int:
    """How many prompts it takes to see that one model leads.

    n = ((z_level + z_power) / (w − l))² · (w + l − (w − l)²)

    Args:
        wins, losses: the true shares, from 0 to 1; what is left are ties.
        level: of the interval that must not hold 0.
        power: how often it should come out so.

    Raises:
        ValueError: no lead, or shares that cannot be.
    """
    if min(wins, losses) < 0 or wins + losses > 1 or wins == losses:
        raise ValueError(f"expected two different shares that sum to 1 at most, got {wins} and {losses}.")
    lead = wins - losses
    return math.ceil((_needed(level, power) / lead) ** 2 * (wins + losses - lead**2))


def prompts_for_shares(one: float, other: float, level: float = LEVEL, power: float = POWER) -> int:
    """How many prompts *each* model needs to tell two shares apart that come from two separate tests.

    n = (z_level + z_power)² · (p (1 − p) + q (1 − q)) / (p − q)²

    Args:
        one, other: the true shares p and q, from 0 to 1.
        level, power: as in :func:`prompts_for_lead`.

    Raises:
        ValueError: equal shares, or some outside [0, 1].
    """
    if one == other or not (0 <= one <= 1 and 0 <= other <= 1):
        raise ValueError(f"expected two different shares from 0 to 1, got {one} and {other}.")
    spread = one * (1 - one) + other * (1 - other)
    return math.ceil(_needed(level, power) ** 2 * spread / (one - other) ** 2)


def chance_to_see(lead: float, ties: float, prompts: int, level: float = LEVEL) -> float:
    """The power of a test: how often its interval shows that the better model leads.

    Args:
        lead: true share of wins minus that of losses, above 0.
        ties: true share of ties.
        prompts: in the test.
        level: of the interval.
    """
    spread = math.sqrt((1 - ties - lead**2) / prompts)
    return 1 - NormalDist().cdf(normal_quantile(level) - lead / spread)


def _needed(level: float, power: float) -> float:
    """By how many standard errors the truth must differ from nothing."""
    return normal_quantile(level) + NormalDist().inv_cdf(power)
