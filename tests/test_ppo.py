"""PPO makes rewarded answers probable, as far as its leash allows."""

import copy
import dataclasses

import pytest
import torch

from llama_course.models.llama import Llama
from llama_course.training.loop import train
from llama_course.training.losses import response_log_probs
from llama_course.training.optimization import TrainingSettings
from llama_course.training.ppo import PPO, PPOSettings, advantages
from llama_course.training.pretraining import EmptyDataError

PROMPTS = [(1, token) for token in range(10, 20)]
LIKED = 7


def liked_share(numbers, rollouts):
    """The reward: how much of the answer is the token 7."""
    return ((rollouts.input_ids == LIKED) & rollouts.response_mask).sum(dim=1) / rollouts.response_mask.sum(dim=1)


@pytest.fixture
def policy(tiny_config):
    torch.manual_seed(0)
    return Llama(dataclasses.replace(tiny_config, eos_token_id=2))


def settings(**changed):
    return PPOSettings(**{"prompts": 32, "epochs": 2, "max_new_tokens": 4, "kl_weight": 0.0, **changed})


def ppo_of(policy, seed=0, reward=liked_share, **changed):
    return PPO(policy, copy.deepcopy(policy), PROMPTS, reward, settings(**changed), seed=seed)


def run(ppo, steps=60, **options):
    schedule = TrainingSettings(steps=steps, learning_rate=1e-2, warmup_steps=1, weight_decay=0.0, **options)
    return train(ppo.policy, ppo, schedule)


@pytest.mark.parametrize("answers", [1, 4])
def test_a_rewarded_token_becomes_frequent(policy, answers):
    ppo = ppo_of(policy, prompts=32 // answers, answers=answers)
    run(ppo)
    assert ppo.iterations[0].reward < 0.1
    assert ppo.iterations[-1].reward > 0.5
    assert len(ppo.iterations) == 30


def test_the_leash_holds(policy):
    ends = {}
    for kl_weight in (0.0, 0.1, 1.0):
        ppo = ppo_of(copy.deepcopy(policy), kl_weight=kl_weight)
        run(ppo)
        ends[kl_weight] = ppo.iterations[-1]
    assert ends[0.0].kl > 2 * ends[0.1].kl > 4 * abs(ends[1.0].kl)
    assert ends[0.0].reward > ends[0.1].reward > ends[1.0].reward


def test_the_reference_stays_as_it_was(policy):
    ppo = ppo_of(policy)
    before = copy.deepcopy(ppo.reference.state_dict())
    run(ppo, 4)
    assert all(torch.equal(before[name], value) for name, value in ppo.reference.state_dict().items())
    assert any(not torch.equal(before[name], value) for name, value in policy.state_dict().items())


def test_the_first_gradient_is_that_of_the_policy_gradient_theorem(policy):
    """At the first step the ratio is 1, so the gradient is that of −mean of A ln p over the answers' tokens."""
    ppo = ppo_of(policy, kl_weight=0.5)
    ppo(0).backward()
    got = policy.lm_head.weight.grad.clone()
    policy.zero_grad()
    drawn = ppo.last
    advantage = advantages(liked_share(None, drawn).float(), 1)  # at the beginning no distance is paid for
    log_probs = response_log_probs(policy(drawn.input_ids), drawn.input_ids, drawn.response_mask)
    (-(advantage[:, None] * log_probs).sum() / drawn.response_mask.sum()).backward()
    torch.testing.assert_close(got, policy.lm_head.weight.grad, rtol=1e-4, atol=1e-6)
    assert ppo.iterations[0].kl == pytest.approx(0, abs=1e-5)


def test_distance_is_paid_for(policy):
    """With a reward of 0 for all answers, only the leash is left, and it pulls back to the reference."""
    reference = copy.deepcopy(policy)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    nothing = PPO(policy, reference, PROMPTS, lambda n, r: torch.zeros(len(n)), settings(prompts=128, kl_weight=1.0))
    run(nothing, 100)
    assert nothing.iterations[-1].kl < 0.5 * nothing.iterations[0].kl


def test_epochs_use_the_same_answers(policy):
    ppo = ppo_of(policy, epochs=3)
    drawn = []
    for step in range(6):
        ppo(step)
        drawn.append(ppo.last)
    assert drawn[0] is drawn[1] is drawn[2] is not drawn[3] and drawn[3] is drawn[5]


def test_a_run_goes_on_exactly(policy, tmp_path):
    whole, parts = copy.deepcopy(policy), copy.deepcopy(policy)
    schedule = TrainingSettings(steps=12, learning_rate=3e-3, warmup_steps=1, save_every=4)
    train(whole, ppo_of(whole), schedule)
    reference = copy.deepcopy(parts)
    first = PPO(parts, reference, PROMPTS, liked_share, settings())
    train(parts, first, schedule, on_step=lambda p: p.step < 8, checkpoint=tmp_path / "c.safetensors")
    second = PPO(parts, reference, PROMPTS, liked_share, settings())
    train(parts, second, schedule, checkpoint=tmp_path / "c.safetensors")
    assert len(second.iterations) == 2
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)


def test_the_watch_is_recorded_and_nothing_more(policy):
    watched, alone = copy.deepcopy(policy), copy.deepcopy(policy)
    ppo = PPO(
        watched,
        copy.deepcopy(policy),
        PROMPTS,
        liked_share,
        settings(),
        watch=lambda numbers, rollouts: torch.full((len(numbers),), 5.0),
    )
    run(ppo, 4)
    run(other := ppo_of(alone), 4)
    assert [iteration.gold for iteration in ppo.iterations] == [5.0, 5.0]
    assert [iteration.gold for iteration in other.iterations] == [None, None]
    assert torch.equal(watched.lm_head.weight, alone.lm_head.weight)


def test_rewards_belong_to_their_prompts(policy):
    """reward_of gets the numbers of the prompts in the order of the rows."""

    def check(numbers, rollouts):
        assert [PROMPTS[number] for number in numbers] == [sequence[:2] for sequence in rollouts.sequences()]
        return torch.zeros(len(numbers))

    ppo_of(policy, reward=check, prompts=5, answers=3)(0)


def test_advantages_are_against_the_batch_or_the_group():
    rewards = torch.tensor([1.0, 3.0, 10.0, 12.0])
    assert advantages(rewards, 1).tolist() == pytest.approx([-1.193, -0.759, 0.759, 1.193], abs=0.01)
    assert advantages(rewards, 2).tolist() == pytest.approx([-1, 1, -1, 1])
    assert advantages(torch.ones(4), 2).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"prompts": 1}, {"epochs": 0}, {"kl_weight": -0.1}, {"kl_weight": float("nan")}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected|must be"):
        settings(**wrong)


def test_no_prompt_is_refused(policy):
    with pytest.raises(EmptyDataError):
        PPO(policy, policy, [], liked_share)
