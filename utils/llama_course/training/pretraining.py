"""Pretraining: predict the next token of a long text, nothing else.

Source: Llama 2, arXiv:2307.09288, section 2.  Left out: everything that needs more than one computer.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from llama_course.training.losses import next_token_loss
from llama_course.training.optimization import device_of

HELD_OUT_BATCHES = 8


class EmptyDataError(ValueError):
    """There is nothing, or not enough, to learn from."""


def token_stream(documents: Sequence[Sequence[int]], bos_token_id: int, eos_token_id: int) -> Tensor:
    """All documents as one line of token ids, each between its BOS and its EOS; int64, shape (tokens,)."""
    ids = [token for document in documents for token in (bos_token_id, *document, eos_token_id)]
    if not ids:
        raise EmptyDataError("there is no document to learn from.")
    return torch.tensor(ids)


def random_windows(stream: Tensor, batch_size: int, length: int, seed: int, step: int) -> Tensor:
    """The batch of one step: windows from random places of the stream.

    Args:
        stream: token ids, shape (tokens,).
        batch_size: B.
        length: T, tokens in a window.
        seed, step: the same two numbers give the same batch, so that a resumed run goes on exactly.

    Returns:
        int64, shape (B, T).

    Raises:
        EmptyDataError: the stream is shorter than one window.
    """
    places = len(stream) - length + 1
    if places < 1:
        raise EmptyDataError(f"the text has {len(stream)} tokens, fewer than one window of {length}.")
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    starts = torch.randint(places, (batch_size, 1), generator=generator)  # (B, 1)
    return stream[starts + torch.arange(length)]  # (B, T)


def windows_once(stream: Tensor, batch_size: int, length: int, seed: int, step: int) -> Tensor:
    """The batch of one step where no token is read twice in an epoch: windows that do not overlap, in a random order.

    Every token is read once an epoch, apart from what is left over: the end of the stream that fills no window, and
    the last windows of the order where they fill no batch, which are others in each epoch.

    Arguments and result as for :func:`random_windows`.

    Raises:
        EmptyDataError: the stream does not fill one batch.
    """
    windows = len(stream) // length
    if windows < batch_size:
        raise EmptyDataError(f"the text has {len(stream)} tokens, fewer than {batch_size} windows of {length}.")
    epoch, batch = divmod(step, windows // batch_size)
    order = torch.randperm(windows, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    starts = length * order[batch * batch_size : (batch + 1) * batch_size, None]  # (B, 1)
    return stream[starts + torch.arange(length)]  # (B, T)


def pretraining_loss(
    model: nn.Module, stream: Tensor, batch_size: int, length: int, seed: int = 0, windows=random_windows
) -> Callable[[int], Tensor]:
    """The ``loss_of_step`` of :func:`llama_course.training.loop.train` for pretraining.

    Args:
        model: takes token ids (B, T), returns logits (B, T, V).
        stream, batch_size, length, seed: as in :func:`random_windows`.
        windows: where the batches come from, :func:`random_windows` or :func:`windows_once`.
    """

    def loss_of_step(step: int) -> Tensor:
        input_ids = windows(stream, batch_size, length, seed, step).to(device_of(model))
        return next_token_loss(model(input_ids), input_ids)

    return loss_of_step


def held_out_loss(model: nn.Module, stream: Tensor, batch_size: int, length: int) -> Callable[[], float]:
    """The ``evaluate`` of :func:`train`: mean loss in nats a token over fixed windows of a held-out text."""
    loss_of_step = pretraining_loss(model, stream, batch_size, length, seed=2**31 - 1)
    return lambda: sum(loss_of_step(step).item() for step in range(HELD_OUT_BATCHES)) / HELD_OUT_BATCHES
