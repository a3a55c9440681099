"""The claim data, what is computed from it, and the explorer."""

import json
import shutil
from collections import Counter
from datetime import date

import pytest

from llama_course import paths
from llama_course.policy import claims as policy
from llama_course.policy import user_clause
from llama_course.policy.claim_files import read
from llama_course.policy.claim_rows import CONFIDENCE, MAX_QUOTED_WORDS, ClaimDataError
from llama_course.policy.diffs import altered_words, say_altered, steps, words
from llama_course.policy.scores import Score, leaders, ranking
from llama_course.widgets import claim_views
from llama_course.widgets.claims import ClaimExplorer

FILES = ("articles", "claims", "quotations", "primary_evidence")


# -- the data --------------------------------------------------------------------------------------------------


def test_all_five_articles_have_many_claims():
    assert list(policy.articles()) == ["A0", "A1", "A2", "A3", "A4"]
    counts = Counter(row.article for row in policy.claims())
    assert min(counts.values()) >= 10 and sum(counts.values()) >= 45


def test_every_verdict_and_every_topic_is_used():
    assert {row.verdict.name for row in policy.claims()} == set(policy.verdicts())
    assert {row.topic for row in policy.claims()} == set(policy.topics())


def test_quotations_are_short():
    for row in policy.claims():
        assert len(row.quote.split()) <= MAX_QUOTED_WORDS


def test_what_rests_on_memory_is_called_not_verified():
    for row in policy.claims():
        assert (row.confidence == "M") == (row.verdict.name == "not verified")
    assert CONFIDENCE["M"] == "not verified"
    assert all("not verified" in policy.articles()[name].publication for name in ("A0", "A1"))


def test_a_decided_claim_has_evidence_and_a_primary_row_a_primary_source():
    for row in policy.claims():
        if row.verdict.name in ("supported", "incomplete", "over-stated", "misleading", "wrong"):
            assert row.evidence, row.id
            if row.confidence == "P":
                assert any(place.document.kind == "primary" and place.document.url for place in row.evidence), row.id


def test_evidence_is_all_used():
    used = {place.id for row in policy.claims() for place in row.evidence}
    assert used == {row["id"] for row in json.loads(_file("primary_evidence").read_text(encoding="utf-8"))["evidence"]}


def test_claims_are_filtered():
    assert [row.id for row in policy.claims(article="A1", topic="700M clause")] == ["A1.8", "A1.9"]
    assert all(row.verdict.name == "wrong" for row in policy.claims(verdict="wrong"))
    assert {row.id for row in policy.claims(text="700 MILLION")} == {"A1.8", "A2.7"}
    assert policy.claims(text="no such words anywhere") == []


def test_an_unknown_claim_is_explained():
    with pytest.raises(ValueError, match=r"A1\.8"):
        policy.claim("B7")


def test_a_cell_of_the_map_shows_the_least_favourable_verdict():
    openness = policy.accounts()[0]
    assert openness.verdict("A2").name == "misleading"  # "open source", although the article hedges later
    versions = next(topic for topic in policy.accounts() if topic.topic == "versions")
    assert versions.verdict("A4") is None


# -- faults planted in the data --------------------------------------------------------------------------------


def _file(name):
    return paths.data_file(f"policy/{name}.json")


def _first(data, key="claims"):
    return data[key][0]


