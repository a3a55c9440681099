"""Every training loop works where its model is: on a (pretended) card it takes the steps that it takes on the CPU."""

import dataclasses

import pytest
import torch

from llama_course.models.llama import Llama
from llama_course.training.best_of_n import expected_best, rejection_sampling
from llama_course.training.dpo import preference_loss
from llama_course.training.fine_tuning import Example, fine_tuning_loss
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings, device_of
from llama_course.training.ppo import PPO, PPOSettings
from llama_course.training.pretraining import held_out_loss, pretraining_loss
from llama_course.training.reward_models import Pair, RewardModel, padded, pair_accuracy, reward_loss
from pretend_card import CARD, OnCard, pretended_card, put_on_card

PROMPTS = [(1, token, 4) for token in range(10, 20)] + [(1, 5)]
EXAMPLES = [Example(prompt, (7, 2)) for prompt in PROMPTS]
PAIRS = [Pair((*prompt, 7, 2), (*prompt, 8, 8, 2), margin=0.5) for prompt in PROMPTS]
STREAM = torch.arange(400) % 53
SETTINGS = TrainingSettings(steps=4, learning_rate=1e-2, warmup_steps=1, evaluate_every=2, save_every=2)


def llama(tiny_config, seed=0):
    torch.manual_seed(seed)
    return Llama(dataclasses.replace(tiny_config, eos_token_id=2))


def reward_model(config):
    return RewardModel(llama(config).model, config.hidden_size)


def liked(numbers, drawn):
    return ((drawn.input_ids == 7) & drawn.response_mask).sum(dim=1) / drawn.response_mask.sum(dim=1)


def ppo(policy, reference):
    return PPO(policy, reference, PROMPTS, liked, PPOSettings(prompts=8, max_new_tokens=4), watch=liked)


LOSSES = {
    "pretraining": lambda model, other: pretraining_loss(model, STREAM, 4, 8),
    "fine-tuning": lambda model, other: fine_tuning_loss(model, EXAMPLES, 4, 0, 37),
    "fine-tuning, prompts too": lambda model, other: fine_tuning_loss(model, EXAMPLES, 4, 0, 37, on_prompts_too=True),
    "reward model": lambda model, other: reward_loss(model, PAIRS, 4, 0, 37),
    "DPO": lambda model, other: preference_loss(model, other, PAIRS, 4, 0, 37),
    "PPO": ppo,
}


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_are_the_same_on_both(kind, tiny_config, monkeypatch, tmp_path):
    """Half the steps, a checkpoint, a new start from it, and the other half."""

    def losses(place):
        checkpoint = tmp_path / f"{place.__name__}.safetensors"
        for steps in (2, 4):
            made = reward_model if kind == "reward model" else llama
            model, other = place(made(tiny_config)), place(made(tiny_config))
            settings = dataclasses.replace(SETTINGS, steps=steps)
            history = train(model, LOSSES[kind](model, other), settings, checkpoint=checkpoint)
        assert all(isinstance(p, OnCard) == (place is put_on_card) for p in model.parameters())
        return history.losses

    def leave(model):
        return model

    here = losses(leave)
    with pretended_card(monkeypatch):
        there = losses(put_on_card)
    assert len(here) == 4 and len(set(here)) > 1
    assert there == pytest.approx(here, abs=1e-6)


def test_what_is_measured_and_drawn_is_the_same_on_both(tiny_config, monkeypatch):
    def measured(place):
        model, judge = place(llama(tiny_config)), place(reward_model(tiny_config))
        best = rejection_sampling(model, PROMPTS, liked, 3, 4)
        known = expected_best(judge(*padded([pair.chosen_ids for pair in PAIRS], 0, 37, device_of(judge)))[None], 2)
        return held_out_loss(model, STREAM, 2, 8)(), pair_accuracy(judge, PAIRS, 0, 37), known.item(), best

    here = measured(lambda model: model)
    with pretended_card(monkeypatch):
        there = measured(put_on_card)
    assert there[:3] == pytest.approx(here[:3], abs=1e-6) and there[3] == here[3]


def test_the_pretended_card_sees_what_was_left_on_the_cpu(monkeypatch):
    with pretended_card(monkeypatch):
        there = torch.arange(3.0).to(CARD)
        assert (there * 2).sum().item() == 6 and (there + 1).device == CARD
        with pytest.raises(RuntimeError, match="two devices"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="a generator for cpu"):
            torch.multinomial(there, 1, generator=torch.Generator().manual_seed(0))
