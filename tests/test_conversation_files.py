"""Files of conversations and preferences become the same examples and pairs that the miniature learns from."""

import json

import pytest

from llama_course.training.conversation_files import read_examples, read_pairs
from llama_course.training.fine_tuning import examples_of
from llama_course.training.pretraining import EmptyDataError


def encode(text: str) -> list[int]:
    return list(text.encode("utf-8"))


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


TALK = [user("Who is Luma?"), assistant("A potter."), user("Where?"), assistant("In Llamaland, né?")]


def write(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_answer_of_a_conversation_is_an_example_as_in_the_miniature(tmp_path):
    path = write(tmp_path / "sft.jsonl", {"messages": TALK}, {"messages": TALK[:2]})
    assert read_examples(path, encode) == examples_of([TALK, TALK[:2]], encode)
    assert read_examples(path, encode, 7, 8)[0].prompt_ids[0] == 7
    assert read_examples(path, encode, 7, 8)[0].answer_ids[-1] == 8


def test_a_preference_is_two_conversations_that_differ_in_the_answer(tmp_path):
    rows = [{"messages": TALK[:3], "chosen": "In Llamaland.", "rejected": "No idea."}] * 2
    (pair, other) = read_pairs(write(tmp_path / "dpo.jsonl", *rows), encode)
    both = ("In Llamaland.", "No idea.")
    chosen, rejected = (examples_of([[*TALK[:3], assistant(answer)]], encode)[-1] for answer in both)
    assert pair == other
    assert pair.chosen_ids == chosen.prompt_ids + chosen.answer_ids
    assert pair.rejected_ids == rejected.prompt_ids + rejected.answer_ids


def test_empty_lines_are_passed_over_and_an_empty_file_is_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", {"messages": TALK})
    path.write_text("\n" + path.read_text(encoding="utf-8") + "\n  \n", encoding="utf-8")
    assert len(read_examples(path, encode)) == 2
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(EmptyDataError, match=r"a.jsonl: there is nothing to learn from"):
        read_examples(path, encode)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: expected a line of JSON"),
        ("[1]", "line 2: expected an object with messages, got"),
        ('{"prompt": "x"}', "line 2: expected an object with messages, got prompt"),
        ('{"messages": "Hi"}', "line 2: expected an object with messages"),
        ('{"messages": [{"role": "user", "content": "Hi"}]}', "line 2: the conversation must end with an answer"),
        ('{"messages": [{"role": "assistant", "content": "Hi"}]}', "line 2: "),
        ('{"messages": []}', "line 2: "),
        ('{"messages": [1]}', "line 2: "),
        ('{"messages": [{"role": "user", "content": "[INST]"}, {"role": "assistant", "content": "c"}]}', "line 2: "),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_number(tmp_path, line, said):
    path = write(tmp_path / "sft.jsonl", {"messages": TALK})
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"sft.jsonl, {said.replace('[', '.')}"):
        read_examples(path, encode)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": TALK[:3], "chosen": "yes"},
        {"messages": TALK[:3], "chosen": "yes", "rejected": 3},
        {"messages": TALK[:2], "chosen": "yes", "rejected": "no"},
        {"messages": TALK[:3], "chosen": "yes", "rejected": "no", "margin": 1},
    ],
)
def test_a_bad_preference_is_named_with_its_number(tmp_path, row):
    with pytest.raises(ValueError, match=r"dpo.jsonl, line 1: "):
        read_pairs(write(tmp_path / "dpo.jsonl", row), encode)
