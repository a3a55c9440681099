"""Typical mistakes in the exercises of lesson 08: (exercise, wrong answer, words that only this mistake is told)."""

import json

import numpy as np


def bucket_that_saves_without_end(times, per_second, burst):
    tokens, last, decided = float(burst), 0.0, []
    for now in times:
        tokens += (now - last) * per_second
        last = now
        decided.append(tokens >= 1)
        tokens -= decided[-1]
    return decided


def bucket_that_starts_empty(times, per_second, burst):
    tokens, last, decided = 0.0, 0.0, []
    for now in times:
        tokens = min(burst, tokens + (now - last) * per_second)
        last = now
        decided.append(tokens >= 1)
        tokens -= decided[-1]
    return decided


def bucket_that_forgets_parts(times, per_second, burst):
    tokens, last, decided = burst, 0.0, []
    for now in times:
        tokens = min(burst, tokens + int((now - last) * per_second))
        last = now
        decided.append(tokens >= 1)
        tokens -= decided[-1]
    return decided


def reads_other_fields_too(body):
    try:
        fields = json.loads(body.decode("utf-8"))
        question = fields["question"]
        if isinstance(question, str) and question.strip() and len(question) <= 500:
            return 200, question
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return 400, "no."


def reads_what_is_utf_8(body):
    fields = json.loads(body.decode("utf-8"))
    return 200, fields["question"]


def reads_numbers_as_text(body):
    try:
        fields = json.loads(body.decode("utf-8"))
        if set(fields) != {"question"}:
            return 400, "no."
        question = str(fields["question"])
    except (ValueError, TypeError, RecursionError):
        return 400, "no."
    return (200, question) if question.strip() and len(question) <= 500 else (400, "no.")


def chances_added(vocabulary, length, queries):
    return queries / vocabulary**length


def chances_rounded(vocabulary, length, queries):
    return 1 - (1 - vocabulary**-length) ** queries


def chance_of_none(vocabulary, length, queries):
    return (1 - vocabulary**-length) ** queries


def exchanges_without_what_is_lost(gradient, embeddings, tail, count):
    value = gradient @ embeddings.T
    value[np.arange(len(tail)), tail] = -np.inf
    best = np.argsort(-value, axis=None)[:count]
    return list(zip(*(numbers.tolist() for numbers in np.unravel_index(best, value.shape)), strict=True))


def exchanges_downhill(gradient, embeddings, tail, count):
    value, places = gradient @ embeddings.T, np.arange(len(tail))
    gain = value - value[places, tail][:, None]
    gain[places, tail] = np.inf
    best = np.argsort(gain, axis=None)[:count]
    return list(zip(*(numbers.tolist() for numbers in np.unravel_index(best, value.shape)), strict=True))


def exchanges_for_themselves(gradient, embeddings, tail, count):
    value, places = gradient @ embeddings.T, np.arange(len(tail))
    gain = value - value[places, tail][:, None]
    gain[places, tail] += 100
    best = np.argsort(-gain, axis=None)[:count]
    return list(zip(*(numbers.tolist() for numbers in np.unravel_index(best, value.shape)), strict=True))


def median_of_the_winners(hunts):
    needed = sorted(queries for found, queries in hunts if found)
    return needed[(len(needed) - 1) // 2] if needed else None


def median_with_the_budget(hunts):
    needed = sorted(queries for _, queries in hunts)
    return needed[(len(needed) - 1) // 2]


def mean_of_all(hunts):
    return hunts and sum(queries for _, queries in hunts) / len(hunts)


def one_sided():
    return {
        "rung": "weights",
        "for_it": [
            ("hunt with weights", "Whoever has them finds what asking does not find."),
            ("copy through the API", "To keep them in does not keep the behaviour in."),
        ],
        "against_it": [],
        "not_settled": "Whether anybody will really look at this model.",
        "change_my_mind": "A hunt in which text finds as much as weights do.",
    }


def of_one_experiment():
    sides = one_sided()
    sides["for_it"] = [
        ("recall", "The server is mended for all of them in a minute."),
        ("recall", "The owner can see who asked for dangerous things."),
    ]
    sides["against_it"] = [("hunt with text", "Those who audit by asking may miss a trigger.")]
    return sides


def on_no_rung():
    return {**one_sided(), "rung": "open source"}


MISTAKES = [
    ("08.1", bucket_that_saves_without_end, "more than the burst were let in"),
    ("08.1", bucket_that_starts_empty, "the bucket is full at time 0"),
    ("08.1", bucket_that_forgets_parts, "parts of a token must be kept"),
    ("08.2", reads_other_fields_too, "a second field got 200"),
    ("08.2", reads_what_is_utf_8, "a server must not fall over"),
    ("08.2", reads_numbers_as_text, "a number instead of a text got 200"),
    ("08.3", chances_added, "chances were added up"),
    ("08.3", chances_rounded, "was rounded to nothing"),
    ("08.3", chance_of_none, "the chance to find nothing"),
    ("08.4", exchanges_without_what_is_lost, "leave out what is lost"),
    ("08.4", exchanges_downhill, "are the six worst"),
    ("08.4", exchanges_for_themselves, "exchanged for itself"),
    ("08.5", median_of_the_winners, "counts the winners alone"),
    ("08.5", median_with_the_budget, "where the hunter gave up"),
    ("08.5", mean_of_all, "is a mean"),
    ("08.6", one_sided, "every choice costs something"),
    ("08.6", of_one_experiment, "both reasons come from one experiment"),
    ("08.6", on_no_rung, "is no rung"),
]
