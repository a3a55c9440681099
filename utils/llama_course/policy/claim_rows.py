"""The rows of the claim data: articles, documents, evidence, claims, quotations and the table of disagreements."""

from dataclasses import dataclass

MAX_QUOTED_WORDS = 25
# What the letters in the files mean, and what the learner reads.
CONFIDENCE = {
    "P": "read in the primary document itself",
    "S": "read in a secondary source (press copy, summary or blog)",
    "C": "worked out by this course from primary documents",
    "M": "not verified",
}
UNCHECKABLE = ("opinion", "speculation", "not verified")  # verdicts that may stand without evidence
EFFECTS = ("word", "name", "subject", "polarity", "hedge", "none")


class ClaimDataError(ValueError):
    """A data file is not of the expected form; the message names the file and the row."""


@dataclass(frozen=True)
class Article:
    """One of the five accounts."""

    id: str  # "A0"
    title: str
    publication: str  # with "not verified" in it where that is so
    published: str
    kind_of_copy: str  # what our copy is: the original, a translation, a rewrite
    people_quoted: tuple[str, ...]
    url: str | None  # where a copy can be read


@dataclass(frozen=True)
class Document:
    """Something that evidence was read in."""

    id: str
    name: str
    kind: str  # "primary" or "secondary"
    date: str
    url: str | None


@dataclass(frozen=True)
class Evidence:
    """One place in one document."""

    id: str
    document: Document
    section: str
    quote: str | None  # word for word, at most 25 words
    plain: str  # the same in plain words
    confidence: str  # a letter of CONFIDENCE

    @property
    def source(self) -> str:
        """Document and section, as a reader finds them."""
        return f"{self.document.name}, {self.section}"


@dataclass(frozen=True)
class Verdict:
    """A word of the fixed vocabulary, with a symbol that goes beside it and its meaning."""

    name: str
    symbol: str
    meaning: str
    rank: int  # from 0, the most favourable

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"


@dataclass(frozen=True)
class Claim:
    """One claim of one article, and what became of it."""

    id: str  # "A1.8"
    article: str
    topic: str
    quote: str  # exact words of the article's copy
    verdict: Verdict
    explanation: str
    evidence: tuple[Evidence, ...]
    confidence: str  # a letter of CONFIDENCE

    @property
    def how_sure(self) -> str:
        """The confidence in words."""
        return CONFIDENCE[self.confidence]


@dataclass(frozen=True)
class Quotation:
    """Words of a copy beside the words of its original."""

    id: str
    article: str
    speaker: str | None
    inside_quotation_marks: bool
    original: str
    copy: str
    document: Document  # where the original words were read
    effect: str  # one of EFFECTS
    confidence: str


@dataclass(frozen=True)
class Snippet:
    """A few words as they were found, clean or rewritten by a machine."""

    id: str
    text: str
    rewritten: bool
    found_in: str
    confidence: str


@dataclass(frozen=True)
class Topic:
    """One question, and what each article says on it: (words, claims), or None where it is silent."""

    topic: str
    question: str
    primary: str
    cells: dict[str, tuple[str, tuple[Claim, ...]] | None]

    def verdict(self, article: str) -> Verdict | None:
        """The least favourable verdict among the article's claims here; None where it says nothing."""
        if self.cells[article] is None:
            return None
        return max((c.verdict for c in self.cells[article][1]), key=lambda verdict: verdict.rank)


@dataclass(frozen=True)
class ClaimData:
    """Everything that the four files hold, by id."""

    articles: dict
    verdicts: dict
    topics: dict
    evidence: dict
    claims: dict
    quotations: dict
    snippets: dict
    accounts: list
