"""The claim explorer: filter the claims, read the evidence, decide, and only then unfold the verdict."""

from llama_course.policy.claim_rows import Claim
from llama_course.policy.claims import articles, claims, topics, verdicts
from llama_course.widgets.base import LiveView
from llama_course.widgets.claim_views import claim_html, claims_table, folded, verdict_html
from llama_course.widgets.html import Markup, join, paragraph

_ALL = "all"


class ClaimExplorer(LiveView):
    """Buttons for article, topic and verdict, a search box, a list of claims, and a verdict that waits to be asked.

    Tab and Space reach everything: JupyterLab keeps arrow keys and letters for itself, so there are no menus, and
    buttons move in the list, too.  The static twin is a table, folded by article.
    """

    def __init__(self, article: str | None = None, topic: str | None = None):
        import ipywidgets as w

        wide = w.Layout(width="100%")
        self.article = w.ToggleButtons(description="Article", options=_menu(articles()), value=article or _ALL)
        self.topic = w.ToggleButtons(description="Topic", options=_menu(topics()), value=topic or _ALL)
        self.verdict = w.ToggleButtons(description="Verdict", options=_menu(verdicts()), value=_ALL)
        for menu in (self.article, self.topic, self.verdict):
            menu.style.button_width = "auto"
        self.search = w.Text(description="Search", placeholder="a word, for example million", continuous_update=True)
        self.list = w.Select(description="Claims", rows=8, layout=wide)
        self.claim = w.HTML()
        self.back, self.next = w.Button(description="Previous claim"), w.Button(description="Next claim")
        self.guess = w.ToggleButtons(
            description="You say", options=[(str(v), n) for n, v in verdicts().items()], value=None
        )
        self.unfold = w.Button(description="Unfold the verdict")
        self.answer, self.count = w.HTML(), w.HTML()
        self.guessed: dict[str, bool] = {}  # claim: whether the first guess agreed
        for menu in (self.article, self.topic, self.verdict, self.search):
            menu.observe(lambda _: self._filter(), names="value")
        self.list.observe(lambda _: self._show(), names="value")
        self.unfold.on_click(lambda _: self._unfold())
        self.back.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(+1))
        self.view = w.VBox(
            [
                self.article,
                self.topic,
                self.verdict,
                self.search,
                self.count,
                self.list,
                self.claim,
                self.guess,
                w.HBox([self.unfold, self.back, self.next], layout=w.Layout(flex_flow="row wrap")),
                self.answer,
            ]
        )
        self._filter()

    @property
    def rows(self) -> list[Claim]:
        """The claims that pass the filters."""
        return claims(
            article=_chosen(self.article.value),
            topic=_chosen(self.topic.value),
            verdict=_chosen(self.verdict.value),
            text=self.search.value,
        )

    def static_html(self) -> str:
        """The filtered claims with their evidence, one folded table an article, every verdict folded by itself."""
        pieces = [paragraph(f"{len(self.rows)} claims. Read the evidence, decide, then unfold the verdict.")]
        for article in articles().values():
            rows = [row for row in self.rows if row.article == article.id]
            if rows:
                summary = f"{article.id}, {article.title}: {len(rows)} claims"
                pieces.append(folded(summary, claims_table(rows, article.kind_of_copy)))
        return Markup(f"<div>{join(pieces)}</div>")

    def _filter(self) -> None:
        rows = self.rows
        self.list.options = [(f"{row.id}  {_shorten(row.quote)}", row.id) for row in rows]
        self.list.value = rows[0].id if rows else None
        self._show()

    def _show(self) -> None:
        row = self._current()
        self.claim.value = claim_html(row) if row else paragraph("No claim passes these filters: widen one of them.")
        self.guess.value, self.answer.value = None, ""
        self.unfold.disabled = row is None
        self._tally()

    def _move(self, steps: int) -> None:
        names = [row.id for row in self.rows]
        if names:
            self.list.value = names[(names.index(self.list.value) + steps) % len(names)]

    def _unfold(self) -> None:
        row = self._current()
        if row is None:
            return
        if self.guess.value:
            self.guessed.setdefault(row.id, self.guess.value == row.verdict.name)
        yours = f"You said {self.guess.value}. " if self.guess.value else ""
        self.answer.value = join([paragraph(yours), verdict_html(row)]) if yours else verdict_html(row)
        self._tally()

    def _tally(self) -> None:
        line = f"{len(self.rows)} of {len(claims())} claims shown."
        if self.guessed:
            line += f" You decided {len(self.guessed)}; on {sum(self.guessed.values())} we agree at the first try."
        self.count.value = paragraph(line, quiet=True)

    def _current(self) -> Claim | None:
        return next((row for row in self.rows if row.id == self.list.value), None)


def _menu(names) -> list[tuple[str, str]]:
    return [(_ALL, _ALL), *((name, name) for name in names)]


def _chosen(value: str) -> str | None:
    return None if value == _ALL else value


def _shorten(text: str, most: int = 90) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
