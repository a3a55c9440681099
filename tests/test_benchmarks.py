"""The figures in the README are those that the benchmarks wrote."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("benchmarks_run", ROOT / "benchmarks" / "run.py")
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)


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
