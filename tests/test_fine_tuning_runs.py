"""Ways to fine-tune: what a plan says is what is done, and what was recorded bears out what lesson 05 says of it."""

import dataclasses
import importlib.util
import json
from pathlib import Path
from statistics import mean

import pytest
import torch

from llama_course import files, paths
from llama_course.evaluation import fine_tuning_runs
from llama_course.evaluation.assistants import Workshop, conversation
from llama_course.evaluation.fine_tuning_runs import (
    BATCH_SIZE,
    PLANS,
    RECORDED_SEEDS,
    STEPS,
    FineTuningRun,
    Plan,
    fine_tune,
    fine_tune_on,
    of_plan,
    percent,
    recorded_runs,
    run_fine_tuning,
    spread,
    trained_parameters,
    wins,
)
from llama_course.models.llama import count_parameters
from llama_course.training.lora import merge_lora

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "utils" / "llama_course" / "data" / "runs" / "fine_tuning.json"


@pytest.fixture(scope="module")
def workshop(random_family):
    return Workshop(random_family / "tiny-base")


def weights(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


# -- plans -------------------------------------------------------------------------------------------------------------


def test_all_of_the_largest_set_is_shown():
    assert max(plan.examples for plan in PLANS.values()) < STEPS * BATCH_SIZE


def test_a_run_repeats_itself_and_leaves_the_callers_chance_alone(workshop):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    plan = Plan(40, rank=2)
    first, again, other = (fine_tune(workshop, plan, seed, steps=2) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(first).items())
    assert any(not torch.equal(value, weights(other)[name]) for name, value in weights(first).items())


def test_with_lora_the_adapters_alone_are_trained(workshop):
    base = weights(workshop.base_model())
    model = fine_tune(workshop, Plan(40, rank=4), steps=2)
    assert trained_parameters(model) == 4 * 4 * ((160 + 160) + (160 + 80))
    now = {name.replace("base.", ""): value for name, value in weights(model).items() if "lora_" not in name}
    assert all(torch.equal(now[name], value) for name, value in base.items())
    assert set(weights(merge_lora(model))) == set(base)


def test_without_lora_everything_is_trained(workshop):
    model = fine_tune(workshop, Plan(40), steps=2)
    assert trained_parameters(model) == count_parameters(model.config)
    base = weights(workshop.base_model())
    assert all(not torch.equal(value, base[name]) for name, value in weights(model).items())


@pytest.mark.parametrize("change", [{"careless": True}, {"on_prompts_too": True}, {"examples": 60}, {"who": "unread"}])
def test_each_part_of_a_plan_makes_a_difference(workshop, change):
    plan = Plan(40)
    plain, changed = (fine_tune(workshop, p, steps=2) for p in (plan, dataclasses.replace(plan, **change)))
    assert any(not torch.equal(value, weights(changed)[name]) for name, value in weights(plain).items())


def test_examples_of_ones_own_are_learned(workshop):
    seen = []
    talks = [conversation("Who are you?", "A llama."), conversation("Where do you live?", "On a hill.")]
    model = fine_tune_on(workshop, talks, steps=60, on_step=lambda progress: seen.append(progress.loss))
    assert len(seen) == 60 and seen[-1] < 0.1 < seen[0]
    assert workshop.answers(model, ["Who are you?", "Where do you live?"]) == ["A llama.", "On a hill."]


def test_a_run_measures_shares(workshop):
    run = run_fine_tuning(workshop, "LoRA, rank 1", 3, steps=1, count=4)
    assert (run.plan, run.seed, run.trained_parameters) == ("LoRA, rank 1", 3, 4 * ((160 + 160) + (160 + 80)))
    assert all(0 <= getattr(run, name) <= 1 for name in ("asked", "read", "unread", "form", "drawn", "taught"))


# -- reading what was recorded -----------------------------------------------------------------------------------------


def row(plan, seed, read):
    return FineTuningRun(plan, seed, 1, read, read, read, read, read, read, 1.0)


def test_runs_are_compared_seed_by_seed():
    runs = [
        row("30 examples", 1, 0.5),
        row("30 examples", 0, 0.4),
        row("300 examples", 0, 0.6),
        row("300 examples", 1, 0.5),
    ]
    assert of_plan(runs, "30 examples", "read") == [0.4, 0.5]
    assert wins(runs, "300 examples", "30 examples", "read") == (1, 2), "a tie is no win"
    assert percent(runs, ["300 examples", "30 examples"], "read") == pytest.approx([55, 45])
    assert (spread([0.404, 0.5]), spread([0.501, 0.499])) == ("40 to 50 %", "50 %")
    with pytest.raises(ValueError, match="no run of 'LoRA, rank 1'; there are runs of 30 examples, 300 examples"):
        of_plan(runs, "LoRA, rank 1", "read")


def test_the_recorded_runs_are_whole():
    runs = recorded_runs()
    assert {(run.plan, run.seed) for run in runs} == {(plan, seed) for plan in PLANS for seed in RECORDED_SEEDS}
    assert len(runs) == len(PLANS) * len(RECORDED_SEEDS)
    for run in runs:
        rank = PLANS[run.plan].rank
        assert run.trained_parameters == (1_240_480 if rank is None else 2240 * rank)
    assert [run.plan for run in runs[:: len(RECORDED_SEEDS)]] == list(PLANS)
    data = json.loads(FILE.read_text(encoding="utf-8"))
    assert data["steps"] == STEPS and data["command"] == "python benchmarks/fine_tuning.py"


@pytest.mark.skipif(not paths.checkpoints_dir().exists(), reason="the miniature models are not in checkpoints/ yet")
def test_the_recorded_runs_are_of_the_shipped_base_model():
    recorded = json.loads(FILE.read_text(encoding="utf-8"))["base_sha256"]
    assert recorded == files.sha256(paths.checkpoints_dir() / "tiny-base" / "model.safetensors"), (
        "delete utils/llama_course/data/runs/fine_tuning.json and run: python benchmarks/fine_tuning.py"
    )


def test_what_the_lesson_says_of_the_recorded_runs_holds_in_every_one():
    runs = recorded_runs()
    seeds = len(RECORDED_SEEDS)
    for name, plan in PLANS.items():
        if plan.who == "asked":
            assert min(of_plan(runs, name, "read")) > 0.3, "people only read about are answered, whatever the plan"
        assert max(of_plan(runs, name, "unread")) < 0.15, "people never read about are not"
    assert min(of_plan(runs, "30 examples", "form")) > 0.4, "even 30 examples teach much of the form"
    assert wins(runs, "300 examples", "30 examples", "read") == (seeds, seeds)
    assert wins(runs, "300 examples", "3,000 careless", "drawn") == (seeds, seeds), "drawn answers bring errors back"
    full = mean(of_plan(runs, "3,000 examples", "read"))
    assert min(of_plan(runs, "LoRA, rank 1", "read")) > 0.7 * full, "to answer is a small change"
    few, some, all_numbers = (
        of_plan(runs, name, "taught") for name in ("new facts, rank 1", "new facts, rank 16", "new facts")
    )
    assert max(few) < min(some) - 0.2 and max(few) < min(all_numbers) - 0.2, "new facts need room"
    assert abs(mean(of_plan(runs, "questions too", "read")) - full) < 0.1, "no worse for learning the questions"
    careless = of_plan(runs, "3,000 careless", "read"), of_plan(runs, "3,000 careless", "drawn")
    assert all(voted > drawn + 0.1 for voted, drawn in zip(*careless, strict=True)), "errors that differ lose the vote"


# -- the script --------------------------------------------------------------------------------------------------------


@pytest.fixture
def script(monkeypatch, workshop):
    spec = importlib.util.spec_from_file_location("benchmark_of_fine_tuning", ROOT / "benchmarks" / "fine_tuning.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "Workshop", lambda: workshop)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(fine_tuning_runs, "QUESTIONS", 3)
    return module


def test_the_script_goes_on_where_it_was_and_refuses_to_mix(script, tmp_path, capsys, monkeypatch):
    file, run = tmp_path / "runs.json", script.run_fine_tuning
    monkeypatch.setattr(script, "run_fine_tuning", lambda *plan, **settings: run(*plan, **settings, count=3))
    arguments = ["--steps", "1", "--seeds", "0", "--file", str(file), "--plans"]
    script.main([*arguments, "300 examples"])
    script.main([*arguments, "300 examples", "30 examples"])
    assert [(run.plan, run.seed) for run in recorded_runs(file)] == [("30 examples", 0), ("300 examples", 0)]
    assert capsys.readouterr().out.count("FineTuningRun(") == 2, "what was there is not run again"
    with pytest.raises(SystemExit, match="runs of another tiny-base or of 1 steps: delete it first"):
        script.main(["--steps", "2", "--seeds", "0", "--file", str(file), "--plans", "30 examples"])
