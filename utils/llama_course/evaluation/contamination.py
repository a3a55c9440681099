"""A test that was learned by heart: the score rises, and what does it say?

The exam is about people of Llamaland whom no training example asks about; the models have only read of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama_course.evaluation.assistants import Workshop, conversation
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import Question, fact_questions
from llama_course.models.embedded import checkpoint_folder

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

STEPS, BATCH_SIZE, LEARNING_RATE = 30, 16, 5e-4
PARTS = {  # of an exam, in words
    "test": "the test itself",
    "other_words": "its facts in other words",
    "other_people": "other people",
}


@dataclass(frozen=True)
class Exam:
    """A test, and two more that tell what a score on it is worth; equally many questions each."""

    test: tuple[Question, ...]  # no two of the same fact
    other_words: tuple[Question, ...]  # the same facts, in the same order, asked in another phrasing
    other_people: tuple[Question, ...]  # the same kinds of facts about people who are not in the test


def make_exam(workshop: Workshop, count: int = 100, seed: int = 0) -> Exam:
    """An exam about people whom the models have only read about, in phrasings that no training example uses.

    Args:
        workshop: where the people are.
        count: questions in each part; fewer where there are not so many facts.
        seed: which ones.
    """
    dice = Dice(seed, "exam")
    people = dice.shuffled(workshop.splits.people.held_out)
    half = len(people) // 2
    tested, others = (_two_phrasings(workshop, group, dice)[:count] for group in (people[:half], people[half:]))
    return Exam(*(tuple(part) for part in zip(*tested, strict=True)), tuple(first for first, _ in others))


def right_answers(workshop: Workshop, model: "Llama", questions: Sequence[Question]) -> list[bool]:
    """Whether a model's most probable answer is right, question by question."""
    answers = workshop.answers(model, questions)
    return [judge(question, answer).right for question, answer in zip(questions, answers, strict=True)]


def family_member(name: str) -> "Llama":
    """A miniature of the course, read anew each time: what is done to one copy does not touch another."""
    from llama_course.models.llama_files import load_llama

    return load_llama(checkpoint_folder(name))


def train_on(workshop: Workshop, questions: Sequence[Question], *, steps: int = STEPS, seed: int = 0) -> "Llama":
    """tiny-sft, fine-tuned on questions with their answers, as one should never do with a test.

    Args:
        workshop: for its tokenizer.
        questions: to be learned by heart.
        steps: of 16 questions, or of all where there are fewer.
        seed: of their order.
    """
    from llama_course.models.tokenizer import PAD_TOKEN_ID
    from llama_course.training.fine_tuning import fine_tuning_loss
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    model = family_member("tiny-sft")
    examples = workshop.examples([conversation(question.text, question.gold) for question in questions])
    batch, length = min(BATCH_SIZE, len(examples)), model.config.max_position_embeddings
    loss = fine_tuning_loss(model, examples, batch, PAD_TOKEN_ID, length, seed)
    train(model, loss, TrainingSettings(steps, LEARNING_RATE, min(3, steps // 4)))
    return model


def _two_phrasings(workshop: Workshop, people: Sequence, dice: Dice) -> list[tuple[Question, Question]]:
    """Each fact about these people in two of the held-out phrasings, the facts in a random order."""
    by_fact: dict[tuple[str, str], list[Question]] = {}
    for question in fact_questions(workshop.world, people, phrasings="held_out"):
        by_fact.setdefault((question.subject, question.attribute), []).append(question)
    return dice.shuffled([tuple(dice.sample(asked, 2)) for asked in by_fact.values()])
