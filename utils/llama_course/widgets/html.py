"""Pieces of HTML for widgets and checks: escaped, readable in light and dark themes and by screen readers.

Arguments are plain text and are escaped here.  :class:`Markup` marks a piece that is HTML already, so that
pieces can be put together.
"""

import html as _html
import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser

TEXT = "color:var(--jp-ui-font-color1,inherit);line-height:1.5;"  # ipywidgets set lines far apart
QUIET = "color:var(--jp-ui-font-color2,inherit);"
LINE = "1px solid var(--jp-border-color1,#8a8a8a)"
BAR_COLOUR = "#0072B2"  # Okabe-Ito blue: contrast above 3 on white and on JupyterLab's dark grey
TINTS = ("rgba(86,180,233,.28)", "rgba(230,159,0,.26)")  # sky blue and orange, thin: for both themes
EDGES = ("solid", "dashed")
CODE_FONT = "font-family:var(--jp-code-font-family,monospace);"


class Markup(str):
    """Text that is HTML already; as the last line of a cell it is shown as such."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:  # what Jupyter shows where there is no HTML
        return to_text(self)


def escape(text) -> Markup:
    """``text`` as HTML that shows exactly these characters; a :class:`Markup` stays as it is."""
    return text if isinstance(text, Markup) else Markup(_html.escape(str(text), quote=True))


def paragraph(text, quiet: bool = False) -> Markup:
    """A paragraph; ``quiet`` for remarks of secondary weight."""
    return Markup(f'<p style="margin:.3em 0;line-height:1.5;{QUIET if quiet else TEXT}">{escape(text)}</p>')


def join(pieces: Iterable, separator="") -> Markup:
    """Pieces one after the other, each escaped unless it is :class:`Markup`."""
    return Markup(escape(separator).join(escape(piece) for piece in pieces))


def table(rows: Iterable[Sequence], header: Sequence = (), caption="", numeric: Sequence[int] = ()) -> Markup:
    """A table with a caption and column headings.

    Args:
        rows: a sequence of cells for each row; the first cell of a row is its heading.
        header: a heading for each column.
        caption: one sentence on what the table shows; screen readers read it first.
        numeric: indices of the columns to align to the right.
    """

    def cell(tag, column, content, scope=""):
        align = "right" if column in numeric else "left"
        style = f"text-align:{align};padding:.25em .75em;vertical-align:top;{TEXT}"
        return f'<{tag}{scope} style="{style}">{escape(content)}</{tag}>'

    out = [f'<table style="border-collapse:collapse;margin:.5em 0;{TEXT}">']
    if caption:
        out.append(f'<caption style="text-align:left;padding:.25em .75em;{QUIET}">{escape(caption)}</caption>')
    if header:
        cells = "".join(cell("th", i, h, ' scope="col"') for i, h in enumerate(header))
        out.append(f'<thead><tr style="border-bottom:{LINE}">{cells}</tr></thead>')
    out.append("<tbody>")
    for row in rows:
        first, *rest = row
        cells = cell("th", 0, first, ' scope="row"') + "".join(cell("td", i, c) for i, c in enumerate(rest, 1))
        out.append(f"<tr>{cells}</tr>")
    out.append("</tbody></table>")
    return Markup("".join(out))


def bar(fraction: float, width_em: float = 12) -> Markup:
    """A horizontal bar for a share from 0 to 1.  It is decoration: write the number beside it."""
    share = 100 * min(max(float(fraction), 0.0), 1.0)
    return Markup(
        f'<span aria-hidden="true" style="display:inline-block;width:{width_em:g}em;height:.8em;">'
        f'<span style="display:block;width:{share:.2f}%;height:100%;background:{BAR_COLOUR};"></span></span>'
    )


def count(number: int, noun: str) -> str:
    """``1 token``, ``2,000 tokens``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(fraction: float) -> str:
    """A share as text: ``12.3 %``, and ``< 0.1 %`` for what would be rounded to nothing."""
    return "< 0.1 %" if 0 < fraction < 0.0005 else f"{100 * fraction:.1f} %"


def bar_table(labels: Sequence, fractions: Sequence[float], header: Sequence[str], caption="") -> Markup:
    """A table of shares: label, percentage, bar.  ``header`` names label and share."""
    largest = max(fractions, default=0) or 1
    rows = [(code(label), percent(value), bar(value / largest)) for label, value in zip(labels, fractions, strict=True)]
    return table(rows, [*header, "relative to the largest"], caption, numeric=[1])


def code(text) -> Markup:
    """A short text in the code font, kept apart from its surroundings when it runs from right to left."""
    return Markup(f'<bdi style="{CODE_FONT}white-space:pre-wrap;">{escape(text)}</bdi>')


def tokens(pieces: Sequence, focusable: bool = False) -> Markup:
    """Tokens as boxes in reading order, each with its id below: tints alternate, and so do the edges.

    Args:
        pieces: objects with ``label`` and ``id``, such as :class:`llama_course.models.interface.Token`.
        focusable: let Tab stop at each token, where a screen reader says what it is.
    """
    boxes = []
    for i, token in enumerate(pieces):
        token_id = token.id if token.id >= 0 else "?"  # a server may not tell it
        said = escape(f"token {i + 1} of {len(pieces)}: ‘{token.label.replace('·', ' ')}’, id {token_id}")
        focus = ' tabindex="0"' if focusable else ""
        boxes.append(
            f'<span class="lc-token" role="listitem"{focus} aria-label="{said}" title="{said}" '
            f'style="display:inline-block;margin:1px;padding:1px .3em;text-align:center;'
            f"border-radius:3px;{TEXT}background:{TINTS[i % 2]};"
            f'border:1px {EDGES[i % 2]} var(--jp-ui-font-color2,#777);">'
            f"{code(token.label)}"
            f'<span style="display:block;font-size:.75em;line-height:1.3;{QUIET}">{token_id}</span></span>'
        )
    return Markup(
        f'<div role="list" aria-label="tokens" dir="ltr" style="line-height:1.6;{TEXT}">{" ".join(boxes)}</div>'
    )


class _TextOnly(HTMLParser):
    BLOCKS = frozenset(["p", "div", "tr", "table", "caption", "figure", "li", "ul", "ol", "h1", "h2", "h3", "h4", "br"])

    def __init__(self):
        super().__init__()
        self.out = []

    def handle_data(self, data):
        self.out.append(data)

    def handle_starttag(self, tag, attrs):
        if tag in self.BLOCKS:
            self.out.append("\n")
        elif tag in ("td", "th"):
            self.out.append("  ")
        elif tag == "img":
            self.out.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag):
        if tag in self.BLOCKS:
            self.out.append("\n")


def to_text(html: str) -> str:
    """The text of a piece of HTML, for programs that show only text."""
    parser = _TextOnly()
    parser.feed(html)
    parser.close()
    lines = (line.strip() for line in "".join(parser.out).splitlines())
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
