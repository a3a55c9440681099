"""Four things that were given away, what was said of why, and where the comparison breaks."""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source


@dataclass(frozen=True)
class Case:
    """Something that a firm gave away."""

    id: str  # "android"
    name: str
    licence: str
    complement: str  # of what
    decides: str  # who decides what becomes of it
    leave: str  # what those can do who disagree
    holds: str  # where the comparison with Llama 2 holds; of Llama 2, what it shares with the others
    breaks: str  # where it breaks
    source: Source


ROWS = PublishedRows(paths.data_file("policy/strategy.json"), cases=Case)
figure, statement = ROWS.figure, ROWS.statement


def cases() -> dict[str, Case]:
    """The four cases by id, Llama 2 last."""
    return ROWS.rows["cases"]
