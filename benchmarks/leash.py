"""Record what PPO does under different leashes: the long runs that lesson 06 shows beside its short ones.

    python benchmarks/leash.py                # all plans, three seeds; it can be interrupted and goes on where it was
    python benchmarks/leash.py --seeds 1 2    # these two; two such commands can run side by side
    python benchmarks/leash.py --iterations 60 --out shorter.json

Two to three minutes a run on one core.
"""

import argparse
import json
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path

from llama_course.evaluation.feedback import FeedbackWorkshop
from llama_course.evaluation.leash_runs import ITERATIONS, PLANS, RECORDED_SEEDS, run_leash
from llama_course.files import lock, write_atomically

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "utils" / "llama_course" / "data" / "runs" / "leash.json"


def main() -> None:
    """Run what is not recorded yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=RECORDED_SEEDS)
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    workshop = FeedbackWorkshop()
    for seed in options.seeds:
        for plan in PLANS:
            done = {(row["plan"], row["seed"], len(row["gold"])) for row in recorded(options.out)}
            if (plan, seed, options.iterations) not in done:
                run = run_leash(workshop, plan, seed, iterations=options.iterations)
                print(f"{plan}, seed {seed}: gold {run.started:.2f} -> {run.ended:.2f}, {run.time_s:.0f} s", flush=True)
                record(options.out, asdict(run))


def recorded(path: Path) -> list[dict]:
    """The runs that are there already."""
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []


def record(path: Path, run: dict) -> None:
    """Put a run into the file in its place, beside those that another process may have put there meanwhile."""
    with lock(ROOT / "build" / "leash.lock"):
        places = {(row["seed"], list(PLANS).index(row["plan"])): row for row in (*recorded(path), run)}
        data = {
            "command": "python benchmarks/leash.py",
            "date": date.today().isoformat(),
            "machine": f"{platform.system()}, {platform.machine()}, CPU",
            "runs": [places[place] for place in sorted(places)],
        }
        write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
