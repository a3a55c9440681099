"""How open is a model?  Ten criteria for licences, seven parts of a definition for AI, seven marks for sixteen models.

The marks are from published judgements and from the models' own documents; "not verified" where we read nothing good
enough.  Judgements of "Opening up ChatGPT" (Liesenfeld, Lopez and Dingemanse, CUI 2023; licensed CC BY 4.0) are used
for the models that it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.nearest import nearest
from llama_course.policy.published import PublishedRows, Source

MARKS = {"yes": 1.0, "partly": 0.5, "no": 0.0}
UNKNOWN = "not verified"
DIMENSIONS = {
    "weights": "May one download the weights? Partly: only after a form.",
    "training code": "Is the code that trained it published? Code that only runs it does not count.",
    "data named": "Is it said which texts it read?",
    "data to download": "May one get the text itself?",
    "business": "May one do business with it? Partly: with exceptions.",
    "any purpose": "Is every purpose allowed?",
    "paper": "Is there a paper on how it was made? Partly: it leaves out what matters.",
}
VERDICTS = ("met", "partly", "fails")


@dataclass(frozen=True)
class Openness:
    """The marks of one model."""

    id: str
    licence: str
    marks: dict[str, str]  # DIMENSIONS: "yes", "partly", "no" or "not verified"
    note: str
    source: Source

    def __post_init__(self):
        if list(self.marks) != list(DIMENSIONS):
            raise ValueError(f"marks are for {', '.join(DIMENSIONS)}")
        if wrong := set(self.marks.values()) - {*MARKS, UNKNOWN}:
            raise ValueError(f"a mark is yes, partly, no or not verified; see {', '.join(wrong)}")

    @property
    def free_licence(self) -> bool | None:
        """Business and any purpose: both wholly allowed; None where that was not verified."""
        return self._both("business", "any purpose")

    @property
    def open_data(self) -> bool | None:
        """Is the text named and, at least in part, to be had?  None where that was not verified."""
        pair = self.marks["data named"], self.marks["data to download"]
        return None if UNKNOWN in pair else pair[0] == "yes" and pair[1] != "no"

    def _both(self, *names: str) -> bool | None:
        pair = [self.marks[name] for name in names]
        return None if UNKNOWN in pair else all(mark == "yes" for mark in pair)


@dataclass(frozen=True)
class Criterion:
    """One of the ten of the Open Source Definition, and Llama 2's licence."""

    id: str
    number: int
    name: str
    asks: str  # in our words
    verdict: str  # one of VERDICTS
    why: str
    by: str  # who judged: "OSI" or "this course"
    source: Source

    def __post_init__(self):
        _expect_verdict(self.verdict)


@dataclass(frozen=True)
class Part:
    """One of the four freedoms or three parts of the Open Source AI Definition, and Llama 2 as this course reads it."""

    id: str
    kind: str  # "freedom" or "part"
    asks: str
    verdict: str
    why: str
    source: Source

    def __post_init__(self):
        _expect_verdict(self.verdict)


@dataclass(frozen=True)
class Mention:
    """How often a text says "open source", with or without a hyphen, "open-sourcing" among it."""

    id: str
    what: str
    counts: dict[str, int]  # "times", "words"
    meaning: str  # of whom
    source: Source


ROWS = PublishedRows(
    paths.data_file("policy/openness.json"), models=Openness, criteria=Criterion, parts=Part, mentions=Mention
)
figure, statement = ROWS.figure, ROWS.statement


def models() -> dict[str, Openness]:
    """All models by name."""
    return ROWS.rows["models"]


def openness(name: str) -> Openness:
    """One model's marks.

    Raises:
        ValueError: the table does not have it; the message gives the nearest names.
    """
    if name not in models():
        raise ValueError(nearest("model in the table", name, models()))
    return models()[name]


def criteria() -> list[Criterion]:
    """The ten criteria in order."""
    return sorted(ROWS.rows["criteria"].values(), key=lambda row: row.number)


def parts() -> list[Part]:
    """Freedoms first, then parts."""
    return list(ROWS.rows["parts"].values())


def mentions() -> list[Mention]:
    """Articles first, then Meta's documents."""
    return list(ROWS.rows["mentions"].values())


@dataclass(frozen=True)
class Scorecard:
    """Somebody's marks beside the published ones."""

    model: str
    points: float
    published_points: float
    differ: tuple[str, ...]
    left_out: tuple[str, ...]  # not verified in the table

    def __str__(self) -> str:
        parts = f": {', '.join(self.differ)}" if self.differ else ""
        return (
            f"{self.model}: you give {self.points:g}, the table {self.published_points:g}, "
            f"of {len(DIMENSIONS) - len(self.left_out)}; {len(self.differ)} differ{parts}"
        )


def points(marks: Mapping[str, str]) -> float:
    """The sum of the marks, yes 1, partly a half; what is not verified counts nothing."""
    return sum(MARKS.get(mark, 0.0) for mark in marks.values())


def compare(marks: Mapping[str, str], name: str) -> Scorecard:
    """Somebody's marks for a model beside those of the table.

    Raises:
        ValueError: a mark is missing or unknown, or there is no such model.
    """
    known = openness(name)
    wrong = [one for one in {**DIMENSIONS, **marks} if one not in DIMENSIONS or marks.get(one) not in MARKS]
    if wrong:
        raise ValueError(f"expected yes, partly or no for each of {', '.join(DIMENSIONS)}; see {', '.join(wrong)}.")
    left_out = tuple(one for one, mark in known.marks.items() if mark == UNKNOWN)
    counted = [one for one in DIMENSIONS if one not in left_out]
    return Scorecard(
        known.id,
        points({one: marks[one] for one in counted}),
        points({one: known.marks[one] for one in counted}),
        tuple(one for one in counted if marks[one] != known.marks[one]),
        left_out,
    )


def corners() -> dict[tuple[bool, bool], list[str]]:
    """Models by (free licence, open data), those left out of which one of the two was not verified."""
    found: dict[tuple[bool, bool], list[str]] = {(a, b): [] for a in (True, False) for b in (True, False)}
    for row in models().values():
        if None not in (row.free_licence, row.open_data):
            found[row.free_licence, row.open_data].append(row.id)
    return found


def _expect_verdict(verdict: str) -> None:
    if verdict not in VERDICTS:
        raise ValueError(f"a verdict is one of {', '.join(VERDICTS)}")
