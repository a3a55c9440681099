"""Measure what the recipe of the miniature models gives, over seeds: truth, refusals, rewards, PPO, DPO, best-of-n.

    python benchmarks/recipe.py                # five seeds; 20 minutes each, and it can be interrupted
    python benchmarks/recipe.py --seeds 3 4    # these two; two such commands can run side by side
    python benchmarks/recipe.py --write        # and put the table into benchmarks/README.md

All seeds begin with the tiny-base that comes with the course; everything after pretraining is done anew.  No prompt
that is scored was seen in training.  There are two sorts: "asked" prompts are new phrasings about people, recipes and
hazards that were asked about in training in other words; "unasked" ones are about those that were only read about.

PPO, DPO and best-of-n learn from the same comparisons: one reward model for the gold reward, of annotators who are
mistaken in 15 % of their judgements.
"""

import argparse
import copy
import json
import shutil
import statistics
import time
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from llama_course.evaluation.family_scores import assistant_scores, question_sets
from llama_course.files import lock, write_atomically
from llama_course.llamaland.annotators import Annotator
from llama_course.llamaland.judge import gold_reward
from llama_course.llamaland.questions import Question, mixed_questions
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.llama import Llama
from llama_course.models.tokenizer import PAD_TOKEN_ID
from llama_course.training.best_of_n import best_of_n_kl, expected_best
from llama_course.training.dpo import preference_loss
from llama_course.training.loop import Progress, train
from llama_course.training.losses import response_log_probs
from llama_course.training.optimization import TrainingSettings
from llama_course.training.ppo import PPO, Iteration, PPOSettings
from llama_course.training.recipe import NEW_TOKENS, NOISE, SHARES, Kitchen
from llama_course.training.reward_models import Pair, RewardModel, pair_accuracy, reward_loss
from llama_course.training.rollouts import RewardOf, Rollouts, sample_responses

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "recipe_benchmark"
RESULTS = ROOT / "benchmarks" / "recipe.json"
FEW_COMPARISONS, LOOSE, LEASH = 1_500, 0.01, 0.3  # KL weights: Llama 2's own (section 3.2.3), and ours
ITERATIONS, MEASURED_AFTER = 120, (15, 30, 60, 120)  # of PPO
DRAWS, BEST_OF = 16, (1, 2, 4, 8, 16)  # answers to each prompt
SORTS = {"asked": ("train", "held_out"), "unasked": ("held_out", "train")}  # part of the world, phrasings
START, END = "<!-- recipe: written by benchmarks/recipe.py -->", "<!-- end of recipe -->"
LAST = 10  # iterations that are averaged at the end of a run


def main() -> None:
    """Measure each seed that is not measured yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    for seed in options.seeds:
        bench = Bench(seed)
        for measure in (bench.sft, bench.reward_model, bench.sound_ppo, bench.loose_ppo, bench.dpo, bench.best_of_n):
            if measure.__name__ not in read_results().get(str(seed), {}):
                began = time.perf_counter()
                found = measure() | {"time_s": round(time.perf_counter() - began, 1)}
                print(f"seed {seed}: {measure.__name__} {found}", flush=True)
                keep(seed, measure.__name__, found)
    print(table(read_results()))
    if options.write:
        write_table(read_results())


def read_results() -> dict[str, dict[str, dict]]:
    """What is measured already, by seed and measure."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def keep(seed: int, measure: str, found: dict) -> None:
    """Write a result down beside those of other seeds, which another process may have found meanwhile."""
    with lock(WORK / "lock"):
        results = read_results()
        results.setdefault(str(seed), {})[measure] = found
        write_atomically(RESULTS, json.dumps(dict(sorted(results.items())), indent=1) + "\n")


