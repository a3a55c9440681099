"""Quizzes: five to seven questions a lesson, each with one right option and an explanation of every option.

The data are in ``data/quizzes/NN.json``; here they are read, validated and scored.  Nothing is drawn here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_course import paths
from llama_course.learning.lessons import UnknownExerciseError, known_lesson


class QuizError(ValueError):
    """A quiz file is not of the expected form; the message names the file and the question."""


@dataclass(frozen=True)
class Option:
    """One possible answer."""

    text: str
    correct: bool
    explanation: str  # why it is right or wrong: shown after it was chosen


@dataclass(frozen=True)
class Question:
    """One question with its options."""

    id: str  # "02.q1"
    question: str
    options: tuple[Option, ...]

    @property
    def right(self) -> int:
        """Index of the right option."""
        return next(index for index, option in enumerate(self.options) if option.correct)


@dataclass(frozen=True)
class Quiz:
    """The quiz of one lesson."""

    lesson: str  # "02"
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Score:
    """Where a learner stands in a quiz; all are counts of questions."""

    correct: int  # the right option was found
    first_try: int  # the first answer was right
    answered: int
    questions: int


def load_quiz(lesson: str) -> Quiz:
    """The quiz of a lesson.

    Raises:
        UnknownExerciseError: there is no such lesson, or it has no quiz.
        QuizError: its file is not of the expected form.
    """
    number = known_lesson(lesson)
    try:
        path = paths.data_file(f"quizzes/{number}.json")
    except FileNotFoundError:
        raise UnknownExerciseError(f"lesson {number} has no quiz") from None
    return read_quiz(path)


def read_quiz(path: Path) -> Quiz:
    """Read and validate one quiz file; its name is the number of its lesson."""
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise QuizError(f"{path.name}: not JSON in UTF-8: {error}") from error
    _expect_keys(data, {"lesson", "questions"}, path.name)
    if data["lesson"] != path.stem:
        raise QuizError(f"{path.name}: expected lesson {path.stem!r}, got {data['lesson']!r}")
    if not isinstance(data["questions"], list) or not 3 <= len(data["questions"]) <= 7:
        raise QuizError(f"{path.name}: expected a list of 3 to 7 questions")
    questions = tuple(
        _question(raw, f"{path.name}: question {number}", f"{path.stem}.q{number}")
        for number, raw in enumerate(data["questions"], start=1)
    )
    return Quiz(data["lesson"], questions)


def score(quiz: Quiz, answers: Mapping[str, Sequence[int]]) -> Score:
    """Score the options that were tried, in order, by question; pure.  Options that do not exist are passed over."""
    correct = first_try = answered = 0
    for question in quiz.questions:
        tries = valid_tries(question, answers.get(question.id, ()))
        answered += bool(tries)
        correct += question.right in tries
        first_try += bool(tries) and tries[0] == question.right
    return Score(correct, first_try, answered, len(quiz.questions))


def valid_tries(question: Question, tries: Sequence[int]) -> list[int]:
    """The tries that are options of the question; a file from another version of the course may hold others."""
    return [one for one in tries if 0 <= one < len(question.options)]


def _question(raw, where: str, expected_id: str) -> Question:
    _expect_keys(raw, {"id", "question", "options"}, where)
    if raw["id"] != expected_id:
        raise QuizError(f"{where}: expected the id {expected_id!r}, got {raw['id']!r}")
    where = f"{where.partition(':')[0]}: question {expected_id}"
    _expect_text(raw["question"], f"{where}: the question")
    if not isinstance(raw["options"], list) or not 2 <= len(raw["options"]) <= 6:
        raise QuizError(f"{where}: expected a list of 2 to 6 options")
    options = tuple(_option(option, f"{where}, option {n}") for n, option in enumerate(raw["options"], start=1))
    if (right := sum(option.correct for option in options)) != 1:
        raise QuizError(f"{where}: expected exactly one correct option, got {right}")
    if len({option.text for option in options}) < len(options):
        raise QuizError(f"{where}: two options have the same text")
    return Question(raw["id"], raw["question"], options)


def _option(raw, where: str) -> Option:
    _expect_keys(raw, {"text", "correct", "explanation"}, where)
    _expect_text(raw["text"], f"{where}: text")
    _expect_text(raw["explanation"], f"{where}: explanation")
    if not isinstance(raw["correct"], bool):
        raise QuizError(f"{where}: correct: expected true or false, got {raw['correct']!r}")
    return Option(raw["text"], raw["correct"], raw["explanation"])


def _expect_keys(raw, keys: set[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise QuizError(f"{where}: expected an object with {', '.join(sorted(keys))}, got {type(raw).__name__}")
    for word, names in (("missing", keys - set(raw)), ("unknown", set(raw) - keys)):
        if names:
            raise QuizError(f"{where}: {word}: {', '.join(sorted(names))}")


def _expect_text(value, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise QuizError(f"{where}: expected some text, got {value!r}")
