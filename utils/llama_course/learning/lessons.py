"""The lessons of the course by number, and how their notebooks are called."""

TOPICS = {
    "00": "welcome",
    "01": "five_articles",
    "02": "predicting_text",
    "03": "inside_llama",
    "04": "pretraining",
    "05": "fine_tuning",
    "06": "human_feedback",
    "07": "evaluation",
    "08": "open_versus_closed",
    "09": "licensing",
    "10": "misuse",
    "11": "transparency",
    "12": "run_it_anywhere",
    "13": "strategy_and_rules",
    "14": "capstone",
}


class UnknownExerciseError(ValueError):
    """There is no lesson, exercise or quiz of that name; the message says which there are."""


def lesson_of(exercise_id: str) -> str:
    """Number of the lesson that an exercise such as ``"02.1"`` belongs to.

    Raises:
        UnknownExerciseError: it is not written like an exercise, or there is no such lesson.
    """
    if not isinstance(exercise_id, str):
        raise UnknownExerciseError(
            f'expected the number of an exercise in quotation marks, such as "02.1"; got {exercise_id!r}'
        )
    lesson, point, number = exercise_id.strip().partition(".")
    if not (point and lesson.isdecimal() and number.isdecimal()):
        raise UnknownExerciseError(f'expected the number of an exercise, such as "02.1"; got {exercise_id!r}')
    return known_lesson(lesson)


def known_lesson(lesson: str) -> str:
    """``lesson`` itself, where the course has it (``"2"`` and ``2`` are taken as ``"02"``).

    Raises:
        UnknownExerciseError: there is no such lesson.
    """
    number = str(lesson).strip().zfill(2)
    if number not in TOPICS:
        first, *_, last = sorted(TOPICS)
        raise UnknownExerciseError(f"there is no lesson {lesson}; the lessons are {first} … {last}")
    return number


def notebook(lesson: str) -> str:
    """Name of a lesson's notebook; the folders course, exercises and solutions use the same names."""
    return f"{lesson}_{TOPICS[lesson]}.ipynb"


def unknown(exercise_id: str, lesson: str, known: list[str], what: str = "exercise") -> UnknownExerciseError:
    """The error for an exercise that a lesson does not have."""
    if not known:
        offer = f"lesson {lesson} has no {what}s"
    elif len(known) == 1:
        offer = f"lesson {lesson} has only {known[0]}"
    else:
        offer = f"lesson {lesson} has {known[0]} … {known[-1]}"
    return UnknownExerciseError(f"there is no {what} {exercise_id}; {offer}")


def in_order(exercise_ids) -> list[str]:
    """Exercise numbers as a person counts: 02.9 before 02.10."""
    return sorted(exercise_ids, key=lambda one: [int(part) for part in one.split(".")])
