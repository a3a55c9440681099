"""A line chart as a small piece of SVG: quick enough to be drawn again several times a second.

For pictures that stay, ``plots`` draws with matplotlib; this one takes its colours of text and lines from the page, so
that it is readable in light and dark themes.
"""

import math
from collections.abc import Mapping, Sequence

from llama_course.widgets.html import Markup, escape

WIDTH, HEIGHT = 640, 190  # of the drawing, in its own units; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 52, 150, 26, 24  # room for numbers, names, title, steps
MOST_POINTS = 300  # of one line: more cannot be told apart
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")  # Okabe and Ito
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")  # the second sign beside colour

Points = Sequence[tuple[float, float]]


def line_chart(title: str, series: Mapping[str, Points], x_end: float) -> Markup:
    """Named lines over steps; the last value stands beside the end of each line.

    Args:
        title: quantity and unit.
        series: for each name its points (step, value); lines without points are only named.
        x_end: the last step there will be, so that the picture does not shrink while it fills.
    """
    drawn = {name: thinned(points) for name, points in series.items() if points}
    values = [y for points in drawn.values() for _, y in points]
    low, high, ticks = scale(min(values, default=0.0), max(values, default=1.0))
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> str:
        return f"{LEFT + plot_width * x / max(x_end, 1):.1f},{TOP + plot_height * (high - y) / (high - low):.1f}"

    pieces = [_text(LEFT, 14, title, weight=600)]
    for tick in ticks:
        y = at(0, tick).split(",")[1]
        pieces.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="currentColor" opacity=".15"/>')
        pieces.append(_text(LEFT - 6, float(y) + 4, f"{tick:g}", anchor="end"))
    for x in (0, x_end):
        pieces.append(_text(LEFT + plot_width * x / max(x_end, 1), HEIGHT - 6, f"{x:,.0f}", anchor="middle"))
    ends = labels_apart([float(at(*points[-1]).split(",")[1]) for points in drawn.values()])
    for place, (name, points) in enumerate(drawn.items()):
        number = list(series).index(name) % len(COLOURS)
        line = " ".join(at(x, y) for x, y in points)
        style = f'fill="none" stroke="{COLOURS[number]}" stroke-width="2" stroke-dasharray="{DASHES[number]}"'
        pieces.append(f'<polyline points="{line}" {style}/>')
        pieces.append(f'<circle cx="{line.split()[-1].replace(",", chr(34) + " cy=" + chr(34))}" r="3.5" '
                      f'fill="{COLOURS[number]}"/>')  # fmt: skip
        pieces.append(_text(WIDTH - RIGHT + 8, ends[place] + 4, f"{name} {points[-1][1]:.3g}"))
    return Markup(
        f'<svg role="img" aria-label="{escape(say(title, series))}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="width:100%;max-width:{WIDTH}px;color:var(--jp-ui-font-color1,#333)">{"".join(pieces)}</svg>'
    )


def say(title: str, series: Mapping[str, Points]) -> str:
    """The chart in words: where each line began and where it is."""
    parts = [
        f"{name} went from {start:.3g} at step {first:,g} to {end:.3g} at step {last:,g}"
        for name, points in series.items()
        if points
        for (first, start), (last, end) in [(points[0], points[-1])]
    ]
    return f"{title}: {'; '.join(parts) or 'nothing measured yet'}."


def thinned(points: Points) -> list[tuple[float, float]]:
    """At most MOST_POINTS of the points, evenly taken, the last one always among them."""
    stride = math.ceil(len(points) / MOST_POINTS)
    kept = list(points[::-1][::stride])[::-1]
    return kept if kept[0] == points[0] else [points[0], *kept]


def scale(low: float, high: float) -> tuple[float, float, list[float]]:
    """Ends of an axis and three to six round numbers on it."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [round(number * step, 12) for number in range(first, last + 1)]


def labels_apart(heights: list[float], least: float = 15) -> list[float]:
    """Heights of labels, moved down so far that none covers another."""
    placed = list(heights)
    below = -math.inf
    for number in sorted(range(len(heights)), key=lambda one: heights[one]):
        placed[number] = max(heights[number], below + least)
        below = placed[number]
    return placed


def _text(x: float, y: float, text: str, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" font-weight="{weight}" '
        f'fill="currentColor">{escape(text)}</text>'
    )
