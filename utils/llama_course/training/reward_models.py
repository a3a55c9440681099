"""Reward models: a language model whose last hidden state is turned into one number, the quality of an answer.

Source: Llama 2, arXiv:2307.09288, section 3.2.2.  Left out: the mixture with open preference data, and the auxiliary
safety classification.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from llama_course import files
from llama_course.models.llama import Llama
from llama_course.models.llama_files import config_to_dict, read_config, read_tensors
from llama_course.training.fine_tuning import shuffled_batch
from llama_course.training.losses import reward_ranking_loss
from llama_course.training.optimization import device_of
from llama_course.training.pretraining import EmptyDataError


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, as token ids of the whole conversations, and how clear the preference is."""

    chosen_ids: tuple[int, ...]  # prompt, chosen answer, EOS
    rejected_ids: tuple[int, ...]
    margin: float = 0.0  # 0 for "negligibly better or unsure", larger for clearer preferences


def longest(pair: Pair) -> int:
    """Tokens of the longer of the two conversations."""
    return max(len(pair.chosen_ids), len(pair.rejected_ids))


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
        last = hidden_states[torch.arange(len(lengths), device=lengths.device), lengths - 1]  # (B, D)
        return self.score(last)[:, 0]


def padded(
    sequences: Sequence[Sequence[int]], pad_token_id: int, max_length: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Sequences side by side, padded on the right, and their lengths: int64, shapes (B, T) and (B,), on this device.

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
    return input_ids.to(device), lengths.to(device)


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
        batch = shuffled_batch(pairs, batch_size, seed, step, longest)
        sequences = [pair.chosen_ids for pair in batch] + [pair.rejected_ids for pair in batch]
        inputs = padded(sequences, pad_token_id, max_length, device_of(model))
        chosen, rejected = model(*inputs).chunk(2)  # (batch_size,) each
        margins = torch.tensor([pair.margin for pair in batch]).to(chosen.device) if use_margins else 0.0
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
        chosen, rejected = model(*padded(sequences, pad_token_id, max_length, device_of(model))).chunk(2)
        right += (chosen > rejected).sum().item() + 0.5 * (chosen == rejected).sum().item()
    return right / len(pairs)


def save_reward_model(model: RewardModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors as of a ``LlamaForSequenceClassification`` with one label.

    Args:
        model: its body is the ``model`` of a Llama.
        folder: where to; it is made.

    Raises:
        OSError: with what happened (disk full, folder read-only) and what to do.
    """
    from safetensors.torch import save

    weights = {f"model.{name}": weight.detach().contiguous() for name, weight in model.body.state_dict().items()}
    weights["score.weight"] = model.score.weight.detach().contiguous()
    dtype = str(model.score.weight.dtype).removeprefix("torch.")
    config = config_to_dict(model.body.config) | {
        "architectures": ["LlamaForSequenceClassification"],
        "id2label": {"0": "reward"},
        "label2id": {"reward": 0},
        "pad_token_id": 0,
        "dtype": dtype,
    }
    files.write_atomically(Path(folder) / "model.safetensors", save(weights, metadata={"format": "pt"}))
    files.write_atomically(Path(folder) / "config.json", json.dumps(config, indent=2) + "\n")


def load_reward_model(folder: str | Path) -> RewardModel:
    """The reward model of a folder that :func:`save_reward_model` wrote, in float32, ready for use.

    Raises:
        ValueError: a tensor is missing, unknown or of another shape, for example because it is no reward model.
        OSError: a file is missing or cannot be read.
    """
    folder = Path(folder)
    config = read_config(folder)
    with torch.device("meta"):  # shapes only: no first weights are drawn, which are replaced at once
        model = RewardModel(Llama(config).model, config.hidden_size)
    # copies, because safetensors may still map the file, which then could not be replaced on Windows
    weights = {
        name.replace("model.", "body.", 1): tensor.to(torch.float32, copy=True)
        for name, tensor in read_tensors(folder, config).items()
        if name != "lm_head.weight"
    }
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()  # the others say the same of other tensors
        raise ValueError(f"{folder}: expected a reward model, got other tensors: {first}") from error
    return model.eval()
