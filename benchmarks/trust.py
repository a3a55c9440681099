"""The experiments of lessons 08, 10 and 11 in one table, from their recorded runs.

    python benchmarks/trust.py            # prints it, in a second
    python benchmarks/trust.py --write    # and puts it into benchmarks/README.md

The runs themselves are made by backdoor_hunt.py, safeguards.py and canaries.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from llama_course.evaluation.intervals import wilson
from llama_course.files import write_atomically
from llama_course.safety.canary_runs import of_size, recorded_canaries
from llama_course.safety.hunt_runs import BUDGET, KINDS, of_access, recorded_hunts
from llama_course.safety.lasting import of_twins, recorded_twins
from llama_course.safety.undoing_runs import of_attack, recorded_undoings
from llama_course.safety.watermark import THRESHOLD
from llama_course.safety.watermark_runs import LENGTHS, SEEDS, flagged, of_kind, recorded_texts

README = Path(__file__).resolve().parent / "README.md"
START, END = "<!-- trust: written by benchmarks/trust.py -->", "<!-- end of trust -->"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    print(table())
    if options.write:
        before, rest = README.read_text(encoding="utf-8").split(START)
        write_atomically(README, f"{before}{START}\n{table()}\n{END}{rest.split(END)[1]}")


def table() -> str:
    """A Markdown table: what was measured, the median over seeds, and all of them."""
    rows = [*hunt_rows(), *undoing_rows(), *twin_rows(), *watermark_rows(), *canary_rows()]
    lines = [f"| {lesson} | {what} | {result} | {values} |" for lesson, what, result, values in rows]
    return "\n".join(["| lesson | what | median | all seeds |", "|---|---|---|---|", *lines])


def hunt_rows() -> list[tuple[str, ...]]:
    """Lesson 08: models in which the hidden trigger was found."""
    hunts, _ = recorded_hunts()
    rows = []
    for kind in KINDS:
        found = [run.found for run in of_access(hunts, kind)]
        result = f"{sum(found)} of {len(found)} models"
        rows.append(("08", f"trigger found with {kind}, {BUDGET:,} queries each", result, ""))
    return rows


def undoing_rows() -> list[tuple[str, ...]]:
    """Lesson 10: what is left of the refusals, and of the facts."""
    runs = recorded_undoings()
    tried = {
        "20 recipes": None,
        "20 facts": None,
        "20 facts, harder": 1e-3,
        "one direction": None,
        "difference of means": None,
    }
    rows = []
    for name, rate in tried.items():
        for what, label in {"refused": "dangers refused", "facts": "facts right"}.items():
            rows.append(row("10", f"{name}: {label}", of_attack(runs, name.split(",")[0], what, rate)))
    return rows


def twin_rows() -> list[tuple[str, ...]]:
    """Lesson 10: new dangers told after training on a hundred others."""
    twins = recorded_twins()
    rows = []
    for name, filtered in {"that read how they are made": False, "that was filtered": True}.items():
        told = of_twins(twins, filtered, "100 dangers", "told")
        rows.append(row("10", f"twin {name}: new dangers told after training on 100 others", told))
    return rows


def watermark_rows() -> list[tuple[str, ...]]:
    """Lesson 10: texts of the real small model, and people's, that are taken for marked."""
    texts, _ = recorded_texts()
    rows = []
    for origin in ("marked", "unmarked", "people's"):
        chosen = of_kind(texts, origin.removesuffix("'s"))
        hits = flagged(chosen, LENGTHS[-1], THRESHOLD)
        seeds = [[hit for text, hit in zip(chosen, hits, strict=True) if text.seed == seed] for seed in SEEDS]
        what = f"{origin} text of {LENGTHS[-1]} tokens taken for marked: {sum(hits)} of {len(hits)}"
        rows.append(row("10", f"{what}, {wilson(sum(hits), len(hits)).percent()}", list(map(mean, seeds))))
    return rows


def canary_rows() -> list[tuple[str, ...]]:
    """Lesson 11: rank correlation of exposure with the number of times that a secret was read."""
    runs = recorded_canaries()
    sizes = sorted({run.hidden_size for run in runs})
    rows = []
    for size in sizes:
        name = f"models of hidden_size {size}" if size else "tiny-base"
        correlations = [run.rank_correlation for run in of_size(runs, size)]
        rows.append(
            row(
                "11", f"canaries in {name}: exposure against repetitions, rank correlation", correlations, percent=False
            )
        )
    return rows


def row(lesson: str, what: str, values: Sequence[float], percent: bool = True) -> tuple[str, ...]:
    """One line: its median and its values."""
    shown = [f"{100 * value:.0f} %" if percent else f"{value:.2f}" for value in (median(values), *values)]
    return lesson, what, shown[0], ", ".join(shown[1:])


if __name__ == "__main__":
    main()
