"""Recorded runs under different leashes: their file, what is read off them, the curve; and a run that is made."""

import dataclasses
import json
import math
from dataclasses import asdict

import pytest

from feedback_helpers import little_workshop
from kitchen_helpers import Script
from leash_helpers import a_run
from llama_course.evaluation import leash_runs
from llama_course.evaluation.leash_runs import (
    PLANS,
    WINDOW,
    LeashPlan,
    beginning_and_end,
    best_distance,
    curve,
    distances,
    fit_curve,
    mean_gain,
    run_leash,
)
from llama_course.training import rollouts
from llama_course.training.ppo import Iteration


def test_the_fit_finds_the_curve_again():
    points = [(d, curve(d, 0.9, 0.4)) for d in (0.2, 0.7, 1.9, 3.0)]
    assert fit_curve(points) == pytest.approx((0.9, 0.4))


def test_the_top_is_where_the_curve_is_highest():
    top = best_distance(0.9, 0.4)
    assert curve(top, 0.9, 0.4) > max(curve(top * factor, 0.9, 0.4) for factor in (0.9, 0.99, 1.01, 1.1))
    assert best_distance(0.9, -0.1) == best_distance(0.9, 0.0) == math.inf


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)], [(0.0, 0.0), (1.0, 1.0)]])
def test_a_fit_needs_two_distances(points):
    with pytest.raises(ValueError, match="two different distances"):
        fit_curve(points)


def test_a_run_survives_its_file(tmp_path):
    runs = [a_run("leash 0.3", 1), a_run("loose", 1), a_run("loose", 0)]
    path = tmp_path / "leash.json"
    path.write_text(json.dumps({"runs": [asdict(run) for run in runs]}), encoding="utf-8")
    assert leash_runs.recorded_leash_runs(path) == [runs[2], runs[1], runs[0]]


def test_peak_and_gain():
    run = a_run(gold=[0.5] * 10 + [1.0] * 10 + [0.0] * 10, ended=0.2)
    assert run.peak == 10 + WINDOW  # the first whose window lies among the best
    assert run.gain == pytest.approx(-0.3)


def test_distances_go_from_the_first_window_to_the_farthest_point():
    run = dataclasses.replace(a_run(gold=[0.5] * 8 + [0.0] * 12), kl=(1.0,) * 8 + (4.0,) * 7 + (1.0,) * 5)
    found = distances([run])
    assert found[0] == (1, 0) and found[-1] == (2, -0.5)
    assert len(found) == 13 - WINDOW + 1  # at the 13th the window is full of 4 for the first time


def test_what_was_won_counts_from_the_beginning_of_all_runs():
    one, other = a_run(gold=[0.4] * 9), a_run(gold=[0.6] * 9)
    assert {round(won, 9) for _, won in distances([one])} == {0}
    assert {round(won, 9) for _, won in distances([one, other])} == {-0.1, 0.1}


def test_beginning_and_end():
    iterations = [Iteration(reward=n, kl=0.0, tokens=1.0, gold=-n) for n in range(10)]
    assert beginning_and_end(iterations, "reward") == (1, 8)
    assert beginning_and_end(iterations, "gold", count=2) == (-0.5, -8.5)
    assert beginning_and_end(iterations[:1], "reward") == (0, 0)


def test_of_plan_names_what_there_is():
    with pytest.raises(ValueError, match="there are runs of loose"):
        leash_runs.of_plan([a_run()], "leash 1")


def test_the_leashes_and_fixes_are_plans():
    assert {*leash_runs.LEASHES, *leash_runs.FIXES} <= set(PLANS)
    weights = [PLANS[name].kl_weight for name in leash_runs.LEASHES]
    assert weights == sorted(weights) and weights[0] == 0


def test_the_mean_gain_is_that_of_the_plan():
    runs = [a_run(seed=0, ended=0.7), a_run(seed=1, ended=0.9), a_run("leash 1", ended=5)]
    assert mean_gain(runs, "loose") == pytest.approx(0.3)


def test_a_run_is_made_and_comes_again(tmp_path, monkeypatch):
    workshop = little_workshop(tmp_path)
    monkeypatch.setattr(rollouts, "sample_responses", Script(workshop.kitchen))  # before PPO, which draws for itself
    monkeypatch.setitem(PLANS, "loose", LeashPlan(comparisons=12))
    one, other = (run_leash(workshop, "loose", 1, iterations=2, tested=6) for _ in range(2))
    assert dataclasses.replace(one, time_s=other.time_s) == other
    assert len(one.reward) == len(one.gold) == len(one.kl) == 2 and 6 <= len(one.samples) <= 12
    assert [reward for *_, reward in one.samples] == sorted((reward for *_, reward in one.samples), reverse=True)


def test_what_is_recorded_is_whole():
    runs = leash_runs.recorded_leash_runs()
    assert {run.plan for run in runs} == set(PLANS)
    for name in PLANS:
        own = leash_runs.of_plan(runs, name)
        assert [run.seed for run in own] == list(leash_runs.RECORDED_SEEDS)
        assert all(len(run.gold) == len(run.kl) == leash_runs.ITERATIONS for run in own)
