"""The losses agree with closed forms, with worked examples and with torch's own."""

import math

import pytest
import torch
from torch.nn import functional as F

from llama_course.training.losses import (
    combined_rewards,
    dpo_loss,
    kl_divergence,
    kl_estimate,
    masked_mean,
    next_token_loss,
    ppo_loss,
    response_log_probs,
    reward_ranking_loss,
    whiten,
)

B, T, V = 2, 5, 7


@pytest.fixture
def logits():
    return torch.randn(B, T, V, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def input_ids():
    return torch.randint(V, (B, T), generator=torch.Generator().manual_seed(1))


def test_uniform_logits_have_the_loss_of_a_guess_among_all_tokens(input_ids):
    assert next_token_loss(torch.zeros(B, T, V), input_ids).item() == pytest.approx(math.log(V))


def test_the_loss_is_that_of_transformers(logits, input_ids):
    from transformers.loss.loss_utils import ForCausalLMLoss

    labels = input_ids.clone()
    labels[0, :3] = -100
    assert next_token_loss(logits, labels).item() == pytest.approx(ForCausalLMLoss(logits, labels, V).item(), rel=1e-6)


def test_a_prompt_that_is_masked_gets_no_gradient(logits, input_ids):
    labels = input_ids.clone()
    labels[:, :3] = -100
    logits.requires_grad_()
    next_token_loss(logits, labels).backward()
    assert logits.grad[:, :2].abs().max() == 0  # position 2 predicts token 3, the first that counts
    assert logits.grad[:, 2:4].abs().min() > 0
    assert logits.grad[:, 4].abs().max() == 0  # nothing follows the last token


def test_labels_that_all_do_not_count_are_refused(logits):
    with pytest.raises(ValueError, match="no label counts"):
        next_token_loss(logits, torch.full((B, T), -100))


def test_labels_of_another_shape_are_refused(logits):
    with pytest.raises(ValueError, match=r"expected labels of shape \(2, 5\) as logits have, got \(2, 4\)"):
        next_token_loss(logits, torch.zeros(B, T - 1, dtype=torch.long))


def test_response_log_probs_count_the_answer_only(logits, input_ids):
    mask = torch.tensor([[0, 0, 1, 1, 0], [0, 1, 1, 1, 1]])
    got = response_log_probs(logits, input_ids, mask)
    for b in range(B):
        for t in range(T):
            right = torch.log_softmax(logits[b, t - 1], -1)[input_ids[b, t]].item() if mask[b, t] else 0
            assert got[b, t].item() == pytest.approx(right, abs=1e-6)


def test_masked_mean_ignores_what_is_masked():
    assert masked_mean(torch.tensor([1.0, 2.0, 99.0]), torch.tensor([1, 1, 0])).item() == 1.5


def test_equal_rewards_cost_the_surprise_of_a_coin():
    assert reward_ranking_loss(torch.ones(3), torch.ones(3)).item() == pytest.approx(math.log(2))


def test_a_margin_asks_for_a_larger_difference():
    chosen, rejected = torch.tensor([2.0, 1.0]), torch.tensor([0.5, 1.5])
    margins = torch.tensor([1.0, 0.0])
    right = (math.log1p(math.exp(-(1.5 - 1.0))) + math.log1p(math.exp(0.5))) / 2
    assert reward_ranking_loss(chosen, rejected, margins).item() == pytest.approx(right)


def test_a_huge_difference_of_rewards_does_not_overflow():
    loss = reward_ranking_loss(torch.tensor([-500.0]), torch.tensor([500.0]))
    assert loss.item() == pytest.approx(1000)


def test_the_safety_reward_speaks_for_marked_prompts_and_unsafe_answers():
    helpfulness, safety = torch.tensor([0.9, 0.9, 0.9]), torch.tensor([0.6, 0.6, 0.1])
    got = combined_rewards(helpfulness, safety, torch.tensor([True, False, False])).sigmoid()
    assert got.tolist() == pytest.approx([0.6, 0.9, 0.1])


def test_whitened_values_have_mean_0_and_deviation_1():
    got = whiten(torch.tensor([1.0, 2.0, 6.0]))
    assert got.mean().item() == pytest.approx(0, abs=1e-6)
    assert got.std(correction=0).item() == pytest.approx(1)
    assert whiten(torch.ones(4)).tolist() == [0] * 4


def test_ppo_at_the_old_policy_is_the_policy_gradient():
    log_probs = torch.tensor([[-1.0, -2.0, -0.5]], requires_grad=True)
    advantages, mask = torch.tensor([[0.7, -0.3, 9.0]]), torch.tensor([[1, 1, 0]])
    ppo_loss(log_probs, log_probs.detach(), advantages, mask).backward()
    assert log_probs.grad[0].tolist() == pytest.approx([-0.35, 0.15, 0])


@pytest.mark.parametrize(
    ("shift", "advantage", "pushed"),
    [(0.5, 1.0, False), (-0.5, 1.0, True), (-0.5, -1.0, False), (0.5, -1.0, True), (0.1, 1.0, True)],
)
def test_ppo_pushes_no_further_once_the_clip_is_reached(shift, advantage, pushed):
    log_probs = torch.tensor([[shift]], requires_grad=True)
    ppo_loss(log_probs, torch.zeros(1, 1), torch.tensor([[advantage]]), torch.ones(1, 1)).backward()
    assert (log_probs.grad.abs().item() > 0) == pushed


def test_one_advantage_an_answer_counts_for_each_of_its_tokens():
    zeros, mask = torch.zeros(2, 3), torch.tensor([[1, 1, 0], [1, 0, 0]])
    assert ppo_loss(zeros, zeros, torch.tensor([[1.0], [4.0]]), mask).item() == pytest.approx(-2)


def test_the_kl_estimate_is_unbiased_and_never_negative():
    policy, reference = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.3, 0.3, 0.4])
    each = kl_estimate(policy.log(), reference.log())
    assert each.min() >= 0
    exact = kl_divergence(policy.log(), reference.log())
    assert (policy * each).sum().item() == pytest.approx(exact.item(), rel=1e-5)


def test_the_exact_kl_is_torch_s(logits):
    other = torch.randn(B, T, V, generator=torch.Generator().manual_seed(2))
    right = F.kl_div(other.log_softmax(-1), logits.log_softmax(-1), log_target=True, reduction="none").sum(-1)
    assert torch.allclose(kl_divergence(logits, other), right, atol=1e-6)
    assert kl_divergence(logits, logits).abs().max() < 1e-6


def test_dpo_at_the_reference_costs_the_surprise_of_a_coin():
    same = torch.tensor([-3.0, -8.0])
    assert dpo_loss(same, same - 1, same, same - 1).item() == pytest.approx(math.log(2))


def test_dpo_is_the_formula_and_pulls_the_two_answers_apart():
    chosen, rejected = torch.tensor([-4.0], requires_grad=True), torch.tensor([-5.0], requires_grad=True)
    loss = dpo_loss(chosen, rejected, torch.tensor([-4.5]), torch.tensor([-4.0]), beta=0.3)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-0.3 * (0.5 + 1.0))))
    loss.backward()
    assert chosen.grad.item() < 0 < rejected.grad.item()
    assert chosen.grad.item() == pytest.approx(-rejected.grad.item())
