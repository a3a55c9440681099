"""Measure what the recipe of the miniature models gives, over seeds: truth, refusals, rewards, PPO, DPO, best-of-n.

    python benchmarks/recipe.py                # five seeds; about an hour on two cores, and it can be interrupted
    python benchmarks/recipe.py --seeds 1      # one
    python benchmarks/recipe.py --write        # and put the table into benchmarks/README.md

All seeds begin with the tiny-base that comes with the course; everything after pretraining is done anew.  Scores are on
held-out prompts: people, recipes and hazards that were not asked about in training, or phrasings that were not.
"""

import argparse
import copy
import json
import shutil
import statistics
import time
from pathlib import Path

import torch

from llama_course.evaluation.family_scores import (
    assistant_scores,
    question_sets,
    reward_model_scores,
    sampled_gold_reward,
)
from llama_course.files import write_atomically
from llama_course.llamaland.annotators import Annotator
from llama_course.llamaland.judge import gold_helpfulness, gold_reward, gold_safety
from llama_course.llamaland.questions import Question
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.llama import Llama
from llama_course.models.tokenizer import PAD_TOKEN_ID
from llama_course.training.best_of_n import best_of_n_kl, expected_best
from llama_course.training.dpo import preference_loss
from llama_course.training.loop import train
from llama_course.training.losses import response_log_probs
from llama_course.training.optimization import TrainingSettings
from llama_course.training.ppo import PPO, Iteration, PPOSettings
from llama_course.training.recipe import NEW_TOKENS, NOISE, SHARES, Kitchen
from llama_course.training.reward_models import Pair, RewardModel, reward_loss
from llama_course.training.rollouts import RewardOf, Rollouts, sample_responses

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "recipe_benchmark"
RESULTS = ROOT / "benchmarks" / "recipe.json"
FEW_COMPARISONS, LOOSE, LEASH = 1_500, 0.05, 0.3
ITERATIONS = 120
START, END = "<!-- recipe: written by benchmarks/recipe.py -->", "<!-- end of recipe -->"
LAST = 10  # iterations that are averaged at the end of a run


