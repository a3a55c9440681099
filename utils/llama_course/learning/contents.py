"""What the lessons offer to do, and how far a learner is with it."""

from llama_course.learning import progress
from llama_course.learning.checks import exercises
from llama_course.learning.lessons import TOPICS, UnknownExerciseError
from llama_course.learning.quizzes import load_quiz


def contents() -> list[progress.LessonContent]:
    """Exercises and quiz of every lesson, in order; a lesson may have neither."""
    return [
        progress.LessonContent(lesson, topic.replace("_", " "), tuple(exercises(lesson)), _quiz(lesson))
        for lesson, topic in sorted(TOPICS.items())
    ]


def progress_report() -> str:
    """The table that ``llama-course progress`` prints."""
    return progress.summary(progress.load(), contents())


def _quiz(lesson: str):
    try:
        return load_quiz(lesson)
    except UnknownExerciseError:
        return None
