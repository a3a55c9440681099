"""Wins, ties and losses: the published comparison worked out, and how many prompts it takes, counted by drawing."""

import math

import numpy as np
import pytest

from llama_course.evaluation.intervals import bootstrap
from llama_course.evaluation.win_rates import WinRate, chance_to_see, prompts_for_lead, prompts_for_shares

META = WinRate.of_shares(0.36, 0.315, 4_000)


def test_published_shares_become_counts():
    assert (META.wins, META.ties, META.losses) == (1_440, 1_260, 1_300)
    assert META.prompts == 4_000


def test_four_ways_to_name_the_same_result():
    assert META.won().value == 0.36
    assert META.not_lost().value == 0.675
    assert META.of_decided().value == pytest.approx(0.36 / 0.685)
    assert META.with_half_ties().value == pytest.approx(0.36 + 0.315 / 2)


@pytest.mark.parametrize(
    "way", [WinRate.won, WinRate.not_lost, WinRate.of_decided, WinRate.with_half_ties, WinRate.lead]
)
def test_to_be_surer_takes_a_wider_interval_around_the_value(way):
    narrow, usual, wide = (way(META, level) for level in (0.5, 0.95, 0.999))
    assert wide.low < usual.low < narrow.low < usual.value < narrow.high < usual.high < wide.high
    assert way(META) == usual


def test_the_lead_is_as_sure_as_the_bootstrap_says():
    lead, drawn = META.lead(), bootstrap(META.scores, times=1_000)
    assert (lead.value, lead.low, lead.high) == pytest.approx((drawn.value, drawn.low, drawn.high), abs=0.003)


def test_the_lead_of_decided_prompts_alone_is_that_of_a_coin():
    lead = WinRate(60, 0, 40).lead()
    assert lead.half_width == pytest.approx(1.959964 * 2 * math.sqrt(0.6 * 0.4 / 100))


@pytest.mark.parametrize("counts", [(0, 0, 0), (-1, 3, 3)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="counts of 0 or more and at least one prompt"):
        WinRate(*counts)


def test_where_all_are_ties_nobody_won():
    with pytest.raises(ValueError, match="all prompts were ties"):
        WinRate(0, 5, 0).of_decided()


def test_who_never_won_lost_what_was_decided():
    assert WinRate(0, 5, 3).of_decided().value == 0


def test_with_so_many_prompts_four_tests_in_five_see_the_lead():
    count = prompts_for_lead(0.36, 0.325)
    assert chance_to_see(0.035, 0.315, count) == pytest.approx(0.8, abs=1e-3)
    drawn = np.random.default_rng(0).multinomial(count, [0.36, 0.315, 0.325], size=2_000)
    seen = np.mean([WinRate(*map(int, row)).lead().low > 0 for row in drawn])
    assert seen == pytest.approx(0.8, abs=0.03)


def test_two_separate_tests_need_as_many_prompts_as_the_textbook_says():
    # Fleiss, Statistical Methods for Rates and Proportions: 10 % against 20 %, power 80 %, without correction
    assert prompts_for_shares(0.1, 0.2) == 197
    assert prompts_for_shares(0.2, 0.1) == 197


@pytest.mark.parametrize("shares", [(0.3, 0.3), (0.8, 0.4), (-0.1, 0.2)])
def test_no_number_of_prompts_shows_what_is_not_there(shares):
    with pytest.raises(ValueError, match="two different shares"):
        prompts_for_lead(*shares)


@pytest.mark.parametrize("shares", [(0.3, 0.3), (1.2, 0.4)])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(ValueError, match="two different shares"):
        prompts_for_shares(*shares)


def test_half_the_difference_takes_four_times_the_prompts():
    assert prompts_for_lead(0.32, 0.30) / prompts_for_lead(0.33, 0.29) == pytest.approx(4, rel=0.01)
