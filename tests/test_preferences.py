"""What was published about human feedback: every row sourced, every number as it was read."""

import json

import pytest

from llama_course import paths
from llama_course.policy.claims import claim
from llama_course.policy.preferences import figure, figures, statement, statements
from llama_course.policy.training_runs import read

FILE = paths.data_file("policy/preferences.json")
PUBLISHED = {  # the Llama 2 paper, and one secondary number
    "comparisons": 1_418_091,
    "helpfulness-accuracy": 63.2,
    "safety-accuracy": 64.5,
    "gpt4-accuracy": 58.6,
    "clear-helpfulness-accuracy": 80.7,
    "clear-safety-accuracy": 94.3,
    "safety-threshold": 0.15,
    "leash-small": 0.01,
    "leash-large": 0.005,
    "gatt-turns": 20,
    "labeller-agreement": 73,
}


def test_published_numbers_are_rows():
    assert {name: row.value for name, row in figures().items()} == PUBLISHED


def test_every_row_names_its_source_and_no_number_is_from_memory():
    for row in [*figures().values(), *statements().values()]:
        assert row.source.document.url.startswith("https://") and row.source.document.date, row.id
        assert row.source.section and row.source.confidence in "PS", row.id


def test_all_documents_are_used_and_there_are_no_runs():
    data = read(FILE)
    used = {row.source.document.id for row in [*data.figures.values(), *data.statements.values()]}
    assert used == set(json.loads(FILE.read_text(encoding="utf-8"))["documents"])
    assert not data.runs


def test_the_statement_agrees_with_the_verdict_on_the_article():
    assert "rejection sampling" in claim("A1.7").explanation.lower()
    assert "rejection sampling" in statement("sampling-only").quote.lower()


@pytest.mark.parametrize("ask", [figure, statement])
def test_what_is_not_there_is_said(ask):
    with pytest.raises(ValueError, match="there is no"):
        ask("moon fire")
