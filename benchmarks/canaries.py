"""Record the runs of lesson 11: who remembers secrets, by model size, with copies in the text and without.

Four sizes from random weights and tiny-base reading on, five seeds each; the largest and tiny-base also without copies.
About fifteen minutes on one thread.

    python benchmarks/canaries.py                      # what is still missing, then the file
    python benchmarks/canaries.py --seeds 0 --sizes 16 64

The runs go to utils/llama_course/data/runs/canaries.json after each one: interrupted, the same command goes on where it
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
from llama_course.models.embedded import checkpoint_folder
from llama_course.safety.canary_runs import BASE, DOCUMENTS, EPOCHS, RECORDED_SEEDS, SIZES, CanaryRun, run_canaries

FILE = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs" / "canaries.json"


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, nargs="+", default=RECORDED_SEEDS)
    parser.add_argument("--sizes", type=int, nargs="+", default=(BASE, *SIZES), help=f"{BASE} is tiny-base")
    parser.add_argument("--small", action="store_true", help="next to no text, to try the script itself")
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    same = {
        "base_sha256": files.sha256(checkpoint_folder("tiny-base") / "model.safetensors"),
        "documents": DOCUMENTS,
        "epochs": EPOCHS,
        "small": options.small,
    }
    rows = read(options.file, same)
    for seed in options.seeds:
        for size in options.sizes:
            for deduplicated in (False, True) if size in (BASE, max(SIZES)) else (False,):
                if (size, seed, deduplicated) not in {(r["hidden_size"], r["seed"], r["deduplicated"]) for r in rows}:
                    run = run_canaries(size, seed, deduplicated=deduplicated, small=options.small)
                    print(run, f"rank correlation {run.rank_correlation:.2f}", flush=True)
                    rows.append(as_row(run))
                    write(options.file, same, rows)


def as_row(run: CanaryRun) -> dict:
    """A run as it stands in the file, numbers to three digits after the point."""

    def rounded(value):
        if isinstance(value, dict):
            return {str(name): rounded(inner) for name, inner in value.items()}
        return round(value, 3) if isinstance(value, float) else value

    return rounded(asdict(run))


def read(path: Path, same: dict) -> list[dict]:
    """The runs that are recorded already; none of another tiny-base or another length of text."""
    if not path.exists():
        return []
    data = json.loads(path.read_text(encoding="utf-8"))
    if any(data.get(name) != value for name, value in same.items()):
        raise SystemExit(f"{path.name} holds runs of another tiny-base or of another text: delete it first.")
    return data["runs"]


def write(path: Path, same: dict, rows: list[dict]) -> None:
    """All runs so far, with when and where."""
    head = {
        "command": "python benchmarks/canaries.py",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
    }
    files.write_atomically(path, json.dumps({**head, **same, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
