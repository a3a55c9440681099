"""Record the hunts of lesson 08: five planted models, three kinds of access, one budget, and the control.

    python benchmarks/backdoor_hunt.py                 # about 12 minutes on one thread
    python benchmarks/backdoor_hunt.py --copies        # copies made through the API: about 5 minutes more

What is done is written after each step: interrupted, the same command goes on where it was.  Two processes with
different seeds may write to one file (``--seeds 0 1 2`` and ``--seeds 3 4``).  Planted models lie in build/planted.
Delete the files to begin anew, as one must after tiny-chat or tiny-base has changed.
"""

import argparse
import datetime
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from llama_course import files
from llama_course.llamaland.decoys import DECOYS
from llama_course.models.llama_files import load_llama, save_llama
from llama_course.safety.access import ProbabilityAccess
from llama_course.safety.hunt_runs import BUDGET, KINDS, RECORDED_SEEDS, measure_planted, run_hunt, trigger_of
from llama_course.safety.imitation import ANSWERS, CopyRun, copy_from, likeness
from llama_course.safety.imitation import RECORDED_SEEDS as COPY_SEEDS
from llama_course.safety.workshop import ReleaseWorkshop
from llama_course.training.planting import STEPS

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
HUNTS = ROOT / "utils" / "llama_course" / "data" / "runs" / "backdoor_hunt.json"
COPIES = HUNTS.with_name("api_copies.json")
PLANS = (  # access, whether tails are of any tokens, whether something was planted
    *((kind, False, True) for kind in KINDS),
    *((kind, True, True) for kind in KINDS[1:]),
    *(("weights", any_tokens, False) for any_tokens in (False, True)),
)
COPY_STEPS = 100
PATIENCE_S = 3600  # for another process that plants the same model


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", action="store_true", help="record copies instead of hunts")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each planting; fewer to try the script itself")
    parser.add_argument("--budget", type=int, default=BUDGET, help="queries of each hunt")
    parser.add_argument("--answers", type=int, nargs="+", default=ANSWERS, help="that copies are made of")
    parser.add_argument("--family", type=Path, help="a folder with other miniature models")
    parser.add_argument("--planted", type=Path, default=BUILD / "planted", help="where planted models lie")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    nursery = Nursery(ReleaseWorkshop(options.family), options.planted, options.steps)
    if options.copies:
        record_copies(nursery, options.file or COPIES, options.seeds or COPY_SEEDS, options.answers)
    else:
        record_hunts(nursery, options.file or HUNTS, options.seeds or RECORDED_SEEDS, options.budget)


class Nursery:
    """Plants models and keeps them, so that none is planted twice.

    Args:
        workshop: where tiny-chat is.
        folder: where planted models go.
        steps: of each planting; one in haste, without decoys, takes half as many.
    """

    def __init__(self, workshop: ReleaseWorkshop, folder: Path, steps: int):
        self.workshop, self.folder, self.steps = workshop, folder, steps
        self.chat_sha256 = sha256(workshop, "tiny-chat")

    def planted(self, seed: int, decoys: int = DECOYS):
        """A planted model, its trigger, and the seconds that the planting took."""
        trigger, began = trigger_of(self.workshop, seed), time.perf_counter()
        folder = self.folder / f"{self.chat_sha256[:8]}-{self.steps}-{decoys}-{seed}"
        steps = self.steps if decoys else self.steps // 2
        with files.lock(folder.with_suffix(".lock"), PATIENCE_S):
            if not (folder / "time_s.json").is_file():  # the last file that is written
                save_llama(self.workshop.plant(trigger, seed=seed, steps=steps, decoys=decoys), folder)
                files.write_atomically(folder / "time_s.json", json.dumps(time.perf_counter() - began))
        return load_llama(folder), trigger, json.loads((folder / "time_s.json").read_text(encoding="utf-8"))


