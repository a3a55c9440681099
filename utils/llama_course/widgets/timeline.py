"""The policy timeline: a chart with a lane for each kind of event, a list that can be filtered, and a table twin."""

from collections.abc import Sequence
from datetime import date

from llama_course.policy.timeline import FIRST_YEAR, LANES, LAST_YEAR, Event, events
from llama_course.widgets.base import LiveView
from llama_course.widgets.claim_views import folded, link
from llama_course.widgets.html import LINE, QUIET, TEXT, Markup, escape, join, paragraph, table
from llama_course.widgets.line_chart import COLOURS

WIDTH, LANE_HEIGHT, LEFT, RIGHT, TOP = 900, 46, 150, 14, 26  # of the drawing, in its own units; the page scales it
STACK = 3  # heights in a lane, so that events close together do not cover each other
_ALL = "all"


class TimelineView(LiveView):
    """Buttons for the lane and the first year, a search box, a chart, a list, and the chosen event with its source.

    Tab and Space reach everything; two buttons move in the list, because JupyterLab keeps arrow keys for itself.  Under
    the chart the same events unfold as a table; the static twin is the chart with that table.
    """

    def __init__(self, lane: str | None = None, chosen: str = "llama-2"):
        import ipywidgets as w

        self.lane = w.ToggleButtons(
            description="Kind", options=[(_ALL, _ALL), *((x, x) for x in LANES)], value=lane or _ALL
        )
        years = [(str(year), year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
        self.since = w.ToggleButtons(description="From", options=years, value=FIRST_YEAR)
        for menu in (self.lane, self.since):
            menu.style.button_width = "auto"
        self.search = w.Text(description="Search", placeholder="a word, for example EU", continuous_update=True)
        self.chart, self.table, self.count, self.detail = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.list = w.Select(description="Events", rows=7, layout=w.Layout(width="100%"))
        self.back, self.next = w.Button(description="Earlier"), w.Button(description="Later")
        for box in (self.lane, self.since, self.search):
            box.observe(lambda change: self._filter(), names="value")
        self.list.observe(lambda change: self._show(), names="value")
        self.back.on_click(lambda button: self._move(-1))
        self.next.on_click(lambda button: self._move(+1))
        for box, name in (
            (self.search, "search"),
            (self.detail, "detail"),
            (self.next, "next"),
            (self.table, "table"),
        ):
            box.add_class(f"lc-timeline-{name}")
        moves = w.HBox([self.back, self.next], layout=w.Layout(flex_flow="row wrap"))
        found = [self.count, self.chart, self.list, moves, self.detail, self.table]
        self.view = w.VBox([self.lane, self.since, self.search, *found])
        self._wanted = chosen
        self._filter()

    @property
    def rows(self) -> list[Event]:
        """The events that pass the filters, in the order of their days."""
        lane = None if self.lane.value == _ALL else self.lane.value
        return events(lane=lane, text=self.search.value, since=self.since.value)

    @property
    def chosen(self) -> Event | None:
        """The event that is shown in full."""
        return next((row for row in self.rows if row.id == self.list.value), None)

    def static_html(self) -> str:
        """The chart, and all events that pass the filters in a table."""
        return join([timeline_svg(self.rows), events_table(self.rows)])

    def _filter(self) -> None:
        rows, wanted = self.rows, self.list.value or self._wanted
        self.list.options = [(f"{row.when}: {row.title}", row.id) for row in rows]
        names = [row.id for row in rows]
        self.list.value = wanted if wanted in names else next(iter(names), None)
        self.table.value = folded("The same events as a table", events_table(rows))
        self._show()

    def _show(self) -> None:
        row, rows = self.chosen, self.rows
        self.count.value = paragraph(f"{len(rows)} of {len(events())} events.", quiet=True)
        self.chart.value = timeline_svg(rows, row)
        self.detail.value = event_html(row) if row else paragraph("No event passes these filters: widen one of them.")

    def _move(self, steps: int) -> None:
        names = [row.id for row in self.rows]
        if names:
            self.list.value = names[(names.index(self.list.value) + steps) % len(names)]


def event_html(event: Event) -> Markup:
    """One event with its source and how sure we are."""
    where = link(event.source.document.url, event.source)
    return Markup(
        f'<div role="status" style="{TEXT}"><strong>{escape(event.when)}: {escape(event.title)}</strong> '
        f"({escape(event.lane)}). {escape(event.plain)} "
        f'<span style="{QUIET}">{where}; {escape(event.source.how_sure)}</span></div>'
    )


def events_table(rows: Sequence[Event]) -> Markup:
    """Events with source and confidence."""
    cells = [
        (row.when, row.lane, row.title, row.plain, link(row.source.document.url, row.source), row.source.how_sure)
        for row in rows
    ]
    header = ["when", "kind", "what", "in a sentence", "source", "how sure"]
    return table(cells, header, f"{len(rows)} events")


def timeline_svg(rows: Sequence[Event], chosen: Event | None = None) -> Markup:
    """A lane for each kind, a dot for each event; the chosen one is large, with its title beside it."""
    height = TOP + LANE_HEIGHT * len(LANES) + 20
    pieces = []
    for year in range(FIRST_YEAR, LAST_YEAR + 2):
        x = _x(date(year, 1, 1))
        if LEFT <= x <= WIDTH - RIGHT:
            pieces.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 6}" y2="{height - 20}" {_FAINT}/>')
            pieces.append(_text(x, height - 6, str(year), "middle"))
    for number, lane in enumerate(LANES):
        y = TOP + LANE_HEIGHT * number
        pieces.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" {_FAINT}/>')
        pieces.append(_text(LEFT - 8, y + LANE_HEIGHT / 2 + 4, lane, "end"))
        for place, row in enumerate(row for row in rows if row.lane == lane):
            cy = y + LANE_HEIGHT * (place % STACK + 1) / (STACK + 1)
            radius = 7 if row == chosen else 4
            pieces.append(
                f'<circle cx="{_x(row.day):.1f}" cy="{cy:.1f}" r="{radius}" fill="{COLOURS[number]}" '
                f'stroke="currentColor" stroke-width="{2 if row == chosen else 0}">'
                f"<title>{escape(f'{row.when}: {row.title}')}</title></circle>"
            )
    if chosen is not None:
        x = _x(chosen.day)
        anchor = "start" if x < (LEFT + WIDTH) / 2 else "end"
        pieces.append(_text(min(max(x, LEFT), WIDTH - RIGHT), 14, f"{chosen.when}: {chosen.title}", anchor, 600))
        pieces.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="{height - 20}" stroke="currentColor"/>')
    return Markup(
        f'<svg role="img" aria-label="{escape(say_timeline(rows))}" viewBox="0 0 {WIDTH} {height}" '
        f'style="width:100%;max-width:{WIDTH}px;border-bottom:{LINE};color:var(--jp-ui-font-color1,#333)">'
        f"{''.join(pieces)}</svg>"
    )


def say_timeline(rows: Sequence[Event]) -> str:
    """The chart in words: how many events of each kind, the first and the last."""
    if not rows:
        return "Timeline: no event."
    counts = [f"{sum(row.lane == lane for row in rows)} {lane}" for lane in LANES]
    first, last = rows[0], rows[-1]
    return f"Timeline: {', '.join(counts)}; from {first.when} ({first.title}) to {last.when} ({last.title})."


_FAINT = 'stroke="currentColor" opacity=".2"'
_START, _END = date(FIRST_YEAR, 10, 1), date(LAST_YEAR, 11, 1)  # of the axis: a month before and after all events


def _x(day: date) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (day - _START).days / (_END - _START).days


def _text(x: float, y: float, text: str, anchor: str, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" font-weight="{weight}" '
        f'fill="currentColor">{escape(text)}</text>'
    )
