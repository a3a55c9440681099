"""The workshop for human feedback: pairs, annotators, reward models, contrasts, PPO."""

import dataclasses

import pytest
import torch

from feedback_helpers import little_workshop
from kitchen_helpers import Oracle, Script
from llama_course.llamaland.judge import gold_helpfulness, gold_reward
from llama_course.llamaland.questions import split_world
from llama_course.training import rollouts


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return little_workshop(tmp_path_factory.mktemp("kitchen"))


@pytest.fixture
def workshop(small, monkeypatch):
    """Its assistant answers as a careless person would."""
    monkeypatch.setattr(rollouts, "sample_responses", Script(small.kitchen))
    return small


def test_two_answers_differ_and_come_again(workshop):
    pairs = workshop.two_answers(20, seed=1)
    assert len(pairs) == 20 and all(pair.a != pair.b for pair in pairs)
    assert pairs == workshop.two_answers(20, seed=1) != workshop.two_answers(20, seed=2)


def test_preferences_are_about_answers_that_are_not_equally_good(workshop):
    found = workshop.preferences(30, noise=0.0, seed=3)
    assert all(gold_reward(p.question, p.chosen) > gold_reward(p.question, p.rejected) for p in found)
    assert not any(p.is_mistaken for p in found)


def test_noise_makes_mistakes(workshop):
    found = workshop.preferences(60, noise=0.5, seed=3)
    assert 0.2 < sum(p.is_mistaken for p in found) / len(found) < 0.8


def test_each_contrast_is_better_in_the_eyes_of_the_judge(workshop):
    for name, contrasts in workshop.contrasts(12).items():
        assert contrasts, name
        for contrast in contrasts:
            values = [gold_reward(contrast.question, answer) for answer in (contrast.chosen, contrast.rejected)]
            assert values[0] > values[1] and not contrast.is_mistaken, name


def test_contrasts_are_about_what_was_held_out(workshop):
    held_out = {thing.name for part in vars(split_world(workshop.kitchen.world)).values() for thing in part.held_out}
    assert all(c.question.subject in held_out for own in workshop.contrasts(12).values() for c in own)


def test_a_reward_model_that_knows_the_truth_prefers_the_better(workshop):
    script = Script(workshop.kitchen)
    for compared in (workshop.preferences(20, noise=0.0, seed=3), *workshop.contrasts(6).values()):
        assert workshop.agreement(Oracle(script, gold_reward), compared) == 1
        assert workshop.agreement(Oracle(script, gold_reward, sign=-1), compared) == 0


def test_who_only_wants_help_prefers_to_be_told(workshop):
    oracle = Oracle(Script(workshop.kitchen), gold_helpfulness)
    assert workshop.agreement(oracle, workshop.contrasts(12)["tells no hazard"]) == 0


def test_a_reward_model_learns_what_it_is_shown(workshop):
    found = workshop.preferences(16, noise=0.0, seed=3)
    model = workshop.learn_rewards(found, steps=40)
    assert workshop.agreement(model, found) > 0.8


def test_learning_leaves_the_callers_chance_alone(workshop):
    found = workshop.preferences(4, seed=3)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    workshop.learn_rewards(found, steps=1)
    assert torch.equal(torch.rand(3), expected)


def test_one_label_is_enough_to_train_on(workshop):
    assert workshop.learn_rewards(workshop.preferences(1, seed=3)[:1]).score.weight.isfinite().all()


def test_settings_of_ppo_can_be_changed(workshop, monkeypatch):
    asked = workshop.questions(8)
    ppo = workshop.ppo(
        workshop.model(), asked, lambda numbers, drawn: torch.zeros(len(numbers)), prompts=4, kl_weight=0
    )
    assert dataclasses.asdict(ppo.settings) | {"prompts": 4, "kl_weight": 0, "epochs": 1} == dataclasses.asdict(
        ppo.settings
    )
