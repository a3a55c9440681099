"""Terms, models and fields of use: complete, and unknown names give the nearest."""

from datetime import date

import pytest

from llama_course.policy import user_clause
from llama_course.policy.clauses import clause
from llama_course.policy.licences import (
    PASSES_ON,
    changed_between,
    field_of_use,
    fields_of_use,
    licences,
    model,
    models,
    terms,
)
from llama_course.policy.published import PublishedDataError, PublishedRows


def test_there_are_many_models_and_each_has_a_known_licence():
    assert len(models()) >= 14
    for row in models().values():
        assert terms(row.licence)


def test_every_licence_answers_for_everything_that_can_be_passed_on():
    for row in licences().values():
        assert set(row.passing) == set(PASSES_ON), row.id


def test_the_dates_are_those_of_the_titles():
    assert terms("Llama 2").released_on == user_clause.RELEASE_DATE == date(2023, 7, 18)
    for name, cited in (("Llama 3", "l3-date"), ("Llama 3.1", "l31-date"), ("Llama 3.2", "l32-date"),
                        ("Llama 3.3", "l33-date"), ("Llama 4", "l4-date")):  # fmt: skip
        day = terms(name).released_on
        assert f"{day:%B} {day.day}, {day.year}" in clause(cited).quote
        assert f"{user_clause.month_before(day):.4}" in clause(cited).plain


def test_fields_of_use_are_forbidden_by_clauses_of_the_list_they_are_under():
    owners = {"llama": {"Llama 2"}, "llama 3.2": {"Llama 3.2"}, "rail": {"RAIL"}, "law": {"gpt-oss policy"}}
    for row in fields_of_use().values():
        for policy, (_, name) in row.rules.items():
            assert clause(name).licence in owners[policy], row.id


def test_what_changed_from_one_llama_to_the_next():
    assert changed_between("Llama 3", "Llama 3.1") == ["outputs", "passing"]
    assert set(changed_between("Llama 3.1", "Llama 3.2")) == {"policies", "passing", "europe", "instead"}
    assert changed_between("MIT", "MIT") == []


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (terms, "Lama 2", "no licence 'Lama 2'; the nearest are Llama 2"),
        (terms, "Apache", "no licence 'Apache'; the nearest are Apache-2.0"),
        (model, "Llama 3.2", "no model 'Llama 3.2'; the nearest are Llama 3.2 text, Llama 3.2 vision"),
        (field_of_use, "militery", "no field of use 'militery'; the nearest is military"),
    ],
)
def test_an_unknown_name_gives_the_nearest(find, name, message):
    with pytest.raises(ValueError, match=message):
        find(name)


def test_capitals_and_blanks_do_not_matter():
    assert terms(" llama 2 ").id == "Llama 2" and model("LLAMA 2").id == "Llama 2"


@pytest.mark.parametrize(
    ("kind", "spoil", "message"),
    [
        ("licences", {"business": "maybe"}, "licences.json, Llama 2: business is yes or no"),
        ("licences", {"gate": "nowhere"}, "licences.json, Llama 2: there is no clause 'nowhere'"),
        ("licences", {"outputs": {"cats": ["forbids", "outputs"]}}, "licences.json, Llama 2: outputs, cats"),
        (
            "licences",
            {"passing": {"the weights": {"cake": ["forbids", "copy"]}}},
            "licences.json, Llama 2: passing, the w",
        ),
        ("licences", {"passing": {"a service": {"name": ["bans", "copy"]}}}, "Llama 2: passing, a service: bans"),
        ("models", {"sees_pictures": 1}, "licences.json, LLaMA 1: sees_pictures is yes or no"),
        ("fields", {"rules": {"llama": ["bans", "copy"]}}, "licences.json, ordinary: bans"),
        ("fields", {"law": "?"}, "licences.json, ordinary: law is"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, kind, spoil, message):
    import json

    from llama_course.policy.licences import ROWS

    data = json.loads(ROWS.path.read_text(encoding="utf-8"))
    data[kind][0].update(spoil)
    (tmp_path / "licences.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PublishedDataError, match=message):
        _ = PublishedRows(tmp_path / "licences.json", **{k: v for k, v in ROWS.kinds.items()}).rows
