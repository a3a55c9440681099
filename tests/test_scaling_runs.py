"""The runs behind the scaling law: repeatable, equal in length, recorded whole."""

from collections import Counter

import pytest
import torch

from llama_course.models.llama import count_parameters
from llama_course.training.scaling import fit_scaling_law
from llama_course.training.scaling_runs import (
    NEW_SIZE,
    RECORDED_SEEDS,
    RECORDED_SIZES,
    recorded_runs,
    run_scaling,
    scaling_config,
    scaling_settings,
)
from llama_course.training.village_text import village_text


@pytest.fixture(scope="module")
def text():
    return village_text(800)


def test_a_run_repeats_itself_and_leaves_the_callers_chance_alone(text):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = run_scaling(text, 8, seed=1, steps=4)
    assert torch.equal(torch.get_rng_state(), before)
    again = run_scaling(text, 8, seed=1, steps=4)
    assert (first.loss_nats, first.parameters) == (again.loss_nats, again.parameters)
    assert run_scaling(text, 8, seed=2, steps=4).loss_nats != first.loss_nats


@pytest.mark.slow
def test_larger_models_learn_more_from_the_same_text(text):
    losses = [run_scaling(text, size, steps=80).loss_nats for size in (8, 24, 64)]
    assert losses == sorted(losses, reverse=True)


def test_narrow_models_take_larger_steps():
    rates = [scaling_settings(size).learning_rate for size in (8, 16, 32, 64)]
    assert rates == sorted(rates, reverse=True)
    assert scaling_settings(64, steps=8).warmup_steps == 2


def test_recorded_runs_are_those_of_the_series():
    runs = recorded_runs()
    assert {run.hidden_size for run in runs} == set(RECORDED_SIZES)
    counts = Counter(run.hidden_size for run in runs)
    assert set(counts.values()) <= set(range(1, len(RECORDED_SEEDS) + 1))
    assert [run.parameters for run in runs] == sorted(run.parameters for run in runs)
    for run in runs:
        assert run.parameters == count_parameters(scaling_config(run.hidden_size))
        assert 0 < run.loss_nats < 7


def test_the_law_predicts_the_new_size_in_five_tries_of_five():
    runs, tries = recorded_runs(), recorded_runs([NEW_SIZE])
    law = fit_scaling_law([run.parameters for run in runs], [run.loss_nats for run in runs])
    assert max(RECORDED_SIZES) < NEW_SIZE and {run.seed for run in tries} == set(RECORDED_SEEDS)
    for run in tries:
        assert float(law.loss(run.parameters)) == pytest.approx(run.loss_nats, rel=0.06)
