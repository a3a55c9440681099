"""Lesson 07: the published numbers have their sources, and the interval of its prose is that of the library."""

import ast
import types
from pathlib import Path

import pytest

from llama_course.evaluation.intervals import wilson
from llama_course.evaluation.win_rates import WinRate
from llama_course.policy import evaluations

ROOT = Path(__file__).resolve().parent.parent
MASTER = ROOT / "authoring" / "lessons" / "07_evaluation.py"
PUBLISHED = {
    "wins": 36,
    "ties": 31.5,
    "losses": 32.5,
    "prompts": 4_000,
    "raters": 3,
    "agreement-low": 0.37,
    "agreement-high": 0.55,
    "judge-wins": 60,
    "mmlu-llama": 68.9,
    "mmlu-gpt": 70.0,
    "gsm8k-llama": 56.8,
    "gsm8k-gpt": 57.1,
    "humaneval-llama": 29.9,
    "humaneval-gpt": 48.1,
    "truthful-llama": 64.14,
    "truthful-gpt": 78.46,
    "vicuna-questions": 80,
    "hellaswag-clean": 80.0,
    "hellaswag-dirty": 92.2,
}


@pytest.fixture(scope="module")
def lesson():
    """The functions that a learner reads in the lesson, and nothing else of it."""
    tree = ast.parse(MASTER.read_text(encoding="utf-8"))
    names = {}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(ast.Module(functions, []), MASTER.name, "exec"), names)
    return types.SimpleNamespace(**names)


@pytest.mark.parametrize(("successes", "count"), [(0, 9), (3, 11), (1_440, 4_000)])
def test_the_interval_of_the_lesson_is_that_of_the_library(lesson, successes, count):
    theirs = wilson(successes, count)
    assert lesson.my_wilson(successes, count) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


def test_published_numbers_are_rows():
    assert {name: row.value for name, row in evaluations.ROWS.figures().items()} == PUBLISHED


def test_wins_ties_and_losses_are_all_there_is():
    assert sum(evaluations.figure(name).value for name in ("wins", "ties", "losses")) == 100


def test_only_rows_that_exist_are_asked_for():
    tree = ast.parse(MASTER.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for call in calls:
        if call.func.id in ("figure", "statement") and isinstance(call.args[0], ast.Constant):
            assert getattr(evaluations, call.func.id)(call.args[0].value)


def test_every_published_test_has_a_score_of_both():
    assert [what for what, *_ in evaluations.published_scores()] == list(evaluations.TESTS.values())


def test_what_the_prose_says_of_the_published_comparison():
    meta = WinRate.of_shares(0.36, 0.315, 4_000)
    assert meta.won().value < 0.4 and 0.5 < meta.with_half_ties().value < 0.53, "a third, and just ahead"
    assert meta.not_lost().value > 2 / 3, "at least as good in two of three"
    assert meta.lead().low > 0, "the lead is more than chance"
    gap = {what: theirs - ours for what, ours, theirs in evaluations.published_scores()}
    assert gap["programming"] > 15 and abs(gap["school mathematics"]) < 1


def test_the_report_of_the_exercise_bears_its_key():
    old, new, people = WinRate(60, 304, 36).lead(), WinRate(20, 112, 18).lead(), WinRate(120, 180, 100)
    assert old.low > 0 and new.contains(0) and new.value > 0
    assert people.not_lost().value == 0.75 and people.won().high < 0.4
