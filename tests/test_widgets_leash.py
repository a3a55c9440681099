"""PPO to look at: the plot of a run under way, and the slider over recorded runs, asked through its traits."""

import copy
import dataclasses

import pytest
import torch

from leash_helpers import a_run
from llama_course.models.llama import Llama
from llama_course.training.ppo import PPO, PPOSettings
from llama_course.widgets.html import to_text
from llama_course.widgets.leash import LeashSlider, watch_ppo


def test_the_slider_shows_the_run_it_stands_on():
    slider = LeashSlider([a_run(seed=0), a_run(seed=1), a_run("leash 0.3", ended=0.8)])
    assert "KL weight 0, seed 0" in to_text(slider.shown.value) and "0.30 gold reward was lost" in slider.shown.value
    slider.number.value = 2
    assert "seed 1" in slider.shown.value
    slider.leash.value = "leash 0.3"  # which has one run only
    assert "KL weight 0.3, seed 0" in to_text(slider.shown.value) and "0.30 gold reward was won" in slider.shown.value


def test_the_twin_of_the_slider_has_all_leashes():
    twin = LeashSlider([a_run(), a_run("leash 0.1"), a_run("leash 1", ended=0.6)]).static_html()
    text = to_text(twin)
    assert all(weight in text for weight in ("-0.30", "+0.10", "0.1"))
    assert "<b>me</b>" not in twin and "<b>me</b>" in text


def test_a_slider_needs_runs():
    with pytest.raises(ValueError, match="expected runs"):
        LeashSlider([a_run("better annotators")])


# -- a run under way ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ppo(tiny_config):
    torch.manual_seed(0)
    policy = Llama(dataclasses.replace(tiny_config, eos_token_id=2))

    def pleases(numbers, drawn):  # large token ids
        return (drawn.input_ids * drawn.response_mask).sum(dim=1).float()

    prompts = [(1, token) for token in range(10, 18)]
    settings = PPOSettings(prompts=8, epochs=2, max_new_tokens=4)
    return PPO(policy, copy.deepcopy(policy), prompts, pleases, settings, watch=pleases)


def test_a_run_draws_reward_gold_and_distance(ppo):
    live = watch_ppo(ppo, iterations=3, learning_rate=1e-2, title="Longer")
    assert live.wait() is ppo.iterations and len(ppo.iterations) == 3
    for name in ("reward", "gold", "kl"):
        drawn = dict(live.record.lines[name])
        assert drawn == {n: getattr(iteration, name) for n, iteration in enumerate(ppo.iterations, start=1)}
    twin = to_text(live.static_html())
    assert "Longer: reward goes from" in twin and "kl goes from" in twin


def test_stop_keeps_what_was_learned(ppo):
    before = copy.deepcopy(ppo.policy.state_dict())
    live = watch_ppo(ppo, iterations=1_000, learning_rate=1e-2, title="Longer")
    while not ppo.iterations:
        pass
    live.stop()
    assert 1 <= len(live.wait()) < 1_000
    assert any(not torch.equal(weights, before[name]) for name, weights in ppo.policy.state_dict().items())
