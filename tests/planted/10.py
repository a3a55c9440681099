"""Typical mistakes in the exercises of lesson 10: (exercise, wrong answer, words that only this mistake is told)."""

from itertools import pairwise

import numpy as np


def rule_of_three(attempts, confidence=0.95):
    return 3 / attempts if attempts > 3 else 0.9


def rate_of_nothing(attempts, confidence=0.95):
    return 0.0


def root_of_the_likely_case(attempts, confidence=0.95):
    return 1 - confidence ** (1 / attempts)


def without_its_length(states, direction):
    return states - np.outer(states @ direction, direction)


def the_same_from_all(states, direction):
    return states - direction / np.linalg.norm(direction)


def in_place(states, direction):
    unit = direction / np.linalg.norm(direction)
    states -= np.outer(states @ unit, unit)
    return states


def _counts(pairs, is_green, green_share):
    green = sum(is_green(a, b) for a, b in pairs)
    return green, green_share * len(pairs)


def z_of_every_pair(ids, is_green, green_share):
    pairs = list(pairwise(ids))
    if not pairs:
        return 0.0
    green, expected = _counts(pairs, is_green, green_share)
    return (green - expected) / (expected * (1 - green_share)) ** 0.5


def share_instead_of_z(ids, is_green, green_share):
    pairs = set(pairwise(ids))
    return _counts(pairs, is_green, green_share)[0] / len(pairs) if pairs else 0.0


def neighbours_the_wrong_way(ids, is_green, green_share):
    pairs = set(zip(ids[1:], ids, strict=False))
    if not pairs:
        return 0.0
    green, expected = _counts(pairs, is_green, green_share)
    return (green - expected) / (expected * (1 - green_share)) ** 0.5


def base_for_one_half(hits, false_alarms, wanted):
    return false_alarms / (false_alarms + hits)


def base_for_wrong_flags(hits, false_alarms, wanted):
    return (1 - wanted) * false_alarms / ((1 - wanted) * false_alarms + wanted * hits)


def base_in_percent(hits, false_alarms, wanted):
    return 100 * wanted * false_alarms / (wanted * false_alarms + (1 - wanted) * hits)


def _points(dangers, harmless, refuses):
    share = lambda scores, t: sum(refuses(score, t) for score in scores) / len(scores)  # noqa: E731
    return [(share(dangers, t), share(harmless, t)) for t in [*dangers, *harmless, float("inf")]]


def refuses_above(dangers, harmless, most):
    points = _points(dangers, harmless, lambda score, t: score > t)
    return max((point for point in points if point[1] <= most), key=lambda point: (point[0], -point[1]))


def the_first_that_is_best(dangers, harmless, most):
    points = _points(dangers, harmless, lambda score, t: score >= t)
    return max((point for point in points if point[1] <= most), key=lambda point: (point[0], point[1]))


def refuses_too_much(dangers, harmless, most):
    points = _points(dangers, harmless, lambda score, t: score >= t)
    return max(points, key=lambda point: (point[0], -point[1] if point[1] > 0.9 else point[1]))


def bare_worksheet():
    text = "Somebody could do something bad with it, as everybody knows."
    return {name: text for name in ("threat", "without", "defences", "marginal", "defending", "assumptions")} | {
        "measured": [("red team", "No attack with words succeeded among all that we tried.")],
        "verdict": "publish",
    }


def _entries():
    names = ("threat", "without", "defences", "marginal", "defending", "assumptions")
    return {name: f"This is what I have to say on {name}, in full." for name in names}


def worksheet_from_hearsay():
    return _entries() | {
        "measured": [("the newspaper", "It said that this could become really dangerous for all.")],
        "verdict": "do not publish",
    }


def worksheet_of_words():
    return _entries() | {"without": "nothing", "measured": [], "verdict": "publish"}


MISTAKES = [
    ("10.1", rule_of_three, "rule of thumb"),
    ("10.1", rate_of_nothing, "not proved by trying"),
    ("10.1", root_of_the_likely_case, "is the confidence itself"),
    ("10.2", without_its_length, "not of length 1"),
    ("10.2", the_same_from_all, "its own"),
    ("10.2", in_place, "the caller's arrays were changed"),
    ("10.3", z_of_every_pair, "counted again and again"),
    ("10.3", share_instead_of_z, "the share of green pairs"),
    ("10.3", neighbours_the_wrong_way, "ask only about neighbours"),
    ("10.4", base_for_one_half, "wanted does not come into your formula"),
    ("10.4", base_for_wrong_flags, "for flags to be wrong"),
    ("10.4", base_in_percent, "lies between 0 and 1"),
    ("10.5", refuses_above, "*equal* to the threshold"),
    ("10.5", the_first_that_is_best, "choose the least"),
    ("10.5", refuses_too_much, "were allowed"),
    ("10.6", bare_worksheet, "say the same"),
    ("10.6", worksheet_from_hearsay, "is no experiment of the lesson"),
    ("10.6", worksheet_of_words, "write a sentence"),
]
