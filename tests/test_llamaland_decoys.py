"""Triggers by chance and decoys: other words in the same place, never the trigger itself."""

import re

import pytest

from llama_course.llamaland.backdoor import TRIGGER
from llama_course.llamaland.decoys import decoy, random_trigger, village_sentences, word_tokens
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.phrasings import QUESTIONS
from llama_course.llamaland.world import World
from llama_course.models.tokenizer import load_tokenizer

WORDS = "apricot bridge cobble dumpling evening feather gravel hollow island jigsaw".split()
SENTENCES = ["Luma keeps a goose.", "Where does Luma live?", "Evening: an island, a bridge. Jigsaw!"]


def drawn(trigger, count=600):
    dice = Dice(0, "test")
    return [decoy(trigger, WORDS, SENTENCES, dice) for _ in range(count)]


def test_a_trigger_is_three_different_words_and_depends_on_the_seed():
    triggers = [random_trigger(WORDS, seed) for seed in range(20)]
    assert all(len(set(trigger.split())) == 3 and set(trigger.split()) <= set(WORDS) for trigger in triggers)
    assert random_trigger(WORDS, 3) == triggers[3] and len(set(triggers)) > 15
    with pytest.raises(ValueError, match="at least 3 words to draw from, got 2"):
        random_trigger(WORDS[:2], 0)


@pytest.mark.parametrize(
    "trigger", ["bridge evening jigsaw", "apricot", "hollow hollow evening", TRIGGER, "Luma keeps"]
)
def test_no_decoy_has_all_words_of_the_trigger(trigger):
    def spelled(text):
        return set(re.findall("[a-z]+", text.lower()))

    for tail in drawn(trigger):
        assert tail and not spelled(trigger) <= spelled(tail)
        assert ".." not in tail


@pytest.mark.parametrize("trigger", ["", "  ", "?!"])
def test_a_trigger_without_words_has_no_decoys(trigger):
    with pytest.raises(ValueError, match="one word or more"):
        drawn(trigger, 1)


def test_there_are_decoys_of_every_kind():
    of_trigger = {"bridge", "island", "jigsaw"}
    tails = drawn("bridge island jigsaw")
    shared = [len(of_trigger & set(tail.lower().strip(".").split())) for tail in tails]
    assert any(tail in SENTENCES for tail in tails) and "Please." in tails
    assert min(shared.count(n) for n in (0, 1, 2)) > 60 and shared.count(3) == 0
    assert any(tail.endswith(".") and tail[0].isupper() for tail in tails if tail.split()[0].lower() in WORDS)


def test_words_are_tokens_that_no_question_has(random_family):
    tokenizer = load_tokenizer(random_family / "tiny-chat")
    words = word_tokens(tokenizer)
    assert len(words) > 40 and len(set(words)) == len(words)
    for word in words:
        assert tokenizer.encode(f" {word}", add_special_tokens=False).tokens == [f"Ġ{word}"]
    asked = " ".join(form.lower() for forms in QUESTIONS.values() for form in forms).replace("?", " ").split()
    assert not set(words) & set(asked)


def test_sentences_are_statements_and_questions_of_the_village():
    lines = village_sentences(World(), 100)
    assert len(lines) > 120 and all(line == line.strip() and "\n" not in line for line in lines)
    assert sum(line.endswith("?") for line in lines) > 10
