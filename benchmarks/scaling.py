"""Record the runs behind the scaling law of lesson 04: six sizes and the one to be predicted, five seeds each.

About five minutes on two cores.

    python benchmarks/scaling.py                       # what is still missing, then the file
    python benchmarks/scaling.py --check 96            # another size against the law, without writing

The runs go to utils/llama_course/data/runs/scaling.json after each one: interrupted, the same command goes on where it
was.  Delete the file to begin anew.
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
from llama_course.training.scaling import fit_scaling_law
from llama_course.training.scaling_runs import (
    NEW_SIZE,
    RECORDED_SEEDS,
    RECORDED_SIZES,
    TOKENS,
    ScalingRun,
    run_scaling,
)
from llama_course.training.village_text import village_text

FILE = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs" / "scaling.json"


def main() -> None:
    """Run what is missing and write it; or check a size that is not recorded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=int, metavar="HIDDEN_SIZE", help="compare another size with the law")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    done = read(options.file)
    text = village_text()
    if options.check:
        check(done, [run_scaling(text, options.check, seed) for seed in RECORDED_SEEDS])
        return
    for seed in RECORDED_SEEDS:
        for hidden_size in (*RECORDED_SIZES, NEW_SIZE):
            if (hidden_size, seed) not in {(run.hidden_size, run.seed) for run in done}:
                done.append(run_scaling(text, hidden_size, seed))
                print(done[-1], flush=True)
                write(options.file, done)


def read(path: Path) -> list[ScalingRun]:
    """The runs that are recorded already; none of another length of text."""
    if not path.exists():
        return []
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["tokens"] != TOKENS:
        raise SystemExit(f"{path.name} holds runs of {data['tokens']:,} tokens, now it is {TOKENS:,}: delete it first.")
    return [ScalingRun(**row) for row in data["runs"]]


def write(path: Path, runs: list[ScalingRun]) -> None:
    """All runs so far, with when and where."""
    data = {
        "command": "python benchmarks/scaling.py",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "tokens": TOKENS,
        "runs": [
            {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(run).items()}
            for run in runs
        ],
    }
    files.write_atomically(path, json.dumps(data, indent=1) + "\n")


def check(recorded: list[ScalingRun], new: list[ScalingRun]) -> None:
    """How far the law of the recorded runs is off for a size that it has not seen, seed by seed."""
    fitted = [run for run in recorded if run.hidden_size in RECORDED_SIZES]
    law = fit_scaling_law([run.parameters for run in fitted], [run.loss_nats for run in fitted])
    print(law)
    for run in new:
        predicted = float(law.loss(run.parameters))
        print(f"seed {run.seed}: predicted {predicted:.3f}, measured {run.loss_nats:.3f}, {run.time_s:.1f} s")


if __name__ == "__main__":
    main()
