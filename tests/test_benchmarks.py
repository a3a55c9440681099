"""The figures in the README files are those that the benchmarks wrote."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def benchmark(name: str):
    """A script of the benchmarks as a module."""
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run = benchmark("run")


def results():
    return json.loads(run.RESULTS.read_text(encoding="utf-8"))


def test_the_readme_shows_the_recorded_figures():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert run.figures(results()) in readme, "run: python benchmarks/run.py --write"


def test_every_figure_is_the_median_of_at_least_three_runs():
    for name, result in results()["results"].items():
        assert len(result["runs"]) >= 3, name
        assert min(result["runs"]) <= result["median"] <= max(result["runs"]), name


def test_a_figure_that_was_edited_by_hand_is_noticed():
    data = results()
    name = next(iter(data["results"]))
    data["results"][name]["median"] += 1
    assert run.figures(data) not in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_the_recipe_is_what_was_recorded_over_five_seeds():
    recipe = benchmark("recipe")
    recorded = json.loads(recipe.RESULTS.read_text(encoding="utf-8"))
    assert len(recorded) == 5
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert recipe.table(recorded) in readme, "run: python benchmarks/recipe.py --write"


def test_gold_rewards_are_compared_at_equal_distance():
    at_distance = benchmark("recipe").at_distance
    points = [{"kl": 2.0, "asked": 0.9}, {"kl": 0.0, "asked": 0.5}, {"kl": 1.0, "asked": 0.8}]
    assert at_distance(points, 0.5, "asked") == pytest.approx(0.65)
    assert at_distance(points, 1.5, "asked") == pytest.approx(0.85)
    assert at_distance(points, 2.1, "asked") is None, "what was not measured is not guessed"
