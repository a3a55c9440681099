"""Criteria, freedoms, marks and mentions."""

import json

import pytest

from llama_course.policy.openness import (
    DIMENSIONS,
    ROWS,
    UNKNOWN,
    Scorecard,
    compare,
    corners,
    criteria,
    mentions,
    models,
    openness,
    parts,
    points,
)
from llama_course.policy.published import PublishedDataError, PublishedRows


def test_all_ten_criteria_and_who_judged():
    rows = criteria()
    assert [row.number for row in rows] == list(range(1, 11))
    assert {row.number: row.verdict for row in rows if row.by == "OSI"} == {5: "fails", 6: "fails"}
    assert all(row.source.confidence == "C" for row in rows if row.by == "this course")


def test_the_definition_for_ai_has_four_freedoms_and_three_parts():
    assert [row.kind for row in parts()] == ["freedom"] * 4 + ["part"] * 3


def test_there_are_at_least_fourteen_models_with_a_mark_for_everything():
    assert len(models()) >= 14
    for row in models().values():
        assert list(row.marks) == list(DIMENSIONS)
        assert 0 <= points(row.marks) <= len(DIMENSIONS)


def test_all_four_corners_are_inhabited():
    assert all(corners().values())
    assert "Mistral 7B" in corners()[True, False] and "BLOOMZ" in corners()[False, True]
    placed = sum(map(len, corners().values()))
    unknown = [row.id for row in models().values() if None in (row.free_licence, row.open_data)]
    assert placed + len(unknown) == len(models()) and "ChatGPT" in unknown


def test_open_data_is_named_and_to_be_had():
    from dataclasses import replace

    row = openness("Pythia")
    assert row.open_data and not replace(row, marks=row.marks | {"data to download": "no"}).open_data
    assert not replace(row, marks=row.marks | {"data named": "partly"}).open_data
    assert replace(row, marks=row.marks | {"data to download": UNKNOWN}).open_data is None


def test_a_scorecard_is_compared():
    table = dict(openness("Llama 2").marks)
    assert compare(table, "Llama 2").differ == ()
    card = compare(table | {"weights": "yes", "paper": "no"}, "Llama 2")
    assert card == Scorecard("Llama 2", 1.5, 1.5, ("weights", "paper"), ())
    assert str(card) == "Llama 2: you give 1.5, the table 1.5, of 7; 2 differ: weights, paper"


def test_what_was_not_verified_is_left_out_of_a_comparison():
    card = compare(dict.fromkeys(DIMENSIONS, "yes"), "DeepSeek-R1")
    assert set(card.left_out) == {name for name, mark in openness("DeepSeek-R1").marks.items() if mark == UNKNOWN}
    assert card.points == card.published_points == 3 and "of 3" in str(card)


def test_a_scorecard_with_gaps_is_explained():
    with pytest.raises(ValueError, match="see paper"):
        compare({name: "yes" for name in DIMENSIONS if name != "paper"}, "Llama 2")
    with pytest.raises(ValueError, match="see colour"):
        compare(dict.fromkeys(DIMENSIONS, "no") | {"colour": "no"}, "Llama 2")
    with pytest.raises(ValueError, match="see weights"):
        compare(dict.fromkeys(DIMENSIONS, "no") | {"weights": "maybe"}, "Llama 2")
    with pytest.raises(ValueError, match="no model in the table 'Lama 2'; the nearest are Llama 2"):
        compare(dict.fromkeys(DIMENSIONS, "no"), "Lama 2")


def test_metas_documents_do_not_call_llama_2_open_source():
    own = {row.id: row.counts["times"] for row in mentions()}
    assert own["licence"] == own["policy"] == own["faq"] == 0 and own["card"] == 1
    assert all(own[f"A{n}"] > 0 for n in range(5))


@pytest.mark.parametrize(
    ("kind", "spoil", "message"),
    [
        ("models", {"marks": {"weights": "yes"}}, "openness.json, ChatGPT: marks are for"),
        ("models", {"marks": dict.fromkeys(DIMENSIONS, "perhaps")}, "openness.json, ChatGPT: a mark is"),
        ("criteria", {"verdict": "maybe"}, "openness.json, osd-1: a verdict is"),
        ("parts", {"verdict": "maybe"}, "openness.json, use: a verdict is"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, kind, spoil, message):
    data = json.loads(ROWS.path.read_text(encoding="utf-8"))
    data[kind][0].update(spoil)
    (tmp_path / "openness.json").write_text(json.dumps(data), encoding="utf-8")
    kinds = {name: made for name, made in ROWS.kinds.items() if name not in ("figures", "statements")}
    with pytest.raises(PublishedDataError, match=message):
        _ = PublishedRows(tmp_path / "openness.json", **kinds).rows
