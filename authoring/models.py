"""Make the miniature models from a seed, measure them, and compare them with those that come with the course.

    python authoring/models.py                  # make what is missing in build/models, then measure; make models
    python authoring/models.py --ship           # and put them into the package, in place of the old ones

Interrupting keeps what was done; the same command goes on.  On two cores it takes less than an hour.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from llama_course.evaluation.family_scores import family_scores
from llama_course.files import write_atomically
from llama_course.models.embedded import write_hashes
from llama_course.models.llama import count_parameters
from llama_course.training.recipe import CONFIG, FAMILY, PRETRAINING_BATCH, Kitchen, Recipe, small_recipe

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "utils" / "llama_course" / "checkpoints"
RUNS = ROOT / "utils" / "llama_course" / "data" / "runs"


def main() -> None:
    """Make, measure, compare, and with --ship replace."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, help="where to make them; a folder in build by default")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another family of the same village")
    parser.add_argument("--only", choices=FAMILY, help="make this one and what it needs")
    parser.add_argument("--small", action="store_true", help="seconds instead of an hour, to try the kitchen itself")
    parser.add_argument("--ship", action="store_true", help="put the result into the package")
    options = parser.parse_args()
    if options.ship and (options.small or options.only):
        parser.error("--ship is for the whole family: leave out --small and --only.")
    options.into = options.into or default_folder(options.small, options.seed)
    kitchen = Kitchen(options.into, small_recipe() if options.small else Recipe(), seed=options.seed, say=say)
    began = time.perf_counter()
    try:
        kitchen.load(options.only) if options.only else kitchen.make_all()
    except KeyboardInterrupt as stopped:
        sys.exit(f"Stopped. {stopped} The same command goes on.")
    say(f"made in {(time.perf_counter() - began) / 60:.1f} minutes (what was there already took no time)")
    if options.only:
        return
    scores = family_scores(options.into)
    shipped = json.loads((SHIPPED / "scores.json").read_text("utf-8")) if (SHIPPED / "scores.json").exists() else {}
    print(comparison(scores, shipped))
    if options.ship:
        ship(options.into, scores)


def default_folder(small: bool, seed: int) -> Path:
    """Where a family is made: families of different recipes or seeds never mix."""
    return ROOT / "build" / f"models{'-small' if small else ''}{f'-{seed}' if seed else ''}"


def say(line: str) -> None:
    """Print at once, so that a log can be followed."""
    print(line, flush=True)


def comparison(scores: dict[str, dict[str, float]], shipped: dict[str, dict[str, float]]) -> str:
    """The scores as a table, beside those of the models that come with the course."""
    lines = [f"{'':76} {'here':>9} {'shipped':>9}"]
    for name, own in scores.items():
        lines.append(name)
        for what, value in own.items():
            theirs = shipped.get(name, {}).get(what)
            lines.append(f"    {what:72} {value:9.3f} " + (f"{theirs:9.3f}" if theirs is not None else f"{'-':>9}"))
    return "\n".join(lines)


def ship(folder: Path, scores: dict[str, dict[str, float]]) -> None:
    """Put the models into the package, with their hashes, their scores and the history of the pretraining.

    Raises:
        FileNotFoundError: not all of the family is there; nothing was replaced.
    """
    histories = [folder / "histories" / name for name in ("tiny-base.json", "tiny-base-samples.json")]
    needed = [folder / name / "config.json" for name in FAMILY] + histories
    missing = [str(path) for path in needed if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"expected the whole family with its histories, got no {', '.join(missing)}.")
    run = pretraining_run(folder)
    for name in FAMILY:
        shutil.rmtree(SHIPPED / name, ignore_errors=True)
        shutil.copytree(folder / name, SHIPPED / name)
    write_atomically(RUNS / "pretraining.json", json.dumps(run, ensure_ascii=False) + "\n")
    write_atomically(SHIPPED / "scores.json", json.dumps(scores, indent=1) + "\n")
    write_hashes(SHIPPED)
    size = sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file())
    say(f"{len(FAMILY)} models in {SHIPPED}, {size / 1e6:.1f} MB")


def pretraining_run(folder: Path) -> dict:
    """How tiny-base was made, for the lesson on pretraining: losses, held-out losses, and what it wrote on the way."""
    history = json.loads((folder / "histories" / "tiny-base.json").read_text(encoding="utf-8"))
    samples = json.loads((folder / "histories" / "tiny-base-samples.json").read_text(encoding="utf-8"))
    return {
        "model": "tiny-base",
        "parameters": count_parameters(CONFIG),
        "tokens_per_step": PRETRAINING_BATCH * CONFIG.max_position_embeddings,
        "command": "python authoring/models.py --only tiny-base",
        "machine": f"{history['time_s'] / 60:.0f} minutes on a machine with {os.cpu_count()} cores",
        "losses": [round(loss, 4) for loss in history["losses"]],
        "held_out": [[step, round(loss, 4)] for step, loss in history["evaluations"]],
        "samples": [[int(step), text] for step, text in samples.items()],
    }


if __name__ == "__main__":
    main()
