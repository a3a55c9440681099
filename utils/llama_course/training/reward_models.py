"""Reward models: a language model whose last hidden state is turned into one number, the quality of an answer.

Source: Llama 2, arXiv:2307.09288, section 3.2.2.  Left out: the mixture with open preference data, and the auxiliary
safety classification.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llama_course.training.fine_tuning import shuffled_batch
from llama_course.training.losses import reward_ranking_loss
from llama_course.training.pretraining import EmptyDataError


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, as token ids of the whole conversations, and how clear the preference is."""

    chosen_ids: tuple[int, ...]  # prompt, chosen answer, EOS
    rejected_ids: tuple[int, ...]
    margin: float = 0.0  # 0 for "negligibly better or unsure", larger for clearer preferences


class RewardModel(nn.Module):
    """A body that gives hidden states, and a head that scores the last of them.

    Args:
        body: takes token ids (B, T), returns hidden states (B, T, D), each of which sees only what is before it; for
            example the ``model`` of a fine-tuned Llama.
        hidden_size: D.
    """

    def __init__(self, body: nn.Module, hidden_size: int):
        super().__init__()
        self.body = body
        self.score = nn.Linear(hidden_size, 1, bias=False)
        nn.init.normal_(self.score.weight, std=1 / (hidden_size + 1))

    def forward(self, input_ids: Tensor, lengths: Tensor) -> Tensor:
        """The reward of each conversation.

        Args:
            input_ids: shape (B, T), padded on the right.
            lengths: tokens of each without padding, shape (B,).

        Returns:
            Shape (B,).
        """
        hidden_states = self.body(input_ids)  # (B, T, D)
        last = hidden_states[torch.arange(len(lengths)), lengths - 1]  # (B, D)
        return self.score(last)[:, 0]


def padded(sequences: Sequence[Sequence[int]], pad_token_id: int, max_length: int) -> tuple[Tensor, Tensor]:
    """Sequences side by side, padded on the right, and their lengths: int64, shapes (B, T) and (B,).

    Raises:
        EmptyDataError: no sequence, or one without tokens.
        ValueError: a sequence longer than the model's context.
    """
    if not sequences or not all(map(len, sequences)):
        raise EmptyDataError("there is no sequence to score, or one has no tokens.")
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    if lengths.max() > max_length:
        raise ValueError(f"a sequence has {lengths.max()} tokens, and the model's context holds {max_length}.")
    input_ids = torch.full((len(sequences), int(lengths.max())), pad_token_id)
    for row, sequence in enumerate(sequences):
        input_ids[row, : len(sequence)] = torch.tensor(sequence)
    return input_ids, lengths


def reward_loss(
    model: RewardModel,
    pairs: Sequence[Pair],
    batch_size: int,
    pad_token_id: int,
    max_length: int,
    seed: int = 0,
    use_margins: bool = True,
) -> Callable[[int], Tensor]:
    """The ``loss_of_step`` of :func:`llama_course.training.loop.train` for a reward model.

    Args:
        model: what is trained.
        pairs: the comparisons.
        batch_size: pairs in a batch.
        pad_token_id, max_length: as in :func:`padded`.
        seed: of the order of the pairs.
        use_margins: without them, the plain Bradley-Terry loss.
    """

    def loss_of_step(step: int) -> Tensor:
        batch = shuffled_batch(pairs, batch_size, seed, step)
        sequences = [pair.chosen_ids for pair in batch] + [pair.rejected_ids for pair in batch]
        chosen, rejected = model(*padded(sequences, pad_token_id, max_length)).chunk(2)  # (batch_size,) each
        margins = torch.tensor([pair.margin for pair in batch]) if use_margins else 0.0
        return reward_ranking_loss(chosen, rejected, margins)

    return loss_of_step


@torch.no_grad()
def pair_accuracy(
    model: RewardModel, pairs: Sequence[Pair], pad_token_id: int, max_length: int, batch_size: int = 64
) -> float:
    """Share of the pairs in which the chosen answer has the higher reward; equal rewards count one half."""
    if not pairs:
        raise EmptyDataError("there is no pair to judge.")
    right = 0.0
    for start in range(0, len(pairs), batch_size):
        batch = pairs[start : start + batch_size]
        sequences = [pair.chosen_ids for pair in batch] + [pair.rejected_ids for pair in batch]
        chosen, rejected = model(*padded(sequences, pad_token_id, max_length)).chunk(2)
        right += (chosen > rejected).sum().item() + 0.5 * (chosen == rejected).sum().item()
    return right / len(pairs)
