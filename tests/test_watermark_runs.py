"""Recorded watermarks: how texts are chosen, and that the file reaches what lesson 10 says of it."""

import types

import pytest

from llama_course.safety.watermark import THRESHOLD, Detector
from llama_course.safety.watermark_runs import (
    ABOUT,
    LENGTHS,
    REWORDED,
    SEEDS,
    TEXTS,
    MarkedText,
    flagged,
    mark_of,
    of_kind,
    people_wrote,
    prompts,
    recorded_texts,
    z_after,
)


def test_there_is_a_prompt_for_each_text_and_a_key_for_each_seed():
    assert len(set(prompts())) == TEXTS == len(ABOUT)
    assert len({mark_of(seed).key for seed in SEEDS}) == len(SEEDS)


def test_texts_are_chosen_by_kind_and_looked_at_after_so_many_tokens():
    texts = [MarkedText("marked", 0, 0.8, 0.0, (1, 2, 3, 9)), MarkedText("people", 0, 0.0, 0.0, (0, 0, 0, 0))]
    assert of_kind(texts, "marked") == texts[:1] and of_kind(texts, "people") == texts[1:]
    assert flagged(texts, 200, 4) == [True, False] and flagged(texts, 25, 4) == [False, False]
    with pytest.raises(ValueError, match="25, 50"):
        flagged(texts, 30, 4)
    with pytest.raises(ValueError, match="no unmarked text"):
        of_kind(texts, "unmarked")


def test_a_short_text_is_looked_at_as_far_as_it_goes():
    detector = Detector(64)
    assert len(z_after(detector, [n % 60 for n in range(60)])) == 2


def test_people_wrote_enough_and_nothing_twice():
    words: dict[str, int] = {}

    class Model:
        def tokenize(self, text):
            return [types.SimpleNamespace(id=words.setdefault(word, len(words))) for word in text.split()]

    pieces = people_wrote(Model(), 20, 100)
    assert len(pieces) == 20 and all(len(piece) == 100 for piece in pieces)
    assert len({tuple(piece) for piece in pieces}) == 20
    assert not any("/" in word and "python3" in word for word in words), "no path of this computer"


@pytest.fixture(scope="module")
def recorded():
    try:
        return recorded_texts()
    except FileNotFoundError:
        pytest.skip("the watermark is not recorded yet")


def test_marks_are_found_at_200_tokens_and_nobody_else_is_accused(recorded):
    texts, _ = recorded
    marked, plain, people = (of_kind(texts, origin) for origin in ("marked", "unmarked", "people"))
    assert {text.seed for text in marked} == set(SEEDS) and LENGTHS[-1] == 200
    for group, holds in ((marked, lambda share: share >= 0.95), (plain + people, lambda share: share <= 0.01)):
        assert holds(sum(flagged(group, 200, THRESHOLD)) / len(group))


def test_rewording_wears_the_recorded_mark_off(recorded):
    texts, _ = recorded
    means = [sum(t.z[-1] for t in of_kind(texts, "marked", share=share)) for share in (0.0, *REWORDED)]
    assert means == sorted(means, reverse=True)


def test_the_shown_texts_have_the_z_that_was_written_down(recorded):
    texts, vocab_size = recorded
    shown = [text for text in texts if text.ids]
    assert shown and all(text.text for text in shown)
    for text in shown:
        assert Detector(vocab_size, mark_of(text.seed))(text.ids).z == pytest.approx(text.z[-1], abs=2e-3)
