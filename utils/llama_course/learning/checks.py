"""``check("02.1", answer)``: does it have the properties the exercise asks for, and if not, which one broke?

The checks of lesson 02 are functions in ``llama_course/learning/lesson_02.py``::

    @exercise("02.1", title="Softmax", difficulty=1, minutes=5)
    def check_02_1(answer):
        expect_function(answer, "logits")
        expect(abs(sum(answer([0.0, 1.0])) - 1) < 1e-6, "the probabilities do not add up to 1")

They test properties or an independent oracle, raise :class:`CheckFailed` and never show the answer.
"""

import importlib
import linecache
import re
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from llama_course.learning import progress
from llama_course.learning.expectations import (
    CheckFailed,
    describe,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_raises,
    expect_type,
)
from llama_course.learning.lessons import in_order, known_lesson, lesson_of, unknown
from llama_course.learning.showing import Shown

__all__ = [
    "CheckFailed",
    "CheckResult",
    "Exercise",
    "check",
    "describe",
    "exercise",
    "exercises",
    "expect",
    "expect_close",
    "expect_equal",
    "expect_function",
    "expect_parts",
    "expect_raises",
    "expect_type",
]

MIME_TYPE = "application/vnd.llama-course.check+json"
_NOT_A_LEARNERS = (  # folders of code that a learner did not write
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson."""

    id: str  # "02.1": lesson and number
    title: str
    difficulty: int  # 1 (a line) … 4 (an hour's thought)
    minutes: int  # for a learner who has done the lesson
    function: Callable[[object], str | None]  # raises CheckFailed; may return a sentence for success


@dataclass(frozen=True)
class CheckResult(Shown):
    """What came of a check.  ``bool(result)`` is ``result.passed``."""

    passed: bool
    message: str  # what was shown to hold, or which property broke
    exercise: str  # "02.1"

    def __bool__(self) -> bool:
        return self.passed

    def text(self) -> str:
        """One line: symbol, exercise, verdict in a word, message."""
        symbol, word, _ = self._look()
        return f"{symbol} {self.exercise} {word}: {self.message}"

    def html(self) -> str:
        """The same, with a colour beside the symbol and the word."""
        symbol, word, colour = self._look()
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; padding: 0.3em 0.8em; margin: 0.3em 0">'
            f"<strong>{symbol} {escape(self.exercise)} {word}</strong>: "
            f'<span style="white-space: pre-wrap">{escape(self.message)}</span></div>'
        )

    def _look(self) -> tuple[str, str, str]:
        return ("✓", "passed", "#009E73") if self.passed else ("✗", "not yet", "#D55E00")

    def _repr_mimebundle_(self, include=None, exclude=None):
        machine = {"exercise": self.exercise, "passed": self.passed}
        return {**super()._repr_mimebundle_(), MIME_TYPE: machine}


def exercise(exercise_id: str, *, title: str, difficulty: int, minutes: int):
    """Decorator that makes a function of one argument, the learner's answer, the check of an exercise."""
    if not re.fullmatch(r"\d\d\.[1-9]\d*", exercise_id):
        raise ValueError(f'expected an exercise number such as "02.1", got {exercise_id!r}')
    if difficulty not in (1, 2, 3, 4):
        raise ValueError(f"exercise {exercise_id}: expected a difficulty of 1, 2, 3 or 4, got {difficulty!r}")
    if not minutes > 0:
        raise ValueError(f"exercise {exercise_id}: expected minutes above 0, got {minutes!r}")

    def register(function):
        function.exercise = Exercise(exercise_id, title, difficulty, minutes, function)
        return function

    return register


def exercises(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson by number, in order; empty where the lesson has none."""
    name = f"llama_course.learning.lesson_{known_lesson(lesson)}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return {}
    found: dict[str, Exercise] = {}
    for value in vars(module).values():
        one = getattr(value, "exercise", None)
        if not isinstance(one, Exercise) or one in found.values():
            continue
        if one.id in found or lesson_of(one.id) != known_lesson(lesson):
            raise ValueError(f"{name}: exercise {one.id} is there twice, or belongs to another lesson")
        found[one.id] = one
    return {key: found[key] for key in in_order(found)}


def check(exercise_id: str, answer) -> CheckResult:
    """Check an answer, show what came of it, and note it in the progress file.

    Args:
        exercise_id: number of the exercise, such as ``"02.1"``.
        answer: what the exercise asks for: a function (its name, without brackets) or a value.

    Returns:
        The result, already shown.  An exception of the learner's code is a result that names it.

    Raises:
        UnknownExerciseError: there is no such exercise.
        NotImplementedError: the answer is still the stub.
    """
    one = _find(exercise_id)
    try:
        message = one.function(answer)
        result = CheckResult(True, message or one.title, one.id)
    except NotImplementedError:
        raise  # nothing was tried yet: the notebook shows the stub's own words
    except CheckFailed as failure:
        result = CheckResult(False, str(failure), one.id)
    except Exception as error:
        result = CheckResult(False, _name(error, answer, one.function), one.id)
    progress.record_check(one.id, result.passed)
    return result.show()


def _find(exercise_id: str) -> Exercise:
    lesson = lesson_of(exercise_id)
    known = exercises(lesson)
    if exercise_id.strip() not in known:
        raise unknown(exercise_id.strip(), lesson, list(known))
    return known[exercise_id.strip()]


def _name(error: Exception, answer, check_function) -> str:
    """An error in words: its type, its text, and the line of the learner's code where it arose."""
    what = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
    theirs = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code is not getattr(check_function, "__code__", None)
        and not frame.f_code.co_filename.startswith(_NOT_A_LEARNERS)
    ]
    if not theirs:
        return f"the check could not use {describe(answer)}; it stopped with {what}"
    code, line = theirs[-1]
    source = linecache.getline(code.co_filename, line).strip()
    return f"your code stopped with {what}\nin {code.co_name}, line {line}{': ' if source else ''}{source}"
