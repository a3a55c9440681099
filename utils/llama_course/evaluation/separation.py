"""How well a score tells two groups apart: the area under its curve, and what is caught at few false alarms."""

from collections.abc import Sequence

import numpy as np

from llama_course.evaluation.intervals import LEVEL, Interval, bootstrap


def auc(members: Sequence[float], others: Sequence[float]) -> float:
    """The chance that a member's score is above that of another, equal scores counting half.

    This is the area under the ROC curve: 1 for a perfect score, 0.5 for a coin.

    Raises:
        ValueError: one of the groups is empty.

    Source: Hanley and McNeil, Radiology 143 (1982).
    """
    inside, outside = np.asarray(members, dtype=float), np.sort(np.asarray(others, dtype=float))
    if not len(inside) or not len(outside):
        raise ValueError(f"expected scores of both groups, got {len(inside)} and {len(outside)}.")
    below = np.searchsorted(outside, inside, side="left")
    equal = np.searchsorted(outside, inside, side="right") - below
    return float((below + equal / 2).mean() / len(outside))


def auc_interval(members: Sequence[float], others: Sequence[float], level: float = LEVEL, seed: int = 0) -> Interval:
    """:func:`auc` with its bootstrap interval: what it might have been with other documents of the same kind."""
    rows = np.array([(score, 1) for score in members] + [(score, 0) for score in others], dtype=float)

    def of(drawn: np.ndarray) -> float:
        is_member = drawn[:, 1] == 1
        return auc(drawn[is_member, 0], drawn[~is_member, 0])

    auc(members, others)  # are there any?
    return bootstrap(rows, of, level, times=1_000, seed=seed)


def caught_at(false_alarms: float, members: Sequence[float], others: Sequence[float]) -> float:
    """Share of members above the threshold that at most this share of the others exceeds, from 0 to 1.

    Args:
        false_alarms: such as 0.01: of a hundred who are no members, one is accused.
        members, others: their scores.

    Raises:
        ValueError: a share that is not from 0 to 1, or an empty group.

    Source: Carlini et al., "Membership Inference Attacks From First Principles", arXiv:2112.03570.
    """
    if not 0 <= false_alarms <= 1 or not len(members) or not len(others):
        raise ValueError(f"expected a share from 0 to 1 and scores of both groups, got {false_alarms}.")
    accused = int(false_alarms * len(others) + 1e-9)
    ranked = np.sort(np.asarray(others, dtype=float))[::-1]
    threshold = ranked[accused] if accused < len(ranked) else -np.inf
    return float((np.asarray(members, dtype=float) > threshold).mean())
