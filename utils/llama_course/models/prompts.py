"""The Llama 2 chat format: how a conversation becomes the text that Llama-2-Chat was tuned on.

Source: Meta's ``generation.py`` and ``example_chat_completion.py`` (github.com/facebookresearch/llama) and the update
of 7 August 2023, since which text with the format's own markers is refused.  Other models bring their own format
with them, as a chat template.
"""

from collections.abc import Callable, Sequence

from llama_course.models.catalog import LLAMA_2_TAGS
from llama_course.models.interface import Messages, check_messages

B_INST, E_INST = "[INST]", "[/INST]"
B_SYS, E_SYS = "<<SYS>>\n", "\n<</SYS>>\n\n"
BOS, EOS = "<s>", "</s>"


def llama_2_turns(messages: Messages) -> list[tuple[str, str | None]]:
    """Cut a conversation into pairs of prompt and answer, as Llama-2-Chat reads them.

    The system message is folded into the first user message.  Texts are stripped of outer white space.

    Args:
        messages: optional system message, then user and assistant in turn, ending with user.

    Returns:
        One pair for each user message: ``"[INST] ... [/INST]"`` and the answer, None for the last.

    Raises:
        PromptError: wrongly formed messages.
        SpecialTagsError: a message with one of the markers in it.
    """
    messages = check_messages(messages, LLAMA_2_TAGS)
    if messages[0]["role"] == "system":
        system, first, *rest = messages
        folded = B_SYS + system["content"] + E_SYS + first["content"]
        messages = [{"role": "user", "content": folded}, *rest]
    questions = [message["content"].strip() for message in messages[::2]]
    answers = [message["content"].strip() for message in messages[1::2]]
    return [
        (f"{B_INST} {question} {E_INST}", answer) for question, answer in zip(questions, [*answers, None], strict=True)
    ]


def llama_2_prompt(messages: Messages, bos: str = BOS, eos: str = EOS) -> str:
    """The whole prompt as one string, with ``<s>`` and ``</s>`` written out where their tokens stand.

    Each finished turn is ``<s>[INST] question [/INST] answer </s>``; the last one stops after ``[/INST]``.  As with
    Meta's code there is a space between the answer and ``</s>`` and none after ``<s>``.
    """
    return "".join(
        f"{bos}{question}" if answer is None else f"{bos}{question} {answer} {eos}"
        for question, answer in llama_2_turns(messages)
    )


def llama_2_token_ids(
    messages: Messages, encode: Callable[[str], Sequence[int]], bos_token_id: int = 1, eos_token_id: int = 2
) -> list[int]:
    """The prompt as token ids, laid out as Meta's code does it.

    Each turn is encoded by itself, between the ids of BOS and EOS; the last turn has no answer and no EOS.  Encoding
    the string of :func:`llama_2_prompt` in one go can give other ids: the markers ``<s>`` and ``</s>`` are ids, not
    text.

    Args:
        messages: as in :func:`llama_2_turns`.
        encode: text to ids, without BOS and EOS.
        bos_token_id: 1 in Llama 2's tokenizer.
        eos_token_id: 2 in Llama 2's tokenizer.

    Returns:
        Token ids, one flat list.
    """
    token_ids: list[int] = []
    for question, answer in llama_2_turns(messages):
        if answer is None:
            token_ids += [bos_token_id, *encode(question)]
        else:
            token_ids += [bos_token_id, *encode(f"{question} {answer} "), eos_token_id]
    return token_ids
