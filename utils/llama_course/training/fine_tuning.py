"""Supervised fine-tuning: the same loss, on examples, and on their answers only.

Source: Llama 2, arXiv:2307.09288, section 3.1: "we zero-out the loss on tokens from the user prompt".  Left out: the
packing of several examples into one sequence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llama_course.training.losses import IGNORED, next_token_loss
from llama_course.training.pretraining import EmptyDataError


@dataclass(frozen=True)
class Example:
    """One prompt and the answer to learn, as token ids."""

    prompt_ids: tuple[int, ...]  # with BOS and the chat format around it
    answer_ids: tuple[int, ...]  # with EOS at its end


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


def shuffled_batch(examples: Sequence[Example], batch_size: int, seed: int, step: int) -> list[Example]:
    """The examples of one step: epochs of all examples, each in an order of its own; the last part may overlap.

    The same seed and step give the same examples.
    """
    if not examples:
        raise EmptyDataError("there is no example to learn from.")
    batch: list[Example] = []
    for place in range(step * batch_size, (step + 1) * batch_size):
        epoch, position = divmod(place, len(examples))
        order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        batch.append(examples[order[position]])
    return batch


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

    def loss_of_step(step: int) -> Tensor:
        batch = shuffled_batch(examples, batch_size, seed, step)
        input_ids, labels = batch_of(batch, pad_token_id, max_length)
        if on_prompts_too:
            for row, example in enumerate(batch):
                labels[row, : len(example.prompt_ids)] = torch.tensor(example.prompt_ids)
        return next_token_loss(model(input_ids), labels)

    return loss_of_step
