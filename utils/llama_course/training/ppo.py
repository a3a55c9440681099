"""PPO for language models: draw answers, let a reward model score them, make the better ones more probable.

What holds the policy back is the leash: each answer pays for its distance from the reference, the policy as it was.

Source: Llama 2, arXiv:2307.09288, section 3.2.3; Schulman et al., arXiv:1707.06347.  Left out: the value network.  Its
place is taken by the mean of the batch, or of several answers to one prompt (a group baseline as in Shao et al.,
arXiv:2402.03300), and all tokens of an answer share one advantage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llama_course.models.llama import Llama
from llama_course.training.losses import ppo_loss, response_log_probs, whiten
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.rollouts import RewardOf, Rollouts, sample_responses


@dataclass(frozen=True)
class PPOSettings:
    """How much is drawn for one iteration and how it is used."""

    prompts: int = 64  # different prompts in an iteration
    answers: int = 1  # to each prompt; from 2 on the baseline is the mean of the prompt's own answers
    epochs: int = 2  # steps of the optimizer on the same answers
    max_new_tokens: int = 48
    kl_weight: float = 0.3  # β, the leash: reward paid for each nat of distance; 0.01 in Llama 2 7B, 0.005 in 70B
    clip_range: float = 0.2  # ε

    def __post_init__(self):
        if min(self.prompts, self.answers, self.epochs, self.max_new_tokens) < 1 or self.prompts * self.answers < 2:
            raise ValueError(f"expected two answers or more, and one epoch and token or more, got {self}.")
        if not self.kl_weight >= 0:
            raise ValueError(f"kl_weight must be 0 (no leash) or more, got {self.kl_weight}.")


@dataclass(frozen=True)
class Iteration:
    """What one iteration drew; means over its answers."""

    reward: float  # what the reward model gave
    kl: float  # ln(policy / reference) of the answers, in nats: an unbiased estimate of the distance
    tokens: float  # length of an answer
    gold: float | None  # what ``watch`` measured; the policy never learns it


class PPO:
    """The ``loss_of_step`` of :func:`llama_course.training.loop.train` for PPO.

    Every ``settings.epochs`` steps new answers are drawn.  ``iterations`` tells what happened; ``last`` are the newest
    answers.  Training goes on exactly from a checkpoint that was saved between two iterations.

    Args:
        policy: what is trained.
        reference: what it is held to, a copy of the policy as it was; not changed.
        prompts: token ids, BOS and chat format included.
        reward_of: takes the numbers of the prompts and the answers, returns a reward for each answer.
        settings: sizes, leash and clipping.
        seed: of prompts and answers.
        watch: measures answers in the same way, for the record only.
    """

    def __init__(
        self,
        policy: Llama,
        reference: Llama,
        prompts: Sequence[Sequence[int]],
        reward_of: RewardOf,
        settings: PPOSettings | None = None,
        seed: int = 0,
        watch: RewardOf | None = None,
    ):
        if not prompts:
            raise EmptyDataError("there is no prompt to answer.")
        self.policy, self.reference, self.prompts = policy, reference, prompts
        self.reward_of, self.watch = reward_of, watch
        self.settings, self.seed = settings or PPOSettings(), seed
        self.iterations: list[Iteration] = []
        self.last: Rollouts | None = None

    def __call__(self, step: int) -> Tensor:
        iteration, epoch = divmod(step, self.settings.epochs)
        if epoch == 0 or self.last is None:
            self._draw(iteration)
        log_probs = self._log_probs(self.policy)
        return ppo_loss(
            log_probs, self._old_log_probs, self._advantages, self.last.response_mask, self.settings.clip_range
        )

    @torch.no_grad()
    def _draw(self, iteration: int) -> None:
        """New answers, their rewards less what their distance costs, and how much better than the baseline that is."""
        settings, seed = self.settings, self.seed * 1_000_003 + iteration
        order = torch.randperm(len(self.prompts), generator=torch.Generator().manual_seed(seed))
        chosen = [int(order[place % len(order)]) for place in range(settings.prompts) for _ in range(settings.answers)]
        self.last = sample_responses(
            self.policy, [self.prompts[number] for number in chosen], settings.max_new_tokens, seed=seed
        )
        self._old_log_probs = self._log_probs(self.policy)  # (B, T)
        kl = (self._old_log_probs - self._log_probs(self.reference)).sum(dim=1)  # (B,)
        rewards = self.reward_of(chosen, self.last)  # (B,)
        self._advantages = advantages(rewards - settings.kl_weight * kl, settings.answers)[:, None]  # (B, 1)
        gold = self.watch(chosen, self.last).mean().item() if self.watch else None
        tokens = self.last.response_mask.sum(dim=1).float().mean().item()
        self.iterations.append(Iteration(rewards.mean().item(), kl.mean().item(), tokens, gold))

    def _log_probs(self, model: Llama) -> Tensor:
        rollouts = self.last
        return response_log_probs(model(rollouts.input_ids), rollouts.input_ids, rollouts.response_mask)


def advantages(rewards: Tensor, answers: int) -> Tensor:
    """How much better each answer is than the baseline, scaled to standard deviation 1 over the batch.

    Args:
        rewards: shape (B,), the answers to one prompt next to each other.
        answers: to each prompt.  With 1 the baseline is the mean of the batch, else the mean of the prompt's answers.

    Returns:
        Shape (B,).
    """
    if answers > 1:
        groups = rewards.view(-1, answers)
        rewards = (groups - groups.mean(dim=1, keepdim=True)).flatten()
    return whiten(rewards)
