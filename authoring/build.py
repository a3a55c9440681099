"""Build the notebooks from their masters.

    python authoring/build.py [--force] [--no-execute] [--check] [NN ...]

    authoring/lessons/NN_topic.py    ->  course/NN_topic.ipynb       (executed, with outputs)
    authoring/exercises/NN_topic.py  ->  exercises/NN_topic.ipynb    (no outputs)
                                     ->  solutions/NN_topic.ipynb    (no outputs)

The same masters give the same files, byte for byte: cell ids come from the kind of notebook, the lesson and
the cell's place; metadata is fixed.  A lesson is executed when its code changed or when it has no outputs; a
change of its prose keeps the outputs.  A cell that fails leaves the old notebook as it was.

Options:
    NN ...        only these lessons, for example ``02`` (default: all)
    --force       execute lessons whose code did not change, too, for example after a change of the library
    --no-execute  write the notebooks without running them; outputs are kept where the code did not change
    --check       write nothing; name the notebooks that are out of date and exit with 1 if there are any
"""

import argparse
import ast
import hashlib
import json
import os
import re
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "utils")]

from llama_course.files import write_atomically  # noqa: E402

from authoring.first_cell import first_cell  # noqa: E402

CELL_TIMEOUT_S = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
STUB = 'raise NotImplementedError("your turn")'
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
# Lines on stderr that say nothing about the lesson.  Anything else there stays, and the linter refuses it.
HARMLESS_STDERR = (r"Kernel is running over TCP without encryption", r"Matplotlib is building the font cache")


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


# -- the command ---------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; returns the exit status."""
    options = parse_arguments(arguments)
    try:
        targets = find_targets(root, options.lessons)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    if options.check:
        return report_stale(root, targets)
    failures = [t for t in targets if not try_to_build(t, force=options.force, execute=not options.no_execute)]
    for path in orphans(root):
        print(f"{path.relative_to(root)}: has no master any more; delete it")
    return 1 if failures else 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the notebooks from their masters.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="lessons to build, for example 02 (default: all)")
    parser.add_argument("--force", action="store_true", help="execute lessons whose code did not change, too")
    parser.add_argument("--no-execute", action="store_true", help="write the notebooks without running them")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a notebook is out of date")
    return parser.parse_args(arguments)


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


def try_to_build(target: Target, *, force: bool, execute: bool) -> bool:
    """Build one notebook and say what happened; False if it failed."""
    start = time.perf_counter()
    try:
        done = build(target, force=force, execute=execute)
    except BuildError as error:
        print(f"FAILED {target.name}\n{textwrap.indent(str(error), '    ')}", file=sys.stderr)
        return False
    print(f"{target.name}: {done} ({time.perf_counter() - start:.1f} s)")
    return True


def build(target: Target, *, force: bool = False, execute: bool = True) -> str:
    """Build one notebook; returns what was done, in words."""
    notebook = convert(target)
    have_outputs = keep_outputs(notebook, read_built(target.path))
    executed = target.kind == "course" and execute and (force or not have_outputs)
    if executed:
        run(notebook, target)
    text = to_text(notebook)
    if target.path.exists() and target.path.read_bytes() == text.encode("utf-8"):
        return "executed, same result" if executed else "unchanged"
    write_atomically(target.path, text)
    return "executed and written" if executed else "written"


def report_stale(root: Path, targets: list[Target]) -> int:
    """Name the notebooks that are out of date; 1 if there are any."""
    problems = [f"{target.name}: {reason}" for target in targets if (reason := why_stale(target))]
    problems += [f"{path.relative_to(root)}: has no master any more; delete it" for path in orphans(root)]
    print("\n".join(problems) or "All notebooks are up to date.")
    return 1 if problems else 0


def why_stale(target: Target) -> str | None:
    """Why a built notebook is out of date, or None if it is not."""
    if not target.path.exists():
        return "not built yet"
    try:
        notebook = convert(target)
    except BuildError as error:
        return str(error)
    have_outputs = keep_outputs(notebook, read_built(target.path))
    if target.kind == "course" and not have_outputs:
        return "its code changed or was never executed; build it"
    if to_text(notebook) != target.path.read_bytes().decode("utf-8"):
        return "differs from its master; build it"
    return None


# -- from master to notebook ---------------------------------------------------------------------------------


def convert(target: Target) -> nbformat.NotebookNode:
    """The notebook of a master, without outputs."""
    masters = [cell for cell in read_master(target.master).cells if belongs(cell, target)]
    cells = [convert_cell(cell, target) for cell in masters]
    if sum("first-cell" in tags(cell) for cell in cells) != 1:
        raise BuildError(f'{target.master.name} needs exactly one empty cell `# %% tags=["first-cell"]`.')
    if target.kind == "exercises":
        allow_stubs_to_raise(cells, [split_solution(cell.source, keep=True) for cell in masters])
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
        return first_cell(target.lesson)
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


def code_hash(cells: list[nbformat.NotebookNode]) -> str:
    """SHA-256 of the code cells and their tags: what decides the outputs."""
    code = [[cell.source, sorted(tags(cell))] for cell in cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode("utf-8")).hexdigest()


def to_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it lies on disk."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


# -- outputs -------------------------------------------------------------------------------------------------


def read_built(path: Path) -> nbformat.NotebookNode | None:
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError, KeyError):  # a broken file is built anew
        return None


