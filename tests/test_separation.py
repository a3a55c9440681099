"""Telling two groups apart: against counting every pair, and at the ends."""

import numpy as np
import pytest

from llama_course.evaluation.separation import auc, auc_interval, caught_at


def test_auc_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(1)
    members, others = rng.integers(0, 6, 30), rng.integers(0, 5, 20)
    pairs = [(m > o) + (m == o) / 2 for m in members for o in others]
    assert auc(members, others) == pytest.approx(np.mean(pairs))
    assert auc(others, members) == pytest.approx(1 - np.mean(pairs))


def test_auc_at_the_ends():
    assert auc([3, 4], [1, 2]) == 1 and auc([1, 2], [3, 4]) == 0 and auc([1, 1], [1, 1]) == 0.5


def test_the_interval_of_a_coin_holds_a_half():
    rng = np.random.default_rng(2)
    found = auc_interval(rng.normal(size=200), rng.normal(size=200))
    assert found.contains(0.5) and 0.03 < found.half_width < 0.09
    assert auc_interval(rng.normal(2, 1, 200), rng.normal(size=200)).low > 0.8


def test_few_false_alarms_are_few():
    others = list(range(100))
    assert caught_at(0.01, [98.5, 99.5, 50], others) == pytest.approx(2 / 3), "one of a hundred is above 98"
    assert caught_at(0.0, [98.5, 99.5], others) == 0.5
    assert caught_at(1.0, [-5, 5], others) == 1.0
    assert caught_at(0.1, [0, 1], [7] * 50) == 0.0, "equal scores are not above"


def test_without_a_group_there_is_nothing_to_tell():
    for call in (lambda: auc([], [1]), lambda: auc_interval([1], []), lambda: caught_at(0.1, [], [1])):
        with pytest.raises(ValueError, match="both groups"):
            call()
    with pytest.raises(ValueError, match="from 0 to 1"):
        caught_at(1.5, [1], [1])
