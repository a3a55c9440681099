"""Five press articles on one release, claim by claim: what was said, what the documents say, and the verdict.

Four data files lie in ``data/policy``: the articles, their claims, quotations beside their originals, and the
evidence.  No article is stored, only short quotations.
"""

from functools import cache

from llama_course import paths
from llama_course.policy.claim_files import read
from llama_course.policy.claim_rows import Article, Claim, ClaimData, Evidence, Quotation, Snippet, Topic, Verdict


def articles() -> dict[str, Article]:
    """The five articles by id."""
    return _load().articles


def claims(
    article: str | None = None, verdict: str | None = None, topic: str | None = None, text: str = ""
) -> list[Claim]:
    """The claims in order, filtered by article, by verdict, by topic and by a word of quotation or explanation."""
    words = text.casefold().split()
    return [
        c
        for c in _load().claims.values()
        if article in (None, c.article)
        and verdict in (None, c.verdict.name)
        and topic in (None, c.topic)
        and all(word in f"{c.id} {c.topic} {c.verdict.name} {c.quote} {c.explanation}".casefold() for word in words)
    ]


def claim(claim_id: str) -> Claim:
    """One claim, such as ``claim("A1.8")``.

    Raises:
        ValueError: there is no such claim.
    """
    try:
        return _load().claims[claim_id]
    except KeyError:
        raise ValueError(f'expected the number of a claim such as "A1.8"; got {claim_id!r}') from None


def verdicts() -> dict[str, Verdict]:
    """The vocabulary, from the most to the least favourable; what no document decides comes between."""
    return _load().verdicts


def topics() -> dict[str, str]:
    """What the claims are about: short name and question."""
    return _load().topics


def evidence(evidence_id: str) -> Evidence:
    """One place in one document, such as ``evidence("licence-users")``."""
    return _load().evidence[evidence_id]


def quotations() -> dict[str, Quotation]:
    """Words of the copies beside those of the originals."""
    return _load().quotations


def snippets() -> dict[str, Snippet]:
    """A few words each, clean or rewritten by a machine, as they were found."""
    return _load().snippets


def accounts() -> list[Topic]:
    """The table of disagreements: one row a question."""
    return _load().accounts


def count_by_verdict(rows=None) -> dict[str, int]:
    """How many claims have each verdict, in the order of the vocabulary."""
    rows = claims() if rows is None else rows
    return {name: sum(c.verdict.name == name for c in rows) for name in verdicts()}


@cache
def _load() -> ClaimData:
    return read(paths.data_file("policy/claims.json").parent)
