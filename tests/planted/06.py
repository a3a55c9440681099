"""Typical mistakes in the exercises of lesson 06: (exercise, wrong answer, words that only this mistake is told)."""

import math
from itertools import combinations

import numpy as np


def ceiling_of_the_mistakes(pairs):
    return sum(count * mistaken for count, mistaken in pairs) / sum(count for count, _ in pairs)


def ceiling_of_kinds(pairs):
    return sum(1 - mistaken for _, mistaken in pairs) / len(pairs)


def ceiling_without_ties(pairs):
    kept = [(count, mistaken) for count, mistaken in pairs if mistaken < 0.5]
    return sum(count * (1 - mistaken) for count, mistaken in kept) / sum(count for count, _ in kept)


def loss_with_the_margin_added(chosen, rejected, margins):
    return np.logaddexp(0, -(chosen - rejected + margins)).mean()


def loss_that_overflows(chosen, rejected, margins):
    return np.log(1 + np.exp(-(chosen - rejected - margins))).mean()


def loss_as_a_sum(chosen, rejected, margins):
    return np.logaddexp(0, -(chosen - rejected - margins)).sum()


def best_by_gold(rewards, gold, n):
    sets = list(combinations(gold, n))
    return sum(map(max, sets)) / len(sets)


def best_in_reward(rewards, gold, n):
    sets = list(combinations(rewards, n))
    best = sum(map(max, sets)) / len(sets)
    return best if n > 1 else sum(gold) / len(gold)


def best_as_the_mean_of_the_top(rewards, gold, n):
    if n in (1, len(gold)):
        return sum(gold) / len(gold) if n == 1 else gold[rewards.index(max(rewards))]
    top = sorted(range(len(gold)), key=lambda i: -rewards[i])[:n]
    return sum(gold[i] for i in top) / n


def advantages_that_reward_distance(rewards, log_probs, reference_log_probs, kl_weight):
    worth = rewards + kl_weight * (log_probs - reference_log_probs)
    return (worth - worth.mean()) / worth.std()


def advantages_with_the_leash_last(rewards, log_probs, reference_log_probs, kl_weight):
    return (rewards - rewards.mean()) / rewards.std() - kl_weight * (log_probs - reference_log_probs)


def advantages_without_scale(rewards, log_probs, reference_log_probs, kl_weight):
    worth = rewards - kl_weight * (log_probs - reference_log_probs)
    return worth - worth.mean()


def _turns(questions, answers):
    return [
        {"role": role, "content": text}
        for question, answer in zip(questions, answers, strict=True)
        for role, text in (("user", question), ("assistant", answer))
    ]


def ghost_everywhere(questions, answers, instruction):
    messages = _turns([f"{instruction}\n{question}" for question in questions], answers)
    return messages, [False] * (len(messages) - 1) + [True]


def ghost_that_learns_all_answers(questions, answers, instruction):
    messages = _turns([f"{instruction}\n{questions[0]}", *questions[1:]], answers)
    return messages, [message["role"] == "assistant" for message in messages]


def ghost_as_a_system_prompt(questions, answers, instruction):
    messages = [{"role": "system", "content": instruction}, *_turns(questions, answers)]
    return messages, [False] * (len(messages) - 1) + [True]


def _fitted(distances, gains):
    d = np.asarray(distances, dtype=float)
    return np.linalg.lstsq(np.stack([d, -d * np.log(d)], axis=1), np.asarray(gains), rcond=None)[0]


def stop_where_it_is_zero(distances, gains):
    alpha, beta = _fitted(distances, gains)
    return math.exp(alpha / beta) if beta > 0 else math.inf


def stop_by_the_other_curve(distances, gains):
    alpha, beta = _fitted(distances, gains)
    return alpha / (2 * beta) if beta > 0 else math.inf


def stop_though_it_rises(distances, gains):
    alpha, beta = _fitted(distances, gains)
    return math.exp(alpha / beta - 1)


MISTAKES = [
    ("06.1", ceiling_of_the_mistakes, "is the share of the mistakes"),
    ("06.1", ceiling_of_kinds, "counts each kind of pair alike"),
    ("06.1", ceiling_without_ties, "leaves out the pairs that are equally good"),
    ("06.2", loss_with_the_margin_added, "has the margin with the wrong sign"),
    ("06.2", loss_that_overflows, "exp overflows"),
    ("06.2", loss_as_a_sum, "is the sum over the pairs"),
    ("06.3", best_by_gold, "nobody sees the gold"),
    ("06.3", best_in_reward, "is the reward itself"),
    ("06.3", best_as_the_mean_of_the_top, "is the mean of the three best of all"),
    ("06.4", advantages_that_reward_distance, "distance is rewarded instead of paid for"),
    ("06.4", advantages_with_the_leash_last, "must be paid before the mean is taken off"),
    ("06.4", advantages_without_scale, "not divided by the standard deviation"),
    ("06.5", ghost_everywhere, "the instruction stands in 3 messages"),
    ("06.5", ghost_that_learns_all_answers, "the earlier answers are context only"),
    ("06.5", ghost_as_a_system_prompt, "belongs into the first user message"),
    ("06.6", stop_where_it_is_zero, "is where the curve is back at 0"),
    ("06.6", stop_by_the_other_curve, "the curve of best-of-n"),
    ("06.6", stop_though_it_rises, "a curve that only rises has no top"),
]
