"""Say where the course is published: ``python authoring/publishing.py OWNER/NAME [--branch main]``, or ``none``.

``llama-course set-repository`` runs this in a clone of the course.  It writes the address, in its one place, and what
follows from it: the badges and first cells of the notebooks (outputs and all else stay) and the links in README.md.
It needs nothing but Python, and gives byte for byte what a build of the notebooks gives.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "utils")]

from authoring.first_cell import first_cell, with_badge  # noqa: E402
from llama_course.files import write_atomically  # noqa: E402
from llama_course.repository import ADDRESS_FILE, Repository, parse_repository  # noqa: E402

ADDRESS = Path("utils/llama_course/data") / ADDRESS_FILE
KINDS = ("course", "exercises", "solutions")
BEGIN, END = "<!-- repository: written by llama-course set-repository -->", "<!-- end of repository -->"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="llama-course set-repository", description=__doc__.split("\n\n")[1])
    parser.add_argument("repository", help="OWNER/NAME on GitHub, or the address of its page; none: no repository")
    parser.add_argument("--branch", default="main", help="the branch that links lead to (default: main)")
    options = parser.parse_args(arguments)
    try:
        repository = None if options.repository == "none" else parse_repository(options.repository, options.branch)
        changed = set_repository(root, repository)
    except (ValueError, OSError) as error:
        print(f"llama-course set-repository: {error}", file=sys.stderr)
        return 1
    where = f"published at {repository.page}, branch {repository.branch}" if repository else "without a repository"
    print(f"The course is {where}: {len(changed)} files changed{': commit them' if changed else ''}.")
    if repository:
        print(f"Colab:  {repository.colab('course/00_welcome.ipynb')}\nBinder: {repository.binder()}")
        print("A link for your hub: llama-course links --hub ADDRESS")
    return 0


def set_repository(root: Path, repository: Repository | None) -> list[Path]:
    """Write the address and everything that names it; returns the files that changed.

    All new texts are made before the first is written.  The address comes last: if writing is interrupted, the same
    command again finishes it.

    Raises:
        ValueError: a notebook or README.md is not as the course has it; nothing was written.
        OSError: a file cannot be read or written.
    """
    if not (root / ADDRESS).is_file():
        raise ValueError(f"{root} is no copy of the course: it has no file {ADDRESS}.")
    texts = {
        path: publish_notebook(path, repository) for kind in KINDS for path in sorted((root / kind).glob("*.ipynb"))
    }
    texts[root / "README.md"] = publish_readme(root / "README.md", repository)
    address = {"repository": repository and str(repository), "branch": repository.branch if repository else "main"}
    texts[root / ADDRESS] = json.dumps(address) + "\n"
    changed = [path for path, text in texts.items() if path.read_bytes() != text.encode("utf-8")]
    for path in changed:
        write_atomically(path, texts[path])
    return changed


def publish_notebook(path: Path, repository: Repository | None) -> str:
    """The text of a built notebook with the badge and the first cell of this repository."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        head, code = cells[0], [cell for cell in cells if cell["cell_type"] == "code"]
        (first,) = [cell for cell in code if "first-cell" in cell["metadata"].get("tags", [])]
        whole = notebook["metadata"]["llama_course"]["source_sha256"] == code_hash(code)
        badged = with_badge("".join(head["source"]), f"{path.parent.name}/{path.name}", repository)
        head["source"] = badged.splitlines(keepends=True)
        first["source"] = first_cell(path.stem[:2], repository).splitlines(keepends=True)
        if whole:  # otherwise somebody edited it, and the next build has to notice
            notebook["metadata"]["llama_course"]["source_sha256"] = code_hash(code)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"{path.parent.name}/{path.name} is no notebook of the course ({error!r}); build it."
        ) from error
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")) + "\n"


def publish_readme(path: Path, repository: Repository | None) -> str:
    """README.md with the links of this repository between its two marks."""
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{path.name} should have the lines {BEGIN!r} and {END!r}, once each, in this order.")
    links = ""
    if repository:
        links = (
            f"Every notebook has a badge under its title that opens it in Colab; its first cell then installs the "
            f"course from [{repository}]({repository.page}). "
            f"Begin with [lesson 00 in Colab]({repository.colab('course/00_welcome.ipynb')}), or "
            f"[try the course in your browser on Binder]({repository.binder()}). "
            "What follows is for a package of your own.\n"
        )
    return re.sub(
        rf"{re.escape(BEGIN)}\n.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{links}{END}", text, flags=re.DOTALL
    )


def code_hash(cells: list[dict]) -> str:
    """SHA-256 of the code cells and their tags, of a notebook in memory or as it lies on disk: what decides outputs."""
    code = [
        ["".join(cell["source"]), sorted(cell["metadata"].get("tags", []))]
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    return hashlib.sha256(json.dumps(code).encode("utf-8")).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
