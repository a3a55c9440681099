"""How probable a model finds one ending of a text, or another."""

import math

from llama_course.models.interface import ChatModel, PromptError, TokenLogProbability


def ending_tokens(model: ChatModel, beginning: str, ending: str) -> list[TokenLogProbability]:
    """The tokens of ``ending`` with ln p(token | beginning and the tokens before it).

    Args:
        model: who predicts.
        beginning: at least one token.
        ending: at least one token; it usually begins with a space.

    Raises:
        PromptError: an empty part, or a cut between the two that falls inside a token.
    """
    if not beginning or not ending:
        raise PromptError("both a beginning and an ending are needed, each of at least one token.")
    start = model.tokenize(beginning)
    cut = len(start)
    scored = model.log_probabilities(beginning + ending, first=cut)
    if [item.token for item in scored[:cut]] != start:
        raise PromptError(
            f"the cut between {beginning[-12:]!r} and {ending[:12]!r} falls inside a token: "
            "let the ending begin with a space."
        )
    return scored[cut:]


def ending_probability(model: ChatModel, beginning: str, ending: str) -> float:
    """p(ending | beginning): the product of the probabilities of its tokens.  Arguments as in :func:`ending_tokens`."""
    return math.exp(sum(item.log_prob for item in ending_tokens(model, beginning, ending)))
