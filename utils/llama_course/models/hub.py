"""Bring a model that is a whole repository of the Hugging Face hub: weights in safetensors, config, tokenizer.

What comes is checked against the hub's own list at the pinned revision, byte by byte, before the folder counts as
complete.  A download that breaks off goes on where it was.  Files that could run when they are read (pickle) are never
fetched.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llama_course import files, hardware, paths
from llama_course.models.catalog import ModelCard
from llama_course.models.hub_access import explained
from llama_course.models.hub_download import download
from llama_course.models.interface import ModelNotAvailableError

COMPLETE = "complete.json"  # written last: what is in the folder, once all of it was verified
WANTED = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "model.safetensors.index.json",
)
LARGE_BYTES = 50_000_000  # of a file before which the disk is looked at
Say = Callable[[str], None]


@dataclass(frozen=True)
class HubFile:
    """A file of the repository as the hub lists it."""

    name: str
    size: int
    sha256: str | None  # of large files
    git_id: str | None  # of small ones: SHA-1 of "blob SIZE\\0" and the content


def repository_folder(card: ModelCard) -> Path:
    """Where the files of ``card`` stand once they are fetched."""
    return paths.models_dir() / card.name


def is_complete(card: ModelCard) -> bool:
    """Whether the model is here: all that was verified when it came is still there, in its size."""
    folder = repository_folder(card)
    try:
        record = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
        sizes = dict(record["files"]).items()
        return (record["repository"], record["revision"]) == (card.source.repository, card.source.revision) and all(
            (folder / name).stat().st_size == size for name, size in sizes
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def fetch_repository(card: ModelCard, say: Say = print) -> Path:
    """Return the folder of a model, fetching what is not here of it.

    Args:
        card: a model that is a repository (``card.source.file`` is None).
        say: receives a line for each step; the hub's library shows the progress of each file itself.

    Raises:
        ModelNotAvailableError: it cannot be had, with what to do: no token, licence not accepted, a token without
            permission, no connection, no room on the disk.
    """
    folder = repository_folder(card)
    try:
        if is_complete(card):
            return folder
        if hardware.is_offline():
            part = " (a part of it is: it goes on from there)" if folder.is_dir() else ""
            raise ModelNotAvailableError(
                f"{card.name} is not on this computer{part}, and offline mode is set. Connect to the internet, unset "
                f"{' and '.join(hardware.OFFLINE_VARIABLES)}, and run `llama-course fetch {card.name}`."
            )
        with files.lock(folder / ".lock", timeout_s=4 * 3600):
            if not is_complete(card):  # another process may have brought it meanwhile
                _bring(card, folder, say)
        return folder
    except TimeoutError as error:
        raise ModelNotAvailableError(str(error)) from error
    except OSError as error:
        raise ModelNotAvailableError(files.explain(error, folder).strerror) from error


def _bring(card: ModelCard, folder: Path, say: Say) -> None:
    (folder / COMPLETE).unlink(missing_ok=True)
    with explained(card):
        listed = _listed(card)
    missing = [file for file in listed if not _is_right(folder / file.name, file)]
    if missing:
        gib = _left_bytes(folder, missing) / 2**30
        say(f"Fetching {card.name} ({gib:.1f} GiB, {len(missing)} files) from the Hugging Face hub ...")
        for number, file in enumerate(missing):
            if file.size >= LARGE_BYTES:
                _check_disk(card, folder, _left_bytes(folder, missing[number:]))
            _fetch_file(card, file, folder / file.name)
    record = {
        "repository": card.source.repository,
        "revision": card.source.revision,
        "files": {file.name: file.size for file in listed},
    }
    files.write_atomically(folder / COMPLETE, json.dumps(record, indent=2) + "\n")
    say(f"{card.name} is here and verified: {folder}")


def _listed(card: ModelCard) -> list[HubFile]:
    """The files that are wanted of the repository, as it was at the pinned revision."""
    from huggingface_hub import HfApi

    source = card.source
    info = HfApi().model_info(source.repository, revision=source.revision, files_metadata=True, timeout=60)
    listed = [
        HubFile(file.rfilename, file.size, file.lfs.sha256 if file.lfs else None, file.blob_id)
        for file in info.siblings or ()
        if file.rfilename in WANTED or re.fullmatch(r"[\w-]+\.safetensors", file.rfilename)
    ]
    if not any(file.name.endswith(".safetensors") for file in listed):
        raise ModelNotAvailableError(
            f"{card.source.repository} has no weights in the safetensors format at revision {card.source.revision}; "
            "other formats can run code when they are read, so the course does not load them."
        )
    return sorted(listed, key=lambda file: file.size)  # whether access is granted shows at the first, small one


def _left_bytes(folder: Path, missing: list[HubFile]) -> int:
    """What is still to come of these files: some may have come in part."""
    came = {part.name: part.stat().st_size for part in folder.glob("*.part")}
    return sum(file.size - came.get(f"{file.name}.part", 0) for file in missing)


def _fetch_file(card: ModelCard, file: HubFile, target: Path) -> None:
    """Bring one file and check it."""
    with explained(card):
        download(card.source.repository, card.source.revision, file.name, file.size, target)
    if not _is_right(target, file):
        target.unlink()
        raise ModelNotAvailableError(
            f"{file.name} of {card.name} arrived damaged: it is not the file that the hub lists at revision "
            f"{card.source.revision}. It was deleted; load {card.name!r} again to fetch it anew."
        )


def _is_right(path: Path, file: HubFile) -> bool:
    """Whether a file is there, whole and unchanged."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    if file.sha256:
        return files.sha256(path) == file.sha256
    content = path.read_bytes()
    return file.git_id is None or hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.git_id


def _check_disk(card: ModelCard, folder: Path, left_bytes: int) -> None:
    needed = left_bytes + 500_000_000  # some air for everybody else
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelNotAvailableError(
            f"{card.name} needs {needed / 2**30:.1f} GiB of disk, and {free / 2**30:.1f} GiB are free in "
            f"{paths.models_dir()}. Free some space, or set LLAMA_COURSE_HOME to a folder on another disk."
        )
