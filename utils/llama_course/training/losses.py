"""The losses of the recipe, from pretraining to preferences, each a pure function of tensors.

Shapes: B sequences, T tokens, V vocabulary, N pairs.  Everything is in natural logarithms (nats).  Labels of -100 mark
tokens that do not count; a ``response_mask`` is 1 (or True) on the tokens of the answer and 0 elsewhere.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = -100


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of predicting each token from those before it.

    L = −(1/n) Σ ln p(labels[t+1] | tokens up to t), over the n labels that count.  With the labels of prompt tokens set
    to -100 this is the loss of supervised fine-tuning (Llama 2, arXiv:2307.09288, section 3.1).

    Args:
        logits: shape (B, T, V), the model's output for each position.
        labels: shape (B, T), the token ids themselves, not shifted; -100 where a token does not count.

    Returns:
        A number in nats, shape ().

    Raises:
        ValueError: shapes that do not fit, or no label that counts (the mean of nothing).
    """
    if logits.shape[:2] != labels.shape:
        raise ValueError(
            f"expected labels of shape {tuple(logits.shape[:2])} as logits have, got {tuple(labels.shape)}."
        )
    shifted = labels[:, 1:]
    if not (shifted != IGNORED).any():
        raise ValueError("no label counts: all are -100, or the sequences have one token only.")
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), shifted.flatten(), ignore_index=IGNORED)


def response_log_probs(logits: Tensor, input_ids: Tensor, response_mask: Tensor) -> Tensor:
    """ln p of each token of the answer, given all before it; 0 on the other tokens.

    Args:
        logits: shape (B, T, V).
        input_ids: shape (B, T).
        response_mask: shape (B, T), 1 on the answer.  The first token has nothing before it and must be 0.

    Returns:
        Shape (B, T); summed over T, the log-probability of the whole answer.
    """
    log_probs = torch.log_softmax(logits[:, :-1].float(), dim=-1)
    given = log_probs.gather(-1, input_ids[:, 1:, None])[..., 0]  # (B, T-1)
    return F.pad(given, (1, 0)) * response_mask  # (B, T)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` over the places where ``mask`` is 1; both of one shape."""
    return (values * mask).sum() / mask.sum()


def reward_ranking_loss(chosen_rewards: Tensor, rejected_rewards: Tensor, margins: Tensor | float = 0.0) -> Tensor:
    """Loss of a reward model on pairs of answers, with a margin for clear preferences.

    L = mean of −ln σ(r_chosen − r_rejected − m).  Without margins it is the negative log-likelihood of the
    Bradley-Terry model, p(chosen preferred) = σ(r_chosen − r_rejected).

    Args:
        chosen_rewards, rejected_rewards: shape (N,).
        margins: shape (N,) or one number; larger the clearer the annotator's preference.

    Returns:
        Shape ().

    Source: Llama 2, arXiv:2307.09288, section 3.2.2, equation 2.
    """
    return -F.logsigmoid(chosen_rewards - rejected_rewards - margins).mean()


def combined_rewards(
    helpfulness: Tensor, safety: Tensor, is_safety_prompt: Tensor, safety_threshold: float = 0.15
) -> Tensor:
    """Which of the two reward models speaks for each answer.

    The safety reward where the prompt was marked as a safety prompt or the safety reward is below the threshold; the
    helpfulness reward elsewhere.

    Args:
        helpfulness, safety: rewards as probabilities in (0, 1), shape (N,).
        is_safety_prompt: booleans, shape (N,).
        safety_threshold: 0.15 in Llama 2.

    Returns:
        The chosen rewards as logits ln(p / (1 − p)), shape (N,).

    Left out: the whitening over the batch; see :func:`whiten`.
    Source: Llama 2, arXiv:2307.09288, section 3.2.3.
    """
    return torch.logit(torch.where(is_safety_prompt | (safety < safety_threshold), safety, helpfulness), eps=1e-6)


def whiten(values: Tensor) -> Tensor:
    """Values shifted to mean 0 and scaled to standard deviation 1; all 0 where all are equal.  Same shape."""
    centred = values - values.mean()
    return centred / centred.std(correction=0).clamp_min(1e-8)


def ppo_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, response_mask: Tensor, clip_range: float = 0.2
) -> Tensor:
    """Clipped policy loss of PPO.

    L = −mean of min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), with ρ = exp(log_probs − old_log_probs).  Once a token's
    probability has moved by more than ε in the direction that its advantage asks for, it is pushed no further.

    Args:
        log_probs: ln p under the policy being trained, shape (B, T).
        old_log_probs: the same under the policy that wrote the answers, no gradient, shape (B, T).
        advantages: how much better than expected, shape (B, T), or (B, 1) for one number an answer.
        response_mask: shape (B, T).
        clip_range: ε; 0.2 in Llama 2.

    Returns:
        Shape ().

    Left out: value loss and entropy bonus.
    Source: Schulman et al., arXiv:1707.06347, equation 7.
    """
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -masked_mean(torch.minimum(ratio * advantages, clipped * advantages), response_mask)


def kl_estimate(log_probs: Tensor, reference_log_probs: Tensor) -> Tensor:
    """Estimate of KL(policy ‖ reference) for each token that the policy itself drew; 0 or more, unbiased.

    k = r − 1 − ln r with r = p_reference / p_policy.  The plain −ln r is unbiased as well, but may be negative.

    Args:
        log_probs, reference_log_probs: ln p of the drawn tokens under policy and reference, one shape.

    Returns:
        The same shape, in nats.

    Source: Schulman, "Approximating KL Divergence" (2020), estimator k3.
    """
    log_ratio = reference_log_probs - log_probs
    return torch.exp(log_ratio) - 1 - log_ratio


def kl_divergence(policy_logits: Tensor, reference_logits: Tensor) -> Tensor:
    """Exact KL(policy ‖ reference) of the next-token distributions.

    Args:
        policy_logits, reference_logits: shape (..., V).

    Returns:
        Shape (...), in nats.
    """
    policy = torch.log_softmax(policy_logits.float(), dim=-1)
    reference = torch.log_softmax(reference_logits.float(), dim=-1)
    return (policy.exp() * (policy - reference)).sum(dim=-1)


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float = 0.1,
) -> Tensor:
    """Preference loss without a reward model.

    L = mean of −ln σ( β [ (policy − reference) of the chosen − (policy − reference) of the rejected ] )

    Args:
        policy_chosen, policy_rejected: ln p of whole answers under the policy, shape (N,).
        reference_chosen, reference_rejected: the same under the frozen reference, shape (N,).
        beta: how strongly the policy is held to the reference; 0.1 to 0.5 is a usual start.

    Returns:
        Shape ().

    Source: Rafailov et al., arXiv:2305.18290, equation 7.
    """
    chosen_gain = policy_chosen - reference_chosen
    rejected_gain = policy_rejected - reference_rejected
    return -F.logsigmoid(beta * (chosen_gain - rejected_gain)).mean()
