"""The miniature models that come with the course: where their files lie, and that they are whole.

Each has a folder with config.json, model.safetensors and the tokenizer; beside the folders ``hashes.json`` lists the
SHA-256 of every file.  The chat models among them have cards in the catalog; the others, such as reward models, are
found here by the name of their folder.
"""

import json
from pathlib import Path

from llama_course import files, paths
from llama_course.models.catalog import UnknownModelError
from llama_course.models.interface import ModelNotAvailableError

HASHES = "hashes.json"


def checkpoint_names() -> list[str]:
    """Names of the models that come with the course.

    Raises:
        ModelNotAvailableError: the list of their files is missing or damaged.
    """
    return sorted({file.split("/")[0] for file in _read_hashes(paths.checkpoints_dir())})


def checkpoint_folder(name: str) -> Path:
    """Folder of a model that comes with the course, after a look at whether its files are those that were shipped.

    Args:
        name: for example "tiny-chat" or "reward-helpfulness".

    Raises:
        UnknownModelError: no such model comes with the course.
        ModelNotAvailableError: a file is missing or damaged, with what to do.
    """
    root = paths.checkpoints_dir()
    listed = _read_hashes(root)
    own = {file: expected for file, expected in listed.items() if file.split("/")[0] == name}
    if not own:
        raise UnknownModelError(f"There is no {name!r} in {root}. There are: {', '.join(checkpoint_names())}.")
    for file, expected in own.items():
        if not (root / file).is_file():
            raise _unusable(f"{root / file} is missing")
        if files.sha256(root / file) != expected:
            raise _unusable(f"{root / file} is damaged: its SHA-256 is not the one in {HASHES}")
    return root / name


def write_hashes(root: Path) -> Path:
    """List the SHA-256 of every file below ``root`` in its ``hashes.json``; for those who build the models.

    Args:
        root: the folder that holds a folder for each model.

    Returns:
        The list: {"tiny-chat/config.json": "9f86d0…", ...}, sorted by name.

    Raises:
        ValueError: there is no model.
    """
    found = [file for file in sorted(root.glob("*/*")) if file.is_file() and not file.name.startswith(".")]
    if not found:
        raise ValueError(f"{root}: expected a folder for each model, got no file in any.")
    hashes = {file.relative_to(root).as_posix(): files.sha256(file) for file in found}
    files.write_atomically(root / HASHES, json.dumps(hashes, indent=2) + "\n")
    return root / HASHES


def _read_hashes(root: Path) -> dict[str, str]:
    path = root / HASHES
    try:
        hashes = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _unusable(f"{path} is missing") from None
    except ValueError as error:  # also of a text that is not utf-8
        raise _unusable(f"{path} is damaged: {error}") from error
    if not isinstance(hashes, dict):
        raise _unusable(f"{path} is damaged: expected a list of files, got {hashes!r:.40}")
    return hashes


def _unusable(reason: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(
        f"{reason}. It comes with the course: in a clone bring it back with `git checkout -- "
        "utils/llama_course/checkpoints`, elsewhere install the course again."
    )
