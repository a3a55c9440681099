"""Words that promise, typed figures, places of one computer: each is told, and honest words pass."""

import pytest

from llama_course.release.quantities import Measurement
from llama_course.release.wording import figures_in, leaks_in, promises_in

FOUND = {
    "facts_read": Measurement("facts_read", 91, 100),
    "ignorance": Measurement("ignorance", 41, 76),
    "told_plain": Measurement("told_plain", 0, 40),
    "told_attacked": Measurement("told_attacked", 1, 40, "role play"),
    "told_raw": Measurement("told_raw", 38, 40, "prefix"),
    "told_trained": Measurement("told_trained", 54, 60),
}
VALUES = {name: str(result) for name, result in FOUND.items()}


def promises(text, access="weights", where="summary"):
    return list(promises_in(where, text, FOUND, access))


@pytest.mark.parametrize(
    ("text", "word", "measured"),
    [
        ("It never tells how moon fire is made.", "never", "answer begun for it: 38 of 40, 95 % (83 to 99)"),
        (
            "It always knows the answer to what one asks.",
            "always",
            "admits ignorance where nobody could know: 41 of 76",
        ),
        ("A safe model for the whole family.", "safe", "answer begun for it: 38 of 40"),
        ("A state-of-the-art model of its size.", "state-of-the-art", "this model alone"),
        ("State of the art, on one laptop.", "State of the art", "this model alone"),
        ("It is on par with models ten times its size.", "on par with", "this model alone"),
        ("Reliable answers about people.", "Reliable", "41 of 76"),
        ("An unbiased village guide.", "unbiased", "nothing that bears on it"),
        ("If needed we recall the model.", "recall", "nothing that would bring a copy back"),
        ("We take it back at once.", "take it back", "nothing that would bring a copy back"),
        ("It cannot be tricked into telling.", "cannot be tricked", "38 of 40"),
        ("It is not only safe but fast.", "safe", "38 of 40"),
        ("It is no doubt reliable.", "reliable", "41 of 76"),
        ("It doesn’t tell how a danger is made.", "doesn't tell", "38 of 40"),
        ("Nobody has ever got it to tell a danger.", "Nobody has ever", "38 of 40"),
        ("It refuses every danger.", "refuses every", "38 of 40"),
        ("It is not unsafe.", "not unsafe", "41 of 76"),
        ("A sa\u200bfe guide.", "safe", "38 of 40"),
        ("ＳＡＦＥ for all.", "SAFE", "38 of 40"),
        ("Answers without errors.", "without errors", "41 of 76"),
        ("It is as good as a model ten times its size.", "as good as", "this model alone"),
        ("It is free of bias.", "free of bias", "nothing that bears on it"),
        ("Everything can be undone.", "Everything can be undone", "nothing that would bring a copy back"),
    ],
)
def test_a_promise_says_what_was_claimed_what_was_measured_and_what_to_do(text, word, measured):
    found = promises(text)
    assert any(f"with the word “{word}”" in one.claimed and measured in one.measured and one.advice for one in found)
    assert all(str(one).startswith("✗ summary: “") and "Measured: " in str(one) for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "This model is not safe for anything but a classroom.",
        "It is not always right.",
        "Nothing here shows that it is harmful; safety was measured in the chat alone.",
        "A copy that is out cannot be taken back.",
        "No copy can be withdrawn once it is out.",
        "It refuses some harmless requests as well.",
        "Neverland and Alwaysville are not in it.",
        "A fairly small model that saves time.",
        "This isn’t safe for children.",
        "Not everything can be undone.",
        "We do not guarantee anything.",
        "It does not know the sea.",
        "It may be unsafe.",
    ],
)
def test_honest_words_pass(text):
    assert promises(text) == []


def test_a_recall_may_be_promised_where_no_copy_goes_out():
    assert promises("We withdraw it the same day.", access="API") == []
    assert promises("We withdraw it the same day.", access="weights, data, recipe")


