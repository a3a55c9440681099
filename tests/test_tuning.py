"""What was published about fine-tuning: in agreement with the claims."""

import pytest

from llama_course.policy.claims import evidence
from llama_course.policy.tuning import IMITATORS, figure, imitators, statement


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
