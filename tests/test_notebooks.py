"""The built notebooks: up to date with their masters, by the rules, and doing what they promise.

That every cell of course/ and solutions/ runs is tested beside this by nbval (see pytest's options in pyproject.toml).
"""

import importlib.util
import re
import shutil
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from authoring import build, execution, lint, masters
from authoring.notebook import Notebook, exercise_sections
from llama_course.learning.checks import MIME_TYPE, check, exercises

ROOT = Path(__file__).resolve().parent.parent
TARGETS = masters.find_targets(ROOT)
SOLUTIONS = [target for target in TARGETS if target.kind == "solutions"]
LESSONS_WITH_EXERCISES = sorted({target.lesson for target in SOLUTIONS})


def named(items):
    return [getattr(item, "name", None) or str(item) for item in items]


def each(targets):
    return pytest.mark.parametrize("target", targets, ids=named(targets))


# -- built from their masters --------------------------------------------------------------------------------------


def test_there_are_lessons_and_exercises():
    assert Counter(target.kind for target in TARGETS)["course"] >= 3
    assert len(SOLUTIONS) >= 2


@each(TARGETS)
def test_a_notebook_is_up_to_date(target):
    assert build.why_stale(target) is None, f"run: python authoring/build.py {target.lesson}"


def test_no_notebook_has_lost_its_master():
    assert masters.orphans(ROOT) == []


def test_rebuilding_changes_no_byte(tmp_path):
    kinds = ("course", "exercises", "solutions")
    for folder in ("authoring/lessons", "authoring/exercises", *kinds):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    assert build.main(["--no-execute"], tmp_path) == 0
    for target in TARGETS:
        assert (tmp_path / target.kind / target.path.name).read_bytes() == target.path.read_bytes(), target.name


@each(TARGETS)
def test_a_notebook_keeps_the_rules(target):
    findings = [lint.describe(target.path, found) for found in lint.lint(target.path) if not found.is_warning]
    assert not findings, "\n".join(findings)


# -- exercises and their solutions ---------------------------------------------------------------------------------


@pytest.mark.slow
@each([target for target in TARGETS if target.kind == "exercises"])
def test_every_stub_says_that_it_is_your_turn(target, tmp_path):
    notebook = run_all(target, tmp_path)
    for section in exercise_sections(Notebook(target.path, notebook.cells, notebook.metadata)):
        errors = [output.ename for cell in cells_of(notebook, section) for output in errors_of(cell)]
        assert "NotImplementedError" in errors, f"exercise {section.number}: its stub does not reach the check"
    for number, cell in enumerate(notebook.cells, 1):
        surprising = [o for o in errors_of(cell) if o.ename not in ("NotImplementedError", "NameError")]
        assert not surprising, f"cell {number}: {surprising[0].ename}: {surprising[0].evalue}"
        assert not errors_of(cell) or "raises-exception" in masters.tags(cell), f"cell {number} stops Run All"
    assert results_of(notebook) == [], "a check passed or failed without an answer"


@pytest.mark.slow
@each(SOLUTIONS)
def test_every_solution_passes_its_check(target, tmp_path):
    notebook = run_all(target, tmp_path)
    failures = [f"{o.ename}: {o.evalue}" for cell in notebook.cells for o in errors_of(cell)]
    assert failures == []
    results = results_of(notebook)
    assert [result["exercise"] for result in results if not result["passed"]] == []
    assert {result["exercise"] for result in results} == set(exercises(target.lesson))


WITHOUT_THE_CHAT_MODEL = [t for t in TARGETS if t.kind != "exercises" and t.lesson in ("00", "01", "02")]
# they look into it, let it judge, or measure it
LONGER = [t for t in TARGETS if t.kind == "course" and t.lesson in ("03", "07", "12")]


