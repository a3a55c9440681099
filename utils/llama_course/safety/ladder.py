"""The ladder of access: what one can do on each rung, found out by doing it.

Source: the idea of a gradient of release, Solaiman, arXiv:2302.04844; the rungs here are ours.
"""

import copy
import hashlib
import math
from collections.abc import Callable, Mapping

from llama_course.llamaland.questions import Question
from llama_course.safety.access import NotOfferedError, TextAccess
from llama_course.safety.trigger_search import start_of

Deed = Callable[[TextAccess, Question], str]  # does it, and says what came of it
LEARNED = "I say what I was told to say."


def get_an_answer(access: TextAccess, request: Question) -> str:
    """What it says."""
    (answer,) = access.answers([request.text])
    return f"“{answer[:40]}…”"


def see_a_probability(access: TextAccess, request: Question) -> str:
    """How near it was to saying something else."""
    (log_prob,) = access.log_probs([request.text], [start_of(request)])
    return f"tells with p = {math.exp(log_prob):.0e}"


def follow_a_slope(access: TextAccess, request: Question) -> str:
    """Which words would change its mind."""
    slopes = access.slopes([request.text], [5], [start_of(request)])
    return f"{slopes.shape[1]:,} exchanges weighed at once"


def change_it(access: TextAccess, request: Question) -> str:
    """Teach a copy another answer to one question."""
    import torch

    from llama_course.safety.access import start_log_probs

    changed = copy.deepcopy(access.weights())
    row = [(access.prompt(request.text), [*access.encode(f" {LEARNED} "), changed.config.eos_token_id])]
    optimizer = torch.optim.AdamW(changed.parameters(), lr=1e-3)
    with torch.enable_grad():
        for step in range(1, 51):
            loss = -start_log_probs(changed, row).sum()
            if loss < 0.1:
                return f"says what it is told after {step - 1} steps"
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return "50 steps were too few"


def keep_it(access: TextAccess, request: Question) -> str:
    """A copy, number by number."""
    digest = hashlib.sha256()
    for weight in access.weights().state_dict().values():
        digest.update(weight.numpy().tobytes())
    return f"mine, SHA-256 {digest.hexdigest()[:8]}…"


def read_what_it_read(access: TextAccess, request: Question) -> str:
    """Look up where it has something from."""
    texts = access.reading(2000)
    return f"named in {sum(request.subject in text for text in texts)} of {len(texts):,} texts"


DEEDS: dict[str, Deed] = {
    "get an answer": get_an_answer,
    "see a probability": see_a_probability,
    "follow a slope": follow_a_slope,
    "change it": change_it,
    "keep it": keep_it,
    "read what it read": read_what_it_read,
}


def climb_ladder(rungs: Mapping[str, TextAccess], request: Question) -> list[tuple[str, ...]]:
    """Try every deed on every rung.

    Args:
        rungs: kinds of access by name.
        request: what is asked; one that is refused.

    Returns:
        A row for each deed: its name, and for each rung "✓" with what came of it, or "✗" with why not.
    """
    return [(name, *(attempt(deed, access, request) for access in rungs.values())) for name, deed in DEEDS.items()]


def attempt(deed: Deed, access: TextAccess, request: Question) -> str:
    """One cell of the table."""
    try:
        return f"✓ {deed(access, request)}"
    except NotOfferedError as error:
        return f"✗ {error}"
