"""Ghost Attention: obeyed everywhere, said once, learned from the last answer."""

import pytest

from llama_course.training.ghost_attention import (
    learned_messages,
    with_instruction_everywhere,
    with_instruction_once,
)

RULE = "Answer as a shepherd would."


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


DIALOGUE = [user("Hello"), assistant("Baa"), user("How are you?"), assistant("Grazing")]


def test_answers_are_sampled_with_the_instruction_before_every_question():
    got = with_instruction_everywhere(DIALOGUE, RULE)
    assert [m["content"] for m in got] == [f"{RULE}\nHello", "Baa", f"{RULE}\nHow are you?", "Grazing"]


def test_training_sees_the_instruction_once_and_the_same_answers():
    got = with_instruction_once(DIALOGUE, RULE)
    assert [m["content"] for m in got] == [f"{RULE}\nHello", "Baa", "How are you?", "Grazing"]
    assert [m["role"] for m in got] == [m["role"] for m in DIALOGUE]


def test_the_dialogue_itself_is_not_changed():
    before = [dict(message) for message in DIALOGUE]
    with_instruction_everywhere(DIALOGUE, RULE)[1]["content"] = "changed"
    with_instruction_once(DIALOGUE, RULE)[1]["content"] = "changed"
    assert before == DIALOGUE


def test_only_the_last_answer_is_learned():
    assert learned_messages(DIALOGUE) == [False, False, False, True]


@pytest.mark.parametrize("messages", [[], DIALOGUE[:3]])
def test_a_dialogue_without_an_answer_at_its_end_is_refused(messages):
    with pytest.raises(ValueError, match="must end with an answer"):
        learned_messages(messages)


def test_an_instruction_needs_a_question_to_stand_before():
    with pytest.raises(ValueError, match="got one of role 'assistant'"):
        with_instruction_once(DIALOGUE[1:], RULE)
