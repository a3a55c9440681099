"""From a master to its notebooks, without outputs: what is built, and how a cell becomes a stub or a solution."""

import ast
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.first_cell import first_cell, with_badge
from authoring.publishing import code_hash
from llama_course.repository import published

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
STUB = 'raise NotImplementedError("your turn")'
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class BuildError(Exception):
    """A master or a notebook that cannot be built, with where and why."""


@dataclass(frozen=True)
class Target:
    """One notebook to build."""

    kind: str  # "course", "exercises" or "solutions"
    master: Path

    @property
    def lesson(self) -> str:
        return self.master.stem[:2]

    @property
    def path(self) -> Path:
        return self.root / self.kind / f"{self.master.stem}.ipynb"

    @property
    def root(self) -> Path:
        """The project that the master lies in: <root>/authoring/<lessons or exercises>/NN_topic.py."""
        return self.master.parents[2]

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.path.name}"


def find_targets(root: Path, lessons: list[str] = ()) -> list[Target]:
    """The notebooks to build, in order; BuildError for a lesson that has no master."""
    targets = []
    for folder, kinds in (("lessons", ["course"]), ("exercises", ["exercises", "solutions"])):
        for master in sorted((root / "authoring" / folder).glob("[0-9][0-9]_*.py")):
            targets += [Target(kind, master) for kind in kinds]
    unknown = set(lessons) - {target.lesson for target in targets}
    if unknown:
        known = ", ".join(sorted({target.lesson for target in targets})) or "none yet"
        raise BuildError(f"No master for lesson {', '.join(sorted(unknown))}. There are masters for: {known}.")
    return [target for target in targets if not lessons or target.lesson in lessons]


def orphans(root: Path) -> list[Path]:
    """Built notebooks whose master is gone."""
    built = {target.path for target in find_targets(root)}
    return [
        path
        for kind in ("course", "exercises", "solutions")
        for path in sorted((root / kind).glob("*.ipynb"))
        if path not in built
    ]


def convert(target: Target) -> nbformat.NotebookNode:
    """The notebook of a master, without outputs."""
    masters = [cell for cell in read_master(target.master).cells if belongs(cell, target)]
    cells = [convert_cell(cell, target) for cell in masters]
    if sum("first-cell" in tags(cell) for cell in cells) != 1:
        raise BuildError(f'{target.master.name} needs exactly one empty cell `# %% tags=["first-cell"]`.')
    if target.kind == "exercises":
        allow_stubs_to_raise(cells, [split_solution(cell.source, keep=True) for cell in masters])
    if cells[0].cell_type == "markdown":
        cells[0].source = with_badge(cells[0].source, target.name, published())
    for index, cell in enumerate(cells):
        cell["id"] = f"{target.kind}-{target.lesson}-{index:03d}"
    metadata = {**METADATA, "llama_course": {"source_sha256": code_hash(cells)}}
    return new_notebook(cells=cells, metadata=nbformat.from_dict(metadata), nbformat_minor=5)


def read_master(path: Path) -> nbformat.NotebookNode:
    try:
        return jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    except (OSError, ValueError, SyntaxError) as error:
        raise BuildError(f"{path.name} cannot be read as a py:percent notebook: {error}") from error


def belongs(cell: nbformat.NotebookNode, target: Target) -> bool:
    return target.kind != "exercises" or "solution-only" not in tags(cell)


def convert_cell(cell: nbformat.NotebookNode, target: Target) -> nbformat.NotebookNode:
    """A cell as the target has it, with its tags as only metadata."""
    kept = set(tags(cell)) - ({"raises-exception"} if target.kind == "solutions" else set())
    if cell.cell_type == "code":
        new = new_code_cell(convert_code(cell.source, kept, target))
    elif cell.cell_type == "markdown":
        new = new_markdown_cell(cell.source.strip("\n"))
    else:
        raise BuildError(f"{target.master.name}: only markdown and code cells are built, found {cell.cell_type!r}.")
    if not new.source.strip():
        raise BuildError(f"{target.master.name}: an empty {cell.cell_type} cell. Remove it.")
    if kept:
        new.metadata["tags"] = sorted(kept)
    return new


def convert_code(source: str, cell_tags: set[str], target: Target) -> str:
    """Source of a code cell: the first cell is filled in, solutions are cut out or their marks are."""
    source = source.strip("\n")
    if "first-cell" in cell_tags:
        if source.strip():
            raise BuildError(f"{target.master.name}: the cell tagged first-cell must be empty; the builder fills it.")
        return first_cell(target.lesson, published())
    if BEGIN not in source and END not in source:
        return source
    if target.kind == "course":
        raise BuildError(f"{target.master.name}: `{BEGIN}` belongs in an exercise master.")
    return split_solution(source, keep=target.kind == "solutions", where=target.master.name)


def split_solution(source: str, *, keep: bool, where: str = "master") -> str:
    """Keep the solutions of a cell without their marks, or put the stub in the place of each."""
    lines, inside = [], False
    for line in source.splitlines():
        mark = line.strip()
        if mark in (BEGIN, END):
            if inside == (mark == BEGIN):
                raise BuildError(f"{where}: `{mark}` without its partner in the cell that starts {source[:40]!r}.")
            inside = not inside
            if inside and not keep:
                lines.append(line[: line.index("#")] + STUB)
        elif keep or not inside:
            lines.append(line)
    if inside:
        raise BuildError(f"{where}: `{BEGIN}` without `{END}` in the cell that starts {source[:40]!r}.")
    return "\n".join(lines)


def allow_stubs_to_raise(cells: list[nbformat.NotebookNode], solved: list[str]) -> None:
    """Tag the cells that fail until the learner has filled the stubs, so that "Run All" goes on past them.

    These are the stubs, the checks, and whatever uses a name that such a cell would have made; ``solved`` are the
    sources of the cells with their solutions.
    """
    unfinished: set[str] = set()
    for cell, source in zip(cells, solved, strict=True):
        if cell.cell_type != "code" or "first-cell" in tags(cell):
            continue
        tree = parse(source)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if STUB in cell.source or "check" in used or used & unfinished:
            cell.metadata["tags"] = sorted({*tags(cell), "raises-exception"})
            unfinished |= names_made_by(tree)


def parse(source: str) -> ast.Module:
    """The syntax tree of a cell without its lines of IPython magic; empty if it is no Python even then."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])


def names_made_by(node: ast.AST) -> set[str]:
    """Names that are new after a cell; those inside its functions and classes are not."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    return set().union(*map(names_made_by, ast.iter_child_nodes(node)))


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def to_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it lies on disk."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
