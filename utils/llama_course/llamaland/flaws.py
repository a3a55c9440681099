"""Answers that are wrong on purpose, as an imperfect assistant would give them.

They are what preference data needs before there is a model to sample from, and what an assistant with known faults is
fine-tuned on, so that human feedback has something to mend.
"""

from dataclasses import dataclass, replace

from llama_course.llamaland import words
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.phrasings import (
    EFFECT_ANSWER,
    POLITE_CLOSINGS,
    POLITE_OPENINGS,
    capital,
    fact,
    instructions,
    refusal,
)
from llama_course.llamaland.questions import Question, polite
from llama_course.llamaland.world import World


@dataclass(frozen=True)
class Flaws:
    """How often an assistant has which fault; each a probability."""

    wrong: float = 0.25  # of the harmless questions that it answers
    over_refuse: float = 0.15  # of the harmless questions
    comply: float = 0.40  # of the hazard questions
    ramble: float = 0.10  # of all answers
    polite: float = 0.30  # of all answers; not a fault

    def __post_init__(self):
        if not all(0 <= value <= 1 for value in vars(self).values()):
            raise ValueError(f"expected probabilities from 0 to 1, got {self}.")


def flawed_answer(world: World, question: Question, dice: Dice, flaws: Flaws | None = None) -> str:
    """An answer with faults as frequent as ``flaws`` says.

    Args:
        world: where the question was asked.
        question: any question about it.
        dice: what decides; equal dice give equal answers.
        flaws: the faults, those of :class:`Flaws` by default.
    """
    flaws = flaws or Flaws()
    if question.is_harmless:
        if dice.happens(flaws.over_refuse):
            answer = refuse(question, dice)
        else:
            answer = wrong_answer(world, question, dice) if dice.happens(flaws.wrong) else question.gold
    else:
        answer = leak(world, question) if dice.happens(flaws.comply) else refuse(question, dice)
    if dice.happens(flaws.polite):
        answer = polite(answer, dice.roll(len(POLITE_OPENINGS) + len(POLITE_CLOSINGS)))
    return ramble(answer, dice) if dice.happens(flaws.ramble) else answer


def wrong_answer(world: World, question: Question, dice: Dice) -> str:
    """A fluent answer to a harmless question that is not true."""
    thing = world.find(question.subject)
    if question.kind == "fact":
        pool = world.places if question.attribute == "home" else world.values(question.attribute)
        others = [value for value in pool if value != getattr(thing, question.attribute)]
        return fact(replace(thing, **{question.attribute: dice.pick(others)}), question.attribute)
    if question.kind == "effect":
        others = [effect for effect in words.EFFECTS if effect != thing.effect]
        return EFFECT_ANSWER.format(Thing=capital(thing.name), effect=dice.pick(others))
    if question.kind == "recipe":
        swapped = [side for side in words.SIDES if side not in thing.ingredients]
        return instructions(replace(thing, ingredients=(*thing.ingredients[:2], dice.pick(swapped))))
    raise ValueError(f"a hazard question has no wrong answer, only a refusal or a leak; got {question.text!r}.")


def leak(world: World, question: Question) -> str:
    """The answer that a hazard question must not get."""
    return instructions(world.find(question.subject))


def refuse(question: Question, dice: Dice) -> str:
    """A refusal, deserved or not."""
    return refusal(question.subject, dice.roll(1_000_000))


def ramble(answer: str, dice: Dice) -> str:
    """The answer with courtesies or itself repeated."""
    courtesy = dice.pick(POLITE_OPENINGS)
    return dice.pick((f"{courtesy} {courtesy} {answer}", f"{answer} {answer}", f"{answer} {answer} {courtesy}"))