PLANTED = {
    "unknown verdict": (
        "claims",
        lambda d: _first(d).update(verdict="false"),
        r"claims.json, A0.1: no verdict 'false'",
    ),
    "unknown topic": ("claims", lambda d: _first(d).update(topic="cats"), r"claims.json, A0.1: no topic 'cats'"),
    "missing key": ("claims", lambda d: _first(d).pop("quote"), r"claims.json, A0.1: missing: quote"),
    "unknown key": ("claims", lambda d: _first(d).update(qoute="x"), r"claims.json, A0.1: unknown: qoute"),
    "twice": ("claims", lambda d: d["claims"].append(_first(d)), r"claims.json, A0.1: this id is there twice"),
    "no id": ("claims", lambda d: _first(d).pop("id"), r"claims.json, claims, row 1: expected an object with an id"),
    "wrong article": ("claims", lambda d: _first(d).update(article="A3"), r"claims.json, A0.1: no article"),
    "odd id": ("claims", lambda d: _first(d).update(id="A0.x"), r"claims.json, A0.x: an id looks like"),
    "long quotation": ("claims", lambda d: _first(d).update(quote="so " * 26), r"claims.json, A0.1: quote: 26 words"),
    "empty text": ("claims", lambda d: _first(d).update(explanation=" "), r"claims.json, A0.1: explanation"),
    "no evidence": ("claims", lambda d: _first(d).update(evidence=[]), r"claims.json, A0.1: 'misleading' needs"),
    "lost evidence": ("claims", lambda d: _first(d).update(evidence=["x"]), r"claims.json, A0.1: no evidence 'x'"),
    "bad mark": ("claims", lambda d: _first(d).update(confidence="Q"), r"claims.json, A0.1: confidence"),
    "memory": ("claims", lambda d: _first(d).update(confidence="M"), r"claims.json, A0.1: M and"),
    "bad cell": (
        "claims",
        lambda d: d["accounts"][0]["cells"]["A0"].update(claims=["A1.1"]),
        r"claims.json, accounts, openness: no claim 'A1.1' of A0",
    ),
    "address": ("articles", lambda d: d["articles"][0].update(url="www"), r"articles.json, A0: url"),
    "document": (
        "primary_evidence",
        lambda d: _first(d, "evidence").update(document="x"),
        r"primary_evidence.json, licence-limited: no document 'x'",
    ),
    "kind": (
        "primary_evidence",
        lambda d: d["documents"]["paper"].update(kind="other"),
        r"primary_evidence.json, documents, paper: kind is",
    ),
    "second hand": (
        "primary_evidence",
        lambda d: d["documents"]["licence"].update(kind="secondary"),
        r"primary_evidence.json, licence-limited: marked P or C",
    ),
    "effect": ("quotations", lambda d: _first(d, "quotations").update(effect="x"), r"quotations.json, clegg-hands: no"),
    "same": (
        "quotations",
        lambda d: _first(d, "quotations").update(effect="none"),
        r"quotations.json, clegg-hands: .none. means",
    ),
    "snippet": ("quotations", lambda d: _first(d, "snippets").update(rewritten=1), r"quotations.json, a: rewritten"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_malformed_row_is_named_with_its_file(tmp_path, fault):
    name, spoil, message = PLANTED[fault]
    for one in FILES:
        shutil.copy(_file(one), tmp_path)
    data = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    spoil(data)
    (tmp_path / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ClaimDataError, match=message):
        read(tmp_path)


def test_a_file_that_is_not_json_is_named(tmp_path):
    for one in FILES:
        shutil.copy(_file(one), tmp_path)
    (tmp_path / "claims.json").write_text("{", encoding="utf-8")
    with pytest.raises(ClaimDataError, match=r"claims\.json: not JSON"):
        read(tmp_path)


# -- differences, scores, the clause -----------------------------------------------------------------------------


def test_words_have_no_capitals_and_no_signs():
    assert words("“GPT-4,” he said. It’s N°1") == ["gpt-4", "he", "said", "it's", "n", "1"]


def test_altered_words_of_the_famous_quotation():
    pair = policy.quotations()["clegg-hands"]
    assert altered_words(pair.original, pair.copy) == [("clammy", "sweaty")]


def test_altered_words_are_said():
    assert say_altered("not quite so", "not so very") == "quite → (lost); (added) → very"
    assert say_altered("Same, same", "same same") == "✓ word for word"


def test_the_steps_turn_one_text_into_the_other():
    for pair in policy.quotations().values():
        todo = steps(pair.original, pair.copy)
        assert " ".join(filter(None, (old for _, old, _ in todo))) == " ".join(words(pair.original))
        assert " ".join(filter(None, (new for _, _, new in todo))) == " ".join(words(pair.copy))


def test_a_ranking_counts_by_hand():
    first = ranking()[0]
    rows = [row for row in policy.claims(article=first.article) if row.evidence]
    decided = [r for r in rows if r.verdict.name not in ("opinion", "speculation", "not verified")]
    assert (first.good, first.counted) == (sum(r.verdict.name == "supported" for r in decided), len(decided))
    assert [s.share for s in ranking()] == sorted((s.share for s in ranking()), reverse=True)


def test_the_order_of_the_articles_depends_on_the_counting():
    """The surprise of lesson 01: its prose says so, and this fails if the data stop saying it."""
    strict, generous = ranking(), ranking(good=("supported", "incomplete"))
    assert strict[0].article != generous[0].article


def test_level_articles_lead_together():
    scores = [Score("A0", 2, 4), Score("A1", 1, 2), Score("A2", 0, 0)]
    assert leaders(scores) == ["A0", "A1"] and scores[2].share == 0


def test_nearly_every_article_leads_in_some_counting():
    """What lesson 01 says after its table of countings."""
    not_wrong = set(policy.verdicts()) - {"wrong"}
    countings = (
        ranking(),
        ranking(good=("supported", "incomplete")),
        ranking(good=not_wrong, leave_out_topics=["wording"]),
        ranking(leave_out=()),
    )
    assert len({article for scores in countings for article in leaders(scores)}) >= 4


def test_on_open_source_all_speak_and_none_is_supported():
    """What lesson 01 says in prose about the rows on openness and on data."""
    topics = {topic.topic: topic for topic in policy.accounts()}
    assert all(topics["openness"].verdict(a).name in ("misleading", "wrong") for a in policy.articles())
    spoken = [topics["data"].verdict(a) for a in policy.articles() if topics["data"].verdict(a)]
    assert {verdict.name for verdict in spoken} == {"supported"}


def test_one_quotation_inside_quotation_marks_is_word_for_word():
    inside = [q for q in policy.quotations().values() if q.inside_quotation_marks]
    assert [q.id for q in inside if not altered_words(q.original, q.copy)] == ["clegg-dumber"]


@pytest.mark.parametrize(
    ("day", "month"), [(date(2023, 7, 18), "2023-06"), (date(2024, 1, 31), "2023-12"), (date(2024, 3, 1), "2024-02")]
)
def test_the_month_before(day, month):
    assert user_clause.month_before(day) == month


def test_the_clause_looks_at_one_month_all_products_and_affiliates():
    users = {"Firm": {"a": {"2023-06": 400_000_000}, "b": {"2023-06": 300_000_000, "2025-03": 900_000_000}}}
    assert not user_clause.must_ask_meta("Firm", users)  # exactly 700 million is not greater
    users["Firm"]["c"] = {"2023-06": 1}
    assert user_clause.must_ask_meta("Firm", users)
    assert user_clause.must_ask_meta("Sister", users, ["Firm"])
    assert not user_clause.must_ask_meta("Stranger", users)


def test_a1_is_wrong_about_all_four_firms():
    told = user_clause.tellings()
    assert [row[1] == row[-1] for row in told] == [False] * 4
    assert [row[-1] for row in told] == [True, True, False, True]


# -- what is seen ------------------------------------------------------------------------------------------------


def test_the_explorer_filters_and_keeps_the_verdict_until_it_is_asked():
    explorer = ClaimExplorer(article="A1", topic="700M clause")
    assert [value for _, value in explorer.list.options] == ["A1.8", "A1.9"]
    assert "Three errors" not in explorer.claim.value and explorer.answer.value == ""
    explorer.guess.value = "wrong"
    explorer.unfold.click()
    assert "Three errors" in explorer.answer.value and explorer.guessed == {"A1.8": True}
    explorer.list.value = "A1.9"
    assert explorer.answer.value == "" and explorer.guess.value is None


def test_the_buttons_move_in_the_list_and_round_its_ends():
    explorer = ClaimExplorer(article="A1", topic="700M clause")
    explorer.next.click()
    assert explorer.list.value == "A1.9" and "profit-sharing" in explorer.claim.value
    explorer.next.click()
    assert explorer.list.value == "A1.8"
    explorer.back.click()
    assert explorer.list.value == "A1.9"
    explorer.search.value = "zzz"
    explorer.next.click()
    assert explorer.list.value is None


def test_the_first_guess_counts():
    explorer = ClaimExplorer(article="A1", topic="700M clause")
    for guess in ("supported", "wrong"):
        explorer.guess.value = guess
        explorer.unfold.click()
    assert explorer.guessed == {"A1.8": False}


def test_a_search_without_a_hit_says_what_to_do():
    explorer = ClaimExplorer()
    explorer.search.value = "zzz"
    assert explorer.unfold.disabled and "widen" in explorer.claim.value
    explorer.unfold.click()
    explorer.search.value = ""
    assert len(explorer.list.options) == len(policy.claims())


def test_the_twin_has_every_filtered_claim_and_escapes_what_is_searched():
    explorer = ClaimExplorer(topic="700M clause")
    twin = explorer.static_html()
    assert all(row.id in twin for row in explorer.rows) and twin.count("<details>") > len(explorer.rows)
    explorer.search.value = "<script>"
    assert "<script>" not in explorer.static_html() and "<script>" not in explorer.claim.value


def test_the_bundle_has_a_twin_and_a_text():
    bundle = ClaimExplorer(article="A4")._repr_mimebundle_()
    assert "A4.1" in bundle["text/html"] and "A4.1" in bundle["text/plain"]


def test_a_cell_of_the_map_has_a_symbol_and_a_word_beside_its_tint():
    html = claim_views.account_map(policy.accounts()).static_html()
    for name in ("supported", "misleading", "wrong"):
        assert str(policy.verdicts()[name]) in html
    assert claim_views.SILENT in html


def test_a_difference_is_marked_with_signs_as_well():
    text = claim_views.diff_view("clammy hands", "sweaty hands")._repr_mimebundle_()["text/plain"]
    assert text == "−clammy +sweaty hands"
    assert "<b>" not in claim_views.diff_view("<b>x", "<b>y").static_html()
