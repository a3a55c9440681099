"""Check the built notebooks against the course's rules: ``python authoring/lint.py [FILE ...]``.

Without arguments it reads every notebook of course/, exercises/ and solutions/.  Each rule is one function:
it takes a notebook and yields findings, each with the number of a cell (from 1; 0 stands for the whole
notebook) and what to do.  The exit status is 1 if there is any finding that is not a warning.
"""

import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "utils")]

from authoring.notebook import EVERYWHERE, Notebook  # noqa: E402
from authoring.rules import RULES, Finding  # noqa: E402


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Lint the files (default: all notebooks of the project); returns the exit status."""
    names = sys.argv[1:] if arguments is None else arguments
    paths = [Path(name).resolve() for name in names] or notebook_paths(root)
    findings = [(path, finding) for path in paths for finding in lint(path)]
    for path, finding in findings:
        print(describe(path, finding))
    errors = [finding for _, finding in findings if not finding.is_warning]
    print(f"{len(paths)} notebooks, {len(errors)} errors, {len(findings) - len(errors)} warnings")
    return 1 if errors else 0


def notebook_paths(root: Path) -> list[Path]:
    return [path for kind in EVERYWHERE for path in sorted((root / kind).glob("*.ipynb"))]


def describe(path: Path, finding: Finding) -> str:
    place = f"cell {finding.cell}" if finding.cell else "notebook"
    level = "warning" if finding.is_warning else "error"
    return f"{path.parent.name}/{path.name}: {place}: {level}: {finding.message} [{finding.rule}]"


def lint(path: Path) -> list[Finding]:
    """All findings for one notebook."""
    try:
        content = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except FileNotFoundError:
        return [Finding(0, "there is no such file.", "readable")]
    except Exception as error:  # whatever is wrong in it, the file is no notebook
        return [Finding(0, f"cannot be read as a notebook: {error}", "readable")]
    return lint_notebook(Notebook(path, content.cells, content.metadata))


def lint_notebook(notebook: Notebook) -> list[Finding]:
    return [
        Finding(found.cell, found.message, function.__name__, found.is_warning)
        for function, kinds in RULES
        if notebook.kind in kinds
        for found in function(notebook)
    ]


if __name__ == "__main__":
    sys.exit(main())
