"""Ghost Attention: how Llama 2-Chat learned to keep an instruction over many turns.  A trick with data alone.

Source: Llama 2, arXiv:2307.09288, section 3.3.  Left out: the mixing of hobbies, languages and public figures into
synthetic instructions, and shortening them.
"""

from collections.abc import Sequence

Message = dict[str, str]


def with_instruction_everywhere(messages: Sequence[Message], instruction: str) -> list[Message]:
    """The dialogue from which answers are sampled: the instruction stands before every user message.

    So each answer is written with the instruction in sight, and obeys it.

    Args:
        messages: user and assistant in turn.
        instruction: for example "Answer as a shepherd would."
    """
    return [_instructed(message, instruction) if message["role"] == "user" else dict(message) for message in messages]


def with_instruction_once(messages: Sequence[Message], instruction: str) -> list[Message]:
    """The dialogue that is trained on: the same answers, the instruction before the first user message only."""
    first, *rest = messages
    return [_instructed(first, instruction), *map(dict, rest)]


def learned_messages(messages: Sequence[Message]) -> list[bool]:
    """Which messages the loss counts: the last answer alone.

    The earlier answers were written with the instruction in sight, and now it is far away; they are context.

    Raises:
        ValueError: the last message is not an answer.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise ValueError("the dialogue must end with an answer of the assistant: that is what is learned.")
    return [False] * (len(messages) - 1) + [True]


def _instructed(message: Message, instruction: str) -> Message:
    if message["role"] != "user":
        raise ValueError(f"an instruction stands before a user message, got one of role {message['role']!r}.")
    return {**message, "content": f"{instruction}\n{message['content']}"}
