"""Lesson 06: the code that a learner reads in it is right, and what its prose concludes holds for other seeds."""

import ast
import types
from pathlib import Path

import pytest
import torch

from llama_course import paths
from llama_course.evaluation.comparisons import same_choices
from llama_course.evaluation.feedback import FeedbackWorkshop
from llama_course.evaluation.leash_runs import FIXES, beginning_and_end, of_plan, recorded_leash_runs
from llama_course.llamaland.annotators import agreement_ceiling, annotator_agreement
from llama_course.policy import preferences
from llama_course.training.loop import train
from llama_course.training.losses import dpo_loss, ppo_loss, reward_ranking_loss
from llama_course.training.optimization import TrainingSettings

MASTER = Path(__file__).resolve().parent.parent / "authoring" / "lessons" / "06_human_feedback.py"
SEEDS = range(5)
has_family = pytest.mark.skipif(
    not (paths.checkpoints_dir() / "reward-safety").exists(), reason="the miniature models are not in checkpoints/ yet"
)


@pytest.fixture(scope="module")
def lesson():
    """The functions that a learner reads in the lesson, and nothing else of it."""
    tree = ast.parse(MASTER.read_text(encoding="utf-8"))
    names = {"torch": torch}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(ast.Module(functions, []), MASTER.name, "exec"), names)
    return types.SimpleNamespace(**names)


@pytest.fixture(scope="module")
def workshop():
    return FeedbackWorkshop()


# -- the code ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_losses_of_the_lesson_are_those_of_the_library(lesson, seed):
    generator = torch.Generator().manual_seed(seed)
    a, b, c = torch.randn(3, 7, generator=generator)
    assert torch.allclose(lesson.ranking_loss(a, b, c.abs()), reward_ranking_loss(a, b, c.abs()))
    assert torch.allclose(lesson.my_ppo_loss(a, b, c), ppo_loss(a[None], b[None], c[None], torch.ones(1, 7)))
    nothing = torch.zeros(7)
    assert torch.allclose(lesson.my_dpo_loss(a, b, 0.1), dpo_loss(a, b, nothing, nothing, 0.1))


def test_only_rows_that_exist_are_asked_for():
    tree = ast.parse(MASTER.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    asked = [call for call in calls if call.func.id in ("figure", "statement")]
    assert len(asked) > 5
    for call in asked:
        if isinstance(call.args[0], ast.Constant):
            assert getattr(preferences, call.func.id)(call.args[0].value)


def test_agreement_of_two_annotators():
    assert annotator_agreement(0.15) == pytest.approx(0.745)


# -- what is concluded, at reduced size, for five seeds ----------------------------------------------------------------


@pytest.mark.slow
@has_family
def test_the_shipped_reward_models_learned_manners_before_truth_and_disagree_about_dangers(workshop):
    contrasts = workshop.contrasts(40)
    helpful, safe = (workshop.model(f"reward-{name}") for name in ("helpfulness", "safety"))
    hazards = contrasts.pop("tells no hazard")
    assert workshop.agreement(helpful, hazards) < 0.1 and workshop.agreement(safe, hazards) > 0.9
    learned = {name: workshop.agreement(helpful, own) for name, own in contrasts.items()}
    assert min(learned, key=learned.get) == "is true"


@pytest.mark.slow
@has_family
def test_somebody_never_mistaken_does_not_agree_with_all_labels(workshop):
    fresh = workshop.two_answers(100, seed=3)
    ties = sum(pair.is_tie for pair in fresh) / len(fresh)
    measured = [
        same_choices(workshop.compare(fresh, 0.0, 50 + seed), workshop.compare(fresh, 0.15, seed)) for seed in SEEDS
    ]
    assert 0.05 < ties < 0.6 and max(measured) < 0.95
    assert sum(measured) / len(measured) == pytest.approx(agreement_ceiling(0.15, ties), abs=0.06)


@pytest.mark.slow
@has_family
@pytest.mark.parametrize("seed", SEEDS)
def test_off_the_leash_the_reward_climbs_and_the_gold_reward_falls_and_a_leash_saves_it(workshop, seed):
    """As in the lesson, with half of the comparisons and two thirds of the answers."""
    hurried = workshop.preferences(50, noise=0.3, seed=20 + seed)
    cheap, asked = workshop.learn_rewards(hurried, seed=seed), workshop.questions(300, seed=40 + seed)

    def after_ppo(kl_weight: float, rate: float):
        policy = workshop.model()
        ppo = workshop.ppo(policy, asked, workshop.reward_of(cheap), seed=seed, kl_weight=kl_weight, prompts=16)
        train(policy, ppo, TrainingSettings(16, rate, warmup_steps=3, weight_decay=0.0))
        return (beginning_and_end(ppo.iterations, name) for name in ("reward", "gold"))

    (reward_before, reward_after), (before, after) = after_ppo(0.0, 1e-3)
    assert reward_after > reward_before + 0.3
    assert after < before - 0.3
    _, (_, held) = after_ppo(1.0, 3e-4)
    assert held > after + 0.3


def test_in_every_recorded_run_the_gold_reward_fell_off_the_leash_and_a_leash_helped():
    runs = recorded_leash_runs()
    leash, *_ = FIXES
    for free, held in zip(of_plan(runs, "loose"), of_plan(runs, leash), strict=True):
        assert free.gain < 0 < free.smooth("reward")[-1] - free.smooth("reward")[0]
        assert held.gain > free.gain
