"""Lesson 01: the data behind the exercises; what holds for every lesson is in test_notebooks.py."""

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path

import pytest

from llama_course.learning import lesson_01
from llama_course.learning.checks import CheckFailed
from llama_course.policy import user_clause
from llama_course.policy.claims import claim, evidence, quotations, verdicts
from llama_course.policy.diffs import altered_words

MASTER = Path(__file__).parents[1] / "authoring" / "lessons" / "01_five_articles.py"


def test_the_library_twin_passes_the_first_check():
    assert lesson_01.check_01_1(altered_words) is None


def by_letters_only(original, copy):
    return _compared(re.findall(r"\w+", original.lower()), re.findall(r"\w+", copy.lower()))


def by_spaces(original, copy):
    return _compared(*([word.strip("“”,.'").lower() for word in text.split()] for text in (original, copy)))


def one_pair_a_word(original, copy):
    pairs = altered_words(original, copy)
    return [[a or "", b or ""] for old, new in pairs for a, b in zip_longest(old.split(), new.split())]


def _compared(old, new):
    changes = SequenceMatcher(None, old, new).get_opcodes()
    return [(" ".join(old[a:b]), " ".join(new[c:d])) for what, a, b, c, d in changes if what != "equal"]


@pytest.mark.parametrize("answer", [by_letters_only, by_spaces, one_pair_a_word])
def test_other_right_ways_to_find_the_words_pass(answer):
    assert lesson_01.check_01_1(answer) is None


def test_a_second_defensible_verdict_is_accepted():
    right = {number: claim(number).verdict.name for number in lesson_01.SIX_CLAIMS}
    for number, others in lesson_01.ALSO_ACCEPTED.items():
        for other in others:
            assert lesson_01.check_01_2({**right, number: other})


@pytest.mark.parametrize("number", lesson_01.SIX_CLAIMS)
def test_a_conflict_names_the_evidence_and_not_the_verdict(number):
    right = {one: claim(one).verdict.name for one in lesson_01.SIX_CLAIMS}
    for wrong in set(verdicts()) - {right[number]} - lesson_01.ALSO_ACCEPTED.get(number, set()):
        with pytest.raises(CheckFailed) as failure:
            lesson_01.check_01_2({**right, number: wrong})
        message = str(failure.value)
        assert message.startswith(number) and claim(number).evidence[0].document.name in message
        if right[number] != "supported":
            assert right[number] not in message


def test_exactly_one_quotation_is_turned_round():
    assert [name for name, pair in quotations().items() if pair.effect == "polarity"] == ["cost"]


def test_the_number_typed_into_the_lesson_is_the_row_of_the_data():
    typed = re.search(r"^hours = ([\d_]+)", MASTER.read_text(encoding="utf-8"), re.M)[1]
    assert typed.replace("_", ",") in evidence("paper-hours").plain


def at_least(licensee, users, affiliates, meta_said_yes):
    firms = [licensee, *affiliates]
    june = [sum(m.get("2023-06", 0) for m in users.get(firm, {}).values()) for firm in firms]
    return max(june) < 700_000_000 or meta_said_yes


MORE_MISTAKES = [
    (
        lesson_01.check_01_3,
        {"quotation": "par", "changed": "subject", "caught_by": "x"},
        "somebody else does it",
    ),
    (lesson_01.check_01_3, {"quotation": "level", "changed": "name", "caught_by": "x"}, "the words differ"),
    (lesson_01.check_01_3, {"quotation": "cost", "changed": "hedge", "caught_by": "x"}, "too small a change"),
    (lesson_01.check_01_4, lambda *a: True, "no rights before Meta agrees"),
    (lesson_01.check_01_4, lambda *a: False, "without asking"),
    (lesson_01.check_01_4, lambda *a: 1, "expected True or False"),
    (lesson_01.check_01_4, at_least, "exactly 700 million"),
    (lesson_01.check_01_4, lambda *a: at_least(*a[:3], False), "exactly 700 million"),
    (lesson_01.check_01_5, lambda text: 0, "the same number"),
    (lesson_01.check_01_5, lambda text: "high", "expected int or float"),
    (lesson_01.check_01_1, lambda a, b: None, "expected list or tuple"),
    (lesson_01.check_01_1, lambda a, b: [] if a == b else ["x"], "expected pairs"),
    (lesson_01.check_01_2, {}, "no verdict for"),
    (lesson_01.check_01_2, ["supported"], "expected dict"),
]


@pytest.mark.parametrize(("check", "answer", "fragment"), MORE_MISTAKES)
def test_more_mistakes_get_their_own_message(check, answer, fragment):
    with pytest.raises(CheckFailed) as failure:
        check(answer)
    assert fragment in str(failure.value)


def test_a_yes_from_meta_counts():
    with pytest.raises(CheckFailed, match="still forbids"):
        lesson_01.check_01_4(
            lambda licensee, users, affiliates, yes: user_clause.must_ask_meta(licensee, users, affiliates) is False
        )


def test_a_placeholder_counts_as_not_done():
    with pytest.raises(NotImplementedError):
        lesson_01.check_01_2(dict.fromkeys(lesson_01.SIX_CLAIMS, ...))


def test_unknown_names_are_explained():
    with pytest.raises(CheckFailed, match="no pair"):
        lesson_01.check_01_3({"quotation": "nosuch", "changed": "polarity", "caught_by": "faq-why"})
    with pytest.raises(CheckFailed, match="no evidence"):
        lesson_01.check_01_3({"quotation": "cost", "changed": "polarity", "caught_by": "nosuch"})
