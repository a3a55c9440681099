"""Claims, evidence and differences as pieces of HTML; pure functions, and :class:`View` to display them."""

from collections.abc import Iterable, Sequence

from llama_course.policy.claim_rows import Claim, Evidence, Topic, Verdict
from llama_course.policy.claims import articles
from llama_course.policy.diffs import steps
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import LINE, QUIET, TEXT, Markup, escape, join, paragraph, table

# Okabe and Ito's colours, thin enough for light and dark pages; the symbol and the word always stand beside them.
TINTS = {
    "supported": "rgba(0,158,115,.30)",
    "incomplete": "rgba(86,180,233,.30)",
    "over-stated": "rgba(240,228,66,.34)",
    "misleading": "rgba(230,159,0,.38)",
    "wrong": "rgba(213,94,0,.42)",
}
SILENT = "· silent"


class View(LiveView):
    """A piece of HTML that displays itself, with its text for programs that show only text."""

    def __init__(self, html: Markup):
        self._html = html

    def static_html(self) -> str:
        """The piece itself."""
        return self._html


def chip(verdict: Verdict | None) -> Markup:
    """A verdict as a small tinted label, symbol and word."""
    name = verdict.name if verdict else None
    tint = TINTS.get(name, "transparent")
    said = escape(verdict if verdict else SILENT)
    return Markup(
        f'<span style="background:{tint};border:{LINE};padding:0 .4em;white-space:nowrap;{TEXT}">{said}</span>'
    )


def link(url: str | None, text) -> Markup:
    """A link, or only the text where there is no address."""
    if url is None:
        return Markup(f"{escape(text)} (no address recorded)")
    return Markup(f'<a href="{escape(url)}" rel="noopener" style="text-decoration:underline">{escape(text)}</a>')


def evidence_html(places: Iterable[Evidence]) -> Markup:
    """What the documents say: quotation, plain words, where."""
    items = []
    for one in places:
        quote = Markup(f"“{escape(one.quote)}” ") if one.quote else ""
        kind = "" if one.document.kind == "primary" else " [second hand]"
        source = Markup(f'<span style="{QUIET}">{link(one.document.url, one.source)}{kind}</span>')
        items.append(Markup(f"<li>{quote}{escape(one.plain)} {source}</li>"))
    if not items:
        return paragraph("No document settles this.", quiet=True)
    return Markup(f'<ul style="margin:.2em 0;padding-left:1.2em;{TEXT}">{join(items)}</ul>')


def verdict_html(claim: Claim) -> Markup:
    """The verdict, why, and how sure we are."""
    return Markup(
        f'<div role="status" style="{TEXT}">{chip(claim.verdict)} {escape(claim.explanation)} '
        f'<span style="{QUIET}">({escape(claim.how_sure)})</span></div>'
    )


def claim_html(claim: Claim) -> Markup:
    """Number, article and words of a claim, with the evidence; the verdict is not in it."""
    heading = f"{claim.id} · {articles()[claim.article].publication} · {claim.topic}"
    quote = Markup(f'<blockquote style="margin:.3em 0;font-size:1.1em;{TEXT}">“{escape(claim.quote)}”</blockquote>')
    return join(
        [paragraph(heading, quiet=True), quote, paragraph("What the documents say:"), evidence_html(claim.evidence)]
    )


def folded(summary: str, content: Markup) -> Markup:
    """Something that unfolds on a click, or with Enter, without a kernel."""
    return Markup(f"<details><summary>{escape(summary)}</summary>{content}</details>")


def claims_table(rows: Sequence[Claim], caption: str = "") -> Markup:
    """Claims with their evidence; each verdict unfolds by itself."""
    cells = [
        (row.id, f"“{row.quote}”", evidence_html(row.evidence), folded("verdict", verdict_html(row))) for row in rows
    ]
    return table(cells, ["claim", "the article’s words", "the evidence", "the verdict"], caption)


def account_map(topics: Sequence[Topic]) -> View:
    """A heat map: a row for each question, a column for each article, a tinted verdict and the words in each cell."""
    rows = []
    for topic in topics:
        cells = []
        for article, cell in topic.cells.items():
            says = Markup(f'<br><span style="{QUIET}">{escape(cell[0])}</span>') if cell else ""
            cells.append(join([chip(topic.verdict(article)), says]))
        rows.append((topic.question, *cells, topic.primary))
    return View(table(rows, ["question", *articles(), "the documents"], say_map(topics)))


def say_map(topics: Sequence[Topic]) -> str:
    """The map in two sentences, computed from it."""
    cells = [topic.verdict(article) for topic in topics for article in topic.cells]
    spoken = [verdict.name for verdict in cells if verdict is not None]
    agreed = [topic.topic for topic in topics if all(_is_supported(topic, a) for a in topic.cells if topic.cells[a])]
    return (
        f"{len(topics)} questions, {len(articles())} articles: {len(spoken)} answers and "
        f"{len(cells) - len(spoken)} silences. "
        f"{spoken.count('supported')} answers are supported; the articles that speak are all supported on "
        f"{' and '.join(agreed) if agreed else 'no question'}."
    )


def diff_view(original: str, copy: str) -> View:
    """The original and its copy in one line: lost words struck out after a minus, new words underlined after a plus."""
    pieces = []
    for what, old, new in steps(original, copy):
        if what == "equal":
            pieces.append(escape(old))
            continue
        if old:
            pieces.append(Markup(f'<del style="background:{TINTS["wrong"]};{TEXT}">−{escape(old)}</del>'))
        if new:
            pieces.append(Markup(f'<ins style="background:{TINTS["incomplete"]};{TEXT}">+{escape(new)}</ins>'))
    return View(Markup(f'<p style="line-height:1.8;{TEXT}">{join(pieces, " ")}</p>'))


def table_view(rows: Iterable[Sequence], header: Sequence[str], caption: str = "") -> View:
    """A plain table that displays itself."""
    return View(table(rows, header, caption))


def _is_supported(topic: Topic, article: str) -> bool:
    return topic.verdict(article).name == "supported"
