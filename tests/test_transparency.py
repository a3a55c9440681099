"""The rows of lesson 11: in agreement with the claims, and the Index added up."""

import json

import pytest

from llama_course.policy import transparency
from llama_course.policy.claims import evidence
from llama_course.policy.published import PublishedDataError, PublishedRows
from llama_course.policy.transparency import (
    YEARS,
    compare,
    figure,
    indicators,
    later_indicators,
    statement,
    totals,
)


def test_quotations_are_those_of_the_evidence():
    for row, known in (("mix", "card-data"), ("withheld", "faq-why")):
        assert statement(row).quote == evidence(known).quote
    assert evidence("llama1-data").plain.count("%") == figure("llama-1-sources").value


def test_meta_got_four_of_ten_on_data_and_nothing_on_access():
    rows = indicators().values()
    assert [sum(row.meta_2023 for row in rows if row.part == part) for part in ("data", "data access")] == [4, 0]
    assert sum(row.part == "data" for row in rows) == 10 and len(rows) == 12
    for row in rows:
        assert row.meta_2023 <= row.given_2023 <= 10 and row.meta_2024 <= row.given_2024 <= 14, row.id
        assert row.question.endswith(("?", ".")) and row.published, row.id


def test_nobody_said_in_2023_who_wrote_it_or_whose_it_is():
    nobody = [row.id for row in indicators().values() if row.given_2023 == 0]
    assert nobody == ["creators", "copyright", "licences", "personal"]
    assert all(indicators()[name].given_2024 == 1 for name in nobody), "one company in 2024"


def test_the_index_has_three_years():
    assert [len(totals(year)) for year in YEARS] == [10, 14, 13]
    assert [totals(year)["Meta"] for year in YEARS] == [54, 60, 31]
    means = [round(sum(totals(year).values()) / len(totals(year)), 1) for year in YEARS]
    assert means == [37.0, 57.9, 40.7]
    assert all(list(totals(year).values()) == sorted(totals(year).values(), reverse=True) for year in YEARS)
    assert {row.name: row.given for row in later_indicators()}["Train-test overlap"] == 0


def test_points_are_compared_one_by_one():
    index = {name: row.meta_2023 for name, row in indicators().items()}
    assert str(compare(index)) == "yours 4, the Index 4; 0 differ"
    mine = {**index, "selection": 1, "size": 0}
    assert compare(mine).differ == ("size", "selection") and compare(mine).points == 4


@pytest.mark.parametrize("change", [{"size": 2}, {"size": None}, {"weights": 1}])
def test_points_that_are_none_are_refused(change):
    index = {name: row.meta_2023 for name, row in indicators().items()}
    with pytest.raises(ValueError, match=f"see {next(iter(change))}"):
        compare({**index, **change})


def test_the_totals_of_2025_were_added_up_here():
    marks = {row.year: set() for row in transparency.ROWS.rows["totals"].values()}
    for row in transparency.ROWS.rows["totals"].values():
        marks[row.year].add(row.source.confidence)
    assert marks == {2023: {"P"}, 2024: {"P"}, 2025: {"C"}}, "the file of 2025 has no line of totals"


@pytest.mark.parametrize(("kind", "read"), [("indicators", indicators), ("later_indicators", later_indicators)])
@pytest.mark.parametrize("spoil", [lambda row: row.popitem(), lambda row: row.update(points=1)])
def test_a_malformed_indicator_is_named(tmp_path, monkeypatch, kind, read, spoil):
    data = json.loads(transparency.ROWS.path.read_text(encoding="utf-8"))
    spoil(data[kind][0])
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    monkeypatch.setattr(transparency, "ROWS", PublishedRows(path))
    with pytest.raises(PublishedDataError, match=rf"rows\.json, {kind}: "):
        read.__wrapped__()


def test_a_year_without_an_index_is_refused():
    with pytest.raises(ValueError, match="Index of 2023, 2024, 2025, got 2022"):
        totals(2022)
