"""The complement model: its parts, its signs, its break-even, and that users gain what sellers lose."""

import itertools

import pytest

from llama_course.policy.complement import (
    ASSUMPTIONS,
    FIRMS,
    MARKET,
    RUN_COST,
    Firm,
    adoption_needed,
    release,
    saving,
    who_gains,
)

PLAZA, FORGE, WHARF = (FIRMS[name] for name in ("Plaza", "Forge", "Wharf"))
SETTINGS = list(itertools.product((0.0, 1.0, 2.5, 8.0), (0.0, 0.3, 1.0), (0.0, 4.0)))


def test_parts_are_those_of_a_sum_done_by_hand():
    found = release(Firm("Mill", "flour", pull=2, help=3, rivals=5, share=0.1), price=4, adoption=0.5, cost=1)
    assert list(found.parts.values()) == pytest.approx([2 * 1.5, 1.5, -2.5, -0.1 * MARKET * 1.5, -1])
    assert found.total == pytest.approx(3 + 1.5 - 2.5 - 1.5 - 1)


def test_the_result_can_go_either_way_for_the_same_firm():
    assert release(PLAZA, 5, 0.6, 4).total > 0 > release(PLAZA, 1.5, 0.6, 4).total
    assert release(FORGE, 5, 0.6, 4).total < 0


def test_the_cheaper_the_others_the_less_there_is_to_gain_unless_one_sells_it():
    totals = {firm.name: [release(firm, price, 0.6, 4).total for price in (8, 5, 2, 1)] for firm in FIRMS.values()}
    assert totals["Plaza"] == sorted(totals["Plaza"], reverse=True)
    assert totals["Wharf"] == sorted(totals["Wharf"], reverse=True)
    assert totals["Forge"] == sorted(totals["Forge"])


def test_below_the_cost_of_running_it_no_price_makes_a_difference():
    assert saving(0.0, 0.5) == saving(RUN_COST, 0.5) == 0.0
    assert release(PLAZA, 0, 0.5, 1) == release(PLAZA, RUN_COST, 0.5, 1)


@pytest.mark.parametrize("firm", FIRMS.values(), ids=lambda firm: firm.name)
@pytest.mark.parametrize(("price", "adoption", "cost"), SETTINGS)
def test_the_adoption_needed_is_where_the_total_is_nothing(firm, price, adoption, cost):
    needed = adoption_needed(firm, price, cost)
    if needed is None:
        assert release(firm, price, adoption, cost).total <= 1e-9
    elif cost:
        assert release(firm, price, needed, cost).total == pytest.approx(0)
        assert 0 < needed <= 1
    else:
        assert needed == 0 and release(firm, price, adoption, cost).total >= 0


@pytest.mark.parametrize(("price", "adoption", "cost"), SETTINGS)
def test_users_gain_what_all_sellers_of_the_complement_lose(price, adoption, cost):
    gains = who_gains(PLAZA, price, adoption, cost)
    assert gains["users"] == pytest.approx(MARKET * saving(price, adoption))
    assert gains["Forge"] == pytest.approx(-FORGE.share * gains["users"])
    assert set(gains) == {"Plaza", "Forge", "Wharf", "users"}


def test_who_pays_nothing_can_gain_more_than_the_giver():
    gains = who_gains(PLAZA, 5, 0.6, 4)
    assert gains["Wharf"] > gains["Plaza"] > 0 > gains["Forge"]
    assert who_gains(WHARF, 5, 0.6, 4)["Plaza"] > 0, "and the other way round"


@pytest.mark.parametrize(
    "call",
    [
        lambda: saving(-1, 0.5),
        lambda: saving(2, 1.1),
        lambda: saving(float("nan"), 0.5),
        lambda: release(PLAZA, 2, 0.5, -1),
        lambda: Firm("x", "y", pull=-1, help=0, rivals=0, share=0),
        lambda: Firm("x", "y", pull=0, help=0, rivals=0, share=1.5),
    ],
)
def test_impossible_numbers_are_refused_in_words(call):
    with pytest.raises(ValueError, match=r"expected|or more|at most"):
        call()


def test_each_assumption_is_named_with_the_case_in_which_it_fails():
    assert len(ASSUMPTIONS) >= 5
    assert all(holds.endswith(".") and fails.endswith(".") for holds, fails in ASSUMPTIONS)