def keep_outputs(notebook: nbformat.NotebookNode, built: nbformat.NotebookNode | None) -> bool:
    """Take over the outputs of the built notebook if its code is the same; True if there were any."""
    old_hash = built.metadata.get("llama_course", {}).get("source_sha256") if built else None
    if old_hash != notebook.metadata.llama_course.source_sha256:
        return False
    new_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    old_cells = [cell for cell in built.cells if cell.cell_type == "code"]
    if [cell.source for cell in new_cells] != [cell.source for cell in old_cells]:
        return False  # somebody edited the built notebook
    if any(cell.execution_count is None for cell in old_cells):
        return False
    for new, old in zip(new_cells, old_cells, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    return True


def run(notebook: nbformat.NotebookNode, target: Target) -> None:
    """Execute a notebook in its own folder, then clean its outputs."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress.json"
        execute_cells(notebook, target.path.parent, {**execution_environment(), "LLAMA_COURSE_PROGRESS": str(progress)})
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict(METADATA))
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            clean_cell(cell, f"cell {number}", target.root)


def execution_environment() -> dict[str, str]:
    """The environment of the kernels: offline, the same hashes every time, no colours, no progress bars."""
    fixed = {"HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0", "NO_COLOR": "1", "TQDM_DISABLE": "1"}
    path = os.pathsep.join(p for p in (str(ROOT / "utils"), os.environ.get("PYTHONPATH")) if p)
    return {**os.environ, **fixed, "PYTHONPATH": path}


def execute_cells(
    notebook: nbformat.NotebookNode, folder: Path, environment: dict[str, str], *, allow_errors: bool = False
) -> None:
    """Run all cells in a fresh kernel of this Python; BuildError names the cell that failed and its error.

    With ``allow_errors`` a failed cell keeps its error as an output and the next cells run.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        km=kernel_manager(),
        timeout=CELL_TIMEOUT_S,
        allow_errors=allow_errors,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise BuildError(describe_failure(notebook, f"{error.ename}: {error.evalue}")) from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(describe_failure(notebook, str(error))) from error


def kernel_manager():
    """A manager of kernels of the Python that runs this program, whatever kernels are installed beside it."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def describe_failure(notebook: nbformat.NotebookNode, error: str) -> str:
    """Where a notebook stopped and why, with the code of that cell."""
    number, cell = last_started(notebook)
    traceback = [line for o in cell.outputs if o.output_type == "error" for line in o.traceback]
    tail = "\n".join(without_ansi("\n".join(traceback)).splitlines()[-12:])
    return f"cell {number} failed: {error}\n{textwrap.indent(cell.source, '  | ')}\n{tail}".rstrip()


def last_started(notebook: nbformat.NotebookNode) -> tuple[int, nbformat.NotebookNode]:
    code = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]
    started = [pair for pair in code if pair[1].outputs or pair[1].execution_count is not None]
    failed = [pair for pair in code if any(output.output_type == "error" for output in pair[1].outputs)]
    return (failed or started or code)[-1]


def clean_cell(cell: nbformat.NotebookNode, where: str, root: Path) -> None:
    """Strip what must not be committed from a cell's outputs; BuildError for what cannot be stripped."""
    cell.metadata.pop("execution", None)
    may_raise = "raises-exception" in tags(cell)
    cleaned = [clean_output(output, where, may_raise) for output in cell.outputs]
    cell.outputs = [output for output in cleaned if output is not None]
    for output in cell.outputs:
        refuse_machine_paths(output, where, root)


def clean_output(output: nbformat.NotebookNode, where: str, may_raise: bool) -> nbformat.NotebookNode | None:
    """One output without widget views, colours and harmless warnings; None if nothing is left."""
    if output.output_type == "stream":
        output.text = clean_stream(output.text, output.name)
        return output if output.text else None
    if output.output_type == "error":  # of a cell that is meant to raise: the last line says it all
        output.traceback = [without_ansi(f"{output.ename}: {output.evalue}")] if may_raise else output.traceback
        return output
    if output.data.pop(WIDGET_VIEW, None) is not None and "text/html" not in output.data:
        raise BuildError(f"{where} shows a widget without a static twin. Show it through a LiveView.")
    for kind in ("text/plain", "text/markdown"):
        if kind in output.data:
            output.data[kind] = without_ansi(output.data[kind])
    return output


def clean_stream(text: str, name: str) -> str:
    lines = without_ansi(text).splitlines(keepends=True)
    if name == "stderr":
        lines = [line for line in lines if not any(re.search(harmless, line) for harmless in HARMLESS_STDERR)]
    return "".join(lines)


def without_ansi(text: str) -> str:
    """Text without the terminal's colour and cursor commands."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def refuse_machine_paths(output: nbformat.NotebookNode, where: str, root: Path) -> None:
    """BuildError if an output names a folder of this machine, which is nobody else's."""
    text = text_of(output)
    for folder in machine_folders(root):
        if folder in text:
            around = text[max(0, text.index(folder) - 60) : text.index(folder) + len(folder) + 60].strip()
            raise BuildError(
                f"{where} shows a path of this machine: …{around}… Print the file's name or a relative path."
            )


def text_of(output: nbformat.NotebookNode) -> str:
    """All the text of an output; pictures written in base64 are left out, for they may spell anything."""
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    parts += [str(value) for kind, value in output.get("data", {}).items() if not kind.startswith("image/")]
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", "\n".join(parts))


def machine_folders(root: Path) -> list[str]:
    """Folders that no output may name."""
    folders = [str(root), str(Path.home()), tempfile.gettempdir()]
    folders += [sys.prefix] if sys.prefix != sys.base_prefix else []
    return [folder + os.sep for folder in folders if len(folder) > 3]


if __name__ == "__main__":
    sys.exit(main())
