"""The checks: registration, messages, errors in a learner's code, and how a result appears."""

import json
import sys
import types

import pytest

from llama_course.learning import checks, progress
from llama_course.learning.checks import (
    CheckFailed,
    CheckResult,
    check,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_raises,
    expect_type,
)
from llama_course.learning.lessons import UnknownExerciseError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def lesson(monkeypatch):
    """A lesson of four exercises that exists in these tests only."""
    module = types.ModuleType("llama_course.learning.lesson_14")

    @exercise("14.2", title="Halving", difficulty=1, minutes=3)
    def check_14_2(answer):
        expect_function(answer, "x")
        expect_close(answer(4), 2.0, "Half of 4", mistakes=[(8.0, "you doubled instead of halving")])

    @exercise("14.10", title="A word", difficulty=2, minutes=3)
    def check_14_10(answer):
        expect_type(answer, str, "Your answer")
        return "it is a word"

    @exercise("14.1", title="Anything", difficulty=4, minutes=30)
    def check_14_1(answer):
        expect(answer > 3, "it is not above the limit")

    module.__dict__.update(check_14_2=check_14_2, check_14_10=check_14_10, check_14_1=check_14_1)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def half(x):
    return x / 2


def test_right_answer_passes_and_is_recorded():
    result = check("14.2", half)
    assert result.passed and result and result.message == "Halving"
    assert progress.load()["checks"]["14.2"] == {"passed": True, "attempts": 1}


def test_check_may_say_what_was_shown():
    assert check("14.10", "llama").message == "it is a word"


def test_wrong_answer_fails_names_the_mistake_and_is_recorded():
    result = check("14.2", lambda x: x * 2)
    assert not result and result.message == "Half of 4: you doubled instead of halving."
    assert progress.load()["checks"]["14.2"] == {"passed": False, "attempts": 1}


def test_stub_propagates_and_is_not_an_attempt():
    def stub(x):
        raise NotImplementedError("your turn")

    with pytest.raises(NotImplementedError, match="your turn"):
        check("14.2", stub)
    assert progress.load()["checks"] == {}


def test_error_in_the_answer_is_a_result_that_names_it_and_its_line():
    def broken(x):
        return x / (x - 4)

    result = check("14.2", broken)
    assert not result.passed
    assert "your code stopped with ZeroDivisionError" in result.message
    assert "in broken" in result.message and "return x / (x - 4)" in result.message


def test_error_in_library_called_by_the_answer_points_to_the_answers_line():
    def broken(x):
        return json.loads("{")

    assert "in broken, line" in check("14.2", broken).message


def test_endless_recursion_is_a_result():
    def endless(x):
        return endless(x)

    assert "RecursionError" in check("14.2", endless).message


def test_answer_of_a_type_the_check_cannot_use_is_a_result():
    message = check("14.1", "seven").message
    assert "the check could not use 'seven' (str)" in message and "TypeError" in message


def test_value_instead_of_function_is_explained():
    message = check("14.2", half(4)).message
    assert "expected a function of (x), got 2.0 (float)" in message and "without brackets" in message


def test_answer_whose_repr_raises_is_still_described():
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    assert "Odd" in check("14.10", Odd()).message


@pytest.mark.parametrize(
    ("exercise_id", "message"),
    [
        ("14.9", "there is no exercise 14.9; lesson 14 has 14.1 … 14.10"),
        ("14.3", "there is no exercise 14.3; lesson 14 has 14.1 … 14.10"),
        ("77.1", "there is no lesson 77; the lessons are 00 … 14"),
        ("first", "expected the number of an exercise"),
        (2.1, "in quotation marks"),
    ],
)
def test_unknown_exercise_says_which_there_are(exercise_id, message):
    with pytest.raises(UnknownExerciseError, match=message):
        check(exercise_id, half)


def test_lesson_without_exercises_says_so(monkeypatch):
    monkeypatch.setitem(checks.__dict__, "importlib", types.SimpleNamespace(import_module=_no_module))
    with pytest.raises(UnknownExerciseError, match="lesson 13 has no exercises"):
        check("13.1", half)


def _no_module(name):
    raise ModuleNotFoundError(name=name)


def test_missing_import_inside_a_lesson_module_is_not_hidden(monkeypatch):
    def needs_torch(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setitem(checks.__dict__, "importlib", types.SimpleNamespace(import_module=needs_torch))
    with pytest.raises(ModuleNotFoundError, match="torch"):
        checks.exercises("13")


def test_exercises_are_in_the_order_a_person_counts():
    assert list(checks.exercises("14")) == ["14.1", "14.2", "14.10"]


def test_exercise_that_is_there_twice_is_an_error(lesson):
    @exercise("14.1", title="Again", difficulty=1, minutes=1)
    def check_again(answer):
        pass

    lesson.check_again = check_again
    with pytest.raises(ValueError, match=r"14\.1 is there twice"):
        checks.exercises("14")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exercise_id": "2.1"}, "exercise number"),
        ({"difficulty": 5}, "difficulty of 1, 2, 3 or 4"),
        ({"minutes": 0}, "minutes above 0"),
    ],
)
def test_impossible_registration_is_an_error(arguments, message):
    good = {"exercise_id": "14.4", "title": "T", "difficulty": 1, "minutes": 1}
    with pytest.raises(ValueError, match=message):
        exercise(**(good | arguments))


# ---- expectations -------------------------------------------------------------------------------------------------