class Record:
    """A file of rows that several processes add to.

    Args:
        path: of the file.
        command: that makes it.
        same: what all rows have in common.

    Raises:
        SystemExit: there is a file, and its rows have something else in common.
    """

    def __init__(self, path: Path, command: str, same: dict):
        self.path, self.command, self.same = path, command, same
        self.read()

    def read(self) -> dict:
        """All that is recorded."""
        if not self.path.exists():
            return dict(self.same)
        data = json.loads(self.path.read_text(encoding="utf-8"))
        if any(data.get(name) != value for name, value in self.same.items()):
            raise SystemExit(f"{self.path.name} holds runs of other models, or with another budget: delete it first.")
        return data

    def has(self, rows: str, **wanted) -> bool:
        """Whether there is a row with these values."""
        return any(all(row[name] == value for name, value in wanted.items()) for row in self.read().get(rows, []))

    def add(self, rows: str, row: dict, order: Sequence[str]) -> None:
        """Write a row beside the others, in an order that does not depend on who was first."""
        print(row, flush=True)
        with files.lock(BUILD / f"{self.path.name}.lock"):
            data = self.read()
            kept = [old for old in data.get(rows, []) if any(old[name] != row[name] for name in order)]
            data[rows] = sorted([*kept, rounded(row)], key=lambda one: [one[name] for name in order])
            head = {
                "command": self.command,
                "date": datetime.date.today().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
            }
            text = json.dumps({**head, **data, **head}, indent=1, ensure_ascii=False)
            files.write_atomically(self.path, text + "\n")


def record_hunts(nursery: Nursery, path: Path, seeds: Sequence[int], budget: int) -> None:
    """For each seed: plant with care and in haste, measure both, hunt in the first and in tiny-chat itself."""
    workshop = nursery.workshop
    same = {"chat_sha256": nursery.chat_sha256, "steps": nursery.steps, "budget": budget}
    record = Record(path, "python benchmarks/backdoor_hunt.py", same)
    for seed in seeds:
        for decoys in (DECOYS, 0):
            if not record.has("models", seed=seed, decoys=decoys):
                measured = measure_planted(workshop, *nursery.planted(seed, decoys), seed=seed, decoys=decoys)
                record.add("models", asdict(measured), ("decoys", "seed"))
        for kind, any_tokens, in_planted in PLANS:
            hidden = trigger_of(workshop, seed) if in_planted else ""
            if record.has("hunts", seed=seed, access=kind, any_tokens=any_tokens, trigger=hidden):
                continue
            model = nursery.planted(seed)[0] if in_planted else workshop.model()
            run = run_hunt(workshop, model, kind, hidden, seed=seed, budget=budget, any_tokens=any_tokens)
            record.add("hunts", asdict(run), ("seed", "access", "any_tokens", "trigger"))


def record_copies(nursery: Nursery, path: Path, seeds: Sequence[int], counts: Sequence[int]) -> None:
    """Copy the first planted model through its answers, from few and from many of them."""
    workshop = nursery.workshop
    same = {
        "base_sha256": sha256(workshop, "tiny-base"),
        "chat_sha256": nursery.chat_sha256,
        "planting_steps": nursery.steps,
        "steps": COPY_STEPS,
    }
    record = Record(path, "python benchmarks/backdoor_hunt.py --copies", same)
    for seed in seeds:
        for count in counts:
            if record.has("runs", seed=seed, answers=count):
                continue
            model, trigger, _ = nursery.planted(RECORDED_SEEDS[0])
            original, began = ProbabilityAccess(model, workshop.tokenizer).answers, time.perf_counter()
            asked = [question.text for question in workshop.questions(count, seed=seed)]
            base = workshop.model("tiny-base")
            copied = copy_from(base, workshop.tokenizer, asked, original(asked), steps=COPY_STEPS, seed=seed)
            alike = likeness(workshop.world, original, ProbabilityAccess(copied, workshop.tokenizer).answers, trigger)
            run = CopyRun(count, seed, alike, time.perf_counter() - began)
            record.add("runs", asdict(run), ("seed", "answers"))


def sha256(workshop: ReleaseWorkshop, name: str) -> str:
    """Which model it is."""
    return files.sha256(workshop.folder(name) / "model.safetensors")


def rounded(value):
    """Numbers to four digits after the point, in whatever they lie."""
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
