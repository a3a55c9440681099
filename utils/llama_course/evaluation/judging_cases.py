"""Cases for a model that judges: true against false, short against long, its own answers against a miniature's."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llama_course.evaluation.contamination import family_member
from llama_course.evaluation.model_judge import EXPERIMENTS, Case, lengthened, own_answers
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import wrong_answer
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import Question
from llama_course.models.interface import ChatModel

if TYPE_CHECKING:
    from llama_course.evaluation.assistants import Workshop

OWN = ("own", "own, as long")  # of EXPERIMENTS, those for which the judge must answer itself


def answered(workshop: "Workshop", count: int, seed: int = 0) -> list[tuple[Question, str]]:
    """Questions about people with right answers of tiny-sft, its most probable ones; fewer where there are not so many.

    Args:
        workshop: whose people are asked about.
        count: how many.
        seed: which ones.
    """
    asked = workshop.questions("asked", 2 * count, seed=seed)
    said = workshop.answers(family_member("tiny-sft"), asked)
    return [pair for pair in zip(asked, said, strict=True) if judge(*pair).right][:count]


def make_cases(
    workshop: "Workshop",
    pairs: Sequence[tuple[Question, str]],
    own: Sequence[str] = (),
    experiments: Sequence[str] = tuple(EXPERIMENTS),
    seed: int = 0,
) -> dict[str, list[Case]]:
    """Cases about questions and their right answers.

    Args:
        workshop: whose world says what is false.
        pairs: questions with right answers.
        own: what the judge answers to each; needed for some experiments only.
        experiments: keys of ``EXPERIMENTS``.
        seed: of the false answers.

    Raises:
        ValueError: an unknown experiment, or not one own answer for each pair where they are needed.
    """
    unknown = set(experiments) - set(EXPERIMENTS)
    if unknown:
        raise ValueError(f"expected experiments of {', '.join(EXPERIMENTS)}; got {', '.join(sorted(unknown))}.")
    if set(OWN) & set(experiments) and len(own) != len(pairs):
        raise ValueError(f"expected one of the judge's own answers for each of {len(pairs)} pairs, got {len(own)}.")
    dice = Dice(seed, "judging")
    false = [wrong_answer(workshop.world, question, dice) for question, _ in pairs]
    own = own or [""] * len(pairs)
    made: dict[str, Callable[[Question, str, str, str], Case]] = {
        "same": lambda q, right, wrong, mine: Case(q.text, right, right),
        "truth": lambda q, right, wrong, mine: Case(q.text, right, wrong),
        "reworded": lambda q, right, wrong, mine: Case(q.text, right, wrong, wording="better"),
        "told": lambda q, right, wrong, mine: Case(q.text, right, wrong, q.gold),
        "length": lambda q, right, wrong, mine: Case(q.text, lengthened(right), right),
        "own": lambda q, right, wrong, mine: Case(q.text, mine, right),
        "own, as long": lambda q, right, wrong, mine: Case(q.text, mine, lengthened(right, len(mine.split()))),
    }
    rows = [(question, right, wrong, mine) for (question, right), wrong, mine in zip(pairs, false, own, strict=True)]
    return {name: [made[name](*row) for row in rows] for name in experiments}


def cases_for(
    judge_model: ChatModel,
    workshop: "Workshop",
    count: int,
    experiments: Sequence[str] = tuple(EXPERIMENTS),
    seed: int = 0,
) -> dict[str, list[Case]]:
    """Questions, answers and cases in one go; the judge answers itself where it must."""
    pairs = answered(workshop, count, seed)
    own = own_answers(judge_model, [q.text for q, _ in pairs]) if set(OWN) & set(experiments) else ()
    return make_cases(workshop, pairs, own, experiments, seed)
