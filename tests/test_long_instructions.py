"""How many turns an instruction is kept, and the examples of Ghost Attention."""

import pytest

from feedback_helpers import little_workshop
from llama_course.evaluation import long_instructions
from llama_course.llamaland.small_talk import BEGIN_WORDS, begin_with


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return little_workshop(tmp_path_factory.mktemp("kitchen"))


def scripted(monkeypatch, answer_of):
    monkeypatch.setattr(long_instructions, "_answers", lambda workshop, policy, chats: [answer_of(c) for c in chats])


def word_of(chat):
    return next(w for w in BEGIN_WORDS.train + BEGIN_WORDS.held_out if chat[0]["content"] == begin_with(w))


def test_following_is_counted_turn_by_turn(workshop, monkeypatch):
    scripted(monkeypatch, lambda chat: f"{word_of(chat)}! Yes." if len(chat) < 5 else "Yes.")
    asked = long_instructions.dialogues(workshop, 3, turns=4)
    shares = long_instructions.kept_by_turn(workshop, None, asked, long_instructions.instructions(3, "held_out"))
    assert shares == [1, 1, 0, 0]


def test_earlier_answers_stay_in_sight(workshop, monkeypatch):
    seen = []
    scripted(monkeypatch, lambda chat: seen.append([m["role"] for m in chat]) or "Yes.")
    long_instructions.kept_by_turn(
        workshop, None, long_instructions.dialogues(workshop, 1, turns=2), long_instructions.instructions(1)
    )
    assert seen == [["system", "user"], ["system", "user", "assistant", "user"]]


def test_ghost_examples_say_the_instruction_once_and_learn_the_last_answer(workshop, monkeypatch):
    scripted(monkeypatch, lambda chat: f"{word_of(chat)}! Yes.")
    asked, systems = long_instructions.dialogues(workshop, 3, turns=3), [begin_with("Quack")] * 3
    examples = long_instructions.ghost_examples(workshop, None, asked, systems)
    decode = workshop.kitchen.tokenizer.decode
    assert len(examples) == 3
    for example in examples:
        prompt, answer = decode(list(example.prompt_ids)), decode(list(example.answer_ids))
        assert prompt.count("Begin each answer") == 1 and "Quack! Yes." in prompt and answer.strip() == "Quack! Yes."
    assert sorted({decode(list(e.prompt_ids)).count("[INST]") for e in examples}) == [2, 3]


def test_a_conversation_that_did_not_obey_is_left_out(workshop, monkeypatch):
    scripted(monkeypatch, lambda chat: "Yes.")
    asked = long_instructions.dialogues(workshop, 2, turns=2)
    assert long_instructions.ghost_examples(workshop, None, asked, long_instructions.instructions(2)) == []


def test_words_that_are_tested_are_not_learned():
    learned, tested = (set(long_instructions.instructions(50, part)) for part in ("train", "held_out"))
    assert not learned & tested
