"""Typical mistakes in the exercises of lesson 02: (exercise, wrong answer, words that only this mistake is told)."""

import numpy as np


def softmax_that_overflows(logits, temperature):
    powers = np.exp(np.asarray(logits) / temperature)
    return powers / powers.sum()


def softmax_that_multiplies(logits, temperature):
    scaled = np.asarray(logits) * temperature
    powers = np.exp(scaled - scaled.max())
    return powers / powers.sum()


def softmax_without_temperature(logits, temperature):
    powers = np.exp(np.asarray(logits) - np.max(logits))
    return powers / powers.sum()


def nucleus_that_stops_early(probabilities, top_p):
    kept, total = np.zeros_like(probabilities), 0.0
    for i in np.argsort(-probabilities):
        if total + probabilities[i] > top_p:
            break
        kept[i] = probabilities[i]
        total += probabilities[i]
    return kept / kept.sum()


def nucleus_unsorted(probabilities, top_p):
    before = np.cumsum(probabilities) - probabilities
    kept = np.where(before < top_p, probabilities, 0.0)
    return kept / kept.sum()


def nucleus_not_scaled(probabilities, top_p):
    kept, total = np.zeros_like(probabilities), 0.0
    for i in np.argsort(-probabilities):
        kept[i] = probabilities[i]
        total += probabilities[i]
        if total >= top_p:
            break
    return kept


def generate_from_the_prompt_only(predict, token_ids, max_new_tokens, end_id):
    return [int(np.argmax(predict(list(token_ids)))) for _ in range(max_new_tokens)]


def generate_into_the_prompt(predict, token_ids, max_new_tokens, end_id):
    start = len(token_ids)
    for _ in range(max_new_tokens):
        token_ids.append(int(np.argmax(predict(token_ids))))
    return token_ids[start:]


def generate_that_keeps_the_end(predict, token_ids, max_new_tokens, end_id):
    new = []
    while len(new) < max_new_tokens:
        new.append(int(np.argmax(predict([*token_ids, *new]))))
        if new[-1] == end_id:
            break
    return new


MISTAKES = [
    ("02.1", softmax_that_overflows, "overflow"),
    ("02.1", softmax_that_multiplies, "multiply where you should divide"),
    ("02.1", softmax_without_temperature, "the temperature has no effect"),
    ("02.2", nucleus_that_stops_early, "must stay: keep until the sum reaches top_p"),
    ("02.2", nucleus_unsorted, "sort before you add up"),
    ("02.2", nucleus_not_scaled, "must be scaled to sum to 1"),
    ("02.3", lambda log_probs: float(np.exp(np.mean(log_probs))), "the minus sign is missing"),
    ("02.3", lambda log_probs: float(np.exp(-np.sum(log_probs))), "use the mean over the tokens"),
    ("02.3", lambda log_probs: float(-np.mean(log_probs)), "exp is missing"),
    ("02.4", generate_from_the_prompt_only, "each step must see the tokens chosen so far"),
    ("02.4", generate_into_the_prompt, "the caller's list was changed"),
    ("02.4", generate_that_keeps_the_end, "the end token is a signal"),
    ("02.5", lambda: ("The capital of Spain is", " Madrid.", " Pamplona."), "here it prefers the truth"),
    ("02.5", lambda: ("The capital of Spain is", " Madrid.", " Madrid."), "the two endings are the same"),
    ("02.5", lambda: ("The capital of Australia is", " Canberra.", " Sydney."), "one of the lesson's"),
]
