"""Publishing a release: the draft is kept first, then checked, and only then the report is written."""

import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from llama_course import files, paths
from llama_course.release.checking import check_draft, rulings
from llama_course.release.drafts import Draft, save_draft
from llama_course.release.measuring import Measured
from llama_course.release.report import outline, report_html
from llama_course.release.wording import Finding

FOLDER = "releases"  # in the course's own folder
SHOWN = 4  # findings in the text of an error; the error holds them all


class NotReadyError(ValueError):
    """The report was not written; the draft is kept, and ``findings`` says what has to be mended."""

    def __init__(self, findings: list[Finding], kept: str):
        self.findings = findings
        more = f"\n… and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
        listed = "\n".join(map(str, findings[:SHOWN]))
        super().__init__(f"no report yet, {len(findings)} to mend; the draft is kept as {kept}.\n{listed}{more}")


@dataclass(frozen=True)
class Published:
    """What was written."""

    report: Path = field(repr=False)
    draft: Path = field(repr=False)
    claims: tuple[str, ...]  # with what was measured
    headings: tuple[str, ...]
    size_bytes: int

    def __str__(self) -> str:
        lines = [f"{place_of(self.report)}, {self.size_bytes / 1000:.0f} kB; open it in a browser, or print it."]
        return "\n".join([*lines, *(f"  {heading}" for heading in self.headings)])


def publish(
    draft: Draft, measured: Measured, folder: str | Path | None = None, *, date: datetime.date | None = None
) -> Published:
    """Keep the draft, check it, and write the report.

    Args:
        draft: what a person wrote.
        measured: of the model that it is about.
        folder: where to; by default ``releases/NAME`` in the course's own folder (``paths.own_dir()``).
        date: of the report; today by default.

    Raises:
        TypeError: this is no draft, or these are no measurements.
        NotReadyError: something has to be mended.  The draft was kept; an earlier report stays as it was.
        OSError: it could not be written, with what to do.  Whatever lay there before stays as it was.
    """
    for thing, kind, example in ((draft, Draft, "Draft(…)"), (measured, Measured, "measure(…) or recorded(…)")):
        if not isinstance(thing, kind):
            raise TypeError(f"expected what {example} gives, got {thing!r:.60}.")
    target = paths.own_dir() / FOLDER / folder_name(draft.name) if folder is None else Path(folder)
    save_draft(draft, target / "draft.json")
    findings = check_draft(draft, measured)
    if findings:
        raise NotReadyError(findings, place_of(target / "draft.json"))
    day = date or datetime.date.today()
    page = report_html(draft, measured, f"{day.day} {day:%B} {day.year}")
    files.write_atomically(target / "report.html", page)
    said = tuple(f"{ruling.claim.words} (measured {ruling.measured})" for ruling in rulings(draft, measured))
    headings = tuple(text for _, text in outline(page))
    return Published(target / "report.html", target / "draft.json", said, headings, len(page.encode("utf-8")))


def folder_name(name: str) -> str:
    """A name as that of a folder: letters, digits, and hyphens between them."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return plain or "unnamed"


def place_of(path: Path) -> str:
    """Where a file lies, as it may be shown: never with the folders of one computer."""
    try:
        inside = path.resolve().relative_to(paths.own_dir().resolve())
    except ValueError:
        return f"{path.parent.name}/{path.name}"
    return f"{inside.as_posix()} in the course’s own folder"
