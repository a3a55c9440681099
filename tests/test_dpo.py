"""DPO learns the preferences, and only the answers count."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from llama_course.models.llama import Llama
from llama_course.training.dpo import preference_loss, sequence_log_probs
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.reward_models import Pair, padded

GOOD, BAD = 7, 8
PAIRS = [Pair((1, start, GOOD, 2), (1, start, BAD, BAD, 2)) for start in range(10, 30)]


@pytest.fixture
def policy(tiny_config):
    torch.manual_seed(0)
    return Llama(tiny_config)


def test_sequence_log_probs_are_those_of_single_sequences(policy):
    sequences = [(1, 5, 6), (1, 9, 10, 11, 12)]
    got = sequence_log_probs(policy, *padded(sequences, 0, 20))
    for sequence, value in zip(sequences, got, strict=True):
        ids = torch.tensor([sequence])
        expected = -F.cross_entropy(policy(ids)[0, :-1], ids[0, 1:], reduction="sum")
        assert value.item() == pytest.approx(expected.item(), abs=1e-4)


def test_at_the_reference_the_loss_is_that_of_a_coin(policy):
    loss = preference_loss(policy, copy.deepcopy(policy), PAIRS, 8, 0, 37)(0)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)


def test_the_loss_is_the_formula_over_answers_alone(policy):
    """By hand, with the prompts masked out: they must cancel."""
    torch.manual_seed(1)
    reference, beta = Llama(policy.config), 0.3
    got = preference_loss(policy, reference, PAIRS[:1], 1, 0, 37, beta)(0).item()

    def answer(model, ids):
        logs = torch.log_softmax(model(torch.tensor([ids]))[0], dim=-1)
        return sum(logs[place - 1, ids[place]] for place in range(2, len(ids)))  # two tokens of prompt

    pair = PAIRS[0]
    chosen = answer(policy, pair.chosen_ids) - answer(reference, pair.chosen_ids)
    rejected = answer(policy, pair.rejected_ids) - answer(reference, pair.rejected_ids)
    assert got == pytest.approx(-F.logsigmoid(beta * (chosen - rejected)).item(), abs=1e-5)


def test_preferences_are_learned_and_the_reference_stays(policy):
    reference = copy.deepcopy(policy)
    before = copy.deepcopy(reference.state_dict())
    loss = preference_loss(policy, reference, PAIRS[:15], 8, 0, 37)
    train(policy, loss, TrainingSettings(steps=40, learning_rate=1e-3, warmup_steps=5))
    chosen = sequence_log_probs(policy, *padded([pair.chosen_ids for pair in PAIRS[15:]], 0, 37))
    rejected = sequence_log_probs(policy, *padded([pair.rejected_ids for pair in PAIRS[15:]], 0, 37))
    old_chosen = sequence_log_probs(reference, *padded([pair.chosen_ids for pair in PAIRS[15:]], 0, 37))
    old_rejected = sequence_log_probs(reference, *padded([pair.rejected_ids for pair in PAIRS[15:]], 0, 37))
    assert ((chosen - rejected) > (old_chosen - old_rejected) + 1).all()
    assert all(torch.equal(before[name], value) for name, value in reference.state_dict().items())


def test_a_larger_beta_keeps_the_policy_nearer(policy):
    distances = []
    for beta in (0.05, 2.0):
        trained, reference = copy.deepcopy(policy), copy.deepcopy(policy)
        loss = preference_loss(trained, reference, PAIRS, 8, 0, 37, beta)
        train(trained, loss, TrainingSettings(steps=60, learning_rate=1e-3, warmup_steps=5))
        batch = padded([pair.rejected_ids for pair in PAIRS], 0, 37)
        with torch.no_grad():
            distances.append((sequence_log_probs(reference, *batch) - sequence_log_probs(trained, *batch)).mean())
    assert distances[0] > 1.5 * distances[1] > 0


def test_no_pair_is_refused(policy):
    with pytest.raises(EmptyDataError):
        preference_loss(policy, policy, [], 8, 0, 37)(0)
