"""What was published about what models read: Llama 2's one line, the Transparency Index of three years, law.

Beside figures and statements ``data/policy/transparency.json`` holds the totals of the Foundation Model Transparency
Index and its indicators on data, these in our words.  The scores are its authors' (Bommasani, Klyman, Longpre, Kapoor,
Maslej, Xiong, Zhang and Liang, licensed CC BY).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from llama_course import paths
from llama_course.policy.published import PublishedDataError, PublishedRows, Source

YEARS = (2023, 2024, 2025)


@dataclass(frozen=True)
class Total:
    """What one company got in one year."""

    id: str  # "2023-meta"
    year: int
    company: str
    points: int  # of 100
    source: Source


ROWS = PublishedRows(paths.data_file("policy/transparency.json"), totals=Total)
figure, statement = ROWS.figure, ROWS.statement


@dataclass(frozen=True)
class Indicator:
    """One of the twelve questions on data, with the points of 2023 and 2024."""

    id: str  # "sources"
    name: str  # the Index's own
    part: str  # "data" or "data access"
    question: str  # in our words, with what is enough for the point
    published: str  # what we read of Llama 2
    meta_2023: int  # Meta's point for Llama 2, 0 or 1
    given_2023: int  # companies that got the point, of 10
    meta_2024: int
    given_2024: int  # of 14


@dataclass(frozen=True)
class LaterIndicator:
    """One of the questions of 2025 that have to do with the text; they are others than before."""

    name: str
    meta: int  # 0 or 1
    given: int  # of 13 companies


@dataclass(frozen=True)
class Comparison:
    """Somebody's points for Llama 2 beside those of the Index."""

    points: int
    index_points: int
    differ: tuple[str, ...]  # ids of the indicators

    def __str__(self) -> str:
        parts = f": {', '.join(self.differ)}" if self.differ else ""
        return f"yours {self.points}, the Index {self.index_points}; {len(self.differ)} differ{parts}"


@cache
def indicators() -> dict[str, Indicator]:
    """The twelve indicators on data of 2023 and 2024, by id.

    Raises:
        PublishedDataError: a row is not of the expected form.
    """
    return {row.id: row for row in _rows("indicators", Indicator)}


@cache
def later_indicators() -> tuple[LaterIndicator, ...]:
    """Some of the questions of 2025 that have to do with the text.

    Raises:
        PublishedDataError: a row is not of the expected form.
    """
    return tuple(_rows("later_indicators", LaterIndicator))


def totals(year: int) -> dict[str, int]:
    """The Index of a year: points of 100 by company, the most first.

    Raises:
        ValueError: there was no Index that year.
    """
    found = {row.company: row.points for row in ROWS.rows["totals"].values() if row.year == year}
    if not found:
        raise ValueError(f"there is an Index of {', '.join(map(str, YEARS))}, got {year}.")
    return found


def compare(points: Mapping[str, int]) -> Comparison:
    """Somebody's points for Llama 2, 0 or 1 for each of the twelve indicators, beside Meta's in 2023.

    Raises:
        ValueError: an indicator is missing, or is none, or a point is neither 0 nor 1.
    """
    known = indicators()
    wrong = [name for name in {**known, **points} if points.get(name) not in (0, 1) or name not in known]
    if wrong:
        raise ValueError(f"expected 0 or 1 for each of {', '.join(known)}; see {', '.join(wrong)}.")
    differ = tuple(name for name, row in known.items() if points[name] != row.meta_2023)
    return Comparison(sum(points.values()), sum(row.meta_2023 for row in known.values()), differ)


def _rows(name: str, kind: type) -> list:
    try:
        return [kind(**row) for row in json.loads(ROWS.path.read_text(encoding="utf-8"))[name]]
    except (KeyError, TypeError) as error:
        raise PublishedDataError(f"{ROWS.path.name}, {name}: {error}") from error
