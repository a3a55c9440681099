"""Checking a draft: the strong sample passes; each fault planted in it is found, where it is and alone."""

from dataclasses import replace

import pytest

from llama_course.release.checking import check_draft, fill, places, rulings
from llama_course.release.claims import Claim
from llama_course.release.drafts import PARTS, Draft
from llama_course.release.measuring import recorded
from llama_course.release.quantities import WORST
from llama_course.release.samples import sample


@pytest.fixture(scope="module")
def measured():
    return recorded("tiny-chat")


def text(**parts):
    return lambda draft: draft.with_text(**parts)


def claims(*rows):
    return lambda draft: replace(draft, claims=tuple(Claim(*row) for row in rows))


KNOWN = ("facts_read", "at least", 80), ("recipes_read", "at least", 50)
TOLD = ("told", "at most", 20)
PLANTED = {
    "no name": (lambda d: replace(d, name=" "), "name", "there is nothing."),
    "a name that is a place": (lambda d: replace(d, name="/home/anna/x"), "name", "names a folder"),
    "no version": (lambda d: replace(d, version=""), "version", "there is nothing."),
    "an unknown licence": (lambda d: replace(d, licence="GPL"), "licence", "“GPL” is none that we know"),
    "no access": (lambda d: replace(d, access=""), "access", "there is nothing."),
    "an empty part": (text(text_people=""), "text_people", "there is nothing."),
    "a part of three words": (text(plan_report="Write to us."), "plan_report", "has 3 different words"),
    "limits without a figure": (
        text(limits="It may make mistakes, as all models of this kind do, now and then, here and there."),
        "limits",
        "no measurement is named",
    ),
    "a size is no measurement": (
        text(access_reasons="It has {parameters}, which is small, so we think that it may be given to whoever asks."),
        "access_reasons",
        "no measurement is named",
    ),
    "a promise": (text(intended="For all who want a safe guide to the village and its people."), "intended", "“safe”"),
    "a typed figure": (text(intended="For those to whom 91 % is enough, and they are many."), "intended", "“91 %”"),
    "a place nobody fills": (text(intended="For those to whom {speed} is enough, and few are."), "intended", "{speed}"),
    "a leak": (text(intended="For those who have a folder /home/anna/models on their computer."), "intended", "folder"),
    "two claims": (claims(KNOWN[0], ("told", "at most", 20)), "claims", "there are 2, about 2 quantities."),
    "three about two things": (claims(KNOWN[0], ("facts_read", "at most", 99), TOLD), "claims", "about 2 quantities"),
    "a claim that holds for every model": (claims(*KNOWN, ("told", "at most", 100)), "claims", "says nothing"),
    "another that does": (claims(*KNOWN, TOLD, ("ignorance", "at least", 0)), "claims", "says nothing"),
    "a name that promises": (lambda d: replace(d, name="The Safest Guide"), "name", "“Safest”"),
    "a name with a figure": (lambda d: replace(d, name="Guide, nine out of ten"), "name", "“nine out of ten”"),
    "a name that is a text": (lambda d: replace(d, name="Guide " * 20), "name", "has 120 characters"),
    "a version that is a text": (lambda d: replace(d, version="1.0, 98 % right"), "version", "is no version"),
    "words of no meaning": (text(plan_report="write " * 20), "plan_report", "has 1 different words"),
    "signs for words": (text(plan_report="- . / 1 2 3 4 5 6 7 8 9 10"), "plan_report", "has 0 different words"),
    "the same words twice": (
        lambda d: d.with_text(plan_first=d.texts["plan_versions"]),
        "plan_versions",
        "the same words stand under “plan_first”",
    ),
    "nothing on dangers": (claims(*KNOWN, ("facts_asked", "at least", 80)), "claims", "nothing is said about dangers"),
    "a claim too far": (claims(*KNOWN, ("told", "at most", 5)), "claims", "is not shown"),
    "a false claim": (claims(("facts_read", "at least", 99), KNOWN[1], TOLD), "claims", "is contradicted"),
    "a claim on nothing": (claims(*KNOWN, TOLD, ("charm", "at least", 9)), "claims", "not measured"),
    "a rule without teeth": (
        lambda d: replace(d, licence="MIT").with_text(not_for="It is forbidden to ask it about the real world."),
        "licence",
        "says “forbidden”, and MIT forbids no use",
    ),
}  # fmt: skip


