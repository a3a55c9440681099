"""The clause explorer: filter and search clauses; plain words beside the short quote, and what an article said."""

from llama_course.policy.clauses import Clause, clauses, licences, topics
from llama_course.widgets.base import LiveView
from llama_course.widgets.claim_views import folded, link, verdict_html
from llama_course.widgets.html import QUIET, TEXT, Markup, escape, join, paragraph, table

_ALL = "all"
MOST_LETTERS = 90  # of a line of the list
_TOLD = {"all": None, "told by an article": True, "told by none": False}


class ClauseExplorer(LiveView):
    """Buttons for licence, topic and "told", a search box, a list of clauses and the clause itself.

    Tab and Space reach everything; there are no menus, since JupyterLab keeps the arrow keys.  The static twin is a
    table of the filtered clauses, folded by licence.
    """

    def __init__(self, licence: str | None = "Llama 2", topic: str | None = None, text: str = ""):
        import ipywidgets as w

        wide = w.Layout(width="auto")  # as wide as there is room, margins counted
        self.licence = w.ToggleButtons(description="Licence", options=[_ALL, *licences()], value=licence or _ALL)
        self.topic = w.ToggleButtons(description="Topic", options=[_ALL, *topics()], value=topic or _ALL)
        self.told = w.ToggleButtons(description="Articles", options=list(_TOLD), value=_ALL)
        for menu in (self.licence, self.topic, self.told):
            menu.style.button_width = "auto"
        self.search = w.Text(
            description="Search", value=text, placeholder="a word, for example outputs", continuous_update=True
        )
        self.count, self.clause = w.HTML(), w.HTML()
        self.list = w.Select(description="Clauses", rows=8, layout=wide)
        self.back, self.next = w.Button(description="Previous clause"), w.Button(description="Next clause")
        for menu in (self.licence, self.topic, self.told, self.search):
            menu.observe(lambda _: self._filter(), names="value")
        self.list.observe(lambda _: self._show(), names="value")
        self.back.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(+1))
        buttons = w.HBox([self.back, self.next], layout=w.Layout(flex_flow="row wrap"))
        self.view = w.VBox(
            [self.licence, self.topic, self.told, self.search, self.count, self.list, buttons, self.clause]
        )
        self._filter()

    @property
    def rows(self) -> list[Clause]:
        """The clauses that pass the filters."""
        return clauses(
            licence=None if self.licence.value == _ALL else self.licence.value,
            topic=None if self.topic.value == _ALL else self.topic.value,
            text=self.search.value,
            told=_TOLD[self.told.value],
        )

    def static_html(self) -> str:
        """The filtered clauses, one folded table a licence."""
        pieces = [paragraph(f"{len(self.rows)} clauses. Our words beside a short quote; read the licence itself.")]
        for licence in licences():
            own = [row for row in self.rows if row.licence == licence]
            if own:
                pieces.append(folded(f"{licence}: {len(own)} clauses", clauses_table(own)))
        return Markup(f"<div>{join(pieces)}</div>")

    def _filter(self) -> None:
        rows = self.rows
        total = len(clauses())
        told = sum(bool(row.told) for row in rows)
        self.count.value = paragraph(f"{len(rows)} of {total} clauses; an article tells of {told}.", quiet=True)
        self.list.options = [(f"{row.source.section}  {_shortened(row.plain)}", row.id) for row in rows]
        self.list.value = rows[0].id if rows else None
        self._show()

    def _show(self) -> None:
        row = next((row for row in self.rows if row.id == self.list.value), None)
        self.clause.value = clause_html(row) if row else paragraph("No clause passes these filters: widen one of them.")

    def _move(self, steps: int) -> None:
        names = [row.id for row in self.rows]
        if names:
            self.list.value = names[(names.index(self.list.value) + steps) % len(names)]


def clause_html(row: Clause) -> Markup:
    """One clause: plain words, quote, place, and the articles' words with our verdicts."""
    source = Markup(f'<span style="{QUIET}">{link(row.source.document.url, row.cited())}</span>')
    told = [Markup(f"<li>{escape(one.id)}: “{escape(one.quote)}” {verdict_html(one)}</li>") for one in row.claims] or [
        Markup("<li>None of the five articles tells of it.</li>")
    ]
    return Markup(
        f'<div role="status" style="{TEXT}"><p style="margin:.3em 0;font-size:1.1em">{escape(row.plain)}</p>'
        f'<blockquote style="margin:.3em 0">{escape(_quoted(row))}</blockquote>{source}'
        f'<ul style="margin:.2em 0;padding-left:1.2em">{join(told)}</ul></div>'
    )


def clauses_table(rows) -> Markup:
    """Clauses as a table."""
    return table(
        [
            (
                row.source.section,
                row.plain,
                f"“{row.quote}”" if row.quote else "(reports)",
                ", ".join(row.told) or "none",
            )
            for row in rows
        ],
        ["section", "in plain words", "the clause, in part", "told in"],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS].rsplit(' ', 1)[0]} …"


def _quoted(row: Clause) -> str:
    return f"“{row.quote}”" if row.quote else "(read in reports only)"
