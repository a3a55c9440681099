"""Record the runs of lesson 05: twelve ways to fine-tune tiny-base, three seeds each, within 20 minutes.

    python benchmarks/fine_tuning.py                   # what is still missing, then the file

The runs go to utils/llama_course/data/runs/fine_tuning.json after each one: interrupted, the same command goes on where
it was.  Delete the file to begin anew, as one must after tiny-base has changed.
"""

import argparse
import datetime
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

import torch

from llama_course import files
from llama_course.evaluation.assistants import Workshop
from llama_course.evaluation.fine_tuning_runs import (
    PLANS,
    RECORDED_SEEDS,
    STEPS,
    FineTuningRun,
    recorded_runs,
    run_fine_tuning,
)

FILE = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs" / "fine_tuning.json"


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=STEPS, help="of each run; fewer to try the script itself")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(RECORDED_SEEDS))
    parser.add_argument("--plans", nargs="+", default=list(PLANS), metavar="PLAN", choices=list(PLANS))
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    workshop = Workshop()
    base = files.sha256(workshop.folder / "model.safetensors")
    done = read(options.file, base, options.steps)
    for seed in options.seeds:
        for name in options.plans:
            if (name, seed) not in {(run.plan, run.seed) for run in done}:
                done.append(run_fine_tuning(workshop, name, seed, steps=options.steps))
                print(done[-1], flush=True)
                write(options.file, done, base, options.steps)


def read(path: Path, base: str, steps: int) -> list[FineTuningRun]:
    """The runs that are recorded already; none of another base model or another number of steps."""
    if not path.exists():
        return []
    data = json.loads(path.read_text(encoding="utf-8"))
    if (data["base_sha256"], data["steps"]) != (base, steps):
        raise SystemExit(f"{path.name} holds runs of another tiny-base or of {data['steps']} steps: delete it first.")
    return recorded_runs(path)


def write(path: Path, runs: list[FineTuningRun], base: str, steps: int) -> None:
    """All runs so far, with when and where."""
    data = {
        "command": "python benchmarks/fine_tuning.py",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "base_sha256": base,
        "steps": steps,
        "runs": [
            {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(run).items()}
            for run in runs
        ],
    }
    files.write_atomically(path, json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
