"""Hints: one at a time, kept over a restart, then the solution's name; and the form of their files."""

import json

import pytest

from llama_course import paths
from llama_course.learning import progress
from llama_course.learning.hints import HintError, hint, load_hints, read_hints
from llama_course.learning.lessons import TOPICS, UnknownExerciseError

THREE = ["look <b>here</b>", "think\nof this", "write that"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "_unwritten", {})
    data = tmp_path / "data" / "hints" / "02.json"
    data.parent.mkdir(parents=True)
    data.write_text(json.dumps({"02.1": THREE, "02.10": THREE, "02.2": THREE}), encoding="utf-8")

    def data_file(name):
        if not (tmp_path / "data" / name).is_file():
            raise FileNotFoundError(name)
        return tmp_path / "data" / name

    monkeypatch.setattr(paths, "data_file", data_file)


def test_hints_come_one_at_a_time_and_then_the_solution():
    first, second, third, fourth, fifth = (hint("02.1") for _ in range(5))
    assert [one.lines for one in (first, second, third)] == [(line,) for line in THREE]
    assert first.text() == "Hint 1 of 3 for 02.1 (a nudge): look <b>here</b>"
    assert "solutions/02_predicting_text.ipynb" in fourth.text() and fourth == fifth
    assert fourth.text().count("\n") >= 3, "all hints are there to be read again"
    assert hint("02.2").step == 1, "each exercise has its own count"


def test_count_is_in_the_progress_file_so_a_restart_goes_on():
    hint("02.1")
    progress.record_hint("02.1")  # by another notebook
    assert hint("02.1").step == 3


def test_hint_is_escaped():
    page = hint("02.1")._repr_mimebundle_()["text/html"]
    assert "<b>here" not in page and "&lt;b&gt;here&lt;/b&gt;" in page
    for _ in range(3):
        page = hint("02.1")._repr_mimebundle_()["text/html"]
    assert "<b>here" not in page and "<ol>" in page


@pytest.mark.parametrize(
    ("exercise", "message"),
    [
        ("02.9", "there is no hint 02.9; lesson 02 has 02.1 … 02.10"),
        ("03.1", "there is no hint 03.1; lesson 03 has no hints"),
        ("99.1", "there is no lesson 99"),
        (None, "in quotation marks"),
    ],
)
def test_unknown_exercise_says_which_there_are(exercise, message):
    with pytest.raises(UnknownExerciseError, match=message):
        hint(exercise)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "02.json: not JSON"),
        ("[]", "expected an object of exercises, got list"),
        (json.dumps({"03.1": THREE}), r'expected exercises such as "02.1", got \'03.1\''),
        (json.dumps({"02": THREE}), "got '02'"),
        (json.dumps({"02.1": THREE[:2]}), "02.json: exercise 02.1: expected a list of 3 hints"),
        (json.dumps({"02.1": ["a", " ", "c"]}), "exercise 02.1: expected every hint to be some text"),
        (json.dumps({"02.1": "abc"}), "expected a list of 3 hints"),
    ],
)
def test_bad_file_names_file_and_exercise(tmp_path, content, message):
    path = tmp_path / "02.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(HintError, match=message):
        read_hints(path)


def test_shipped_hints_are_valid(monkeypatch):
    monkeypatch.undo()
    for lesson in TOPICS:
        load_hints(lesson)