def test_the_strong_sample_is_ready(measured):
    assert check_draft(sample("strong"), measured) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else(fault, measured):
    spoil, where, words = PLANTED[fault]
    draft = spoil(sample("strong"))
    found = check_draft(draft, measured)
    assert [one.where for one in found] == [where], [str(one) for one in found]
    assert words in found[0].claimed and found[0].measured and found[0].advice


def test_a_licence_that_carries_the_rule_may_go_with_it(measured):
    draft = sample("strong").with_text(not_for="It is forbidden to ask it about the real world, or about people in it.")
    assert draft.licence == "RAIL" and check_draft(draft, measured) == []


def test_an_empty_draft_lists_everything_and_does_not_fail(measured):
    found = check_draft(Draft("", ""), measured)
    assert {one.where for one in found} == {"name", "version", "licence", "access", "claims", *PARTS}


def test_the_weak_sample_has_faults_of_every_kind(measured):
    said = " ".join(map(str, check_draft(sample("weak"), measured)))
    for words in ("“always”", "state-of-the-art", "“never”", "“recall”", "typed figure", "not measured", "not shown",
                  "no measurement is named", "there is nothing", "forbids no use", "stands alone"):  # fmt: skip
        assert words in said, words


def test_the_same_draft_fails_with_the_weights(measured):
    draft = replace(sample("strong"), access="weights")
    (found,) = [one for one in check_draft(draft, measured) if one.where == "claims"]
    assert "is contradicted" in found.claimed and "38 of 40" in found.measured


def test_files_without_a_licence_are_no_release(measured):
    draft = replace(sample("strong"), access="weights", licence="none")
    assert any("without a licence nobody may use them" in one.claimed for one in check_draft(draft, measured))


def test_a_claim_about_the_chat_does_not_stand_alone_where_the_files_are_out(measured):
    draft = claims(*KNOWN, ("told_plain", "at most", 5))(replace(sample("strong"), access="weights"))
    (found,) = [one for one in check_draft(draft, measured) if one.where == "claims"]
    assert "stands alone" in found.claimed and "Add a claim about “told”" in found.advice


def test_one_good_way_does_not_stand_alone_either():
    """B resists training; a claim about that way alone leaves out the way that opens it."""
    measured = recorded("tiny-backdoor")
    draft = claims(*KNOWN, ("told_trained", "at most", 10))(replace(sample("strong"), access="weights"))
    (found,) = [one for one in check_draft(draft, measured) if one.where == "claims"]
    assert "stands alone" in found.claimed and "36 of 40" in found.measured


def test_what_people_may_not_know_is_no_rule(measured):
    draft = replace(sample("strong"), licence="MIT").with_text(not_for="Real questions, for it may not know the world.")
    assert not [one for one in check_draft(draft, measured) if one.where == "licence"]


def test_places_are_filled_from_the_run(measured):
    filled = fill("{facts_read}; {told}; {parameters}; { megabytes }; {charm}", measured, "weights")
    assert filled == (
        "91 of 100, 91 % (84 to 95); 38 of 40, 95 % (83 to 99) (dangers told, answer begun for it); "
        "1,240,480 parameters; 2.5 MB; {charm}"
    )
    assert "worst attack in the chat" in places(measured, "API")[WORST]


def test_rulings_are_one_for_each_claim(measured):
    assert [one.holds for one in rulings(sample("strong"), measured)] == [True] * 5
    assert not any(one.holds for one in rulings(sample("weak"), measured))
