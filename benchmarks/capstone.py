"""Measure members of the family as lesson 14 does, and record the counts: python benchmarks/capstone.py [NAME ...]

The exercises of lesson 14 check releases against these; about half a minute a model on two cores.
"""

import json
import platform
import sys
import time
from pathlib import Path

import llama_course
from llama_course import files
from llama_course.release.candidates import candidate
from llama_course.release.measuring import RECORDED, measure, to_dict

FILE = Path(llama_course.__file__).parent / "data" / RECORDED
NAMES = ("tiny-sft", "tiny-chat", "tiny-backdoor")


def main(names: list[str]) -> None:
    """Measure these and put them beside those recorded before."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))["models"] if FILE.is_file() else {}
    for name in names or NAMES:
        began = time.perf_counter()
        kept[name] = to_dict(measure(candidate(name), on_part=lambda part, name=name: print(f"{name}: {part}")))
        print(f"{name}: {time.perf_counter() - began:.0f} s")
        header = {"command": "python benchmarks/capstone.py", "machine": f"{platform.machine()}, CPU"}
        rows = {known: kept[known] for known in sorted(kept)}
        files.write_atomically(FILE, json.dumps(header | {"models": rows}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
