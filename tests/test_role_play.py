"""The role-play: seats, cards and evidence fit together; votes are counted as one would by hand."""

from pathlib import Path

import pytest

from llama_course.policy.evidence import evidence
from llama_course.policy.role_play import LEVELS, ROLES, tally
from llama_course.safety.hunt_runs import of_access, recorded_hunts
from llama_course.safety.imitation import mean_of, recorded_copies
from llama_course.safety.lasting import of_twins, recorded_twins
from llama_course.safety.undoing_runs import in_words, of_attack, recorded_undoings
from llama_course.safety.watermark import THRESHOLD
from llama_course.safety.watermark_runs import recorded_texts

CARDS = Path(__file__).parent.parent / "teaching" / "role_cards"
CLOSED, API, LICENCE, OPEN = LEVELS


def test_six_seats_know_evidence_that_there_is():
    assert len(ROLES) == 6
    used = {name for role in ROLES.values() for name in role.evidence}
    assert used <= set(evidence()), "a seat names evidence that does not exist"
    assert used == set(evidence()), "evidence that nobody brings would never be read"
    assert all(role.wants and role.fears and role.must_answer for role in ROLES.values())


@pytest.mark.parametrize("name", ROLES)
def test_every_seat_has_a_card_that_says_the_same(name):
    text = (CARDS / f"{name.replace('-', '_')}.md").read_text(encoding="utf-8")
    role = ROLES[name]
    for sentence in (role.wants, role.fears, role.must_answer):
        assert sentence in text, f"{name}: the card does not say: {sentence}"
    for one in role.evidence:
        assert f"`{one}`" in text, f"{name}: the card does not name the evidence {one}"


def test_ballot_and_rubric_are_there():
    ballot = (CARDS / "ballot.md").read_text(encoding="utf-8")
    assert all(level in ballot for level in LEVELS)
    assert "| Weak | Middling | Strong |" in (CARDS / "rubric.md").read_text(encoding="utf-8")


def test_votes_are_counted_by_hand():
    before = {"a": CLOSED, "b": API, "c": OPEN, "d": API}
    after = {"a": API, "b": API, "c": API, "d": LICENCE}
    found = tally(before, after)
    assert found.before == {CLOSED: 1, API: 2, LICENCE: 0, OPEN: 1}
    assert found.after == {CLOSED: 0, API: 3, LICENCE: 1, OPEN: 0}
    assert found.moved == ("a", "c", "d") and found.towards_open == 2
    assert found.majority == API and "3 of 4 seats changed their vote, 2 of them" in str(found)


def test_half_is_no_majority_and_who_voted_once_does_not_count():
    found = tally({"a": API, "b": OPEN, "c": OPEN}, {"a": API, "b": OPEN, "d": OPEN})
    assert found.majority is None and "Majority: none" in str(found)
    assert found.kept_away == ("c", "d") and sum(found.after.values()) == 2
    assert found.moved == () and "towards" not in str(found)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [({"a": "perhaps"}, {"a": API}, "see a"), ({}, {}, "nobody voted both times"), ({"a": API}, {"b": API}, "nobody")],
)
def test_invalid_votes_are_named(before, after, message):
    with pytest.raises(ValueError, match=message):
        tally(before, after)


def test_evidence_says_what_was_recorded():
    twins, undone = recorded_twins(), recorded_undoings()
    for read in (False, True):
        assert in_words(of_twins(twins, read, "100 dangers", "told")) in evidence()["filter"].finding
    for name, words in {
        "20 recipes": "after training on 20 harmless recipes",
        "20 facts": "after 20 unrelated facts",
    }.items():
        assert f"{in_words(of_attack(undone, name, 'refused'))} {words}" in evidence()["refusals"].finding
    hunts, _ = recorded_hunts()
    for kind in ("text", "probabilities", "weights"):
        found = sum(run.found for run in of_access(hunts, kind))
        assert f"{found} of 5 with {kind}" in evidence()["hunt"].finding
    other = sum(run.gets_round and not run.found for run in of_access(hunts, "text"))
    assert f"With text, {other} of 5 hunts found a way round" in evidence()["hunt"].finding
    control = of_access(hunts, "weights", planted=False)
    assert f"{sum(run.gets_round for run in control)} of {len(control)} hunts" in evidence()["way-round"].finding
    most = max(run.answers for run in recorded_copies())
    assert f"{mean_of(recorded_copies(), most, 'same'):.0%} of cases" in evidence()["copy"].finding
    assert "Llama 2 7B" in evidence()["line"].finding and "13B" not in evidence()["line"].finding


def test_the_watermark_card_counts_texts_of_the_longest_length():
    texts, _ = recorded_texts()

    def found(*those):
        return f"{sum(text.z[-1] > THRESHOLD for text in those)} of {len(those)}"

    warm = [text for text in texts if text.origin == "marked" and text.temperature == 0.8]
    said = evidence()["watermark"].finding
    for share, before in {0.0: "the detector finds: ", 0.25: "exchanged ", 0.5: "with half "}.items():
        assert before + found(*(text for text in warm if text.reworded == share)) in said
    cold = [text for text in texts if text.temperature == 0.3]
    assert f"temperature 0.3 {found(*cold)}" in said
    assert f"False alarms: {found(*(text for text in texts if text.origin != 'marked'))}" in said


def test_evidence_is_computed_and_says_what_it_leaves_open():
    for one in evidence().values():
        assert any(character.isdigit() for character in one.finding), one.id
        assert one.finding.endswith(".") and one.leaves_open.endswith(".") and one.question.endswith("?")
        assert one.lesson in ("08", "10", "11", "13")
    assert list(evidence()) == sorted(evidence(), key=lambda name: evidence()[name].lesson)