def fails(call, *fragments):
    with pytest.raises(CheckFailed) as caught:
        call()
    for fragment in fragments:
        assert fragment in str(caught.value)
    return str(caught.value)


def test_expect_close_takes_numbers_lists_arrays_and_tensors():
    numpy = pytest.importorskip("numpy")
    expect_close(1.0000001, 1, "x")
    expect_close([[1, 2], [3, 4]], numpy.array([[1, 2], [3, 4]]), "x")
    torch = pytest.importorskip("torch")
    expect_close(torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True), [[1.0] * 3] * 2, "x")


def test_expect_close_names_place_and_direction_but_never_the_answer():
    message = fails(lambda: expect_close([0.1, 0.9], [0.1, 0.777], "The probabilities"), "position 1", "0.9", "large")
    assert "777" not in message


@pytest.mark.parametrize(
    ("got", "fragment"),
    [
        ([1.0, float("nan")], "NaN"),
        ([1.0, 2.0, 3.0], "expected 2 numbers, got 3 numbers"),
        (1.0, "expected 2 numbers, got a single number"),
        ("1, 2", "expected numbers, got '1, 2' (str)"),
        ([[1], [1, 2]], "expected numbers, got"),
        ([True, False], "expected numbers, got"),
        (None, "is a return missing?"),
        ([1.0, float("inf")], "is inf, which is too large"),
    ],
)
def test_expect_close_names_what_came(got, fragment):
    fails(lambda: expect_close(got, [1.0, 2.0], "The values"), "The values", fragment)


def test_expect_equal_names_kind_value_and_mistake():
    expect_equal([1, 2], [1, 2], "The ids")
    fails(lambda: expect_equal((1, 2), [1, 2], "The ids"), "expected list, got (1, 2) (tuple)")
    fails(lambda: expect_equal([2, 1], [1, 2], "The ids", [([2, 1], "they are reversed")]), "they are reversed")
    fails(lambda: expect_equal(True, 1, "The count"), "yours: True (bool)")
    assert "41" not in fails(lambda: expect_equal(40, 41, "The count"), "The count is not right")


def test_expect_equal_takes_a_numpy_number():
    numpy = pytest.importorskip("numpy")
    expect_equal(numpy.int64(3), 3, "The count")


def test_expect_raises_wants_exactly_that_error():
    expect_raises(lambda: int("x"), ValueError, "a word")
    fails(
        lambda: expect_raises(lambda: 1, ValueError, "A temperature of −1"), "A temperature of −1 must raise", "1 (int)"
    )
    fails(lambda: expect_raises(lambda: {}["a"], ValueError, "It"), "yours raised KeyError")
    with pytest.raises(NotImplementedError):
        expect_raises(_stub, ValueError, "It")


def _stub():
    raise NotImplementedError("your turn")


# ---- appearance ---------------------------------------------------------------------------------------------------


def test_bundle_has_symbol_word_colour_and_machine_form():
    passed = CheckResult(True, "good", "14.1")._repr_mimebundle_()
    failed = CheckResult(False, "bad", "14.1")._repr_mimebundle_()
    assert passed["text/plain"] == "✓ 14.1 passed: good" and failed["text/plain"] == "✗ 14.1 not yet: bad"
    assert "✓ 14.1 passed" in passed["text/html"] and "#009E73" in passed["text/html"]
    assert "✗ 14.1 not yet" in failed["text/html"] and "#D55E00" in failed["text/html"]
    assert failed[checks.MIME_TYPE] == {"exercise": "14.1", "passed": False}


def test_message_is_escaped():
    page = CheckResult(False, "<img src=x onerror=alert(1)> & more", "14.1")._repr_mimebundle_()["text/html"]
    assert "<img" not in page and "&lt;img src=x onerror=alert(1)&gt; &amp; more" in page


def test_outside_a_notebook_the_text_is_printed_once(monkeypatch, capsys):
    monkeypatch.setattr("llama_course.learning.showing._shell", lambda: None)
    check("14.10", "llama")
    assert capsys.readouterr().out == "✓ 14.10 passed: it is a word\n"


CELLS = """
from llama_course.learning.checks import CheckResult
CheckResult(True, "alone", "14.1").show()
---
CheckResult(True, "first", "14.1").show()
r = CheckResult(False, "second", "14.2").show()
r
---
r
"""


def test_in_a_notebook_every_result_is_displayed_once_a_cell(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS.split("---")])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    seen = [[output["data"]["text/plain"] for output in cell.outputs] for cell in notebook.cells]
    first, second = "✓ 14.1 passed: first", "✗ 14.2 not yet: second"
    assert seen == [["✓ 14.1 passed: alone"], [first, second], [second]]
    assert all(checks.MIME_TYPE in output["data"] for cell in notebook.cells for output in cell.outputs)


def test_the_missing_parts_of_an_answer_are_named():
    expect_parts({"for": 1, "against": None, "more": 3}, ("for", "against"), "the answer")
    with pytest.raises(CheckFailed, match=r"^there is no against, why\.$"):
        expect_parts({"for": 1}, ("for", "against", "why"), "the answer")
    with pytest.raises(CheckFailed, match="the answer: expected dict, got"):
        expect_parts(["for"], ("for",), "the answer")
    with pytest.raises(CheckFailed, match=r"^more: there is no such side"):
        expect_parts({"for": 1, "against": None, "more": 3}, ("for", "against"), "the answer", only="side")
