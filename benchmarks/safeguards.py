"""Record what lesson 10 shows: attacks on weights, twins with and without a filter, a watermark, a red team.

    python benchmarks/safeguards.py undoing      # about 6 minutes on one quiet core: 5 seeds
    python benchmarks/safeguards.py lasting      # about 6 minutes: 3 seeds
    python benchmarks/safeguards.py watermark    # about 6 minutes, 1.5 GiB: 5 seeds, the real small model
    python benchmarks/safeguards.py red-team     # about 2 minutes: tiny-chat, and the real model on a harmless topic

What is done is written after each step: interrupted, the same command goes on where it was.  Delete a file of
utils/llama_course/data/runs to begin it anew, as one must after the models have changed.
"""

import argparse
import datetime
import json
import platform
from dataclasses import asdict
from pathlib import Path

import torch

from llama_course import files
from llama_course.models.inside import model_folder
from llama_course.models.loading import load_model
from llama_course.safety import lasting, undoing_runs, watermark_runs
from llama_course.safety.attacks import CHEESE_POLICY, attacks, cheese_goals
from llama_course.safety.laboratory import Laboratory
from llama_course.safety.red_team import Doors, panel_rows, red_team

RUNS = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs"
REAL = "smollm2-135m-instruct"
GOALS = 30  # dangers for the red team


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("undoing", "lasting", "watermark", "red-team"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--family", type=Path, help="folder of the miniature models; the course's own by default")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--small", action="store_true", help="next to nothing of everything, to try the script itself")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    record = {"undoing": record_undoing, "lasting": record_lasting, "watermark": record_watermark}
    record.get(options.part, record_red_team)(options)


def record_undoing(options: argparse.Namespace) -> None:
    """Attacks on the weights of tiny-chat."""
    laboratory = Laboratory(options.family)
    book = Book(options, "undoing", {"chat_sha256": sha(laboratory, "tiny-chat"), "small": options.small})
    done = {(run["name"], run["learning_rate"], run["seed"]) for run in book.runs}
    for name, rate, seed in undoing_runs.planned(options.seeds or undoing_runs.SEEDS):
        if (name, rate, seed) not in done:
            steps = 2 if options.small else None
            book.add([asdict(undoing_runs.run_undoing(laboratory, name, rate, seed, steps=steps))])


def record_lasting(options: argparse.Namespace) -> None:
    """Twins, one of which has never read how the dangers are made."""
    laboratory = Laboratory(options.family)
    sizes = {"reading_steps": 2, "tuning_steps": 4, "dangers": 4, "of_each": 4, "ordinary": 60} if options.small else {}
    book = Book(options, "lasting", {"base_sha256": sha(laboratory, "tiny-base"), "small": options.small})
    done = {(run["filtered"], run["seed"]) for run in book.runs}
    for seed in options.seeds or lasting.SEEDS:
        for filtered in (False, True):
            if (filtered, seed) in done:
                continue
            base, world = laboratory.model("tiny-base"), laboratory.world
            twin, removed = lasting.raise_twin(base, laboratory.tokenizer, world, filtered=filtered, seed=seed, **sizes)
            book.add([
                asdict(lasting.TwinRun(
                    filtered, attack, seed, removed,
                    lasting.attack_twin(
                        twin, laboratory.tokenizer, world, attack, seed=seed,
                        dangers=sizes.get("dangers", lasting.NEW_DANGERS),
                    ),
                ))
                for attack in lasting.ATTACKS
            ])  # fmt: skip


def record_watermark(options: argparse.Namespace) -> None:
    """Texts of the real small model, with a mark and without."""
    model = load_model(str(model_folder(REAL)), backend="transformers")
    size = model.model.config.vocab_size
    book = Book(options, "watermark", {"model": REAL, "vocab_size": size, "small": options.small})
    done = {run["seed"] for run in book.runs}
    sizes = {"texts": 2, "tokens": 30} if options.small else {}
    for seed in options.seeds or watermark_runs.SEEDS:
        if seed not in done:
            book.add([asdict(text) for text in watermark_runs.run_watermark(model, seed, **sizes)])


def record_red_team(options: argparse.Namespace) -> None:
    """All families of attacks, on tiny-chat and on the real small model with a policy."""
    laboratory = Laboratory(options.family)
    book = Book(options, "red_team", {"chat_sha256": sha(laboratory, "tiny-chat"), "small": options.small})
    done = {run["model"] for run in book.runs}
    if "tiny-chat" not in done:
        doors = Doors(laboratory.chat_model(laboratory.model()))
        goals = laboratory.goals(3 if options.small else GOALS)
        book.add(panel_rows("tiny-chat", red_team(doors, goals, attacks())))
    if REAL not in done:
        doors = Doors(load_model(REAL), CHEESE_POLICY, max_new_tokens=48)
        book.add(panel_rows(REAL, red_team(doors, cheese_goals(2 if options.small else None), attacks())))


class Book:
    """A file of runs, written whole after each of them.

    Raises:
        SystemExit: the file holds runs of other models or sizes.
    """

    def __init__(self, options: argparse.Namespace, name: str, same: dict):
        self.path = options.file or RUNS / f"{name}.json"
        self.head = {
            "command": f"python benchmarks/safeguards.py {options.part}",
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {options.threads} threads, torch {torch.__version__}",
            **{key: value for key, value in same.items() if key != "small" or value},
        }
        self.runs: list[dict] = []
        if self.path.exists():
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if any(data.get(key, False) != value for key, value in same.items()):
                raise SystemExit(f"{self.path.name} holds runs of other models or sizes: delete it first.")
            self.runs = data["runs"]

    def add(self, rows: list[dict]) -> None:
        """Write all so far and these."""
        self.runs += [rounded(row) for row in rows]
        print(json.dumps(self.runs[-1], ensure_ascii=False)[:300], flush=True)
        data = json.dumps({**self.head, "runs": self.runs}, ensure_ascii=False, indent=None)
        files.write_atomically(self.path, data.replace('{"', '\n{"') + "\n")


def sha(laboratory: Laboratory, name: str) -> str:
    """Which model it is."""
    return files.sha256(laboratory.folder(name) / "model.safetensors")


def rounded(value):
    """Numbers to four digits after the point, learning rates as they are, in whatever they lie."""
    if isinstance(value, dict):
        return {name: inner if name == "learning_rate" else rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
