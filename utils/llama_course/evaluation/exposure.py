"""Exposure: how far a secret stands out among the secrets that it could have been; and whether it grows with a cause.

Source: Carlini et al., "The Secret Sharer", arXiv:1802.08232, section 4.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

SECRETS = 10**6  # six digits


def rank(own: float, others: Sequence[float]) -> int:
    """The place of a secret among all of them, the most probable first; those equally probable come before it.

    Args:
        own: ln p of the secret.
        others: ln p of the secrets that it could have been, without it.
    """
    return 1 + int((np.asarray(others, dtype=float) >= own).sum())


def exposure(own: float, others: Sequence[float], secrets: int = SECRETS) -> float:
    """Bits that a model saves whoever guesses the secret: log2 of all secrets, less log2 of its rank.

        exposure = log2 |R| − log2 rank

    0 where it comes last, 1 in the middle, log2 |R| where nothing is more probable.  Among a million secrets the rank
    is estimated: ln p of the others is taken to be normal, with mean and spread as in a sample.

    Args:
        own: ln p of the secret.
        others: ln p of some secrets that it could have been, without it; at least two different values.
        secrets: |R|, how many there are.

    Returns:
        From 0 to log2 ``secrets``.

    Raises:
        ValueError: too few others to tell how far they spread.

    Source: arXiv:1802.08232, sections 4.2 and 4.3.  Left out: their skew-normal distribution.
    """
    sample = np.asarray(others, dtype=float)
    if len(sample) < 2 or not sample.std() > 0:
        raise ValueError(f"expected ln p of two other secrets or more, not all equal, got {len(sample)}.")
    z = (own - float(sample.mean())) / float(sample.std(ddof=1))
    more_probable = NormalDist().cdf(-z)  # share of the others
    return min(math.log2(secrets), -math.log2(max(more_probable, 1 / secrets)))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's rank correlation: 1 where y grows whenever x does, −1 where it falls, about 0 where neither.

    Pearson's correlation of the ranks; equal values share the mean of their ranks.

    Raises:
        ValueError: not equally many, or fewer than two different values.
    """
    if len(x) != len(y) or len(set(x)) < 2 or len(set(y)) < 2:
        raise ValueError(f"expected two rows of equal length with different values, got {len(x)} and {len(y)}.")
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    return (numbers[:, None] > numbers).sum(axis=1) + (numbers[:, None] == numbers).sum(axis=1) / 2