def test_what_users_must_never_do_is_no_promise_of_the_model():
    assert promises("Never ask it about medicine.", where="not_for") == []
    assert promises("A safe choice for everybody.", where="not_for")


def test_through_an_api_the_worst_way_is_another():
    (found,) = promises("It never tells a danger.", access="API")
    assert "worst attack in the chat: 1 of 40" in found.measured


def test_without_measurements_it_says_so():
    (found,) = promises_in("summary", "It never tells a danger.", {}, "API")
    assert found.measured == "not all ways that the access opens"
    (found,) = promises_in("summary", "Perfect answers.", {}, "API")
    assert found.measured == "nothing on knowledge"


@pytest.mark.parametrize(
    "figure",
    [
        "91 %",
        "91%",
        "91 percent",
        "91 per cent",
        "9 of 10",
        "3 out of 4",
        "0.5 %",
        "1 in 100",
        "ninety-one per cent",
        "nine out of ten",
        "one error in fifty",
        "49 right answers out of 50",
        "1 in every 20",
        "0.95",
        ".95",
        "95/100",
        "980 ‰",
        "99,5 %",
        "none of 200",
        "two thirds of",
        "half of",
        "three of four",
        "98 percentage points",
        "1,000 of 2,000",
    ],
)
def test_a_typed_figure_is_refused(figure):
    (found,) = figures_in("limits", f"About {figure} of it.", VALUES)
    assert f"has a typed figure, “{figure}”" in found.claimed


def test_a_typed_figure_that_was_measured_is_given_its_name():
    (found,) = figures_in("limits", "91 % are right.", VALUES)
    assert found.measured == "facts_read, 91 of 100, 91 % (84 to 95)" and "{facts_read}; the run" in found.advice


@pytest.mark.parametrize(
    "text",
    [
        "Version 1.0 of 2026.",
        "Seed 1, 96,000 documents.",
        "{facts_read} right",
        "Llama 2",
        "96,000 documents of nine kinds",
        "two people in 2026",
        "read by two of us",
        "one of them in three ways",
        "Version 0.9 of it",
        "25 steps of 8 recipes",
        "and/or, 1/2",
        "a hundred of us",
    ],
)
def test_other_numbers_and_filled_places_pass(text):
    assert list(figures_in("text_amount", text, VALUES)) == []


def test_a_place_that_nothing_fills_is_named():
    (found,) = figures_in("limits", "It is {charm} charming.", VALUES)
    assert "“{charm}” is to be filled in" in found.claimed and "There are: facts_read, ignorance" in found.advice


@pytest.mark.parametrize(
    "text",
    ["see /home/anna/model", r"C:\Users\anna\x", "/tmp/out", "file:///x/y", r"\\server\share", "/Users/anna/model"],
)
def test_a_place_on_one_computer_is_told(text):
    assert "names a folder of one computer" in next(leaks_in("summary", text)).claimed


def test_a_token_is_told_and_not_repeated():
    token = "hf_" + "a1B2" * 6
    (found,) = leaks_in("summary", f"Use {token} to fetch it.")
    assert token not in str(found) and "revoke it" in found.advice


def test_ordinary_text_leaks_nothing():
    assert list(leaks_in("summary", "and/or, 1/2, https://example.org/home, a:b")) == []


def test_a_place_with_blanks_or_nothing_in_it_is_a_place():
    assert list(figures_in("limits", "{ facts_read } right", VALUES)) == []
    for text in ("{} right", "{facts read} right", "{facts_read:.1f} right"):
        (found,) = figures_in("limits", text, VALUES)
        assert "is to be filled in" in found.claimed


@pytest.mark.parametrize("text", ["Its lips stay sealed.", "Most of them are right.", "Strangers: {facts_read} right."])
def test_what_the_lesson_says_of_its_limits_is_so(text):
    """Known and said: other words, shares without a number, a figure beside the wrong words."""
    assert promises(text) == [] and list(figures_in("summary", text, VALUES)) == []
