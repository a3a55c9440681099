"""The four cases: whole, sourced, and in agreement with the claims."""

from llama_course.policy.claims import claim
from llama_course.policy.strategy import cases, figure, statement


def test_every_case_says_where_the_comparison_holds_and_where_it_breaks():
    found = cases()
    assert list(found) == ["android", "react", "pytorch", "llama-2"]
    for case in found.values():
        assert case.holds.endswith(".") and case.breaks.endswith(".")
        assert all((case.licence, case.complement, case.decides, case.leave))


def test_the_cases_are_those_that_the_articles_name():
    assert "Android" in claim("A2.10").quote and "Android" in claim("A3.6").quote
    assert claim("A1.10").topic == "strategy"


def test_quotations_are_short_and_name_who_wrote_them():
    assert "commoditize" in statement("spolsky").quote
    assert statement("react").source.confidence == statement("react-foundation").source.confidence == "P"
    assert figure("fine-upheld").value < figure("fine").value
    assert figure("pytorch-board").value == 6
