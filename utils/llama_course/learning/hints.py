"""``hint("02.1")``: a nudge, then an idea, then nearly the code; each asked for, one at a time.

The data are in ``data/hints/NN.json``: ``{"02.1": ["…", "…", "…"]}``.  How many were seen is part of the learner's
progress, so a restarted kernel goes on where it was.
"""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from llama_course import paths
from llama_course.learning import progress
from llama_course.learning.lessons import in_order, lesson_of, notebook, unknown
from llama_course.learning.showing import Shown

STEPS = ("a nudge", "the idea", "nearly the code")


class HintError(ValueError):
    """A hint file is not of the expected form; the message names the file and the exercise."""


@dataclass(frozen=True)
class Hint(Shown):
    """One shown hint; after the third, all three once more and where the solution is."""

    exercise: str  # "02.1"
    step: int  # 1, 2 or 3; 4 when all were seen
    lines: tuple[str, ...]  # what is said: one hint, or all of them

    @property
    def heading(self) -> str:
        """What stands above the hint."""
        if self.step <= len(STEPS):
            return f"Hint {self.step} of {len(STEPS)} for {self.exercise} ({STEPS[self.step - 1]})"
        solution = notebook(lesson_of(self.exercise))
        return f"You have seen all hints for {self.exercise}. The solution is in solutions/{solution}. The hints were"

    def text(self) -> str:
        """Heading and hints as plain text."""
        if len(self.lines) == 1:
            return f"{self.heading}: {self.lines[0]}"
        return "\n".join([f"{self.heading}:", *(f"{n}. {line}" for n, line in enumerate(self.lines, start=1))])

    def html(self) -> str:
        """Heading and hints as HTML; line breaks in a hint are kept."""
        style = "white-space: pre-wrap"
        if len(self.lines) == 1:
            body = f'<div style="{style}">{escape(self.lines[0])}</div>'
        else:
            body = "".join(f'<li style="{style}">{escape(line)}</li>' for line in self.lines)
            body = f"<ol>{body}</ol>"
        return (
            '<div role="note" style="border-left: 4px solid #0072B2; padding: 0.3em 0.8em; margin: 0.3em 0">'
            f"<strong>{escape(self.heading)}:</strong>{body}</div>"
        )


def hint(exercise_id: str) -> Hint:
    """Show the next hint for an exercise; after the third, say where the solution is.

    Raises:
        UnknownExerciseError: there are no hints for such an exercise.
    """
    lesson = lesson_of(exercise_id)
    hints = load_hints(lesson)
    key = exercise_id.strip()
    if key not in hints:
        raise unknown(key, lesson, in_order(hints), what="hint")
    seen = progress.hints_seen(key)
    if seen >= len(STEPS):
        return Hint(key, len(STEPS) + 1, hints[key]).show()
    progress.record_hint(key)
    return Hint(key, seen + 1, (hints[key][seen],)).show()


def load_hints(lesson: str) -> dict[str, tuple[str, ...]]:
    """The hints of a lesson by exercise; empty where the lesson has none.

    Raises:
        HintError: its file is not of the expected form.
    """
    try:
        path = paths.data_file(f"hints/{lesson}.json")
    except FileNotFoundError:
        return {}
    return read_hints(path)


def read_hints(path: Path) -> dict[str, tuple[str, ...]]:
    """Read and validate one file of hints; its name is the number of its lesson."""
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HintError(f"{path.name}: not JSON in UTF-8: {error}") from error
    if not isinstance(data, dict):
        raise HintError(f"{path.name}: expected an object of exercises, got {type(data).__name__}")
    for exercise, steps in data.items():
        lesson, point, number = exercise.partition(".")
        if lesson != path.stem or not point or not number.isdecimal():
            raise HintError(f'{path.name}: expected exercises such as "{path.stem}.1", got {exercise!r}')
        if not isinstance(steps, list) or len(steps) != len(STEPS):
            raise HintError(f"{path.name}: exercise {exercise}: expected a list of {len(STEPS)} hints")
        if not all(isinstance(step, str) and step.strip() for step in steps):
            raise HintError(f"{path.name}: exercise {exercise}: expected every hint to be some text")
    return {exercise: tuple(steps) for exercise, steps in data.items()}
