"""How far people agree who judge the same things: plain, and beyond what chance would do.

Ratings are rows, one for each thing, with one number for each rater; None where somebody did not rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llama_course.llamaland.annotators import Preference

Ratings = Sequence[Sequence[int | None]]
SEVEN_POINTS = tuple(range(-3, 4))  # from "B is significantly better" by way of "no difference" to "A is …"


@dataclass(frozen=True)
class Agreement:
    """How often raters agree, how often chance would let them, and what is left of the way to 1."""

    observed: float  # from 0 to 1
    by_chance: float  # from 0 to 1

    @property
    def beyond_chance(self) -> float:
        """(observed − by chance) / (1 − by chance): 1 is perfect, 0 is no better than chance.

        Raises:
            ValueError: chance alone agrees always.
        """
        if self.by_chance >= 1 - 1e-12:
            raise ValueError("chance alone agrees always here: all ratings are the same, and nothing can be said.")
        return (self.observed - self.by_chance) / (1 - self.by_chance)


def weights(categories: int, kind: str = "identity") -> np.ndarray:
    """How much two ratings agree, from 0 (the ends of the scale) to 1 (the same one), shape (q, q).

        identity    1 if k = l, else 0
        linear      1 − |k − l| / (q − 1)
        quadratic   1 − (k − l)² / (q − 1)²

    Raises:
        ValueError: another kind, or fewer than two categories.
    """
    if categories < 2:
        raise ValueError(f"a scale has two points or more, got {categories}.")
    places = np.arange(categories)
    apart = np.abs(places[:, None] - places) / (categories - 1)  # (q, q)
    made = {"identity": (apart == 0).astype(float), "linear": 1 - apart, "quadratic": 1 - apart**2}
    if kind not in made:
        raise ValueError(f"expected weights of {', '.join(made)}, got {kind!r}.")
    return made[kind]


def gwet_ac2(ratings: Ratings, categories: Sequence[int], kind: str = "quadratic") -> Agreement:
    """Gwet's AC2; with identity weights it is his AC1.

        by chance = Σ_kl w_kl / (q (q − 1)) · Σ_k π_k (1 − π_k)

    π_k is the mean share of raters who choose k.  Chance is thought to play only where things are hard to judge, so it
    stays small where nearly all ratings are alike, and the coefficient high.

    Args:
        ratings: a row for each thing.
        categories: the points of the scale in order, also those that nobody used.
        kind: of the weights, see :func:`weights`.

    Raises:
        ValueError: a rating that is not on the scale, or nothing that two people rated.

    Source: Gwet, Handbook of Inter-Rater Reliability (2014), chapters 2 and 3.
    """
    shares, counts, w = _shares(ratings, categories, kind)
    pi = shares.mean(axis=0)  # (q,)
    q = len(categories)
    return Agreement(_observed(counts, w), float(w.sum() / (q * (q - 1)) * (pi * (1 - pi)).sum()))


def fleiss_kappa(ratings: Ratings, categories: Sequence[int], kind: str = "identity") -> Agreement:
    """Fleiss' kappa, for two raters Scott's pi: chance draws each rating from what all raters said together.

        by chance = Σ_kl w_kl π_k π_l

    Where nearly all ratings are alike chance agrees nearly always, and kappa is small although people agree.
    Arguments as in :func:`gwet_ac2`.

    Source: Fleiss, Psychological Bulletin 76 (1971); with weights and missing ratings as in Gwet (2014).
    """
    shares, counts, w = _shares(ratings, categories, kind)
    pi = shares.mean(axis=0)
    return Agreement(_observed(counts, w), float(pi @ w @ pi))


def on_seven_points(preference: Preference, first: str) -> int:
    """A comparison on the scale from −3 to 3: above 0 where the answer ``first`` was found better."""
    return int(preference.rating) * (1 if preference.chosen == first else -1)


def _shares(ratings: Ratings, categories: Sequence[int], kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares and counts of the raters by thing and category, both (n, q), and the weights, (q, q)."""
    place = {category: number for number, category in enumerate(categories)}
    counts = np.zeros((len(ratings), len(categories)))
    for row, given in enumerate(ratings):
        for rating in given:
            if rating is None:
                continue
            if rating not in place:
                raise ValueError(f"{rating!r} is not on the scale {', '.join(map(str, categories))}.")
            counts[row, place[rating]] += 1
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts) or counts.sum(axis=1).max() < 2:
        raise ValueError("expected at least one thing that two people rated.")
    return counts / counts.sum(axis=1, keepdims=True), counts, weights(len(categories), kind)


def _observed(counts: np.ndarray, w: np.ndarray) -> float:
    """How much two raters of the same thing agree, on average over all things that two or more rated."""
    counts = counts[counts.sum(axis=1) >= 2]  # (n, q)
    raters = counts.sum(axis=1)
    agreeing = (counts * (counts @ w - 1)).sum(axis=1)  # a rater does not agree with herself
    return float((agreeing / (raters * (raters - 1))).mean())
