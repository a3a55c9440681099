"""Ranks are given away only where a test can tell."""

import pytest

from llama_course.evaluation.leaderboard import leaderboard


def results(**right):
    return {name: [True] * count + [False] * (100 - count) for name, count in right.items()}


def test_far_apart_every_rank_is_earned():
    places = leaderboard(results(a=30, b=90, c=60))
    assert [place.name for place in places] == ["b", "c", "a"]
    assert [place.ranks for place in places] == ["1", "2", "3"]
    assert places[0].share.value == 0.9 and places[0].share.contains(0.9)


def test_what_a_test_cannot_tell_stays_open():
    one, other = [True, False] * 50, [False, True] * 50
    places = leaderboard({"a": one, "b": other, "c": [False] * 100})
    assert [(place.name, place.ranks) for place in places] == [("a", "1–2"), ("b", "1–2"), ("c", "3")]


def test_twins_share_their_ranks():
    places = leaderboard({"a": [True] * 7, "b": [True] * 7})
    assert [place.ranks for place in places] == ["1–2", "1–2"]


def test_a_surer_test_leaves_more_ranks_open():
    shown = results(a=60, b=52, c=10)
    daring, careful = (leaderboard(shown, level) for level in (0.5, 0.999))
    assert [place.ranks for place in daring] == ["1", "2", "3"]
    assert [place.ranks for place in careful] == ["1–2", "1–2", "3"]
    assert careful[0].share.half_width > 2 * daring[0].share.half_width


@pytest.mark.parametrize("broken", [{}, {"a": [True], "b": [True, False]}])
def test_all_must_sit_the_same_test(broken):
    with pytest.raises(ValueError, match="the same questions for all"):
        leaderboard(broken)
