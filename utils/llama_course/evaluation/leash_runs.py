"""Long runs of PPO under different leashes, recorded; and the curve that describes what pleasing a reward model costs.

    gold gain R(d) = d (α − β ln d),  d = √KL

Source: Gao, Schulman, Hilton, arXiv:2210.10760, section 3 (the form for reinforcement learning).
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths

if TYPE_CHECKING:
    from llama_course.evaluation.feedback import FeedbackWorkshop
    from llama_course.training.ppo import Iteration

ITERATIONS = 80
PROMPTS = 32  # answered in an iteration
LEARNING_RATE = 5e-4
RECORDED_SEEDS = (0, 1, 2)
WINDOW = 5  # iterations that are averaged
UNMOVED = 2  # iterations in which the policy is still as it was: the learning rate begins near 0
TESTED = 200  # answers at the end, to questions about what was never asked about


@dataclass(frozen=True)
class LeashPlan:
    """Who compared how many answers how well, and how the policy was held."""

    comparisons: int | None = 300  # None: there are none, the two reward models of the family judge
    noise: float = 0.3  # of the annotators
    kl_weight: float = 0.0  # the leash


PLANS = {
    "loose": LeashPlan(),
    "leash 0.05": LeashPlan(kl_weight=0.05),
    "leash 0.1": LeashPlan(kl_weight=0.1),
    "leash 0.3": LeashPlan(kl_weight=0.3),
    "leash 1": LeashPlan(kl_weight=1.0),
    "10 times as many comparisons": LeashPlan(comparisons=3_000),
    "better annotators": LeashPlan(noise=0.0),
    "both reward models": LeashPlan(comparisons=None),
}
LEASHES = ("loose", "leash 0.05", "leash 0.1", "leash 0.3", "leash 1")
FIXES = ("leash 1", "10 times as many comparisons", "better annotators")


@dataclass(frozen=True)
class LeashRun:
    """One run and what came of it."""

    plan: str  # a key of PLANS
    seed: int
    reward: tuple[float, ...]  # one number an iteration, means over its answers
    gold: tuple[float, ...]
    kl: tuple[float, ...]  # nats
    started: float  # gold reward of the policy before, on questions about what was never asked about
    ended: float  # and after
    right: tuple[float, float]  # share of right answers to them, before and after
    samples: tuple[tuple[str, str, float], ...]  # (question, answer, reward) at the end, the best rewarded first
    time_s: float

    def smooth(self, name: str) -> list[float]:
        """A line of the run, each point the mean of the last few iterations."""
        values = getattr(self, name)
        return [_mean(values[max(0, end - WINDOW) : end]) for end in range(1, len(values) + 1)]

    @property
    def peak(self) -> int:
        """The iteration, from 1, with the best gold reward, smoothed."""
        gold = self.smooth("gold")
        return gold.index(max(gold)) + 1

    @property
    def gain(self) -> float:
        """Gold reward won, or lost where it is below 0, on questions about what was never asked about."""
        return self.ended - self.started


def run_leash(
    workshop: "FeedbackWorkshop", name: str, seed: int, *, iterations: int = ITERATIONS, tested: int = TESTED
) -> LeashRun:
    """Compare, learn rewards, reinforce, and measure.

    Args:
        workshop: where it happens.
        name: a key of PLANS.
        seed: of the comparisons, the questions and the answers.
        iterations: of PPO.
        tested: about so many questions for the measure before and after, about what was never asked about.
    """
    from llama_course.evaluation.known_truth import score
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    began, plan = time.perf_counter(), PLANS[name]
    asked, test = workshop.questions(1_000, seed=200 + seed), workshop.questions(tested, seed=300, part="held_out")
    if plan.comparisons is None:
        reward_of, reward_of_test = workshop.both_rewards(asked), workshop.both_rewards(test)
    else:
        learned = workshop.preferences(plan.comparisons, noise=plan.noise, seed=100 + seed)
        reward_of = reward_of_test = workshop.reward_of(workshop.learn_rewards(learned, batch_size=16, seed=seed))
    policy = workshop.model()
    ppo = workshop.ppo(policy, asked, reward_of, seed=seed, kl_weight=plan.kl_weight, prompts=PROMPTS)
    before = score(test, workshop.answers(policy, test))
    train(policy, ppo, TrainingSettings(iterations, LEARNING_RATE, min(5, iterations), weight_decay=0.0))
    answers = workshop.answers(policy, test)
    after, rewards = score(test, answers), workshop.rewards(reward_of_test, test, answers).tolist()
    best = sorted(zip(test, answers, rewards, strict=True), key=lambda row: -row[2])[:12]
    return LeashRun(
        plan=name,
        seed=seed,
        **{line: tuple(round(getattr(i, line), 4) for i in ppo.iterations) for line in ("reward", "gold", "kl")},
        started=before.gold_reward,
        ended=after.gold_reward,
        right=(before.right, after.right),
        samples=tuple((question.text, answer, round(reward, 3)) for question, answer, reward in best),
        time_s=round(time.perf_counter() - began, 1),
    )


def recorded_leash_runs(path: Path | None = None) -> list[LeashRun]:
    """What ``benchmarks/leash.py`` recorded, in the order of the plans; the file says when and where."""
    path = paths.data_file("runs/leash.json") if path is None else path
    rows = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return sorted(map(read_run, rows), key=lambda run: (list(PLANS).index(run.plan), run.seed))


def read_run(row: dict) -> LeashRun:
    """A run as it stands in the file."""
    own = {field.name: row[field.name] for field in fields(LeashRun)}
    own = {name: tuple(value) if isinstance(value, list) else value for name, value in own.items()}
    return LeashRun(**own | {"samples": tuple(map(tuple, row["samples"]))})


def of_plan(runs: Sequence[LeashRun], name: str) -> list[LeashRun]:
    """All runs of a plan, by seed.

    Raises:
        ValueError: there is none.
    """
    found = [run for run in runs if run.plan == name]
    if not found:
        raise ValueError(f"no run of {name!r}; there are runs of {', '.join(dict.fromkeys(r.plan for r in runs))}.")
    return sorted(found, key=lambda run: run.seed)


def mean_gain(runs: Sequence[LeashRun], name: str) -> float:
    """Mean gold reward that the runs of a plan won."""
    return _mean([run.gain for run in of_plan(runs, name)])


def beginning_and_end(iterations: "Sequence[Iteration]", name: str, count: int = 3) -> tuple[float, float]:
    """Means over the first and over the last few iterations of PPO.

    Args:
        iterations: at least one.
        name: "reward", "gold", "kl" or "tokens".
        count: how many of them; all where there are fewer.
    """
    values = [getattr(iteration, name) for iteration in iterations]
    return _mean(values[:count]), _mean(values[-count:])


def distances(runs: Sequence[LeashRun]) -> list[tuple[float, float]]:
    """(d, gold reward won) in runs that began with the same policy, smoothed.

    Each run counts on its way out, from the first full window to its largest distance.  What was won counts from the
    mean of all first iterations, in which the policy has not moved yet.
    """
    start = _mean([gold for run in runs for gold in run.gold[:UNMOVED]])
    points = []
    for run in runs:
        gold, kl = run.smooth("gold"), run.smooth("kl")
        way_out = slice(WINDOW - 1, kl.index(max(kl)) + 1)
        points += [(math.sqrt(k), g - start) for k, g in zip(kl[way_out], gold[way_out], strict=True) if k > 0]
    return points


def fit_curve(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """α and β of R(d) = d (α − β ln d), by least squares.

    Args:
        points: (d, gold gain), d above 0.

    Raises:
        ValueError: fewer than two different distances.
    """
    import numpy as np

    d, gain = np.asarray(points, dtype=float).reshape(-1, 2).T
    if len(set(d.tolist())) < 2 or d.min() <= 0:
        raise ValueError(f"expected two different distances or more, all above 0, got {sorted(set(d.tolist()))[:4]}.")
    (alpha, beta), *_ = np.linalg.lstsq(np.stack([d, -d * np.log(d)], axis=1), gain, rcond=None)
    return float(alpha), float(beta)


def curve(d: float, alpha: float, beta: float) -> float:
    """R(d) = d (α − β ln d)."""
    return d * (alpha - beta * math.log(d))


def best_distance(alpha: float, beta: float) -> float:
    """Where the curve is highest: exp(α/β − 1); infinite where it only rises."""
    return math.exp(alpha / beta - 1) if beta > 0 else math.inf


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
