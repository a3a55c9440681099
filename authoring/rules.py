"""The rules for notebooks, each one function that yields what breaks it, with the cell and what to do."""

import math
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote

from authoring.execution import WIDGET_VIEW, machine_folders, text_of
from authoring.first_cell import first_cell, with_badge
from authoring.masters import STUB, tags
from authoring.notebook import (
    EVERYWHERE,
    Notebook,
    all_texts,
    code_lines,
    exercise_sections,
    html_parts,
    links,
    without_code,
)
from llama_course.repository import published

MEDIAN_LINES, NINTH_DECILE_LINES, MOST_LINES = 8, 15, 25
FEWEST_CELLS, MOST_CELLS = 30, 60


@dataclass(frozen=True)
class Finding:
    """A rule broken in a place."""

    cell: int
    message: str
    rule: str = ""
    is_warning: bool = False


Rule = Callable[[Notebook], Iterator[Finding]]
RULES: list[tuple[Rule, tuple[str, ...]]] = []


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Register a rule for these kinds of notebooks."""

    def register(function: Rule) -> Rule:
        RULES.append((function, kinds))
        return function

    return register


# -- anatomy -------------------------------------------------------------------------------------------------


@rule(*EVERYWHERE)
def one_title(notebook: Notebook) -> Iterator[Finding]:
    titles = [n for n, level, _ in notebook.headings if level == 1]
    if titles != [1]:
        yield Finding(
            titles[-1] if titles else 1,
            f"expected one H1, in cell 1; found {len(titles)}, in cells {titles}.",
        )


@rule(*EVERYWHERE)
def heading_order(notebook: Notebook) -> Iterator[Finding]:
    above = 0
    for n, level, title in notebook.headings:
        if level > above + 1:
            yield Finding(n, f"heading {title!r} has level {level} below level {above}; use level {above + 1}.")
        above = level


@rule(*EVERYWHERE)
def standard_first_cell(notebook: Notebook) -> Iterator[Finding]:
    expected = first_cell(notebook.lesson, published())
    if len(notebook.cells) < 2 or notebook.cells[1].cell_type != "code" or notebook.cells[1].source != expected:
        yield Finding(2, "is not the standard first code cell; tag an empty cell `first-cell` there and build.")


HEAD = {
    "the question": r"\*\*question",
    "what one will be able to do": r"able to",
    "prerequisites": r"before you start|prerequisite",
    "minutes": r"\d+\s*(–\d+\s*)?minutes",
    "compute time": r"\bcompute",
    "memory": r"\bmemory\b.*\b(GiB|MiB|GB|MB)\b",
    "the articles' claims tested": r"\bclaim",
}


@rule("course")
def complete_head(notebook: Notebook) -> Iterator[Finding]:
    head = notebook.cells[0].source if notebook.cells else ""
    for what, pattern in HEAD.items():
        if not re.search(pattern, head, re.I | re.S):
            yield Finding(1, f"does not name {what}; see the model in authoring/README.md.")


@rule("course")
def number_of_cells(notebook: Notebook) -> Iterator[Finding]:
    count = len(notebook.cells)
    if count > MOST_CELLS:
        yield Finding(0, f"has {count} cells; split or shorten it to {MOST_CELLS}.")
    elif count < FEWEST_CELLS:
        message = f"has {count} cells; a lesson has {FEWEST_CELLS} to {MOST_CELLS}."
        yield Finding(0, message, is_warning=notebook.lesson == "00")


@rule("course")
def complete_ending(notebook: Notebook) -> Iterator[Finding]:
    """The last section: what one can now explain, the exercises, the sources."""
    starts = [n for n, level, title in notebook.headings if "what you can now explain" in title.lower() and level == 2]
    if not starts:
        yield Finding(len(notebook.cells), 'the lesson ends without a section "## What you can now explain".')
        return
    ending = "\n".join(text for n, text in notebook.markdown if n >= starts[-1])
    explained = re.split(r"^#+ .*explain.*$", ending, flags=re.M | re.I)[1]
    bullets = len(re.findall(r"^[-*] ", re.split(r"^\s*(?:#|\*\*)", explained, flags=re.M)[0], re.M))
    if not 3 <= bullets <= 5:
        yield Finding(starts[-1], f'"What you can now explain" has {bullets} points; give 3 to 5.')
    exercises = f"../exercises/{notebook.path.name}"
    if (notebook.root / "authoring/exercises" / f"{notebook.path.stem}.py").exists() and exercises not in ending:
        yield Finding(starts[-1], f"the ending does not link to {exercises}.")
    if not re.search(r"(\*\*|^#+ )Sources", ending, re.M):
        yield Finding(starts[-1], 'the ending has no "**Sources.**".')


# -- code ----------------------------------------------------------------------------------------------------


@rule(*EVERYWHERE)
def longest_cell(notebook: Notebook) -> Iterator[Finding]:
    for n, lines in code_lines(notebook):
        if lines > MOST_LINES:
            yield Finding(n, f"has {lines} lines of code; split it or move it to the library (at most {MOST_LINES}).")


@rule("course")
def usual_cell(notebook: Notebook) -> Iterator[Finding]:
    sizes = sorted(lines for _, lines in code_lines(notebook))
    if not sizes:
        return
    if statistics.median(sizes) > MEDIAN_LINES:
        yield Finding(0, f"half of the code cells have more than {MEDIAN_LINES} lines; shorten them.")
    decile = sizes[math.ceil(0.9 * len(sizes)) - 1]
    if decile > NINTH_DECILE_LINES:
        yield Finding(0, f"a tenth of the code cells have {decile} lines or more; at most {NINTH_DECILE_LINES}.")


NOT_IN_NOTEBOOKS = {
    r"\binteract(ive|_manual|ive_output)?\(|\bipywidgets\b|(?<!llama_course\.)\bwidgets\.[A-Z]": (
        "uses a bare widget, which shows nothing without a kernel; show a LiveView of llama_course.widgets."
    ),
    r"\bplt\.show\(|\bfig\.show\(": "shows a bare plot; use llama_course.plots.show(fig, alt=...).",
}


@rule(*EVERYWHERE)
def widgets_and_plots_have_twins(notebook: Notebook) -> Iterator[Finding]:
    for n, cell in notebook.code:
        for pattern, message in NOT_IN_NOTEBOOKS.items():
            if re.search(pattern, cell.source):
                yield Finding(n, message)


# -- text, pictures, links -----------------------------------------------------------------------------------


@rule(*EVERYWHERE)
def alt_text(notebook: Notebook) -> Iterator[Finding]:
    for n, text in notebook.markdown:
        if re.search(r"!\[\s*\]\(", without_code(text)):
            yield Finding(n, "has a picture without alt text; write ![what it shows](...).")
    for n, text in html_parts(notebook):
        for tag in pictures_without_alt(text):
            yield Finding(n, f"has an <{tag}> without alternative text; say what it shows.")


@rule(*EVERYWHERE)
def no_bare_images(notebook: Notebook) -> Iterator[Finding]:
    for n, output in notebook.outputs:
        kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
        if kinds:
            yield Finding(
                n,
                f"has an output {kinds[0]} without alt text; use llama_course.plots.show(fig, alt=...).",
            )


class PictureParser(HTMLParser):
    """Collects the pictures that have no alternative text."""

    def __init__(self):
        super().__init__()
        self.without_alt: list[str] = []

    def handle_starttag(self, tag, attrs):
        named = {name: (value or "").strip() for name, value in attrs}
        hidden = named.get("aria-hidden") == "true"
        if (tag == "img" and not named.get("alt")) or (tag == "svg" and not hidden and not named.get("aria-label")):
            self.without_alt.append(tag)


def pictures_without_alt(html: str) -> list[str]:
    parser = PictureParser()
    parser.feed(html)
    return parser.without_alt


@rule(*EVERYWHERE)
def links_exist(notebook: Notebook) -> Iterator[Finding]:
    for n, target in links(notebook):
        if re.match(r"[a-z][a-z0-9+.-]*:|//|#", target, re.I):
            continue  # another site, or a place in this notebook
        if not (notebook.path.parent / unquote(target.split("#")[0])).exists():
            yield Finding(n, f"links to {target}, which does not exist.")


@rule(*EVERYWHERE)
def badge_opens_this_notebook(notebook: Notebook) -> Iterator[Finding]:
    """With a repository set each notebook has its badge, without one none has."""
    head = notebook.cells[0].source if notebook.cells else ""
    if notebook.cells and head != with_badge(head, f"{notebook.kind}/{notebook.path.name}", published()):
        yield Finding(1, "its Colab badge is missing, or leads elsewhere; build the notebook again.")
    for n, target in links(notebook):
        if "colab.research.google.com/" in target and n > 1:
            yield Finding(n, f"links to {target}; only the badge under the title leads to Colab.")


# -- what must not be committed ------------------------------------------------------------------------------


@rule(*EVERYWHERE)
def no_widget_state(notebook: Notebook) -> Iterator[Finding]:
    if "widgets" in notebook.metadata:
        yield Finding(
            0,
            "holds widget state (metadata.widgets), which GitHub refuses to show; build the notebook again.",
        )
    for n, output in notebook.outputs:
        if WIDGET_VIEW in output.get("data", {}):
            yield Finding(n, "holds a widget view, which shows nothing without a kernel; build the notebook again.")


MACHINE_PATHS = r"/home/[\w.-]+/|/Users/[\w.-]+/|[A-Z]:\\\\?Users\\|/root/|/tmp/|ipykernel_\d+"


@rule(*EVERYWHERE)
def no_machine_paths(notebook: Notebook) -> Iterator[Finding]:
    pattern = "|".join([MACHINE_PATHS, *map(re.escape, machine_folders(notebook.root))])
    for n, text in all_texts(notebook):
        if found := re.search(pattern, text):
            yield Finding(n, f"names a folder of one machine ({found[0]}); show the file's name or a relative path.")


@rule(*EVERYWHERE)
def no_memory_addresses(notebook: Notebook) -> Iterator[Finding]:
    for n, output in notebook.outputs:
        if found := re.search(r"\bat 0x[0-9a-fA-F]{6,}", text_of(output)):
            yield Finding(n, f"shows a memory address ({found[0]}), another one in each run; print what is meant.")


TOKENS = (
    r"\bhf_[A-Za-z0-9]{16,}|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bxox[bp]-[\w-]{16,}|[Bb]earer\s+[A-Za-z0-9._-]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)


@rule(*EVERYWHERE)
def no_access_tokens(notebook: Notebook) -> Iterator[Finding]:
    for n, text in all_texts(notebook):
        if found := re.search(TOKENS, text):
            yield Finding(n, f"has what looks like an access token ({found[0][:6]}…); remove it and revoke it.")


@rule("course")
def no_errors(notebook: Notebook) -> Iterator[Finding]:
    for n, cell in notebook.code:
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield Finding(n, f"failed with {output.ename}; mend it, or tag it raises-exception if it should.")
            if output.output_type == "stream" and output.name == "stderr":
                yield Finding(n, f"wrote to stderr ({output.text.strip()[:60]!r}); mend the cause or print it.")


@rule("course")
def executed(notebook: Notebook) -> Iterator[Finding]:
    counts = [cell.execution_count for _, cell in notebook.code]
    if counts != list(range(1, len(counts) + 1)):
        yield Finding(0, "was not executed from top to bottom; build it.")


@rule("exercises", "solutions")
def no_outputs(notebook: Notebook) -> Iterator[Finding]:
    for n, cell in notebook.code:
        if cell.outputs or cell.execution_count is not None:
            yield Finding(n, "has outputs, which are committed for course/ only; build the notebook again.")


# -- exercises -----------------------------------------------------------------------------------------------


@rule("exercises", "solutions")
def numbered_exercises(notebook: Notebook) -> Iterator[Finding]:
    sections = exercise_sections(notebook)
    if not sections:
        yield Finding(0, f'has no exercise; start one with "## Exercise {notebook.lesson}.1 · Title".')
    for place, section in enumerate(sections, 1):
        expected = f"{notebook.lesson}.{place}"
        if section.number != expected:
            yield Finding(section.cell, f'is headed {section.title!r}; write "## Exercise {expected} · Title".')


FACTS = {
    "its difficulty (**Difficulty** 1 to 4 of 4)": r"\*\*Difficulty\*\*\s+[1-4] of 4",
    "its minutes (**Minutes** 10)": r"\*\*Minutes\*\*\s+\d+",
    "what it is for (**For** ...)": r"\*\*For\*\*\s+\w",
}


@rule("exercises", "solutions")
def described_exercises(notebook: Notebook) -> Iterator[Finding]:
    for section in exercise_sections(notebook):
        for what, pattern in FACTS.items():
            if not re.search(pattern, section.text):
                yield Finding(section.cell, f"the exercise does not name {what}.")


@rule("exercises", "solutions")
def checked_exercises(notebook: Notebook) -> Iterator[Finding]:
    for section in exercise_sections(notebook):
        if section.number and not re.search(rf"""\bcheck\(\s*["']{re.escape(section.number)}["']""", section.code):
            yield Finding(section.cell, f'the exercise has no check("{section.number}", ...).')


@rule("exercises")
def stubs(notebook: Notebook) -> Iterator[Finding]:
    for section in exercise_sections(notebook):
        if STUB not in section.code:
            yield Finding(section.cell, "the exercise has no stub; put its solution between the marks in the master.")
