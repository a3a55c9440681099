"""Files to learn from: JSON lines with the conversations that the chat models of the course take.

A line of a file for supervised fine-tuning::

    {"messages": [{"role": "user", "content": "Who is Luma?"}, {"role": "assistant", "content": "A potter."}]}

A line of a file of preferences has the conversation up to the question, and two answers::

    {"messages": [{"role": "user", "content": "Who is Luma?"}], "chosen": "A potter.", "rejected": "No idea."}
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llama_course.training.fine_tuning import Example, example_of, examples_of
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.reward_models import Pair

Encode = Callable[[str], Sequence[int]]


def read_examples(path: str | Path, encode: Encode, bos_token_id: int = 1, eos_token_id: int = 2) -> list[Example]:
    """The answers of a file of conversations, each with all that was said before it as its prompt.

    Args:
        path: JSON lines, each with "messages".
        encode, bos_token_id, eos_token_id: as in :func:`llama_course.training.fine_tuning.example_of`.

    Raises:
        ValueError: a line that is no such conversation, with its number and what is wrong with it.
        EmptyDataError: no line at all.
    """
    examples = []
    for number, row in _rows(path, {"messages"}):
        with_number = f"{path}, line {number}: "
        try:
            examples += examples_of([row["messages"]], encode, bos_token_id, eos_token_id)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(with_number + str(error)) from error
    return examples


def read_pairs(path: str | Path, encode: Encode, bos_token_id: int = 1, eos_token_id: int = 2) -> list[Pair]:
    """The comparisons of a file of preferences; arguments and errors as in :func:`read_examples`."""
    pairs = []
    for number, row in _rows(path, {"messages", "chosen", "rejected"}):
        try:
            both = []
            for answer in (row["chosen"], row["rejected"]):
                messages = [*row["messages"], {"role": "assistant", "content": answer}]
                example = example_of(messages, encode, bos_token_id, eos_token_id)
                both.append(example.prompt_ids + example.answer_ids)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        pairs.append(Pair(*both))
    return pairs


def _rows(path: str | Path, fields: set[str]) -> Iterator[tuple[int, dict]]:
    """The lines of a file that are not empty, with their numbers."""
    found = False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            found = True
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: expected a line of JSON: {error}") from error
            if not isinstance(row, dict) or set(row) != fields or not isinstance(row["messages"], list):
                expected = ", ".join(sorted(fields, reverse=True))
                got = ", ".join(sorted(row)) if isinstance(row, dict) else f"{row!r:.40}"
                raise ValueError(f"{path}, line {number}: expected an object with {expected}, got {got}.")
            yield number, row
    if not found:
        raise EmptyDataError(f"{path}: there is nothing to learn from in this file.")
