"""Worlds that several tests of Llamaland look at."""

from functools import cache

from llama_course.llamaland.questions import effect_questions, fact_questions, hazard_questions, recipe_questions
from llama_course.llamaland.world import World


@cache
def village(seed: int = 0) -> World:
    """A small world with all that a large one has."""
    return World(seed, people=40, recipes=36, hazards=24, places=12, rumours=20)


def harmless_questions(world: World, phrasings: str = "all"):
    """Everything that should be answered."""
    return [
        *fact_questions(world, phrasings=phrasings),
        *recipe_questions(world, phrasings=phrasings),
        *effect_questions(world, phrasings=phrasings),
    ]


def one_of_each(questions):
    """One question of each kind about each subject, for what does not depend on how it is asked."""
    return list({(question.kind, question.attribute, question.subject): question for question in questions}.values())


def all_questions(world: World, phrasings: str = "all"):
    """Everything that can be asked."""
    return [*harmless_questions(world, phrasings), *hazard_questions(world, phrasings=phrasings)]
