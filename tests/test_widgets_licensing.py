"""The clause explorer and the calculator of section 2, without a browser."""

import pytest

pytest.importorskip("ipywidgets")

from llama_course.policy.clauses import clauses
from llama_course.widgets.clause_explorer import ClauseExplorer, clause_html
from llama_course.widgets.user_gate import LATER, UserGate, _month_after


def test_the_explorer_filters_searches_and_moves():
    explorer = ClauseExplorer()
    assert {row.licence for row in explorer.rows} == {"Llama 2"}
    explorer.search.value = "outputs"
    assert explorer.rows[0].id == "outputs" and "improve any other large language model" in explorer.clause.value
    assert "None of the five articles" in explorer.clause.value
    second = explorer.rows[1].id
    explorer.next.click()
    assert explorer.list.value == second
    explorer.back.click()
    explorer.back.click()
    assert explorer.list.value == explorer.rows[-1].id
    explorer.next.click()  # round the corner
    assert explorer.list.value == explorer.rows[0].id
    explorer.search.value = "nothing like this"
    assert "No clause passes" in explorer.clause.value and explorer.list.value is None
    explorer.next.click()  # nothing to move to


def test_what_an_article_said_stands_beside_the_clause():
    explorer = ClauseExplorer(text="affiliates")
    assert "A1.8" in explorer.clause.value and "✗" in explorer.clause.value
    explorer.told.value = "told by none"
    assert all(not row.told for row in explorer.rows)


def test_every_clause_can_be_shown_and_is_escaped():
    for row in clauses():
        assert "<script" not in clause_html(row)
    explorer = ClauseExplorer(licence=None)
    explorer.search.value = "<b>"
    assert "<b>" not in explorer.static_html()


def test_the_twin_holds_the_filtered_clauses():
    twin = ClauseExplorer(licence=None).static_html()
    assert twin.count("<details>") == len({row.licence for row in clauses()})
    assert ClauseExplorer(topic="outputs").static_html().count("<tr>") < 10


def test_long_lines_of_the_list_end_at_a_word_and_show_it():
    lines = [label for label, _ in ClauseExplorer(licence=None).list.options]
    assert max(map(len, lines)) < 130 and any(line.endswith(" …") for line in lines)
    assert all(line.endswith((".", "…")) for line in lines)


def test_the_calculator_counts_then_and_not_now():
    gate = UserGate()
    assert "no need to ask" in gate.out.value and "would have it ask Meta now" in gate.out.value
    gate.then.value = 701
    assert "no rights" in gate.out.value
    gate.then.value, gate.other.value = 400, 400
    assert "no rights" in gate.out.value and "400,000,000 + other products 400,000,000" in gate.out.value
    gate.other.value, gate.affiliate.value = 0, 701
    assert "yes: its affiliate" in gate.out.value
    gate.affiliate.value, gate.then.value, gate.now.value = 700, 700, 0
    assert "no need to ask" in gate.out.value and "would not have it ask" in gate.out.value


def test_another_version_has_another_month():
    gate = UserGate(then=1)
    gate.version.value = "Llama 4"
    assert gate.month == "2025-03" and "5 April 2025" in gate.out.value and "2025-03" in gate.then.description
    assert gate.static_html() == gate.out.value


def test_the_month_after():
    assert str(_month_after(LATER)) == "2026-11-01" and str(_month_after("2026-12")) == "2027-01-01"
