"""Best-of-n, which Llama 2 calls rejection sampling: draw n answers, keep the one that the reward model likes best.

Source: Llama 2, arXiv:2307.09288, section 3.2.3 (until its fourth version Llama 2-Chat was trained on such answers
alone).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from llama_course.models.llama import Llama
from llama_course.training.fine_tuning import Example
from llama_course.training.rollouts import RewardOf, sample_responses


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


def expected_best(rewards: Tensor, n: int, values: Tensor | None = None) -> Tensor:
    """What the best of n is worth on average, estimated from N ≥ n drawn answers to each prompt, without drawing again.

    The answer with the i-th smallest of the N rewards is the best of n with probability C(i − 1, n − 1) / C(N, n).

    Args:
        rewards: by which the best is chosen, shape (prompts, N).
        n: from 1 to N.
        values: what an answer is worth, shape (prompts, N); the rewards themselves by default.

    Returns:
        Shape (prompts,), the dtype of ``rewards``.
    """
    total = rewards.shape[1]
    if not 1 <= n <= total:
        raise ValueError(f"n must be from 1 to the {total} answers of each prompt, got {n}.")
    chances = [math.comb(i, n - 1) / math.comb(total, n) for i in range(total)]  # of the (i + 1)-th smallest
    weights = torch.tensor(chances, dtype=rewards.dtype).to(rewards.device)  # (N,)
    values = rewards if values is None else values
    return values.gather(1, rewards.argsort(dim=1)).to(rewards.dtype) @ weights


def rejection_sampling(
    policy: Llama,
    prompts: Sequence[Sequence[int]],
    reward_of: RewardOf,
    n: int,
    max_new_tokens: int = 48,
    prompts_at_once: int = 16,
    seed: int = 0,
) -> list[Example]:
    """Draw n answers to each prompt and keep the best one, to fine-tune on.

    Args:
        policy: draws the answers.
        prompts: token ids, BOS and chat format included.
        reward_of: takes the numbers of the prompts and the answers, returns a reward for each answer.
        n: answers drawn to each prompt.
        max_new_tokens: most tokens of an answer.
        prompts_at_once: how many prompts go side by side, each n times.
        seed: the same one draws the same answers.

    Returns:
        One example for each prompt, in order.
    """
    examples = []
    for start in range(0, len(prompts), prompts_at_once):
        numbers = [number for number in range(len(prompts))[start : start + prompts_at_once] for _ in range(n)]
        drawn = sample_responses(
            policy, [prompts[number] for number in numbers], max_new_tokens, seed=seed * 1_000_003 + start
        )
        rewards = reward_of(numbers, drawn).view(-1, n)  # (prompts, n)
        answers = drawn.response_ids()
        for row, best in enumerate(best_of_n(rewards).tolist()):
            examples.append(Example(tuple(prompts[start + row]), answers[row * n + best]))
    return examples
