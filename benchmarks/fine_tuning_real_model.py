"""Record the fine-tuning of the real small model in lesson 05: LoRA, 60 steps, minutes on two cores, 2 GB of memory.

    python benchmarks/fine_tuning_real_model.py

The run goes to utils/llama_course/data/runs/fine_tuning_real_model.json.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict, replace
from pathlib import Path

import torch

from llama_course import files
from llama_course.evaluation.manners import STEPS, teach_manners
from llama_course.models.inside import open_model

FILE = Path(__file__).resolve().parents[1] / "utils" / "llama_course" / "data" / "runs" / "fine_tuning_real_model.json"


def main(arguments: list[str] | None = None) -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument(
        "--asked", type=int, default=None, help="countries to ask about; fewer to try the script itself"
    )
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)

    def say(progress) -> None:
        if progress.step % 10 == 0:
            print(progress, flush=True)

    run = teach_manners(open_model(), "smollm2-135m-instruct", steps=options.steps, asked=options.asked, on_step=say)
    machine = f"{platform.machine()}, {options.threads} threads, torch {torch.__version__}"
    run = replace(
        run, command="python benchmarks/fine_tuning_real_model.py", machine=machine, time_s=round(run.time_s, 1)
    )
    run = replace(run, losses=tuple(round(loss, 4) for loss in run.losses))
    print(run.before, run.after, sep="\n")
    files.write_atomically(options.file, json.dumps(asdict(run), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
