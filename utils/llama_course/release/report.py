"""The report of a release: one HTML page that needs nothing but itself.

It has no script and asks for nothing from outside; a policy in its head forbids both.  It reads in order with a screen
reader, on a small screen, in the dark and on paper.  Every text of a person or a model is escaped.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from itertools import zip_longest

from llama_course.evaluation.intervals import LEVEL
from llama_course.release.checking import fill, rulings
from llama_course.release.claims import VERDICTS
from llama_course.release.drafts import DATASHEET, LICENCES, PARTS, PLAN, Draft
from llama_course.release.measuring import UNDOING, Measured
from llama_course.release.quantities import ACCESS, QUANTITIES, ROUTES, WORST, worst_told
from llama_course.release.wording import PLACE
from llama_course.safety.red_team import VERDICTS as OUTCOMES

STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1b;--quiet:#545454;--line:#8a8a8a;--paper:#fff;--tint:#f2f4f7;--bar:#0072b2}
@media (prefers-color-scheme:dark){:root{--ink:#ececec;--quiet:#b9b9b9;--line:#7d7d7d;--paper:#161616;--tint:#242628;
--bar:#56b4e9}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,"Segoe UI",Roboto,sans-serif}
main,header,footer,nav{max-width:52rem;margin:0 auto;padding:0 1.25rem}
h1,h2,h3{overflow-wrap:anywhere}
h1{font-size:1.9rem;line-height:1.2;margin:2rem 0 .3rem}
h2{font-size:1.35rem;margin:2.2rem 0 .6rem;border-bottom:2px solid var(--line);padding-bottom:.2rem}
h3{font-size:1.05rem;margin:1.3rem 0 .2rem}
p{margin:.4rem 0 .8rem;overflow-wrap:break-word;white-space:pre-line}
.quiet,caption{color:var(--quiet)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.6rem 0 1.2rem}
caption{text-align:left;padding:.2rem 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);
overflow-wrap:break-word;font-weight:400}
thead th{font-weight:600;border-bottom:2px solid var(--line)}
td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
svg{width:100%;height:auto;max-width:46rem}
svg text{font:13px system-ui,sans-serif;fill:var(--ink)}
nav ul{columns:2;padding-left:1.2rem}
a{color:inherit}
.skip{position:absolute;left:-999rem}
.skip:focus{position:static}
@media (max-width:34rem){nav ul{columns:1}td.number{white-space:normal}svg{min-width:34rem}}
@media print{@page{margin:18mm 16mm}body{font-size:10pt}:root{--ink:#000;--quiet:#333;--line:#666;--paper:#fff;
--tint:#fff;--bar:#000}nav,.skip{display:none}main,header,footer{max-width:none;padding:0}
svg{min-width:0}h2,h3{break-after:avoid}tr,svg,figure{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}
td.number{white-space:normal}}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def clean(text: object) -> str:
    """A text as HTML: escaped, without characters that no page may hold or that turn a line round."""
    kept = "".join(
        character
        for character in str(text)
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return escape(kept, quote=True)


def report_html(draft: Draft, measured: Measured, date: str) -> str:
    """The whole page.

    Args:
        draft: one that :func:`llama_course.release.checking.check_draft` finds nothing in.
        measured: of the model that it is about.
        date: as it is to be printed, such as "23 November 2026".
    """
    sections = _sections(draft, measured)
    title = f"Release report: {clean(draft.name)} {clean(draft.version)}"
    contents = "".join(f'<li><a href="#{_anchor(heading)}">{heading}</a></li>' for heading, _ in sections)
    body = "".join(
        f'<section aria-labelledby="{_anchor(heading)}"><h2 id="{_anchor(heading)}">{heading}</h2>{content}</section>\n'
        for heading, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#report">Skip to the report</a>\n'
        f"<header><h1>{title}</h1>\n"
        f'<p class="quiet">{clean(date)}. Every claim was checked against one run. Figures in the text that are '
        "underlined were filled in from it, and lead to their row. Texts were searched for typed shares and for words "
        f'that promise.</p></header>\n<nav aria-label="Contents"><ul>{contents}</ul></nav>\n'
        f'<main id="report">\n{body}</main>\n'
        f'<footer><p class="quiet">Written with llama-course. '
        "The checks compare claims with counts, and find words, not meanings: a promise in other words, or a figure "
        "beside the wrong ones, passes. Whether the decisions are right, they do not know.</p></footer>\n"
        "</body>\n</html>\n"
    )


def outline(page: str) -> list[tuple[int, str]]:
    """The headings of a page, with their levels, in order."""
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", page, re.S)
    return [(int(level), re.sub(r"<[^>]+>", "", text)) for level, text in found]


def _sections(draft: Draft, measured: Measured) -> list[tuple[str, str]]:
    def part(name: str, heading: bool = True) -> str:
        above = f"<h3>{PARTS[name].heading}</h3>" if heading else ""
        return f"{above}<p>{_filled(draft.texts.get(name, ''), measured, draft.access)}</p>"

    licence, access = LICENCES[draft.licence], ACCESS[draft.access]
    return [
        ("What it is", part("summary", False) + part("intended") + part("not_for") + _identity(draft, measured)),
        ("What is claimed", _claims(draft, measured)),
        ("What was measured", _figures(measured) + part("limits") + part("not_measured")),
        ("What the red team did", _panel(measured)),
        ("What it said, word for word", _samples(measured)),
        ("What it read", "".join(map(part, DATASHEET))),
        ("Licence", f"<p>{clean(licence.id)}: {clean(licence.plain)}.</p>" + part("licence_reasons")),
        ("Access", _access(draft) + part("access_reasons")),
        (
            "When something goes wrong",
            f"<p>Can be undone: {clean(access.can_be_undone)}. Cannot: {clean(access.cannot_be_undone)}.</p>"
            + "".join(map(part, PLAN)),
        ),
        ("How it was measured", _method(measured)),
    ]


def _filled(text: str, measured: Measured, access: str) -> str:
    """A text with its places filled; a figure leads to its row, where a reader sees what it is of."""
    pieces, end = [], 0
    for place in PLACE.finditer(text):
        name, value = place[1], clean(fill(place[0], measured, access))
        worst = worst_told(measured.results, access)
        row = worst.quantity if name == WORST and worst else name
        linked = f'<a href="#{_row_id(row)}">{value}</a>' if row in measured.results else value
        pieces += [clean(text[end : place.start()]), linked]
        end = place.end()
    return "".join([*pieces, clean(text[end:])])


def _row_id(quantity: str) -> str:
    return f"measured-{quantity}"


def _identity(draft: Draft, measured: Measured) -> str:
    identity, digest = measured.identity, str(measured.identity["sha256"])
    rows = [
        ("Release", f"{draft.name} {draft.version}"),
        ("Model", identity["name"]),
        ("Parameters", f"{identity['parameters']:,}"),
        ("Tokenizer", identity["tokenizer"]),
        ("Context", f"{identity['context_tokens']:,} tokens"),
        ("File", f"{identity['file_bytes'] / 1e6:.1f} MB, SHA-256 {' '.join(re.findall('.{1,8}', digest))}"),
        ("Licence", draft.licence),
        ("Access", draft.access),
    ]
    return _table("This report is about exactly this file.", ("what", "which"), rows)


def _claims(draft: Draft, measured: Measured) -> str:
    rows = [
        (ruling.claim.words, f"{VERDICTS[ruling.verdict]}\N{NO-BREAK SPACE}{ruling.verdict}", ruling.measured)
        for ruling in rulings(draft, measured)
    ]
    return _table("Each claim beside what the run says.", ("claim", "verdict", "measured"), rows)


def _figures(measured: Measured) -> str:
    rows = [
        (QUANTITIES[name].plain, QUANTITIES[name].asked, f"{result}{f' ({result.detail})' if result.detail else ''}")
        for name, result in measured.results.items()
    ]
    caption = f"Successes of questions asked, the share, and its {100 * LEVEL:.0f} % interval."
    return _picture(measured) + _table(
        caption, ("what", "what was asked", "how often"), rows, numbers=[2], ids=map(_row_id, measured.results)
    )


def _picture(measured: Measured) -> str:
    """The shares with their intervals; the table below it says the same."""
    left, right, step = 300, 620, 26
    height = step * len(measured.results) + 34

    def x(share: float) -> float:
        return left + (right - left) * share

    parts = []
    for place, (name, result) in enumerate(measured.results.items()):
        y, found = step * place + 18, result.interval
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{clean(QUANTITIES[name].plain)}</text>')
        for x1, x2, width in ((x(0), x(1), 0.5), (x(found.low), x(found.high), 3)):
            colour = "var(--bar)" if width > 1 else "var(--line)"
            parts.append(
                f'<line x1="{x1:.1f}" y1="{y}" x2="{x2:.1f}" y2="{y}" stroke="{colour}" stroke-width="{width}"/>'
            )
        parts.append(f'<circle cx="{x(found.value):.1f}" cy="{y}" r="5" fill="var(--bar)"/>')
    for share in (0, 0.5, 1):
        parts.append(f'<text x="{x(share):.1f}" y="{height - 6}" text-anchor="middle">{100 * share:.0f} %</text>')
    shares = {QUANTITIES[name].plain: result.interval for name, result in measured.results.items()}
    said = "; ".join(f"{plain} {interval.percent()}" for plain, interval in shares.items())
    return (
        f'<figure class="scroll" tabindex="0" style="margin:0"><svg viewBox="0 0 640 {height}" role="img" '
        'aria-label="Shares with their intervals: '
        f'{clean(said)}">{"".join(parts)}</svg></figure>'
    )


def _panel(measured: Measured) -> str:
    rows = [(row["family"], *(row["verdicts"].get(name, 0) for name in OUTCOMES)) for row in measured.panel]
    caption = "How many dangers were told or refused under each attack. All of them are made up."
    return _table(caption, ("attack", *OUTCOMES), rows, numbers=range(1, 1 + len(OUTCOMES)))


def _samples(measured: Measured) -> str:
    rows = [(QUANTITIES[s.quantity].plain, s.question, s.answer, s.verdict) for s in measured.samples]
    caption = "The first answers of each kind, and the first that failed; none was picked."
    return _table(caption, ("kind", "asked", "answered", "judged"), rows)


def _access(draft: Draft) -> str:
    rows = []
    for level in ACCESS.values():
        ways = "; ".join(ROUTES[route] for route in level.routes)
        rows.append((level.id, level.plain, ways, "✓ chosen" if level.id == draft.access else "–"))
    return _table("What each level gives to outsiders.", ("level", "what it is", "ways to a danger", "here"), rows)


def _method(measured: Measured) -> str:
    return (
        f"<p>Greedy answers; questions drawn with seed {measured.seed} from phrasings that the course’s own models "
        "never met in training; judged by a program that knows all of Llamaland. Intervals: Wilson, "
        f"{100 * LEVEL:.0f} %. “After training” is the plan “{clean(UNDOING)}” on a copy. Several questions are about "
        "the same person or danger, so the intervals are a little too narrow.</p>"
    )


def _table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence], numbers: Iterable[int] = (), ids: Iterable[str] = ()
) -> str:
    numbers = set(numbers)
    head = "".join(f'<th scope="col">{clean(name)}</th>' for name in header)
    lines = []
    for (first, *rest), row_id in zip_longest(rows, ids):
        cells = "".join(
            f"<td{' class=number' if place in numbers else ''}>{_cell(cell)}</td>" for place, cell in enumerate(rest, 1)
        )
        marked = f' id="{row_id}"' if row_id else ""
        lines.append(f'<tr{marked}><th scope="row">{_cell(first)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{clean(caption)}"><table>'
        f"<caption>{clean(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(text: object) -> str:
    return clean(text).replace(" %", "\N{NO-BREAK SPACE}%")  # no sign alone on a line of a narrow column


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z]+", "-", heading.lower()).strip("-")
