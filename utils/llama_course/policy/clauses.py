"""Clauses of the Llama licences and use policies, and of three licences beside them: short quotes, plain words.

Read, not copied: each row holds at most 25 words of a clause, its place, what it means in our words, and the claims
of the five articles that tell it.  None of this is legal advice.
"""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.claim_rows import MAX_QUOTED_WORDS, Claim
from llama_course.policy.claims import claim
from llama_course.policy.nearest import nearest
from llama_course.policy.published import PublishedRows, Source


@dataclass(frozen=True)
class Clause:
    """One clause."""

    id: str  # "outputs"
    licence: str  # "Llama 2"; which licence or policy family it belongs to
    topic: str  # "outputs", "users", "passing it on" ...
    plain: str
    quote: str | None  # word for word; None where we read only a report
    told: tuple[str, ...]  # the articles' claims about it
    source: Source

    def __post_init__(self):
        object.__setattr__(self, "told", tuple(self.told))
        if self.quote is not None and len(self.quote.split()) > MAX_QUOTED_WORDS:
            raise ValueError(f"at most {MAX_QUOTED_WORDS} words are quoted")

    @property
    def claims(self) -> list[Claim]:
        """What the articles say about it."""
        return [claim(number) for number in self.told]

    def cited(self, licence: str | None = None) -> str:
        """Document and section; for another licence that has the same words, whose words they are."""
        same = "" if licence in (None, self.licence) else f"{licence}, in the words of "
        return f"{same}{self.source.document.name}, {self.source.section}"


ROWS = PublishedRows(paths.data_file("policy/clauses.json"), clauses=Clause)
figure, statement = ROWS.figure, ROWS.statement


def clause(clause_id: str) -> Clause:
    """One clause, such as ``clause("outputs")``.

    Raises:
        ValueError: there is none of that name; the message gives the nearest.
    """
    found = ROWS.rows["clauses"]
    if clause_id not in found:
        raise ValueError(nearest("clause", clause_id, found))
    return found[clause_id]


def clauses(licence: str | None = None, topic: str | None = None, text: str = "", told: bool | None = None):
    """The clauses in order, filtered by licence, topic, words, and by whether an article tells of them.

    Args:
        licence: such as ``"Llama 2"``.
        topic: such as ``"users"``.
        text: words that all have to occur, in quote, plain words, section or topic.
        told: True for those that some article tells of, False for the others.
    """
    words = text.casefold().split()
    return [
        row
        for row in ROWS.rows["clauses"].values()
        if licence in (None, row.licence)
        and topic in (None, row.topic)
        and told in (None, bool(row.told))
        and all(word in _searched(row) for word in words)
    ]


def licences() -> list[str]:
    """The licences that clauses are from, in the order of the file."""
    return list(dict.fromkeys(row.licence for row in ROWS.rows["clauses"].values()))


def topics() -> list[str]:
    """What the clauses are about."""
    return list(dict.fromkeys(row.topic for row in ROWS.rows["clauses"].values()))


def _searched(row: Clause) -> str:
    return f"{row.id} {row.topic} {row.plain} {row.quote or ''} {row.cited()}".casefold()
