"""DPO: learn from the preferences themselves, without a reward model and without drawing answers.

Source: Rafailov et al., arXiv:2305.18290, section 4.  Llama 2 was trained before it and does not use it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from llama_course.training.fine_tuning import shuffled_batch
from llama_course.training.losses import dpo_loss, response_log_probs
from llama_course.training.optimization import device_of
from llama_course.training.reward_models import Pair, longest, padded


def sequence_log_probs(model: nn.Module, input_ids: Tensor, lengths: Tensor) -> Tensor:
    """ln p of whole sequences, each token given those before it.

    Args:
        model: takes token ids (B, T), returns logits (B, T, V).
        input_ids: shape (B, T), padded on the right.
        lengths: tokens of each without padding, shape (B,).

    Returns:
        Shape (B,), in nats.
    """
    places = torch.arange(input_ids.shape[1], device=input_ids.device)
    counted = (places >= 1) & (places < lengths[:, None])  # (B, T); nothing precedes the first token
    return response_log_probs(model(input_ids), input_ids, counted).sum(dim=1)


def preference_loss(
    policy: nn.Module,
    reference: nn.Module,
    pairs: Sequence[Pair],
    batch_size: int,
    pad_token_id: int,
    max_length: int,
    beta: float = 0.1,
    seed: int = 0,
) -> Callable[[int], Tensor]:
    """The ``loss_of_step`` of :func:`llama_course.training.loop.train` for DPO.

    Chosen and rejected share their prompt, so its log-probabilities cancel and need no mask.

    Args:
        policy: what is trained.
        reference: what it is held to, a copy of the policy as it was; not changed.
        pairs: the comparisons, the same as for a reward model; margins are not used.
        batch_size: pairs in a batch.
        pad_token_id, max_length: as in :func:`llama_course.training.reward_models.padded`.
        beta: how strongly the policy is held to the reference.
        seed: of the order of the pairs.
    """

    def loss_of_step(step: int) -> Tensor:
        batch = shuffled_batch(pairs, batch_size, seed, step, longest)
        sequences = [pair.chosen_ids for pair in batch] + [pair.rejected_ids for pair in batch]
        input_ids, lengths = padded(sequences, pad_token_id, max_length, device_of(policy))
        ours = sequence_log_probs(policy, input_ids, lengths).chunk(2)  # chosen, rejected: (batch_size,) each
        with torch.no_grad():
            theirs = sequence_log_probs(reference, input_ids, lengths).chunk(2)
        return dpo_loss(*ours, *theirs, beta)

    return loss_of_step
