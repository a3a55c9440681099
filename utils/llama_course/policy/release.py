"""What was said for and against releasing weights, beside the experiment that bears on it; and figures on both ways.

In ``data/policy/release.json`` there is one more kind of rows: arguments.
"""

import json
from dataclasses import dataclass
from functools import cache

from llama_course import paths
from llama_course.policy.claims import claim
from llama_course.policy.published import PublishedDataError, PublishedRows

ROWS = PublishedRows(paths.data_file("policy/release.json"))
figure, statement = ROWS.figure, ROWS.statement


@dataclass(frozen=True)
class Argument:
    """One argument of the articles and what an experiment can say to it."""

    id: str  # "clegg"
    speaker: str
    claim: str  # number of the claim, such as "A0.6"
    in_short: str
    experiment: str  # of the lesson, in a few words
    bears_on: str  # what it shows
    leaves_open: str  # what it does not settle
    left_out: str  # what the article omits; empty where we found nothing

    @property
    def quote(self) -> str:
        """The words of the article."""
        return claim(self.claim).quote


@cache
def arguments() -> dict[str, Argument]:
    """The four arguments by id, in the order in which the lesson comes to them.

    Raises:
        PublishedDataError: a row is not of the expected form.
    """
    rows = json.loads(ROWS.path.read_text(encoding="utf-8"))["arguments"]
    try:
        found = {row["id"]: Argument(**row) for row in rows}
        for argument in found.values():
            claim(argument.claim)
    except (TypeError, ValueError) as error:
        raise PublishedDataError(f"{ROWS.path.name}, arguments: {error}") from error
    return found
