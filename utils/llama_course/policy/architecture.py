"""The sizes of the three released Llamas and facts on how they are built, each with its source.

``data/policy/architecture.json`` holds the rows.
"""

import json
from dataclasses import dataclass
from functools import cache

from llama_course import paths
from llama_course.policy.claim_rows import CONFIDENCE, Document, Evidence


@dataclass(frozen=True)
class Size:
    """One of the released sizes."""

    name: str  # "7B"
    numbers: dict[str, int]  # by the names of Hugging Face's config.json
    document: Document
    section: str
    confidence: str  # a letter of CONFIDENCE

    @property
    def config(self):
        """The same as a ``LlamaConfig``; what the row does not name is as in all Llamas 2."""
        from llama_course.models.llama import LlamaConfig

        return LlamaConfig(**self.numbers)

    @property
    def source(self) -> str:
        """Document and section, as a reader finds them."""
        return f"{self.document.name}, {self.section}"

    @property
    def how_sure(self) -> str:
        """The confidence in words."""
        return CONFIDENCE[self.confidence]


def sizes() -> dict[str, Size]:
    """The released sizes by name, smallest first."""
    return {
        row["id"]: Size(
            name=row["id"],
            numbers={name: value for name, value in row.items() if isinstance(value, int)},
            document=_document(row["document"]),
            section=row["section"],
            confidence=row["confidence"],
        )
        for row in _data()["sizes"]
    }


def fact(fact_id: str) -> Evidence:
    """A fact with its source: "parts", "gqa" or "layout".

    Raises:
        ValueError: there is no such fact, with those there are.
    """
    rows = {row["id"]: row for row in _data()["facts"]}
    if fact_id not in rows:
        raise ValueError(f"There is no fact {fact_id!r}. There are: {', '.join(rows)}.")
    return Evidence(**rows[fact_id] | {"document": _document(rows[fact_id]["document"])})


def _document(name: str) -> Document:
    return Document(id=name, **_data()["documents"][name])


@cache
def _data() -> dict:
    return json.loads(paths.data_file("policy/architecture.json").read_text(encoding="utf-8"))
