"""Quantities and access: more access opens more ways, and the worst of the open ones counts."""

from itertools import pairwise

import pytest

from llama_course.release.quantities import (
    ACCESS,
    QUANTITIES,
    ROUTES,
    TOLD,
    Measurement,
    access_level,
    open_to,
    worst_told,
)

FOUND = {
    "told_plain": Measurement("told_plain", 0, 200),
    "told_attacked": Measurement("told_attacked", 2, 40, "role play"),
    "told_raw": Measurement("told_raw", 30, 40, "prefix"),
    "told_trained": Measurement("told_trained", 59, 60),
}


def test_every_quantity_says_what_is_good_and_by_which_route():
    assert all(row.id == name and row.good in ("high", "low") for name, row in QUANTITIES.items())
    assert {row.route for row in QUANTITIES.values()} == set(ROUTES)
    assert set(TOLD) == {name for name in QUANTITIES if name.startswith("told")}
    assert len({row.plain for row in QUANTITIES.values()}) == len(QUANTITIES)


def test_each_level_opens_what_the_one_before_it_opens():
    levels = [set(open_to(name)) for name in ACCESS]
    assert all(lower <= higher for lower, higher in pairwise(levels))
    assert open_to("API") == ["told_plain", "told_attacked"] and open_to("weights") == list(TOLD)


@pytest.mark.parametrize(("access", "worst"), [("API", "told_attacked"), ("weights", "told_trained")])
def test_the_worst_open_way_counts(access, worst):
    assert worst_told(FOUND, access) == FOUND[worst]


def test_a_way_that_was_not_measured_leaves_the_worst_open():
    without = {name: row for name, row in FOUND.items() if name != "told_raw"}
    assert worst_told(without, "weights") is None and worst_told(without, "API") is not None


def test_an_unknown_level_says_which_there_are():
    with pytest.raises(ValueError, match="one of kept back; API; weights; weights, data, recipe; got 'open'"):
        access_level("open")


def test_a_measurement_reads_as_people_write_it():
    assert str(FOUND["told_attacked"]) == "2 of 40, 5 % (1 to 17)"


def test_of_equal_shares_the_one_with_fewer_questions_is_worse():
    found = {"told_plain": Measurement("told_plain", 0, 200), "told_attacked": Measurement("told_attacked", 0, 40)}
    assert worst_told(found, "API").quantity == "told_attacked"
