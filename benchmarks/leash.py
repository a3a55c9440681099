"""Record what PPO does under different leashes: the long runs that lesson 06 shows beside its short ones.

    python benchmarks/leash.py                # all plans, three seeds; it can be interrupted and goes on where it was
    python benchmarks/leash.py --seeds 1 --iterations 60

About a minute a run on two quiet cores.
"""

import argparse
import json
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path

from llama_course.evaluation.feedback import FeedbackWorkshop
from llama_course.evaluation.leash_runs import ITERATIONS, PLANS, RECORDED_SEEDS, run_leash
from llama_course.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "utils" / "llama_course" / "data" / "runs" / "leash.json"


def main() -> None:
    """Run what is not recorded yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=len(RECORDED_SEEDS))
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    workshop = FeedbackWorkshop()
    runs = json.loads(options.out.read_text(encoding="utf-8"))["runs"] if options.out.exists() else []
    done = {(row["plan"], row["seed"], len(row["gold"])) for row in runs}
    for seed in range(options.seeds):
        for plan in PLANS:
            if (plan, seed, options.iterations) in done:
                continue
            runs = [row for row in runs if (row["plan"], row["seed"]) != (plan, seed)]
            run = run_leash(workshop, plan, seed, iterations=options.iterations)
            runs.append(asdict(run))
            print(f"{plan}, seed {seed}: gold {run.started:.2f} -> {run.ended:.2f}, {run.time_s:.0f} s", flush=True)
            recorded = {
                "command": "python benchmarks/leash.py",
                "date": date.today().isoformat(),
                "machine": f"{platform.system()}, {platform.machine()}, CPU",
                "runs": runs,
            }
            write_atomically(options.out, json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
