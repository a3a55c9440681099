"""What was published about misuse and about safeguards that wear off; a threat model; a worksheet for marginal risk."""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows

ROWS = PublishedRows(paths.data_file("policy/misuse.json"))
figure, statement = ROWS.figure, ROWS.statement


@dataclass(frozen=True)
class Threat:
    """Somebody who might misuse a model; all of them live in Llamaland."""

    who: str
    wants: str
    has: str  # access, as in lesson 08
    extra: str  # what the model adds to what they can do without it


THREATS = (
    Threat("a curious child", "to see what happens", "a chat window", "nothing: the wall with the recipe is next door"),
    Threat("a swindler", "a hundred letters before noon", "a chat window", "speed; the words were never the problem"),
    Threat("a bungling wizard", "moon fire", "a chat window, patience", "a recipe, if it can be talked out of it"),
    Threat(
        "a guild of wizards", "moon fire, often", "the weights and an afternoon", "a helper that nobody can see or stop"
    ),
    Threat(
        "a careless baker", "a bot for her recipes", "the weights", "a bot that tells dangers too, and no wish for it"
    ),
)

WORKSHEET = {  # the questions of a marginal-risk argument, in the order in which they are to be answered
    "threat": "Who wants what, and what do they have?",
    "without": "What can they do today without this model: with books, the web, other models?",
    "defences": "What stands in their way already, outside the model?",
    "marginal": "What was measured about how much more they can do with it?",
    "defending": "Can defenders adapt, and does the model help them, too?",
    "assumptions": "What does the argument take for granted, and what would overturn it?",
}