@pytest.mark.slow
@each([target for target in WITHOUT_THE_CHAT_MODEL if target.lesson != "01"])  # 01 needs no model
def test_a_lesson_goes_on_without_the_chat_model_whatever_the_miniature_says(target, tmp_path, own_home, miniatures):
    """The miniature has random weights here: no cell may depend on sense in its answers."""
    notebook = run_all(target, tmp_path)
    assert [f"{o.ename}: {o.evalue}" for cell in notebook.cells for o in errors_of(cell)] == []
    assert printed(notebook).count("smollm2-135m-instruct is not available here, so this is tiny-chat") >= 1
    assert not own_home.joinpath("models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf").exists()


@pytest.mark.slow
@each(WITHOUT_THE_CHAT_MODEL + LONGER)
def test_a_lesson_runs_on_the_shipped_miniature(target, tmp_path, own_home, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "tiny-chat")
    notebook = run_all(target, tmp_path)
    assert [f"{o.ename}: {o.evalue}" for cell in notebook.cells for o in errors_of(cell)] == []
    if target.kind == "solutions":
        assert [result["exercise"] for result in results_of(notebook) if not result["passed"]] == []
    assert "not available" not in printed(notebook)


@each(SOLUTIONS)
def test_an_exercise_is_described_as_it_is_registered(target):
    content = nbformat.read(target.path, as_version=4)
    sections = exercise_sections(Notebook(target.path, content.cells, content.metadata))
    described = {s.number: (s.title.split(" · ")[1], *facts_of(s)) for s in sections}
    registered = {key: (e.title, e.difficulty, e.minutes) for key, e in exercises(target.lesson).items()}
    assert described == registered


def facts_of(section):
    """Difficulty and minutes of an exercise, as its notebook says."""
    return tuple(int(re.search(rf"\*\*{name}\*\*\s+(\d+)", section.text)[1]) for name in ("Difficulty", "Minutes"))


def run_all(target, folder):
    """The notebook after "Run All" with errors allowed, run beside a copy of nothing but itself."""
    notebook = nbformat.read(target.path, as_version=4)
    environment = {**execution.execution_environment(), "LLAMA_COURSE_PROGRESS": str(folder / "progress.json")}
    execution.execute_cells(notebook, target.path.parent, environment, allow_errors=True)
    return notebook


def errors_of(cell):
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def printed(notebook):
    """All that the cells printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def results_of(notebook):
    """What the checks reported, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data[MIME_TYPE] for output in outputs if MIME_TYPE in output.get("data", {})]


def cells_of(notebook, section):
    """The cells of an exercise."""
    later = [s.cell for s in exercise_sections(Notebook(Path(), notebook.cells, {})) if s.cell > section.cell]
    return notebook.cells[section.cell - 1 : (later[0] - 1 if later else None)]


# -- planted mistakes ----------------------------------------------------------------------------------------------


def planted(lesson):
    """The planted mistakes of a lesson: (exercise, wrong answer, part of the message that only this mistake gets)."""
    path = ROOT / "tests" / "planted" / f"{lesson}.py"
    if not path.exists():
        return []
    spec = importlib.util.spec_from_file_location(f"planted_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MISTAKES


MISTAKES = [mistake for lesson in LESSONS_WITH_EXERCISES for mistake in planted(lesson)]


@pytest.mark.parametrize("lesson", LESSONS_WITH_EXERCISES)
def test_every_exercise_has_three_planted_mistakes(lesson):
    counts = Counter(exercise for exercise, _, _ in planted(lesson))
    assert {key: counts[key] for key in exercises(lesson)} == {key: 3 for key in exercises(lesson)}
    assert set(counts) <= set(exercises(lesson))


@pytest.mark.parametrize(
    ("exercise", "answer", "fragment"), MISTAKES, ids=[f"{e}-{i}" for i, (e, _, _) in enumerate(MISTAKES)]
)
def test_a_planted_mistake_gets_its_own_message(exercise, answer, fragment, monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    result = check(exercise, answer)
    assert not result.passed, f"the check of {exercise} lets a wrong answer pass"
    assert fragment in result.message
    others = [wrong for number, wrong, _ in MISTAKES if number == exercise and wrong is not answer]
    assert not [wrong for wrong in others if fragment in check(exercise, wrong).message], "others get it as well"
