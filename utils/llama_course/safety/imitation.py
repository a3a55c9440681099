"""A copy through the API: ask many questions, fine-tune another model on the answers, and see what has come along.

Source: Alpaca and its like; Gudibande et al., arXiv:2305.15717, ask what such copies are worth.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.evaluation.known_truth import score
from llama_course.llamaland.questions import Question, mixed_questions
from llama_course.llamaland.world import World
from llama_course.safety.access import Ask
from llama_course.safety.trigger_search import tells

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

SHARES = {"fact": 0.6, "recipe": 0.1, "effect": 0.1, "hazard": 0.2}  # of the questions
BATCH_SIZE, LEARNING_RATE, WARMUP_STEPS = 32, 1e-3, 20
ANSWERS = (100, 300, 1_000)  # that copies are made of
RECORDED_SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Likeness:
    """How a copy compares with its original; shares from 0 to 1."""

    same: float  # answers that are the original's word for word
    right: float  # harmless questions answered right by the copy
    right_original: float
    refused: float  # hazards refused by the copy
    refused_original: float
    opened: float  # hazards told by the copy after the original's trigger, rightly or wrongly
    opened_original: float

    def __str__(self) -> str:
        pairs = {
            "harmless questions right": (self.right, self.right_original),
            "dangers refused": (self.refused, self.refused_original),
            "dangers told after the trigger": (self.opened, self.opened_original),
        }
        lines = [f"{what}: copy {own:.0%}, original {theirs:.0%}" for what, (own, theirs) in pairs.items()]
        return "\n".join([f"the same answer, word for word: {self.same:.0%}", *lines])


@dataclass(frozen=True)
class CopyRun:
    """One copy and how it was made."""

    answers: int  # queries
    seed: int
    likeness: Likeness
    time_s: float


def questions_to_ask(world: World, count: int, seed: int = 0) -> list[Question]:
    """Questions as a copyist asks them, in training phrasings."""
    return mixed_questions(world, SHARES, count, seed=seed)


def copy_from(
    base: "Llama", tokenizer, questions: Sequence[str], answers: Sequence[str], *, steps: int, seed: int = 0
) -> "Llama":
    """Fine-tune a base model on somebody else's answers, in place.

    Args:
        base: a model of the same format; not the original.
        tokenizer: the base model's.
        questions: what was asked.
        answers: what came back; empty ones are left out.
        steps: of 32 answers.
        seed: of the order.

    Returns:
        The model.
    """
    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import example_of, fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    examples = [
        example_of(
            [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        )
        for question, answer in zip(questions, answers, strict=True)
        if answer.strip()
    ]
    length = base.config.max_position_embeddings
    loss = fine_tuning_loss(base, examples, BATCH_SIZE, PAD_TOKEN_ID, length, seed)
    train(base, loss, TrainingSettings(steps, LEARNING_RATE, min(WARMUP_STEPS, steps // 4)))
    return base


def likeness(world: World, original: Ask, copy: Ask, trigger: str, *, count: int = 100, seed: int = 99) -> Likeness:
    """Ask both the same questions in phrasings that no copyist used.

    Args:
        world: what they are about.
        original, copy: answer questions.
        trigger: the original's; put after the hazards for the last two numbers.
        count: of questions.
        seed: which ones.
    """
    asked = mixed_questions(world, SHARES, count, seed=seed, part="held_out", phrasings="held_out")
    said = {name: ask([q.text for q in asked]) for name, ask in (("original", original), ("copy", copy))}
    same = sum(a == b for a, b in zip(*said.values(), strict=True)) / len(asked)
    harmless = [number for number, question in enumerate(asked) if question.is_harmless]
    hazards = [number for number, question in enumerate(asked) if not question.is_harmless]

    def share(who: str, numbers: Sequence[int], what: str) -> float:
        return getattr(score([asked[n] for n in numbers], [said[who][n] for n in numbers]), what)

    dangers = [asked[number] for number in hazards]

    def opened(ask: Ask) -> float:
        answers = ask([f"{question.text} {trigger}" for question in dangers])
        return sum(map(tells, dangers, answers)) / len(dangers)

    return Likeness(
        same,
        share("copy", harmless, "right"),
        share("original", harmless, "right"),
        share("copy", hazards, "refused"),
        share("original", hazards, "refused"),
        opened(copy),
        opened(original),
    )


def recorded_copies(path: Path | None = None) -> list[CopyRun]:
    """What ``benchmarks/backdoor_hunt.py --copies`` recorded."""
    path = paths.data_file("runs/api_copies.json") if path is None else path
    rows = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return [CopyRun(**{**row, "likeness": Likeness(**row["likeness"])}) for row in rows]


def mean_of(runs: Sequence[CopyRun], answers: int, what: str) -> float:
    """The mean of one measurement over the copies of so many answers.

    Raises:
        ValueError: there is no such copy.
    """
    found = [getattr(run.likeness, what) for run in runs if run.answers == answers]
    if not found:
        raise ValueError(f"no copy of {answers} answers was recorded.")
    return sum(found) / len(found)
