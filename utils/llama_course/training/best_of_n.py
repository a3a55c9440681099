"""Best-of-n, which Llama 2 calls rejection sampling: draw n answers, keep the one that the reward model likes best.

Source: Llama 2, arXiv:2307.09288, section 3.2.3 (until its fourth version Llama 2-Chat was trained on such answers
alone).
"""

import math

import torch
from torch import Tensor


def best_of_n(rewards: Tensor) -> Tensor:
    """Position of the best answer to each prompt; the first of them if several are equally good.

    Args:
        rewards: shape (prompts, n).

    Returns:
        int64, shape (prompts,).
    """
    if rewards.dim() != 2 or rewards.shape[1] < 1:
        raise ValueError(f"expected rewards of shape (prompts, n) with n of 1 or more, got {tuple(rewards.shape)}.")
    return rewards.argmax(dim=1)


def best_of_n_kl(n: int) -> float:
    """How far the best of n answers is from one drawn answer: an upper bound of the KL divergence, in nats.

    KL = ln n − (n − 1) / n, exact where no two answers have the same reward.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more, got {n}.")
    return math.log(n) - (n - 1) / n


def expected_best(rewards: Tensor, n: int) -> Tensor:
    """Expected reward of the best of n, estimated from N ≥ n drawn answers to each prompt, without drawing again.

    Each of the N sorted rewards r_(1) ≤ … ≤ r_(N) is the best of n with probability C(i − 1, n − 1) / C(N, n).

    Args:
        rewards: shape (prompts, N).
        n: from 1 to N.

    Returns:
        Shape (prompts,), the dtype of ``rewards``.
    """
    total = rewards.shape[1]
    if not 1 <= n <= total:
        raise ValueError(f"n must be from 1 to the {total} answers of each prompt, got {n}.")
    shares = [math.comb(i, n - 1) / math.comb(total, n) for i in range(total)]  # of the (i + 1)-th smallest
    return rewards.sort(dim=1).values @ torch.tensor(shares, dtype=rewards.dtype)
