"""Lay out the notebooks that belong to the installed version, and keep what a learner did in those laid out before."""

import json
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from llama_course import files

KINDS = ("course", "exercises", "solutions")
RECORD = ".llama-course.json"  # in the learner's folder: what was laid out there
NEW, UPDATED, SAME, KEPT, BESIDE = "new", "updated", "unchanged", "yours, kept", "yours, new version beside it"


class HandOutError(RuntimeError):
    """The notebooks cannot be laid out, with why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook."""

    name: str  # "exercises/02_predicting_text.ipynb"
    what: str  # NEW, UPDATED, SAME, KEPT or BESIDE
    beside: str | None = None  # name of the new version, where it lies beside the learner's

    def __str__(self) -> str:
        return f"{self.name}: {self.what}" + (f", as {self.beside}" if self.beside else "")


def notebooks() -> dict[str, Path]:
    """Name and file of every notebook of this version: those in the package, or in the clone it runs from.

    Raises:
        HandOutError: there are none.
    """
    package = Path(__file__).resolve().parent
    clone = package.parent.parent
    folder = package / "data" / "notebooks"
    if not folder.is_dir() and (clone / "authoring" / "first_cell.py").is_file():
        folder = clone
    found = {f"{kind}/{path.name}": path for kind in KINDS for path in sorted(folder.glob(f"{kind}/*.ipynb"))}
    if not found:
        raise HandOutError("this installation has no notebooks. Install the wheel of the course again.")
    return found


def lay_out(destination: str | Path, version: str, source: dict[str, Path] | None = None) -> list[Outcome]:
    """Put the notebooks into the folders course/, exercises/ and solutions/ of ``destination``.

    A notebook that is missing is written; one that is still as it was laid out is brought up to date; one that the
    learner changed (running it and saving it is a change, too) stays, and the new version is laid beside it, once,
    under a name that says its version.  Nothing is ever deleted.  All new files are written to a folder of their own
    first and then take their names, so a full disk changes nothing.  Two commands at once wait for each other.

    Args:
        destination: folder of the learner; made if it is missing.
        version: of the course, for the names of new versions.
        source: name and file of the notebooks; default: those of the installed version.

    Returns:
        What became of each notebook, in order.

    Raises:
        HandOutError: the folder is in a copy of the course itself, or cannot be written; no work was lost.
    """
    destination = Path(destination).expanduser().resolve()
    source = notebooks() if source is None else source
    _refuse_a_clone(destination)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with files.lock(destination / f"{RECORD}.lock"):
            stage = Path(tempfile.mkdtemp(prefix=".llama-course-", dir=destination))
            try:
                return _lay_out(destination, stage, version, source)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise HandOutError(
            f"could not lay out the notebooks in {destination} ({reason}). What you had there is as it was; mend it or "
            "choose another folder, and run the command again."
        ) from error


def summary(outcomes: list[Outcome]) -> str:
    """What became of the notebooks: a line for each folder, and a line for each notebook that the learner changed."""
    lines = []
    for kind in KINDS:
        counts = Counter(outcome.what for outcome in outcomes if outcome.name.startswith(f"{kind}/"))
        lines.append(f"{kind}/: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return "\n".join(lines + [str(outcome) for outcome in outcomes if outcome.what == BESIDE])


def _refuse_a_clone(destination: Path) -> None:
    if any((folder / "authoring" / "first_cell.py").is_file() for folder in (destination, *destination.parents)):
        raise HandOutError(
            f"{destination} is in a copy of the course itself, which has its notebooks. Name a folder of your own "
            "elsewhere, for example: llama-course notebooks ~/my-course"
        )


def _lay_out(destination: Path, stage: Path, version: str, source: dict[str, Path]) -> list[Outcome]:
    record = _read_record(destination)
    for name, path in source.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, stage / name)
    outcomes = []
    try:
        for name in source:
            outcomes.append(_place(destination, stage, name, version, record))
            record[name] = files.sha256(source[name])
    finally:
        files.write_atomically(
            destination / RECORD, json.dumps({"version": version, "sha256": record}, indent=1) + "\n"
        )
    return outcomes


def _place(destination: Path, stage: Path, name: str, version: str, record: dict[str, str]) -> Outcome:
    """Put one notebook in its place; ``record`` says which content was offered last under each name."""
    place, offered = destination / name, files.sha256(stage / name)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        os.replace(stage / name, place)
        return Outcome(name, NEW)
    present = files.sha256(place)
    if present == offered:
        return Outcome(name, SAME)
    if present == record.get(name):
        os.replace(stage / name, place)
        return Outcome(name, UPDATED)
    if record.get(name) == offered:
        return Outcome(name, KEPT)  # the learner's work on this very version, or on an older one with this one beside
    beside = _free_name(place, version, offered)
    if not beside.exists():
        os.replace(stage / name, beside)
    return Outcome(name, BESIDE, f"{place.parent.name}/{beside.name}")


def _free_name(place: Path, version: str, offered: str) -> Path:
    """``02_topic.version-0.2.0.ipynb``, with a number if a file with another content has this name."""
    number = 1
    while True:
        counter = f"-{number}" if number > 1 else ""
        path = place.with_name(f"{place.stem}.version-{version}{counter}{place.suffix}")
        if not path.exists() or files.sha256(path) == offered:
            return path
        number += 1


def _read_record(destination: Path) -> dict[str, str]:
    """What was laid out before; nothing if there is no record or none that can be read: then all counts as changed."""
    try:
        saved = json.loads((destination / RECORD).read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(value) for name, value in saved.items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}
