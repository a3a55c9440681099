"""Build the notebooks from their masters.

    python authoring/build.py [--force] [--no-execute] [--check] [NN ...]

    authoring/lessons/NN_topic.py    ->  course/NN_topic.ipynb       (executed, with outputs)
    authoring/exercises/NN_topic.py  ->  exercises/NN_topic.ipynb    (no outputs)
                                     ->  solutions/NN_topic.ipynb    (no outputs)

The same masters give the same files, byte for byte: cell ids come from the kind of notebook, the lesson and
the cell's place; metadata is fixed.  A lesson is executed when its code changed or when it has no outputs; a
change of its prose, of its badge or of the first cell that all notebooks share keeps the outputs.  A cell that
fails leaves the old notebook as it was.

Options:
    NN ...        only these lessons, for example ``02`` (default: all)
    --force       execute lessons whose code did not change, too, for example after a change of the library
    --no-execute  write the notebooks without running them; outputs are kept where the code did not change
    --check       write nothing; name the notebooks that are out of date and exit with 1 if there are any
"""

import argparse
import sys
import textwrap
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "utils")]

from authoring.execution import run  # noqa: E402
from authoring.masters import BuildError, Target, convert, find_targets, orphans, tags, to_text  # noqa: E402
from authoring.publishing import code_hash  # noqa: E402
from llama_course.files import write_atomically  # noqa: E402


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


def read_built(path: Path) -> nbformat.NotebookNode | None:
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError, KeyError):  # a broken file is built anew
        return None


def keep_outputs(notebook: nbformat.NotebookNode, built: nbformat.NotebookNode | None) -> bool:
    """Take over the outputs of the built notebook if its code is the same; True if there were any.

    The first cell may differ: what it prints does not depend on where a notebook elsewhere gets the package from.
    """
    old_cells = [cell for cell in built.cells if cell.cell_type == "code"] if built else []
    if not old_cells or built.metadata.get("llama_course", {}).get("source_sha256") != code_hash(old_cells):
        return False  # not built yet, or somebody edited the built notebook
    new_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if own_code(new_cells) != own_code(old_cells) or any(cell.execution_count is None for cell in old_cells):
        return False
    for new, old in zip(new_cells, old_cells, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    return True


def own_code(cells: list[nbformat.NotebookNode]) -> list[tuple[str, list[str]]]:
    """Source and tags of the code cells, the source of the first cell left out."""
    return [("" if "first-cell" in tags(cell) else cell.source, sorted(tags(cell))) for cell in cells]


if __name__ == "__main__":
    sys.exit(main())
