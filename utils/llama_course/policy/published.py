"""Published numbers and words: rows of a file, each with the document in which it was read.

A file in ``data/policy`` holds ``documents``, ``figures`` and ``statements``, and perhaps further kinds of rows.  Every
number in it was read in the document beside it, or worked out from numbers that were; where a row says how, it says so
in ``plain`` or in its section.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from llama_course.policy.claim_rows import CONFIDENCE, MAX_QUOTED_WORDS, Document


class PublishedDataError(ValueError):
    """A file or a row of it is not of the expected form; the message names it."""


@dataclass(frozen=True)
class Source:
    """Where a row was read."""

    document: Document
    section: str
    confidence: str  # a letter of CONFIDENCE

    @property
    def how_sure(self) -> str:
        """The confidence in words."""
        return CONFIDENCE[self.confidence]

    def __str__(self) -> str:
        return f"{self.document.name}, {self.section}"


@dataclass(frozen=True)
class Figure:
    """One number of the world."""

    id: str  # "rent-low"
    value: float
    unit: str
    plain: str  # what it is the number of
    source: Source


@dataclass(frozen=True)
class Statement:
    """A few words, as they were written."""

    id: str
    quote: str
    source: Source

    def __post_init__(self):
        if len(self.quote.split()) > MAX_QUOTED_WORDS:
            raise ValueError(f"at most {MAX_QUOTED_WORDS} words are quoted")


class PublishedRows:
    """The rows of one file, read and checked when the first of them is asked for.

    Args:
        path: a JSON file.
        **kinds: kinds of rows beside figures and statements, by their name in the file: a dataclass with a field
            ``source``, whose other fields are those of the rows.
    """

    def __init__(self, path: Path, **kinds: type):
        self.path, self.kinds = Path(path), {"figures": Figure, "statements": Statement} | kinds

    def figures(self) -> dict[str, Figure]:
        """All numbers by id."""
        return self.rows["figures"]

    def statements(self) -> dict[str, Statement]:
        """All quotations by id."""
        return self.rows["statements"]

    def figure(self, row_id: str) -> Figure:
        """One number with its source.

        Raises:
            ValueError: there is no such number; the message says which there are.
        """
        return self.one("figures", row_id)

    def statement(self, row_id: str) -> Statement:
        """A few quoted words with their source.

        Raises:
            ValueError: there is no such quotation; the message says which there are.
        """
        return self.one("statements", row_id)

    def one(self, kind: str, row_id: str):
        """A row of one kind; raises ValueError if there is none of that id."""
        rows = self.rows[kind]
        if row_id not in rows:
            raise ValueError(f"there is no {kind.removesuffix('s')} {row_id!r}; there are {', '.join(rows)}.")
        return rows[row_id]

    @cached_property
    def documents(self) -> dict[str, Document]:
        """What the rows were read in, by id."""
        return {name: Document(id=name, **row) for name, row in self._raw["documents"].items()}

    @cached_property
    def rows(self) -> dict[str, dict]:
        """The rows by kind and id.

        Raises:
            PublishedDataError: naming the row.
        """
        return {name: {row["id"]: self._row(kind, row) for row in self._raw[name]} for name, kind in self.kinds.items()}

    @cached_property
    def _raw(self) -> dict:
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PublishedDataError(f"{self.path.name}: not JSON in UTF-8: {error}") from error

    def _row(self, kind: type, row: dict):
        """A row, its three words on the source put together, its numbers checked."""
        where = f"{self.path.name}, {row.get('id')}"
        row = dict(row)
        try:
            document, section, confidence = (
                self.documents[row.pop("document")],
                row.pop("section"),
                row.pop("confidence"),
            )
            made = kind(**row, source=Source(document, section, confidence))
        except (KeyError, TypeError, ValueError) as error:
            raise PublishedDataError(f"{where}: {error}") from error
        numbers = [value for value in row.values() if isinstance(value, int | float)]
        for holds, rule in (
            (confidence in CONFIDENCE, f"confidence is one of {', '.join(CONFIDENCE)}"),
            (confidence != "M", "a number from memory is no row"),
            (confidence == "S" or document.kind == "primary", "marked P or C, so it needs a primary document"),
            (all(value > 0 for value in numbers), "numbers are above 0"),
        ):
            if not holds:
                raise PublishedDataError(f"{where}: {rule}")
        return made
