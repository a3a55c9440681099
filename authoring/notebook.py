"""A built notebook as the linter and the tests see it: its cells, texts, links and exercises."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

from authoring.execution import text_of
from authoring.masters import tags

EVERYWHERE = ("course", "exercises", "solutions")


@dataclass(frozen=True)
class Notebook:
    """A built notebook and where it lies: <root>/<kind>/NN_topic.ipynb."""

    path: Path
    cells: list
    metadata: dict

    @property
    def kind(self) -> str:
        return self.path.parent.name

    @property
    def lesson(self) -> str:
        return self.path.stem[:2]

    @property
    def root(self) -> Path:
        return self.path.parent.parent

    @cached_property
    def markdown(self) -> list[tuple[int, str]]:
        """Number and source of the text cells."""
        return [(n, cell.source) for n, cell in enumerate(self.cells, 1) if cell.cell_type == "markdown"]

    @cached_property
    def code(self) -> list[tuple[int, nbformat.NotebookNode]]:
        """Number and cell of the code cells."""
        return [(n, cell) for n, cell in enumerate(self.cells, 1) if cell.cell_type == "code"]

    @cached_property
    def outputs(self) -> list[tuple[int, nbformat.NotebookNode]]:
        """Number of the cell and output, for all outputs."""
        return [(n, output) for n, cell in self.code for output in cell.outputs]

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Number of the cell, level and text of the headings; '#' in a block of code is none."""
        found = [(n, re.findall(r"^(#{1,6})\s+(.*)$", without_code(text), re.M)) for n, text in self.markdown]
        return [(n, len(marks), title.strip()) for n, pairs in found for marks, title in pairs]


def code_lines(notebook: Notebook) -> list[tuple[int, int]]:
    """Number and lines (blank ones not counted) of the code cells that an author wrote."""
    own = [(n, cell) for n, cell in notebook.code if "first-cell" not in tags(cell)]
    return [(n, sum(bool(line.strip()) for line in cell.source.splitlines())) for n, cell in own]


def html_parts(notebook: Notebook) -> list[tuple[int, str]]:
    """Number of the cell and text of everything that a browser may read as HTML."""
    outputs = [(n, output.data["text/html"]) for n, output in notebook.outputs if "text/html" in output.get("data", {})]
    return [(n, without_code(text)) for n, text in notebook.markdown] + outputs


def links(notebook: Notebook) -> list[tuple[int, str]]:
    """Number of the cell and target of every link and picture."""
    from_text = [
        (n, target) for n, text in notebook.markdown for target in re.findall(r"\]\(([^)\s]+)", without_code(text))
    ]
    from_html = [
        (n, target)
        for n, text in html_parts(notebook)
        for target in re.findall(r"<(?:a|img)\b[^>]*?(?:href|src)\s*=\s*[\"']([^\"']+)", text, re.I)
    ]
    return from_text + from_html


def without_code(text: str) -> str:
    """Markdown without its blocks and snippets of code."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def all_texts(notebook: Notebook) -> list[tuple[int, str]]:
    """Number of the cell and text of every source and output, pictures left out."""
    sources = [(n, cell.source) for n, cell in enumerate(notebook.cells, 1)]
    return sources + [(n, text_of(output)) for n, output in notebook.outputs]


@dataclass(frozen=True)
class Section:
    """An exercise: from its heading to the next one."""

    cell: int
    title: str
    text: str
    code: str

    @property
    def number(self) -> str | None:
        """ "02.1" of "Exercise 02.1 · Perplexity"."""
        found = re.match(r"Exercise (\d\d\.\d+) · \S", self.title)
        return found[1] if found else None


def exercise_sections(notebook: Notebook) -> list[Section]:
    """The exercises of a notebook: its H2 sections whose heading starts with "Exercise"."""
    starts = [(n, title) for n, level, title in notebook.headings if level == 2]
    ends = [n for n, _ in starts[1:]] + [len(notebook.cells) + 1]  # the last one ends with the notebook
    return [
        Section(
            start,
            title,
            "\n".join(text for n, text in notebook.markdown if start <= n < end),
            "\n".join(cell.source for n, cell in notebook.code if start <= n < end),
        )
        for (start, title), end in zip(starts, ends, strict=False)
        if title.lower().startswith("exercise")
    ]
