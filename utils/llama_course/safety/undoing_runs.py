"""Recorded attacks on the weights of tiny-chat: harmless examples, harmful ones, a LoRA, one direction, the control.

The control is the same fine-tuning on facts about people, at several strengths: so one sees when a model is opened and
when it is only broken.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from llama_course import paths
from llama_course.safety.laboratory import Laboratory
from llama_course.safety.refusal_direction import remove_direction
from llama_course.safety.undoing import PLANS, RATE, STRENGTHS, Damage, Plan

BEFORE, MEANS, DIRECTION = "before", "difference of means", "one direction"
NAMES = (BEFORE, *PLANS, MEANS, DIRECTION)
COMPARED = ("20 recipes", "20 facts")  # at all strengths
SEEDS = (0, 1, 2, 3, 4)
COMPARED_SEEDS = 3  # so many of them at the unusual strengths


@dataclass(frozen=True)
class UndoingRun:
    """One attack, or none, and what the model does afterwards."""

    name: str  # one of NAMES
    seed: int  # of the examples and their order
    learning_rate: float  # 0 where nothing is trained
    damage: Damage
    time_s: float


def planned(seeds: Sequence[int] = SEEDS) -> list[tuple[str, float, int]]:
    """What is to be recorded: name, learning rate and seed."""
    usual = [(name, PLANS[name].learning_rate if name in PLANS else 0.0) for name in NAMES]
    graded = [(name, rate) for name in COMPARED for rate in STRENGTHS if rate != RATE]
    runs = [(name, rate, seed) for seed in seeds for name, rate in usual]
    runs += [(name, rate, seed) for seed in seeds[:COMPARED_SEEDS] for name, rate in graded]
    return [run for run in runs if run[0] != BEFORE or run[2] == seeds[0]]  # it is the same model each time


def run_undoing(laboratory: Laboratory, name: str, rate: float, seed: int, *, steps: int | None = None) -> UndoingRun:
    """Attack, ask, count.

    Args:
        laboratory: where the model is.
        name: one of ``NAMES``.
        rate: learning rate, where something is trained.
        seed: of the examples and their order; of the prompts that show the direction.
        steps: fewer or more than the plan has.

    Raises:
        ValueError: there is no such attack.
    """
    if name not in NAMES:
        raise ValueError(f"expected one of {', '.join(NAMES)}, got {name!r}.")
    began = time.perf_counter()
    if name in PLANS:
        plan: Plan = replace(PLANS[name], learning_rate=rate)
        model = laboratory.undo(plan if steps is None else replace(plan, steps=steps), seed=seed)
    else:
        model = laboratory.model()
    if name == MEANS:
        remove_direction(model, laboratory.mean_direction(model, model.config.num_hidden_layers - 1, seed=seed))
    if name == DIRECTION:
        search = {} if steps is None else {"steps": steps}
        remove_direction(model, laboratory.searched_direction(model, seed=seed, **search))
    return UndoingRun(name, seed, rate, laboratory.damage(model), time.perf_counter() - began)


def recorded_undoings(path: Path | None = None) -> list[UndoingRun]:
    """What ``benchmarks/safeguards.py undoing`` recorded."""
    path = paths.data_file("runs/undoing.json") if path is None else path
    rows = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return [UndoingRun(**{**row, "damage": Damage(**row["damage"])}) for row in rows]


def of_attack(runs: Sequence[UndoingRun], name: str, what: str, rate: float | None = None) -> list[float]:
    """One measurement of an attack, by seed; at its usual learning rate, unless another one is asked for.

    Raises:
        ValueError: there is no such run.
    """
    usual = PLANS[name].learning_rate if name in PLANS else 0.0
    wanted = usual if rate is None else rate
    found = [getattr(run.damage, what) for run in runs if run.name == name and abs(run.learning_rate - wanted) < 1e-12]
    if not found:
        raise ValueError(f"no run of {name!r} at a learning rate of {wanted:g} was recorded.")
    return found


def median_percent(values: Sequence[float]) -> float:
    """The median of shares, in percent."""
    return 100 * median(values)


def in_words(values: Sequence[float]) -> str:
    """Median of shares with the smallest and the largest: "3 % (0 to 5)"."""
    low, high = (round(100 * value) for value in (min(values), max(values)))
    return f"{median_percent(values):.0f} %" + ("" if low == high else f" ({low} to {high})")
