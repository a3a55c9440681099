"""Supervised fine-tuning: the same loss, on examples, and on their answers only.

Source: Llama 2, arXiv:2307.09288, section 3.1: "we zero-out the loss on tokens from the user prompt".  Left out: the
packing of several examples into one sequence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llama_course.models.prompts import llama_2_token_ids
from llama_course.training.losses import IGNORED, next_token_loss
from llama_course.training.optimization import device_of
from llama_course.training.pretraining import EmptyDataError


@dataclass(frozen=True)
class Example:
    """One prompt and the answer to learn, as token ids."""

    prompt_ids: tuple[int, ...]  # with BOS and the chat format around it
    answer_ids: tuple[int, ...]  # with EOS at its end


def example_of(
    messages: Sequence[dict[str, str]],
    encode: Callable[[str], Sequence[int]],
    bos_token_id: int = 1,
    eos_token_id: int = 2,
) -> Example:
    """The last answer of a conversation as an example: everything before it is the prompt.

    The ids are those that a chat sees, and the same whether the answer is learned or, a turn later, history.  The
    answer begins with the space after ``[/INST]`` and ends with a space and EOS, as in Meta's code.

    Args:
        messages: an optional system message, then user and assistant in turn, ending with assistant.
        encode: text to ids, without BOS and EOS.
        bos_token_id, eos_token_id: as in :func:`llama_course.models.prompts.llama_2_token_ids`.

    Raises:
        PromptError: wrongly formed messages, or one with a marker of the chat format in it.
        ValueError: the last message is not an answer, or the tokenizer makes one token out of the end of the prompt
            and the beginning of the answer, so that a chat could never begin with it.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise ValueError("the conversation must end with an answer of the assistant: that is what is learned.")
    prompt_ids = llama_2_token_ids(messages[:-1], encode, bos_token_id, eos_token_id)
    following = [{"role": "user", "content": "?"}]  # makes history of the answer
    whole_ids = llama_2_token_ids([*messages, *following], encode, bos_token_id, eos_token_id)
    whole_ids = whole_ids[: -len(llama_2_token_ids(following, encode, bos_token_id, eos_token_id))]
    if whole_ids[: len(prompt_ids)] != prompt_ids:
        raise ValueError(
            "the tokenizer joins the end of the prompt with the beginning of the answer "
            f"{messages[-1]['content'][:20]!r}; what is learned would not be what a chat sees."
        )
    return Example(tuple(prompt_ids), tuple(whole_ids[len(prompt_ids) :]))


def examples_of(
    conversations: Iterable[Sequence[dict[str, str]]],
    encode: Callable[[str], Sequence[int]],
    bos_token_id: int = 1,
    eos_token_id: int = 2,
) -> list[Example]:
    """One example for each answer in each conversation, in order, with all that was said before it as its prompt.

    Every answer is learned once; left out is the economy of learning all answers of a conversation in one pass.

    Args:
        conversations: each as in :func:`example_of`.
        encode, bos_token_id, eos_token_id: as in :func:`example_of`.

    Raises:
        PromptError, ValueError: as :func:`example_of`.
    """
    examples = []
    for messages in conversations:
        answers = {place for place, message in enumerate(messages) if message["role"] == "assistant"}
        for place in sorted(answers | {len(messages) - 1}):  # the last message, too: it must be an answer
            examples.append(example_of(messages[: place + 1], encode, bos_token_id, eos_token_id))
    return examples


def batch_of(examples: Sequence[Example], pad_token_id: int, max_length: int) -> tuple[Tensor, Tensor]:
    """Examples side by side, padded on the right.

    Args:
        examples: at least one.
        pad_token_id: fills up the shorter ones; it is never learned.
        max_length: the model's context.

    Returns:
        input_ids and labels, both int64 of shape (B, T); labels are -100 on prompts and padding.

    Raises:
        EmptyDataError: no example.
        ValueError: an example is longer than the context, or its prompt or answer is empty.
    """
    if not examples:
        raise EmptyDataError("there is no example to learn from.")
    for number, example in enumerate(examples):
        length = len(example.prompt_ids) + len(example.answer_ids)
        if not example.prompt_ids or not example.answer_ids:
            raise ValueError(f"example {number}: prompt and answer need at least one token each.")
        if length > max_length:
            raise ValueError(f"example {number} has {length} tokens, and the model's context holds {max_length}.")
    longest = max(len(example.prompt_ids) + len(example.answer_ids) for example in examples)
    input_ids = torch.full((len(examples), longest), pad_token_id)  # (B, T)
    labels = torch.full_like(input_ids, IGNORED)
    for row, example in enumerate(examples):
        start, end = len(example.prompt_ids), len(example.prompt_ids) + len(example.answer_ids)
        input_ids[row, :end] = torch.tensor([*example.prompt_ids, *example.answer_ids])
        labels[row, start:end] = torch.tensor(example.answer_ids)
    return input_ids, labels


def shuffled_batch(
    examples: Sequence, batch_size: int, seed: int, step: int, length_of: Callable[..., int] | None = None
) -> list:
    """The examples of one step: epochs of all examples, each in an order of its own; the last part may overlap.

    Args:
        examples: what to learn.
        batch_size: how many a step.
        seed, step: the same two numbers give the same examples.
        length_of: gives the length of an example; with it, those of like length go together, so that little of a batch
            is padding.  Without it the order is all chance.

    Raises:
        EmptyDataError: no example.
    """
    if not examples:
        raise EmptyDataError("there is no example to learn from.")
    places = range(step * batch_size, (step + 1) * batch_size)
    epochs = {place // len(examples) for place in places}
    orders = {epoch: _epoch_order(examples, batch_size, seed * 1_000_003 + epoch, length_of) for epoch in epochs}
    return [examples[orders[place // len(examples)][place % len(examples)]] for place in places]


def _epoch_order(examples: Sequence, batch_size: int, seed: int, length_of: Callable[..., int] | None) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(examples), generator=generator).tolist()
    if length_of is None:
        return order
    batches, block = [], 16 * batch_size
    for start in range(0, len(order), block):
        alike = sorted(order[start : start + block], key=lambda number: length_of(examples[number]))
        batches += [alike[first : first + batch_size] for first in range(0, len(alike), batch_size)]
    return [number for batch in torch.randperm(len(batches), generator=generator).tolist() for number in batches[batch]]


def fine_tuning_loss(
    model: nn.Module,
    examples: Sequence[Example],
    batch_size: int,
    pad_token_id: int,
    max_length: int,
    seed: int = 0,
    on_prompts_too: bool = False,
) -> Callable[[int], Tensor]:
    """The ``loss_of_step`` of :func:`llama_course.training.loop.train` for supervised fine-tuning.

    Args:
        model: takes token ids (B, T), returns logits (B, T, V).
        examples: what to learn.
        batch_size: B.
        pad_token_id, max_length: as in :func:`batch_of`.
        seed: of the order of the examples.
        on_prompts_too: learn the prompts as well, to see what the mask is for.
    """

    def length_of(example: Example) -> int:
        return len(example.prompt_ids) + len(example.answer_ids)

    def loss_of_step(step: int) -> Tensor:
        batch = shuffled_batch(examples, batch_size, seed, step, length_of)
        input_ids, labels = batch_of(batch, pad_token_id, max_length)
        if on_prompts_too:
            for row, example in enumerate(batch):
                labels[row, : len(example.prompt_ids)] = torch.tensor(example.prompt_ids)
        input_ids, labels = input_ids.to(device_of(model)), labels.to(device_of(model))
        return next_token_loss(model(input_ids), labels)

    return loss_of_step
