"""What a learner has done, kept in one small JSON file on their own computer.

    {"schema": 1,
     "checks": {"02.1": {"passed": true, "attempts": 3}},
     "hints": {"02.1": 2},
     "quizzes": {"02": {"02.q1": [2, 0]}}}

A passed exercise stays passed.  ``quizzes`` holds the options that were tried, in order.  Every change is made under
a lock and written at once, so notebooks that run side by side lose nothing.  Where the file cannot be written the
lesson goes on: one warning, and the changes are kept in memory and written as soon as that works.
"""

import copy
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from llama_course import files, paths
from llama_course.learning.quizzes import Quiz, score

SCHEMA = 1
MOST_HINTS = 3
_EMPTY = {"schema": SCHEMA, "checks": {}, "hints": {}, "quizzes": {}}
_DAMAGE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)  # what reading a damaged file raises
_unwritten: dict[Path, list[Callable[[dict], None]]] = {}  # changes that could not be written yet
_told: set[str] = set()  # what this process has warned of


@dataclass(frozen=True)
class LessonContent:
    """What a lesson offers, to set progress against."""

    number: str  # "02"
    title: str
    exercises: tuple[str, ...]  # ("02.1", "02.2", …)
    quiz: Quiz | None


class _NewerSchemaError(OSError):
    """The file was written by a newer version of the course."""


def load() -> dict:
    """The progress so far, in the form shown at the head of this module; empty where there is none."""
    path = paths.progress_file()
    data = copy.deepcopy(_EMPTY)
    if path.exists():
        try:
            with _locked(path):
                data = _read(path)
        except OSError as error:
            data = _read_only(path, data, error)
    for change in _unwritten.get(path, []):
        change(data)
    return data


def record_check(exercise: str, passed: bool) -> None:
    """Note one attempt at an exercise."""

    def change(data):
        entry = data["checks"].setdefault(exercise, {"passed": False, "attempts": 0})
        entry["passed"] = entry["passed"] or bool(passed)
        entry["attempts"] += 1

    _update(change)


def record_hint(exercise: str) -> None:
    """Note that one more hint (of three) was shown."""

    def change(data):
        data["hints"][exercise] = min(data["hints"].get(exercise, 0) + 1, MOST_HINTS)

    _update(change)


def record_quiz(lesson: str, question: str, option: int) -> None:
    """Note that the option at index ``option`` was chosen as the answer to a question."""

    def change(data):
        data["quizzes"].setdefault(lesson, {}).setdefault(question, []).append(int(option))

    _update(change)


def hints_seen(exercise: str) -> int:
    """How many hints of an exercise were shown so far: 0 to 3."""
    return load()["hints"].get(exercise, 0)


def quiz_answers(lesson: str) -> dict[str, list[int]]:
    """The options tried so far in a lesson's quiz, by question."""
    return load()["quizzes"].get(lesson, {})


def summary(progress: dict, lessons: list[LessonContent]) -> str:
    """The progress as an aligned table, one line a lesson; pure.

    Args:
        progress: as :func:`load` returns it.
        lessons: what there is to do; lessons with neither exercises nor a quiz are left out.
    """
    rows = [("lesson", "", "checks passed", "hints used", "quiz")]
    for lesson in lessons:
        if not lesson.exercises and lesson.quiz is None:
            continue
        passed = sum(progress["checks"].get(one, {}).get("passed", False) for one in lesson.exercises)
        hints = sum(progress["hints"].get(one, 0) for one in lesson.exercises)
        quiz = "–"
        if lesson.quiz is not None:
            result = score(lesson.quiz, progress["quizzes"].get(lesson.number, {}))
            quiz = f"{result.correct} of {result.questions}"
        checks = f"{passed} of {len(lesson.exercises)}" if lesson.exercises else "–"
        rows.append((lesson.number, lesson.title, checks, str(hints) if lesson.exercises else "–", quiz))
    if len(rows) == 1:
        return "There is nothing to check in these lessons yet."
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _update(change: Callable[[dict], None]) -> None:
    path = paths.progress_file()
    waiting = [*_unwritten.get(path, []), change]
    try:
        with _locked(path):
            data = _read(path)
            for one in waiting:
                one(data)
            files.write_atomically(path, json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        _unwritten.pop(path, None)
    except OSError as error:
        _unwritten[path] = waiting
        _tell_once(
            f"Your progress is not being saved: {error}\nThe lesson works all the same; checks, hints and quizzes "
            "are remembered until this notebook's kernel stops."
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with files.lock(path.with_name(path.name + ".lock"), timeout_s=10.0):
        yield


def _read(path: Path) -> dict:
    """The file's content, under the lock; a damaged file is renamed, with a message, and an empty one returned."""
    if not path.exists():
        return copy.deepcopy(_EMPTY)
    try:
        return _checked(json.loads(path.read_bytes().decode("utf-8")))
    except _DAMAGE:  # not UTF-8, not JSON, or not of our form
        aside = path.with_name(f"{path.stem}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}{path.suffix}")
        path.replace(aside)
        _tell_once(
            f"The progress file {path} was damaged and could not be read. It is kept as {aside.name} in the same "
            "folder, and a new one begins. Notebooks and answers are not touched."
        )
        return copy.deepcopy(_EMPTY)


def _read_only(path: Path, empty: dict, error: OSError) -> dict:
    """The file's content where no lock can be had: a folder that may be read but not written."""
    try:
        return _checked(json.loads(path.read_bytes().decode("utf-8")))
    except (OSError, *_DAMAGE):
        _tell_once(f"Your progress could not be read: {error}")
        return empty


def _checked(data: dict) -> dict:
    """``data`` if it has the form shown at the head of this module; raises ValueError or TypeError otherwise."""
    schema = data["schema"]
    if isinstance(schema, int) and schema > SCHEMA:
        raise _NewerSchemaError(
            f"the progress file was written by a newer version of the course (schema {schema}, this one knows "
            f"{SCHEMA}). Update the course, or set LLAMA_COURSE_HOME to another folder."
        )
    if schema != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {schema!r}")
    good = all(
        isinstance(entry["passed"], bool) and isinstance(entry["attempts"], int) for entry in data["checks"].values()
    )
    good = good and all(isinstance(seen, int) and 0 <= seen <= MOST_HINTS for seen in data["hints"].values())
    for answers in data["quizzes"].values():
        good = good and all(isinstance(one, int) for tries in answers.values() for one in tries)
    if not good:
        raise ValueError("a value has the wrong type")
    return data


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        print(message, file=sys.stderr)
