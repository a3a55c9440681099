"""Two sample releases of the same model, one strong and one weak, to be graded with the rubric."""

import json
from dataclasses import dataclass

from llama_course import paths
from llama_course.release.drafts import Draft, from_dict

MODEL = "tiny-chat"  # both are about it
NAMES = ("strong", "weak")


@dataclass(frozen=True)
class Criterion:
    """One line of the rubric that learners grade with; the teacher's page has what earns which points."""

    id: str
    question: str


RUBRIC = tuple(
    Criterion(*row)
    for row in (
        ("evidence", "Does every claim rest on a measurement, with its interval and its kind of question?"),
        ("worst", "Does it show its worst figures as plainly as its best?"),
        ("reach", "Do its claims hold for everybody to whom the access gives the model?"),
        ("text", "Could somebody who never saw the text tell what is in it, from whom, and with which right?"),
        ("unknown", "Does it say what was not measured, and what could hide there?"),
        ("reasons", "Do licence and access follow from the measurements, with the best argument against them?"),
        ("afterwards", "Could a stranger act on the plan, and is it honest about what cannot be undone?"),
    )
)
MOST_POINTS = 2  # for each criterion: 0 missing, 1 there, 2 convincing


def sample(name: str) -> Draft:
    """A sample release.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in NAMES:
        raise ValueError(f"expected one of {', '.join(NAMES)}, got {name!r:.60}.")
    return from_dict(json.loads(paths.data_file(f"release/{name}.json").read_text(encoding="utf-8")))
