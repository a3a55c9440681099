"""Thresholds, duties and promises: the lines exactly, the exemption and its limit, Llama 2 where it belongs."""

import pytest

from llama_course.policy.rules import (
    BELOW,
    GENERAL,
    SYSTEMIC,
    Duty,
    computed_models,
    duties,
    duties_of,
    figure,
    level,
    promises,
    statement,
)
from llama_course.policy.training_cost import training_flop
from llama_course.policy.user_clause import GATE

SPARED = {"documentation", "downstream", "representative"}
ALWAYS = {"copyright", "summary"}


def ids(flop, open_licence):
    return {duty.id for duty in duties_of(flop, open_licence=open_licence)}


@pytest.mark.parametrize(
    ("flop", "expected"),
    [(1, BELOW), (1e23, BELOW), (1.0001e23, GENERAL), (1e25, GENERAL), (1.0001e25, SYSTEMIC), (1e30, SYSTEMIC)],
)
def test_a_line_is_crossed_by_more_than_its_number(flop, expected):
    assert level(flop) == expected


def test_llama_2_lies_on_both_sides_of_the_first_line_and_far_below_the_second():
    flop = computed_models()
    assert level(flop["Llama 2 7B"]) == BELOW
    assert {level(flop[f"Llama 2 {size}"]) for size in ("13B", "34B", "70B")} == {GENERAL}
    assert flop["Llama 2 70B"] == pytest.approx(8.3e23, rel=0.01)
    assert flop["Llama 2 70B"] == training_flop(68_976_648_192, 2e12)
    assert [name for name, value in flop.items() if level(value) == SYSTEMIC] == ["Llama 3.1 405B"]
    assert list(flop.values()) == sorted(flop.values())


def test_an_open_licence_spares_papers_but_neither_copyright_nor_the_summary():
    assert ids(5e23, True) == ALWAYS
    assert ids(5e23, False) == ALWAYS | SPARED


def test_above_the_second_line_an_open_licence_spares_nothing():
    assert ids(2e25, True) == ids(2e25, False) == set(duties())
    assert ids(9e22, False) == set()


def test_duties_are_in_the_act_and_a_wrong_kind_is_refused():
    assert len({duty.article for duty in duties().values()}) == len(duties()) == 10
    with pytest.raises(ValueError, match="whom is one of everybody"):
        Duty("x", "1", "x", "nobody", next(iter(duties().values())).source)
    with pytest.raises(ValueError, match="above 0"):
        level(0)


def test_the_guidelines_name_the_very_kind_of_gate_that_llama_has():
    assert "monthly active users" in statement("user-gate").quote and GATE == 700_000_000
    assert "systemic risks" in statement("exception").quote


def test_there_are_eight_promises_by_seven_firms():
    assert len(promises()) == 8 and figure("firms").value == 7
    assert {promise.about for promise in promises().values()} == {"safety", "security", "trust"}
    assert "unreleased" in promises()["weights"].plain and "unreleased" in statement("unreleased").quote
