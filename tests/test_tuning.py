"""What was published about fine-tuning: every row sourced, and in agreement with the claims."""

import json

import pytest

from llama_course import paths
from llama_course.policy.claims import evidence
from llama_course.policy.training_runs import read
from llama_course.policy.tuning import IMITATORS, figure, figures, imitators, statement, statements

FILE = paths.data_file("policy/tuning.json")


def test_every_row_names_its_source_and_no_number_is_from_memory():
    rows = [*figures().values(), *statements().values()]
    assert len(rows) >= 20
    for row in rows:
        assert row.source.document.url.startswith("https://") and row.source.document.date, row.id
        assert row.source.section and row.source.confidence in "PS", row.id


def test_all_documents_are_used_and_there_are_no_runs():
    data = read(FILE)
    used = {row.source.document.id for row in [*data.figures.values(), *data.statements.values()]}
    assert used == set(json.loads(FILE.read_text(encoding="utf-8"))["documents"])
    assert not data.runs


def test_the_rows_agree_with_the_evidence_of_the_articles():
    found = evidence("paper-annotations")
    assert f"{figure('sft-examples').value:,}" in found.plain and found.quote == statement("quality").quote
    assert statement("quality").source.document.url == found.document.url


def test_the_steps_of_llama_2_chat_follow():
    steps = figure("sft-examples").value * figure("sft-epochs").value / figure("sft-batch").value
    assert steps == pytest.approx(860.6, abs=0.1)


def test_each_imitator_has_what_it_learned_what_was_said_and_who_judged():
    rows = imitators()
    assert [row[0] for row in rows] == list(IMITATORS)
    for name, learned, said, judged in rows:
        assert learned[0].isdigit() and said and judged, name
        assert f"{figure(f'{IMITATORS[name]}-examples').value:,}" in learned
    assert "asterisk" not in rows[1][3] and rows[1][2].count("*") == rows[1][3].count("*") == 1


def test_what_is_not_there_is_said():
    with pytest.raises(ValueError, match="there is no figure 'x'; there are sft-examples, "):
        figure("x")
    with pytest.raises(ValueError, match="there is no statement 'x'; there are mask, "):
        statement("x")
