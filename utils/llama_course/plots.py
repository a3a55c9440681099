"""Plots with words: every picture says in its alternative text what it shows.

A plot function returns a :class:`Plot`, which displays itself as the last line of a cell; inside a loop, and
for figures of your own, use :func:`show`.  matplotlib is imported with the first plot, pyplot never.
"""

import base64
import io
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

# Okabe and Ito's colours, told apart with every common kind of colour vision, in the order of their use.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
COLOURS = tuple(PALETTE.values())
HATCHES = ("", "//", "..", "\\\\", "xx", "--", "++", "oo")  # the second sign beside colour: bars
MARKERS = "osD^vPX*"  # the second sign beside colour: lines
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": "#1a1a1a",
    "axes.labelcolor": "#1a1a1a",
    "axes.edgecolor": "#666666",
    "xtick.color": "#1a1a1a",
    "ytick.color": "#1a1a1a",
    "hatch.color": "white",
    "legend.frameon": False,
}
_WIDTH_IN = 7.2  # inches
_DPI = 120  # dots per inch of the stored picture; it is shown smaller, so that it stays sharp


@dataclass(frozen=True)
class Plot:
    """A matplotlib figure and a text that says what it shows."""

    figure: Any
    alt: str

    def html(self) -> str:
        """The figure as ``<figure><img alt=... src=data:...></figure>``, with nothing to fetch."""
        import matplotlib

        picture = io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            self.figure.savefig(
                picture,
                format="png",
                dpi=_DPI,
                bbox_inches="tight",
                facecolor="white",
                metadata={"Software": None},
            )
        data = base64.b64encode(picture.getvalue()).decode("ascii")
        width_px = int.from_bytes(picture.getvalue()[16:20], "big") * 96 // _DPI
        return (
            f'<figure style="margin:.5em 0"><img alt="{escape(self.alt)}" width="{width_px}" '
            f'style="max-width:100%;height:auto" src="data:image/png;base64,{data}"></figure>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html(), "text/plain": f"Plot: {self.alt}"}

    def __repr__(self) -> str:
        return f"Plot: {self.alt}"


def show(figure, alt: str | None = None) -> None:
    """Display a figure as one output with an alternative text.

    Args:
        figure: a matplotlib figure, or a :class:`Plot`, which brings its own text.
        alt: what the figure shows, for those who cannot see it; state the result, computed from the data.

    Raises:
        ValueError: no text, or an empty one.
    """
    from IPython.display import display

    if isinstance(figure, Plot):
        figure, alt = figure.figure, alt or figure.alt
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show(figure, alt=...) needs a sentence that says what the figure shows.")
    display(Plot(figure, alt)._repr_mimebundle_(), raw=True)
    if "matplotlib.pyplot" in sys.modules:  # a figure made with pyplot would otherwise be kept, and shown twice
        sys.modules["matplotlib.pyplot"].close(figure)


def bars(
    labels: Sequence[str],
    values: Sequence[float] | Mapping[str, Sequence[float]],
    *,
    title: str = "",
    xlabel: str = "",
    alt: str | None = None,
    value_format: str = "{:.3g}",
) -> Plot:
    """Horizontal bars from top to bottom, each with its number written beside it.

    Args:
        labels: a name for each bar.
        values: a number for each bar; or named series of them, side by side in colour and hatching.
        title: what is shown.
        xlabel: quantity and unit.
        alt: alternative text; without one it is computed: title, and each bar with its number.
        value_format: how a number is written, a format string.
    """
    series = dict(values) if isinstance(values, Mapping) else {"": values}
    series = {name: np.asarray(list(numbers), dtype=float) for name, numbers in series.items()}
    for name, numbers in series.items():
        if len(numbers) != len(labels) or not len(labels):
            raise ValueError(
                f"expected one value for each of {len(labels)} labels, got {len(numbers)} {name}".rstrip() + "."
            )
    thickness = 0.8 / len(series)
    with _new_axes(0.9 + len(labels) * max(0.34, 0.24 * len(series)), title, xlabel) as (figure, axes):
        for i, (name, numbers) in enumerate(series.items()):
            y = np.arange(len(labels)) + (i - (len(series) - 1) / 2) * thickness
            drawn = axes.barh(
                y,
                numbers,
                thickness * 0.92,
                color=COLOURS[i % 8],
                hatch=HATCHES[i % 8],
                label=_drawable(name) or None,
            )
            axes.bar_label(drawn, [value_format.format(n) for n in numbers], padding=3, fontsize=9)
        axes.set_yticks(np.arange(len(labels)), [_drawable(str(label)) for label in labels])
        axes.invert_yaxis()
        axes.margins(x=0.12, y=0.02)
        axes.tick_params(axis="y", length=0)
        if len(series) > 1:
            figure.legend(loc="outside lower left", ncols=min(4, len(series)))
    return Plot(figure, alt or _say_bars(labels, series, title, value_format))


def lines(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    alt: str | None = None,
    log_x: bool = False,
    log_y: bool = False,
) -> Plot:
    """Named lines over a common x, told apart by colour and by marker.

    Args:
        x: positions, shared by all lines.
        series: for each name one number a position; NaN leaves a gap.
        title, xlabel, ylabel: what is shown, quantities with units.
        alt: alternative text; without one it is computed: title, and where each line starts and ends.
        log_x, log_y: logarithmic axes.
    """
    for name, numbers in series.items():
        if len(numbers) != len(x):
            raise ValueError(f"expected {len(x)} values for {name!r}, one for each x, got {len(numbers)}.")
    with _new_axes(3.6, title, xlabel) as (figure, axes):
        few = len(x) <= 30
        for i, (name, numbers) in enumerate(series.items()):
            axes.plot(
                x,
                numbers,
                color=COLOURS[i % 8],
                marker=MARKERS[i % 8],
                markevery=1 if few else max(1, len(x) // 8),
                label=_drawable(name),
            )
        axes.set_ylabel(_drawable(ylabel))
        axes.set_xscale("log" if log_x else "linear")
        axes.set_yscale("log" if log_y else "linear")
        if not log_x and all(float(at).is_integer() for at in x):  # half an epoch was not measured
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y", color="#dddddd")
        if len(series) > 1:
            figure.legend(loc="outside right upper")
    return Plot(figure, alt or _say_lines(x, series, title))


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    alt: str | None = None,
    marks: Collection[str] = (),
    log_x: bool = False,
    log_y: bool = False,
) -> Plot:
    """Named lines, each with positions of its own, told apart by colour and by marker.

    Args:
        series: for each name its points (x, y), in the order in which they are joined.
        title, xlabel, ylabel: what is shown, quantities with units.
        alt: alternative text; without one it is computed: title, and where each line starts and ends.
        marks: names whose points are not joined, such as measurements beside a fitted line.
        log_x, log_y: logarithmic axes.
    """
    with _new_axes(3.6, title, xlabel) as (figure, axes):
        for i, (name, points) in enumerate(series.items()):
            if not points:
                raise ValueError(f"expected points (x, y) for {name!r}, got none.")
            x, y = np.asarray(points, dtype=float).T
            joined = name not in marks
            axes.plot(
                x,
                y,
                color=COLOURS[i % 8],
                marker=MARKERS[i % 8],
                markersize=6 if joined else 7,
                markevery=1 if len(x) <= 30 or not joined else max(1, len(x) // 8),
                linestyle="-" if joined else "none",
                label=_drawable(name),
            )
        axes.set_ylabel(_drawable(ylabel))
        axes.set_xscale("log" if log_x else "linear")
        axes.set_yscale("log" if log_y else "linear")
        for axis, is_log in ((axes.xaxis, log_x), (axes.yaxis, log_y)):
            if is_log:
                _number_log_axis(axis)
        axes.grid(axis="y", color="#dddddd")
        if len(series) > 1:
            figure.legend(loc="outside right upper")
    parts = [_say_line(name, points) for name, points in series.items()]
    return Plot(figure, alt or f"{title or 'Lines'}: {'; '.join(parts)}.")


def intervals(
    labels: Sequence[str],
    values: Sequence[tuple[float, float, float]],
    *,
    title: str = "",
    xlabel: str = "",
    alt: str | None = None,
    value_format: str = "{:.3g}",
    mark: float | None = None,
    limits: tuple[float, float] | None = None,
) -> Plot:
    """Measured numbers from top to bottom, each a point on the line of its interval.

    Args:
        labels: a name for each number.
        values: for each (number, lower end, upper end).
        title, xlabel: what is shown, quantity and unit.
        alt: alternative text; without one it is computed: title, and each number with its interval.
        value_format: how a number is written.
        mark: where a dashed line stands, such as 50 for a coin.
        limits: ends of the axis, such as (0, 100).
    """
    if not labels or len(labels) != len(values):
        raise ValueError(f"expected one interval for each of {len(labels)} labels, got {len(values)}.")
    middle, low, high = np.array(values, dtype=float).T
    y = np.arange(len(labels))
    with _new_axes(1.1 + 0.34 * len(labels), title, xlabel) as (figure, axes):
        if mark is not None:
            axes.axvline(mark, color="#666666", linestyle="--", linewidth=1)
        axes.errorbar(middle, y, xerr=[middle - low, high - middle], fmt="o", color=COLOURS[0], capsize=4)
        axes.set_yticks(y, [_drawable(str(label)) for label in labels])
        axes.set(ylim=(len(labels) - 0.5, -0.5), xlim=limits)
        axes.tick_params(axis="y", length=0)
    write = value_format.format
    said = [f"{name} {write(n)} ({write(a)} to {write(b)})" for name, (n, a, b) in zip(labels, values, strict=True)]
    return Plot(figure, alt or f"{title or 'Intervals'}: {'; '.join(said)}.")


def next_token_bars(probabilities, title: str = "The most probable next tokens", alt: str | None = None) -> Plot:
    """Bars of the answer of ``model.next_token_probabilities(text, k)``."""
    labels = [_quoted(item.token.label) for item in probabilities]
    shares = [100 * item.probability for item in probabilities]
    rest = 100 - sum(shares)
    said = alt or (
        f"{title}: "
        + ", ".join(f"{label} {share:.1f} %" for label, share in zip(labels, shares, strict=True))
        + f"; all other tokens together {max(rest, 0):.1f} %."
    )
    return bars(labels, shares, title=title, xlabel="probability in %", alt=said, value_format="{:.1f} %")


def temperature_bars(
    probabilities,
    temperatures: Sequence[float] = (0.3, 1.0, 2.0),
    title: str = "One distribution, several temperatures",
) -> Plot:
    """The same tokens at several temperatures.

    Args:
        probabilities: the answer of ``model.next_token_probabilities(text, k)``.  Tokens below the first ``k``
            are left out and the shares are those among the ``k``, so take ``k`` large enough.
        temperatures: 0 or more; 1 is the model's own distribution.
        title: what is shown.
    """
    from llama_course.models.sampling import apply_temperature

    own = np.array([item.probability for item in probabilities])
    labels = [_quoted(item.token.label) for item in probabilities]
    series = {f"temperature {t:g}": 100 * apply_temperature(own / own.sum(), t) for t in temperatures}
    said = f"{title}. Share of the most probable token, {labels[int(own.argmax())]}: " + ", ".join(
        f"{shares.max():.1f} % at {name}" for name, shares in series.items()
    )
    xlabel = f"share among these {len(labels)} tokens in %"
    return bars(labels, series, title=title, xlabel=xlabel, alt=said + ".", value_format="{:.1f}")


class _new_axes:
    """A figure of its own, outside pyplot, in the course's style."""

    def __init__(self, height_in: float, title: str, xlabel: str):
        self.height_in, self.title, self.xlabel = height_in, title, xlabel

    def __enter__(self):
        import matplotlib
        from matplotlib.figure import Figure

        self.style = matplotlib.rc_context(_STYLE)
        self.style.__enter__()
        figure = Figure(figsize=(_WIDTH_IN, self.height_in), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(_drawable(self.title))
        axes.set_xlabel(_drawable(self.xlabel))
        return figure, axes

    def __exit__(self, *error):
        return self.style.__exit__(*error)


def _quoted(label: str) -> str:
    return f"‘{label}’"


def _drawable(text: str) -> str:
    """``text`` with characters that the font lacks written as their code points, and no mathematics in it."""
    import functools

    from matplotlib import font_manager

    if not hasattr(_drawable, "has"):
        font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
        _drawable.has = functools.lru_cache(4096)(lambda character: font.get_char_index(ord(character)) != 0)
    shown = "".join(c if c == "\n" or (c.isprintable() and _drawable.has(c)) else f"U+{ord(c):04X} " for c in text)
    return shown.replace("$", r"\$")


def _say_bars(labels, series, title, value_format) -> str:
    parts = [
        (f"{name}: " if name else "")
        + ", ".join(f"{label} {value_format.format(n)}" for label, n in zip(labels, numbers, strict=True))
        for name, numbers in series.items()
    ]
    return f"{title or 'Bars'}: " + "; ".join(parts) + "."


def _say_lines(x, series, title) -> str:
    parts = [
        _say_line(name, known)
        for name, numbers in series.items()
        if (known := [(at, n) for at, n in zip(x, numbers, strict=True) if np.isfinite(n)])
    ]
    return f"{title or 'Lines'}: " + "; ".join(parts) + "."


def _number_log_axis(axis) -> None:
    """A logarithmic axis with numbers as people write them, few enough to stand beside each other."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axis.set_major_formatter(lambda value, place: f"{value:,.10g}")
    axis.set_minor_formatter(NullFormatter())


def _say_line(name, points) -> str:
    (first, start), (last, end) = points[0], points[-1]
    return f"{name} goes from {start:.3g} at {first:g} to {end:.3g} at {last:g}"
