"""Clauses: filtered by licence, topic and words; the articles' words beside them."""

import json

import pytest

from llama_course.policy import claims
from llama_course.policy.claim_rows import MAX_QUOTED_WORDS
from llama_course.policy.clauses import ROWS, Clause, clause, clauses, figure, licences, topics
from llama_course.policy.nearest import nearest
from llama_course.policy.published import PublishedDataError, PublishedRows


def test_every_item_of_llama_2s_policy_and_every_section_of_its_licence_has_a_row():
    found = {(row.source.document.id, row.source.section) for row in clauses(licence="Llama 2")}
    sections = ["preamble", "1.a", "1.b.i", "1.b.ii", "1.b.iii", "1.b.iv", "1.b.v", "2", "3", "4", "5.a", "5.b", "5.c"]
    assert {("llama 2 licence", section) for section in [*sections, "6", "7"]} <= found
    items = [f"{group}.{n}" for group, most in ((1, 7), (2, 6), (3, 6)) for n in range(1, most + 1)] + ["4"]
    assert {("llama 2 policy", item) for item in items} <= found
    assert len(items) == figure("policy-items").value


def test_quotes_are_short_and_only_reports_have_none():
    for row in clauses():
        assert row.plain and (row.quote is None) == (row.source.confidence == "S"), row.id
        assert row.quote is None or len(row.quote.split()) <= MAX_QUOTED_WORDS


def test_what_articles_tell_are_claims_that_exist():
    for row in clauses(told=True):
        assert [one.id for one in row.claims] == list(row.told) and set(row.told) <= {c.id for c in claims.claims()}


def test_no_article_tells_of_the_outputs_clause_and_three_of_the_users():
    assert clause("outputs").told == ()
    assert not any("improve any other" in one.quote or "output" in one.quote for one in claims.claims())
    assert {one.split(".")[0] for row in clauses("Llama 2", "users") for one in row.told} == {"A1", "A2"}


def test_clauses_are_found_by_words_of_quote_plain_words_and_place():
    assert clause("outputs") in clauses(text="OUTPUTS 1.b.v")
    assert clause("termination") in clauses(text="delete")
    assert clause("rail-medical") in clauses(text="attachment medical")
    assert clauses(text="no such words at all") == []
    assert {row.licence for row in clauses(licence="MIT")} == {"MIT"}
    assert sum(len(clauses(topic=topic)) for topic in topics()) == len(clauses()) >= 90
    assert {"Llama 2", "Llama 3", "Llama 3.1", "Llama 3.2", "Llama 4", "Apache-2.0", "MIT", "RAIL"} <= set(licences())


def test_a_clause_says_whose_words_it_has():
    assert clause("military").cited() == "Llama 2 Acceptable Use Policy, 2.1"
    assert clause("military").cited("Llama 3.1") == "Llama 3.1, in the words of Llama 2 Acceptable Use Policy, 2.1"


def test_told_and_untold_clauses_are_told_apart():
    told, untold = clauses(told=True), clauses(told=False)
    assert all(row.told for row in told) and not any(row.told for row in untold)
    assert len(told) + len(untold) == len(clauses()) and told and untold


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match=r"no clause 'output'; the nearest are outputs, outputs-gloss"):
        clause("output")
    assert nearest("licence", "zzz", ["MIT", "RAIL"]) == "there is no licence 'zzz'; there are MIT, RAIL."
    assert nearest("licence", "Llama 3.2", ["Llama 3.3", "Llama 3.2 text"]).startswith(
        "there is no licence 'Llama 3.2'; the nearest are Llama 3.2 text,"
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"quote": "so " * 26}, r"rows\.json, accept: at most 25 words"),
        ({"document": "x"}, r"rows\.json, accept: 'x'"),
        ({"confidence": "M"}, r"rows\.json, accept: a number from memory"),
        ({"colour": "red"}, r"rows\.json, accept: .*colour"),
    ],
)
def test_a_malformed_row_is_named(tmp_path, spoil, message):
    data = json.loads(ROWS.path.read_text(encoding="utf-8"))
    data["clauses"][0].update(spoil)
    (tmp_path / "rows.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PublishedDataError, match=message):
        _ = PublishedRows(tmp_path / "rows.json", clauses=Clause).rows


def test_every_document_is_dated():
    assert all(document.date for document in ROWS.documents.values())
