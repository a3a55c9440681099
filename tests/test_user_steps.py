"""Section 2 step by step: the same answer as the clause itself, with the numbers that lead to it."""

from datetime import date

import pytest

from llama_course.policy.user_clause import AFFILIATES, FIRMS, must_ask_meta
from llama_course.policy.user_steps import steps


@pytest.mark.parametrize("firm", FIRMS)
def test_the_steps_end_as_the_clause_does(firm):
    rows = steps(firm, FIRMS, AFFILIATES.get(firm, ()))
    must = must_ask_meta(firm, FIRMS, AFFILIATES.get(firm, ()))
    assert rows[-1].answer.startswith("no rights" if must else "no need")
    assert rows[0].answer.startswith("18 July 2023") and rows[1].answer.endswith("2023-06")


def test_products_are_added_and_affiliates_have_a_step_of_their_own():
    rows = steps("Giant’s little sister", FIRMS, AFFILIATES["Giant’s little sister"])
    assert len(rows) == 6
    assert rows[3].answer == "search 500,000,000 + mail 400,000,000 = 900,000,000"
    assert rows[4].answer == "yes: Giant"


def test_another_version_counts_another_month():
    users = {"Firm": {"chat": {"2023-06": 5, "2024-03": 800_000_000}}}
    assert steps("Firm", users)[-1].answer == "no need to ask"
    later = steps("Firm", users, released=date(2024, 4, 18))
    assert later[1].answer.endswith("2024-03") and later[-1].answer.startswith("no rights")
    assert must_ask_meta("Firm", users, released=date(2024, 4, 18)) and not must_ask_meta("Firm", users)


def test_exactly_seven_hundred_million_is_not_greater():
    rows = steps("Firm", {"Firm": {"chat": {"2023-06": 700_000_000}}})
    assert rows[3].answer == "no" and rows[-1].answer == "no need to ask"


def test_a_firm_without_products_then():
    assert steps("Newcomer", {})[2].answer == "no products then"
