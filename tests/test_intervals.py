"""Intervals against published examples, and by counting how often they hold the truth."""

import math

import numpy as np
import pytest

from llama_course.evaluation.intervals import (
    Interval,
    bootstrap,
    normal_quantile,
    of_difference,
    of_mean,
    of_share,
    resample,
    wilson,
)

NEWCOMBE = [  # Statistics in Medicine 17 (1998), table I, method 3
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("successes", "count", "low", "high"), NEWCOMBE)
def test_wilson_gives_the_published_intervals(successes, count, low, high):
    interval = wilson(successes, count)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)
    assert interval.value == successes / count


@pytest.mark.parametrize(("successes", "count"), [(3, 10), (0, 7), (7, 7), (50, 100)])
def test_wilson_holds_those_shares_that_lie_less_than_z_standard_errors_away(successes, count):
    interval = wilson(successes, count)
    for end in (interval.low, interval.high):
        distance = abs(successes / count - end) / math.sqrt(max(end * (1 - end), 1e-12) / count)
        assert distance == pytest.approx(normal_quantile(), rel=1e-6) or end in (0.0, 1.0)


@pytest.mark.parametrize("share", [0.02, 0.36, 0.9])
def test_19_of_20_wilson_intervals_hold_the_truth(share):
    drawn = np.random.default_rng(0).binomial(60, share, size=1_000)
    assert np.mean([wilson(int(n), 60).contains(share) for n in drawn]) == pytest.approx(0.95, abs=0.03)


def test_a_wider_level_gives_a_wider_interval():
    assert wilson(9, 30, 0.99).half_width > wilson(9, 30).half_width > wilson(9, 30, 0.5).half_width


@pytest.mark.parametrize(("successes", "count"), [(1, 0), (-1, 4), (5, 4)])
def test_impossible_counts_are_refused(successes, count):
    with pytest.raises(ValueError, match="expected from 0 to n successes"):
        wilson(successes, count)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_an_impossible_level_is_refused(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, level)


def test_the_quantile_of_95_per_cent():
    assert normal_quantile() == pytest.approx(1.959964, abs=1e-6)


def test_the_interval_of_verdicts_is_that_of_their_count():
    assert of_share([True, False, True, True]) == wilson(3, 4)


def test_the_interval_of_a_mean_worked_out():
    interval = of_mean([1, 2, 3, 4])  # s = 1.291, s / √4 = 0.6455
    assert (interval.value, interval.half_width) == pytest.approx((2.5, 1.959964 * 0.6454972))


def test_on_the_same_questions_what_is_hard_for_both_cancels_out():
    ours = [True] * 60 + [False] * 40
    theirs = [True] * 50 + [False] * 50
    assert of_share(ours).overlaps(of_share(theirs))
    assert of_difference(ours, theirs).low > 0, "ten questions more, none less"
    assert of_difference(ours, theirs).value == pytest.approx(0.1)


def test_a_difference_needs_the_same_questions():
    with pytest.raises(ValueError, match="on the same questions"):
        of_difference([True], [True, False])
    with pytest.raises(ValueError, match="two values or more"):
        of_difference([True], [False])


def test_the_bootstrap_of_a_share_is_close_to_wilson():
    verdicts = [1] * 72 + [0] * 128
    drawn, worked_out = bootstrap(verdicts), wilson(72, 200)
    assert (drawn.low, drawn.high) == pytest.approx((worked_out.low, worked_out.high), abs=0.01)


def test_the_bootstrap_serves_other_statistics_and_rows():
    assert bootstrap([1, 2, 3, 100], np.median).value == 2.5
    rows = [(1, 0)] * 30 + [(0, 1)] * 10
    assert bootstrap(rows, lambda drawn: drawn[:, 0].mean() - drawn[:, 1].mean()).value == pytest.approx(0.5)


def test_the_same_seed_resamples_alike():
    values = [0, 1, 1, 0, 1]
    assert (resample(values, np.mean, 50, 1) == resample(values, np.mean, 50, 1)).all()
    assert (resample(values, np.mean, 50, 1) != resample(values, np.mean, 50, 2)).any()
    with pytest.raises(ValueError, match="nothing to draw"):
        resample([], np.mean)


def test_an_interval_in_words():
    assert Interval(0.36, 0.345, 0.375).percent() == "36 % (34 to 38)"
    assert Interval(0.035, -0.009, 0.061).percent(1, sign=True) == "+3.5 % (-0.9 to +6.1)"
    assert str(Interval(0.5, 0.4, 0.6)) == "0.50 (0.40 to 0.60)"
