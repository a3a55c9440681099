"""Record the judge of lesson 07: the real small model judges answers in both orders, about ten minutes on one core.

    python benchmarks/judging.py                   # what is still missing, then the file

The cases go to utils/llama_course/data/runs/judging.json after every ten: interrupted, the same command goes on where
it was.  Delete the file to begin anew, as one must after tiny-sft has changed.
"""

import argparse
import datetime
import json
import os
import platform
from pathlib import Path

from llama_course import files, load_model
from llama_course.evaluation.assistants import Workshop
from llama_course.evaluation.judging_cases import cases_for
from llama_course.evaluation.model_judge import EXPERIMENTS, Judged, opinion, recorded_judging
from llama_course.models.catalog import DEFAULT_MODEL
from llama_course.models.embedded import checkpoint_folder

FILE = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs" / "judging.json"
COUNT, SEED = 120, 70  # questions; the lesson's own few come from another seed
EVERY = 10  # cases


def main(arguments: list[str] | None = None) -> None:
    """Judge what is missing and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT, help="questions; fewer to try the script itself")
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    miniature = files.sha256(checkpoint_folder("tiny-sft") / "model.safetensors")
    done = read(options.file, miniature)
    judge = load_model(DEFAULT_MODEL)
    if judge.name != DEFAULT_MODEL:
        raise SystemExit(f"the judge is {DEFAULT_MODEL}, which is not here.")
    cases = cases_for(judge, Workshop(), options.count, seed=SEED)
    known = {(row.experiment, row.case) for row in done}
    missing = [(name, case) for name, own in cases.items() for case in own if (name, case) not in known]
    for number, (name, case) in enumerate(missing, 1):
        done.append(Judged(name, case, opinion(judge, case)))
        if number % EVERY == 0 or number == len(missing):
            print(f"{number} of {len(missing)}: {name}", flush=True)
            write(options.file, done, miniature, judge.name)


def read(path: Path, miniature: str) -> list[Judged]:
    """What is recorded already; nothing of answers by another tiny-sft."""
    if not path.exists():
        return []
    if json.loads(path.read_text(encoding="utf-8"))["miniature_sha256"] != miniature:
        raise SystemExit(f"{path.name} holds verdicts on answers by another tiny-sft: delete it first.")
    return [row for rows in recorded_judging(path).values() for row in rows]


def write(path: Path, done: list[Judged], miniature: str, judge: str) -> None:
    """All cases so far, with when and where."""
    order = list(EXPERIMENTS)
    data = {
        "command": "python benchmarks/judging.py",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "judge": judge,
        "miniature_sha256": miniature,
        "cases": [row.as_row() for row in sorted(done, key=lambda row: order.index(row.experiment))],
    }
    files.write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
