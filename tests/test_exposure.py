"""Exposure against counting, and rank correlation against its definition."""

import math

import numpy as np
import pytest

from llama_course.evaluation.exposure import SECRETS, exposure, rank, rank_correlation


def test_the_rank_counts_what_is_more_probable():
    assert rank(-1.0, [-2.0, -3.0]) == 1
    assert rank(-2.5, [-2.0, -3.0]) == 2
    assert rank(-2.0, [-2.0, -3.0]) == 2, "equally probable comes before it"


def test_exposure_is_what_counting_gives():
    """With a normal sample, the estimate is that of log2 |R| - log2 rank."""
    others = np.random.default_rng(0).normal(-14, 2, size=20_000)
    for own in (-16.0, -14.0, -11.0, -9.0):
        counted = math.log2(len(others)) - math.log2(rank(own, others))
        assert exposure(own, others) == pytest.approx(counted, abs=0.2)


def test_half_is_one_bit_and_the_most_is_all_of_them():
    others = [-13.0, -14.0, -15.0]
    assert exposure(-14.0, others) == pytest.approx(1.0)
    assert exposure(-1.0, others) == pytest.approx(math.log2(SECRETS))
    assert exposure(-100.0, others) == pytest.approx(0.0)
    assert exposure(-1.0, others, secrets=8) == pytest.approx(3.0)


@pytest.mark.parametrize("others", [[], [-1.0], [-2.0, -2.0]])
def test_too_few_others_are_refused(others):
    with pytest.raises(ValueError, match="two other secrets"):
        exposure(-1.0, others)


def test_rank_correlation_sees_order_alone():
    assert rank_correlation([1, 2, 4, 8], [0.1, 0.2, 0.3, 50.0]) == pytest.approx(1)
    assert rank_correlation([1, 2, 4, 8], [9, 5, 4, 1]) == pytest.approx(-1)
    x, y = [3, 1, 4, 2, 5], [2, 1, 5, 3, 4]
    differences = sum((a - b) ** 2 for a, b in zip(x, y, strict=True))
    assert rank_correlation(x, y) == pytest.approx(1 - 6 * differences / (5 * 24))


def test_equal_values_share_their_ranks():
    assert rank_correlation([1, 1, 2, 2], [1, 1, 2, 2]) == pytest.approx(1)
    assert rank_correlation([1, 1, 2, 2], [1, 2, 1, 2]) == pytest.approx(0)


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1]), ([1, 1], [1, 2]), ([], [])])
def test_what_has_no_order_is_refused(x, y):
    with pytest.raises(ValueError, match="two rows of equal length"):
        rank_correlation(x, y)
