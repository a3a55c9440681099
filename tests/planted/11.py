"""Typical mistakes in the exercises of lesson 11: (exercise, wrong answer, words that only this mistake is told)."""

import math
from collections import Counter


def names_inside_words(texts, names):
    return {
        "documents": len(texts),
        "distinct": len(set(texts)),
        "copied_most": max(Counter(texts).values(), default=0),
        "with_names": sum(any(name in text for name in names) for text in texts),
    }


def blanks_are_nothing(texts, names):
    return {**names_inside_words(texts, names), "distinct": len({text.strip() for text in texts})}


def copies_of_the_first(texts, names):
    return {**names_inside_words(texts, names), "copied_most": max(Counter(texts).values(), default=1) - 1}


def exposure_in_nats(own, others):
    return math.log(len(others) + 1) - math.log(1 + sum(other >= own for other in others))


def exposure_without_itself(own, others):
    return math.log2(max(1, len(others))) - math.log2(1 + sum(other >= own for other in others))


def exposure_with_luck(own, others):
    return math.log2(len(others) + 1) - math.log2(1 + sum(other > own for other in others))


def runs(text, length):
    words = text.split()
    return [tuple(words[i : i + length]) for i in range(max(1, len(words) - length + 1))]


def likeness_of_one_side(one, other, length=3):
    first, second = set(runs(one, length)), set(runs(other, length))
    return len(first & second) / len(first)


def likeness_of_words(one, other, length=3):
    first, second = set(one.split()), set(other.split())
    return len(first & second) / len(first | second)


def likeness_with_repeats(one, other, length=3):
    first, second = Counter(runs(one, length)), Counter(runs(other, length))
    return sum((first & second).values()) / sum((first | second).values())


def auc_turned_round(members, others):
    return sum((m < o) + (m == o) / 2 for m in members for o in others) / (len(members) * len(others))


def auc_without_ties(members, others):
    return sum(m > o for m in members for o in others) / (len(members) * len(others))


def auc_of_the_best(members, others):
    return sum((max(members) > o) + (max(members) == o) / 2 for o in others) / len(others)


def others_of_any_kind(members, read, candidates):
    kinds = {kind for kind, _ in members}
    return [pair for pair in dict.fromkeys(candidates) if pair[1] not in read and pair[0] in kinds][: len(members)]


def others_that_were_read(members, read, candidates):
    wanted, chosen = Counter(kind for kind, _ in members), []
    for kind, text in candidates:
        if wanted[kind] > 0:
            chosen.append((kind, text))
            wanted[kind] -= 1
    return chosen


def others_twice(members, read, candidates):
    return others_that_were_read(members, read, [pair for pair in candidates if pair[1] not in read])


def all_the_same_reason():
    from llama_course.policy.transparency import indicators

    return {name: (int(name == "sources"), "The card says nothing about this at all.") for name in indicators()}


def no_reasons():
    from llama_course.policy.transparency import indicators

    return dict.fromkeys(indicators(), 1)


def without_sources():
    from llama_course.policy.transparency import indicators

    return {name: (0, f"For {name} there is nothing in the card at all.") for name in indicators()}


MISTAKES = [
    ("11.1", names_inside_words, "whole words only"),
    ("11.1", blanks_are_nothing, "differ in a blank at the end"),
    ("11.1", copies_of_the_first, "comes 2 times"),
    ("11.2", exposure_in_nats, "natural logarithms were taken"),
    ("11.2", exposure_without_itself, "one more than others"),
    ("11.2", exposure_with_luck, "would seem to know something"),
    ("11.3", likeness_of_one_side, "not by those of one of them"),
    ("11.3", likeness_of_words, "words were compared"),
    ("11.3", likeness_with_repeats, "a run that comes again is the same run"),
    ("11.4", auc_turned_round, "it is turned round"),
    ("11.4", auc_without_ties, "yours gave them nothing"),
    ("11.4", auc_of_the_best, "the best member was compared alone"),
    ("11.5", others_of_any_kind, "the kinds do not match"),
    ("11.5", others_that_were_read, "it is a member, whatever its date"),
    ("11.5", others_twice, "a text was chosen twice"),
    ("11.6", all_the_same_reason, "two points have the same reason"),
    ("11.6", no_reasons, "expected a pair (point, reason)"),
    ("11.6", without_sources, "look again at what the card lists"),
]