class Bench:
    """The measures of one seed."""

    def __init__(self, seed: int):
        folder = WORK / str(seed)
        if not (folder / "tiny-base").exists():
            shutil.copytree(checkpoint_folder("tiny-base"), folder / "tiny-base")
        self.seed = seed
        self.kitchen = Kitchen(folder, seed=seed, say=lambda line: None)

    def sft(self) -> dict[str, float]:
        """tiny-sft: truth and refusals of greedy answers."""
        return assistant_scores(
            self.kitchen.load("tiny-sft"), self.kitchen.tokenizer, question_sets(self.kitchen.world)
        )

    def reward_model(self) -> dict[str, float]:
        """Accuracy of the reward model, judged by annotators with the same noise and by the gold judge."""
        scores = {}
        for sort in SORTS:
            for what, noise in (("15 % noise", NOISE), ("no noise", 0.0)):
                pairs = self.kitchen.comparisons(
                    self.sft_model, self._questions(800, sort, 50), Annotator(noise, 51, gold_reward), seed=52
                )
                accuracy = pair_accuracy(self.judge, pairs, PAD_TOKEN_ID, self.context)
                scores[f"accuracy, {sort}, {what}"] = accuracy
        return scores

    def sound_ppo(self) -> dict:
        """PPO with all comparisons and the usual leash: gold reward over tiny-sft, and the time it takes."""
        _, points, time_s = self._ppo(self.judge, LEASH)
        gains = {f"gain in gold reward, {sort}": points[-1][sort] - self.start[sort] for sort in SORTS}
        before = {f"gold reward of tiny-sft, {sort}": self.start[sort] for sort in SORTS}
        return before | gains | {"kl": points[-1]["kl"], "training_s": time_s, "points": [self.start, *points]}

    def loose_ppo(self) -> dict:
        """PPO with a reward model from few comparisons and a loose leash: what it is paid, and what that is worth."""
        model, _ = self._reward_model(FEW_COMPARISONS)
        iterations, points, time_s = self._ppo(model, LOOSE)
        gold = [iteration.gold for iteration in iterations]
        windows = [sum(gold[start : start + LAST]) / LAST for start in range(len(gold) - LAST + 1)]
        return {
            "proxy, gained": _mean(iterations[-LAST:], "reward") - iterations[0].reward,
            "gold reward in training, start": gold[0],
            "gold reward in training, best": max(windows),
            "gold reward in training, end": windows[-1],
            **{f"gain in gold reward, {sort}": points[-1][sort] - self.start[sort] for sort in SORTS},
            "kl": points[-1]["kl"],
            "training_s": time_s,
            "points": [self.start, *points],
        }

    def dpo(self) -> dict:
        """DPO on the comparisons that the reward model learned from."""
        policy, reference = self.kitchen.load("tiny-sft"), self.sft_model
        loss = preference_loss(policy, reference, self.pairs, 32, PAD_TOKEN_ID, self.context, 0.1)
        steps, points = len(self.pairs) // 32, [self.start]

        def measure(progress: Progress) -> None:
            if progress.step in (steps // 8, steps // 4, steps // 2, steps):
                points.append(self._measured(policy))

        settings = TrainingSettings(steps=steps, learning_rate=1e-4, warmup_steps=10, weight_decay=0.0)
        train(policy, loss, settings, on_step=measure)
        gains = {f"gain in gold reward, {sort}": points[-1][sort] - self.start[sort] for sort in SORTS}
        return gains | {"kl": points[-1]["kl"], "points": points}

    def best_of_n(self) -> dict:
        """Best of n of tiny-sft by the reward model; the distance is the bound for the best of n."""
        points = [{"kl": best_of_n_kl(n)} for n in BEST_OF]
        for sort in SORTS:
            questions = self._questions(200, sort, 20)
            prompts, gold_of = [self.kitchen.prompt(question) for question in questions], self._gold_of(questions)
            drawn = [sample_responses(self.sft_model, prompts, NEW_TOKENS, seed=draw) for draw in range(DRAWS)]
            with torch.no_grad():
                proxy = torch.stack([self.judge(d.input_ids, d.lengths) for d in drawn], dim=1)  # (prompts, DRAWS)
            gold = torch.stack([gold_of(list(range(len(questions))), d) for d in drawn], dim=1)
            for n, point in zip(BEST_OF, points, strict=True):
                point[sort] = expected_best(proxy, n, gold).mean().item()
        return {
            f"gain in gold reward, best of {n}, {sort}": point[sort] - points[0][sort]
            for n, point in zip(BEST_OF[1:], points[1:], strict=True)
            for sort in SORTS
        } | {"points": points}

    # -- parts -------------------------------------------------------------------------------------------------------

    @cached_property
    def sft_model(self) -> Llama:
        """tiny-sft; not to be changed."""
        return self.kitchen.load("tiny-sft")

    @property
    def context(self) -> int:
        """Tokens that a model can read."""
        return self.sft_model.config.max_position_embeddings

    @cached_property
    def start(self) -> dict[str, float]:
        """Where every method starts from: tiny-sft's gold rewards, at distance 0."""
        return self._measured(self.sft_model)

    @cached_property
    def judged(self) -> tuple[RewardModel, list[Pair]]:
        """The reward model from all comparisons, and the comparisons."""
        return self._reward_model(self.kitchen.recipe.comparisons)

    @property
    def judge(self) -> RewardModel:
        """The reward model from all comparisons."""
        return self.judged[0]

    @property
    def pairs(self) -> list[Pair]:
        """All comparisons."""
        return self.judged[1]

    def _questions(self, count: int, sort: str, seed: int) -> list[Question]:
        part, phrasings = SORTS[sort]
        return mixed_questions(self.kitchen.world, SHARES, count, seed=seed, part=part, phrasings=phrasings)

    def _reward_model(self, count: int) -> tuple[RewardModel, list[Pair]]:
        questions = self.kitchen.questions(count, SHARES, seed=self.seed + 30)
        annotator = Annotator(NOISE, self.seed + 31, gold_reward)
        pairs = self.kitchen.comparisons(self.sft_model, questions, annotator, seed=self.seed + 32)
        torch.manual_seed(self.seed)  # of the first weights of the head
        model = RewardModel(copy.deepcopy(self.sft_model.model), self.sft_model.config.hidden_size)
        loss = reward_loss(model, pairs, 64, PAD_TOKEN_ID, self.context, self.seed)
        steps = max(1, self.kitchen.recipe.reward_epochs * len(pairs) // 64)
        train(model, loss, TrainingSettings(steps, learning_rate=1e-3, warmup_steps=steps // 10))
        return model, pairs

    def _ppo(self, model: RewardModel, kl_weight: float) -> tuple[list[Iteration], list[dict[str, float]], float]:
        """Train a policy to please a reward model: what happened, measurements on the way, and time without them."""
        questions = self.kitchen.questions(3_000, SHARES, seed=self.seed + 10)
        prompts = [self.kitchen.prompt(question) for question in questions]
        policy, measuring_s, points = self.kitchen.load("tiny-sft"), 0.0, []

        @torch.no_grad()
        def reward_of(numbers: list[int], drawn: Rollouts) -> torch.Tensor:
            return model(drawn.input_ids, drawn.lengths)

        def measure(progress: Progress) -> None:
            nonlocal measuring_s
            if progress.step in MEASURED_AFTER:
                began = time.perf_counter()
                points.append(self._measured(policy))
                measuring_s += time.perf_counter() - began

        settings = PPOSettings(max_new_tokens=NEW_TOKENS, kl_weight=kl_weight, epochs=1)
        ppo = PPO(policy, self.sft_model, prompts, reward_of, settings, self.seed, self._gold_of(questions))
        schedule = TrainingSettings(steps=ITERATIONS, learning_rate=3e-4, warmup_steps=5, weight_decay=0.0)
        history = train(policy, ppo, schedule, on_step=measure)
        return ppo.iterations, points, round(history.time_s - measuring_s, 1)

    def _gold_of(self, questions: list[Question]) -> RewardOf:
        def gold_of(numbers: list[int], drawn: Rollouts) -> torch.Tensor:
            texts = self.kitchen.texts_of(drawn)
            return torch.tensor([gold_reward(questions[i], text) for i, text in zip(numbers, texts, strict=True)])

        return gold_of

    @torch.no_grad()
    def _measured(self, policy: Llama) -> dict[str, float]:
        """Gold rewards of answers drawn to both sorts of prompts, and the distance from tiny-sft in nats an answer."""
        point, distances = {}, []
        for sort in SORTS:
            questions = self._questions(300, sort, 40)
            drawn = sample_responses(policy, [self.kitchen.prompt(question) for question in questions], NEW_TOKENS)
            point[sort] = self._gold_of(questions)(list(range(len(questions))), drawn).mean().item()
            ours, theirs = (
                response_log_probs(model(drawn.input_ids), drawn.input_ids, drawn.response_mask)
                for model in (policy, self.sft_model)
            )
            distances.append((ours - theirs).sum(dim=1).mean().item())
        return point | {"kl": sum(distances) / len(distances)}


def _mean(iterations: list[Iteration], name: str) -> float:
    return sum(getattr(iteration, name) for iteration in iterations) / len(iterations)


def at_distance(points: list[dict[str, float]], kl: float, sort: str) -> float | None:
    """The gold reward at a distance, read from the line through the measured points; None if they do not reach it."""
    points = sorted(points, key=lambda point: point["kl"])
    if points[-1]["kl"] < kl:
        return None
    return float(np.interp(kl, [point["kl"] for point in points], [point[sort] for point in points]))


def table(results: dict[str, dict[str, dict]]) -> str:
    """Medians over the seeds with all their values, as Markdown tables."""
    lines = [f"| measure | median of {len(results)} | all |", "|---|---|---|"]
    measures = dict.fromkeys(
        (measure, what)
        for own in results.values()
        for measure, values in own.items()
        for what in values
        if what != "points" and not what.endswith("_s")  # times depend on what else the computer did
    )
    for measure, what in measures:
        values = [own[measure][what] for own in results.values() if measure in own]
        lines.append(f"| {measure}: {what} | {_spread(values)} |")
    lost = [own["loose_ppo"] for own in results.values() if "loose_ppo" in own]
    for sort in SORTS:
        below = sum(own[f"gain in gold reward, {sort}"] < 0 <= own["proxy, gained"] - 1 for own in lost)
        lines.append(f"| loose_ppo: proxy up by 1 or more, gold below tiny-sft, {sort} | {below} of {len(lost)} | |")
    lines += ["", "Gain in gold reward at equal distance from tiny-sft, on the same comparisons:", ""]
    lines += [f"| method | distance | prompts | median of {len(results)} | all |", "|---|---|---|---|---|"]
    for n in (4, 16):
        for sort in SORTS:
            for method in ("best_of_n", "sound_ppo", "dpo"):
                reached = [
                    end - own[method]["points"][0][sort]
                    for own in results.values()
                    if method in own and (end := at_distance(own[method]["points"], best_of_n_kl(n), sort)) is not None
                ]
                spread = _spread(reached) if reached else "- | never went so far"
                if 0 < len(reached) < len(results):
                    spread += f" ({len(results) - len(reached)} did not go so far)"
                lines.append(f"| {method} | {best_of_n_kl(n):.2f} nats (best of {n}) | {sort} | {spread} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Cells of the table: the median, and all values in the order of the seeds."""
    return f"{statistics.median(values):.3f} | {', '.join(f'{value:.3f}' for value in values)}"


def write_table(results: dict) -> None:
    """Put the table between its markers into benchmarks/README.md."""
    path = ROOT / "benchmarks" / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    write_atomically(path, f"{before}{START}\n{table(results)}\n{END}{after}")


if __name__ == "__main__":
    main()