def main() -> None:
    """Measure each seed that is not measured yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for seed in range(options.seeds):
        bench = Bench(seed)
        own = results.setdefault(str(seed), {})
        for measure in (bench.sft, bench.reward_models, bench.sound_ppo, bench.loose_ppo, bench.dpo, bench.best_of_n):
            if measure.__name__ not in own:
                began = time.perf_counter()
                own[measure.__name__] = measure() | {"time_s": round(time.perf_counter() - began, 1)}
                print(f"seed {seed}: {measure.__name__} {own[measure.__name__]}", flush=True)
                write_atomically(RESULTS, json.dumps(results, indent=1) + "\n")
    print(table(results))
    if options.write:
        write_table(results)


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

    def reward_models(self) -> dict[str, float]:
        """Accuracy of the two reward models."""
        scores = {}
        for name, gold in (("reward-helpfulness", gold_helpfulness), ("reward-safety", gold_safety)):
            accuracy = reward_model_scores(self.kitchen.load(name), self.kitchen, gold)
            scores |= {f"{name}, {what}": value for what, value in accuracy.items()}
        return scores

    def sound_ppo(self) -> dict[str, float]:
        """PPO with both reward models and the usual leash: gold reward over tiny-sft, and the time it takes."""
        questions = self.kitchen.questions(3_000, SHARES, seed=self.seed + 10)
        policy, ppo, time_s = self._ppo(questions, self.kitchen.reward_of(questions), LEASH)
        before, after = (self._gold(model) for model in (self.kitchen.load("tiny-sft"), policy))
        return {
            "gold reward of tiny-sft": before,
            "gold reward after PPO": after,
            "gain": after - before,
            "kl": _mean(ppo.iterations[-LAST:], "kl"),
            "training_s": time_s,
        }

    def loose_ppo(self) -> dict[str, float]:
        """PPO with a reward model from few comparisons and a loose leash: what it is paid, and what that is worth."""
        policy = self.kitchen.load("tiny-sft")
        model = RewardModel(copy.deepcopy(policy).model, policy.config.hidden_size)
        pairs = self._pairs(FEW_COMPARISONS)
        context = policy.config.max_position_embeddings
        loss = reward_loss(model, pairs, 64, PAD_TOKEN_ID, context, self.seed)
        train(model, loss, TrainingSettings(steps=max(1, 3 * len(pairs) // 64), learning_rate=1e-3, warmup_steps=5))
        questions = self.kitchen.questions(3_000, SHARES, seed=self.seed + 10)

        @torch.no_grad()
        def reward_of(numbers: list[int], drawn: Rollouts) -> torch.Tensor:
            return model(drawn.input_ids, drawn.lengths)

        trained, ppo, time_s = self._ppo(questions, reward_of, LOOSE)
        gold = [iteration.gold for iteration in ppo.iterations]
        windows = [sum(gold[start : start + LAST]) / LAST for start in range(len(gold) - LAST + 1)]
        before, after = (self._gold(model) for model in (self.kitchen.load("tiny-sft"), trained))
        return {
            "proxy at the start": ppo.iterations[0].reward,
            "proxy at the end": _mean(ppo.iterations[-LAST:], "reward"),
            "best gold reward on the way": max(windows),
            "gold reward of tiny-sft": before,
            "gold reward at the end": after,
            "kl": _mean(ppo.iterations[-LAST:], "kl"),
            "training_s": time_s,
        }

    def dpo(self) -> dict[str, float]:
        """DPO on the comparisons that a reward model would learn from: gold reward and distance."""
        policy, reference = self.kitchen.load("tiny-sft"), self.kitchen.load("tiny-sft")
        pairs = self._pairs(self.kitchen.recipe.comparisons)
        loss = preference_loss(policy, reference, pairs, 32, PAD_TOKEN_ID, policy.config.max_position_embeddings, 0.1)
        settings = TrainingSettings(steps=len(pairs) // 32, learning_rate=1e-4, warmup_steps=10, weight_decay=0.0)
        history = train(policy, loss, settings)
        return {
            "gold reward after DPO": self._gold(policy),
            "kl": self._kl(policy, reference),
            "training_s": round(history.time_s, 1),
        }

    def best_of_n(self) -> dict[str, float]:
        """Best of n of tiny-sft by both reward models: gold reward, and the bound of the distance."""
        questions = self.kitchen.questions(200, SHARES, seed=self.seed + 20, part="held_out")
        reward_of, policy = self.kitchen.reward_of(questions), self.kitchen.load("tiny-sft")
        proxy, gold = [], []
        for draw in range(16):
            drawn = sample_responses(policy, [self.kitchen.prompt(q) for q in questions], NEW_TOKENS, seed=draw)
            proxy.append(reward_of(list(range(len(questions))), drawn))
            gold.append(self._gold_of(questions)(list(range(len(questions))), drawn))
        proxy, gold = torch.stack(proxy, dim=1), torch.stack(gold, dim=1)  # (prompts, 16) each
        result = {}
        for n in (1, 4, 16):
            result[f"gold reward, best of {n}"] = expected_best(proxy, n, gold).mean().item()
            result[f"kl, best of {n}"] = best_of_n_kl(n)
        return result

    # -- parts -------------------------------------------------------------------------------------------------------

    def _ppo(self, questions: list[Question], reward_of: RewardOf, kl_weight: float) -> tuple[Llama, PPO, float]:
        policy, reference = self.kitchen.load("tiny-sft"), self.kitchen.load("tiny-sft")
        prompts = [self.kitchen.prompt(question) for question in questions]
        settings = PPOSettings(max_new_tokens=NEW_TOKENS, kl_weight=kl_weight, epochs=1)
        ppo = PPO(policy, reference, prompts, reward_of, settings, self.seed, self._gold_of(questions))
        schedule = TrainingSettings(steps=ITERATIONS, learning_rate=3e-4, warmup_steps=5, weight_decay=0.0)
        return policy, ppo, round(train(policy, ppo, schedule).time_s, 1)

    def _pairs(self, count: int) -> list[Pair]:
        questions = self.kitchen.questions(count, SHARES, seed=self.seed + 30)
        annotator = Annotator(NOISE, self.seed + 31, gold_reward)
        return self.kitchen.comparisons(self.kitchen.load("tiny-sft"), questions, annotator, seed=self.seed + 32)

    def _gold_of(self, questions: list[Question]) -> RewardOf:
        def gold_of(numbers: list[int], drawn: Rollouts) -> torch.Tensor:
            texts = self.kitchen.texts_of(drawn)
            return torch.tensor([gold_reward(questions[i], text) for i, text in zip(numbers, texts, strict=True)])

        return gold_of

    def _gold(self, policy: Llama) -> float:
        """Gold reward of drawn answers to held-out prompts."""
        questions = self.kitchen.questions(400, SHARES, seed=40, part="held_out")
        return sampled_gold_reward(policy, self.kitchen.tokenizer, questions)

    @torch.no_grad()
    def _kl(self, policy: Llama, reference: Llama) -> float:
        """Distance of the answers to held-out prompts, in nats: the mean of ln(policy / reference)."""
        questions = self.kitchen.questions(200, SHARES, seed=41, part="held_out")
        drawn = sample_responses(policy, [self.kitchen.prompt(question) for question in questions], NEW_TOKENS)
        ours, theirs = (
            response_log_probs(model(drawn.input_ids), drawn.input_ids, drawn.response_mask)
            for model in (policy, reference)
        )
        return (ours - theirs).sum(dim=1).mean().item()


def _mean(iterations: list[Iteration], name: str) -> float:
    return sum(getattr(iteration, name) for iteration in iterations) / len(iterations)


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Medians over the seeds with all their values, as a Markdown table."""
    lines = [f"| measure | median of {len(results)} | all |", "|---|---|---|"]
    measures = dict.fromkeys(
        (measure, what) for own in results.values() for measure, values in own.items() for what in values
    )
    for measure, what in measures:
        values = [own[measure][what] for own in results.values() if measure in own]
        lines.append(
            f"| {measure}: {what} | {statistics.median(values):.3f} | {', '.join(f'{value:.3f}' for value in values)} |"
        )
    lost = [
        own["loose_ppo"]["gold reward at the end"] < own["loose_ppo"]["gold reward of tiny-sft"]
        for own in results.values()
        if "loose_ppo" in own
    ]
    lines.append(f"| loose_ppo: ends below tiny-sft | {sum(lost)} of {len(lost)} seeds | |")
    return "\n".join(lines)


def write_table(results: dict) -> None:
    """Put the table between its markers into benchmarks/README.md."""
    path = ROOT / "benchmarks" / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    write_atomically(path, f"{before}{START}\n{table(results)}\n{END}{after}")


if __name__ == "__main__":
    main()
