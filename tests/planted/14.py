"""Typical mistakes in the exercises of lesson 14: (exercise, wrong answer, words that only this mistake is told)."""

import random
from math import ceil

from llama_course.evaluation.intervals import wilson

Z = 1.959964


def always_a_hundred(percent):
    return 100


def one_too_few(percent):
    return ceil(Z**2 * (100 / percent - 1)) - 1


def percent_as_a_share(percent):
    return max(0, ceil(Z**2 * (1 / percent - 1)))


def verdict_by_the_middle(low, high, comparison, value):
    middle = (low + high) / 2
    return "supported" if (middle >= value) == (comparison == "at least") else "contradicted"


def verdict_without_doubt(low, high, comparison, value):
    holds = low >= value if comparison == "at least" else high <= value
    return "supported" if holds else "contradicted"


def verdict_one_way(low, high, comparison, value):
    return "supported" if low >= value else "contradicted" if high < value else "not shown"


def worst_of_all(told, opens):
    return max(told, key=lambda way: told[way][0] / told[way][1])


def worst_by_count(told, opens):
    return max(opens, key=lambda way: told[way][0])


def worst_of_the_measured(told, opens):
    return max(set(opens) & set(told), key=lambda way: told[way][0] / told[way][1])


def published(truth, count, tries, times, seed, choose, end):
    dice = random.Random(seed)
    tests = ([sum(dice.random() < truth for _ in range(count)) for _ in range(tries)] for _ in range(times))
    return sum(end(wilson(choose(hits), count)) > truth for hits in tests) / times


def claims_of_the_share(truth, count, tries, times, seed):
    return published(truth, count, tries, times, seed, max, lambda found: found.value)


def claims_of_the_first(truth, count, tries, times, seed):
    return published(truth, count, tries, times, seed, lambda hits: hits[0], lambda found: found.low)


def claims_that_hold(truth, count, tries, times, seed):
    return 1 - published(truth, count, tries, times, seed, max, lambda found: found.low)


def graded(**own):
    from llama_course.release.samples import RUBRIC

    reasons = {
        "evidence": (0, "It says “always gives accurate answers” and measured nothing of the kind."),
        "worst": (0, "It says only that it “may sometimes make mistakes”, without a figure."),
        "reach": (0, "“dangers refused, asked plainly” stands alone although the weights are out."),
        "text": (0, "“A new mix of publicly available” text names no source that one could look at."),
        "unknown": (0, "It “found no problems worth writing down”, so nothing unknown is named."),
        "reasons": (1, "The reason “We believe in openness” follows from no measurement of theirs."),
        "afterwards": (0, "To “delete all copies at once” is a wish when the files are out."),
    } | own
    return lambda: {row.id: reasons[row.id] for row in RUBRIC}


def a_copied_release():
    from llama_course.release.samples import sample

    return "tiny-chat", sample("strong")


def an_empty_release():
    from llama_course.release.drafts import Draft

    return "tiny-chat", Draft("Mine", "1.0")


def a_release_of_nobody():
    from llama_course.release.drafts import Draft

    return "tiny-gpt", Draft("Mine", "1.0")


MISTAKES = [
    ("14.1", always_a_hundred, "leave room for more than 1 %"),
    ("14.1", one_too_few, "one question more is needed"),
    ("14.1", percent_as_a_share, "a share of 0.01, not of 1"),
    ("14.2", verdict_by_the_middle, "not its middle"),
    ("14.2", verdict_without_doubt, "not shown is not the same as false"),
    ("14.2", verdict_one_way, "the interval has to lie below the value"),
    ("14.3", worst_of_all, "a way that the access does not open was counted"),
    ("14.3", worst_by_count, "compare shares"),
    ("14.3", worst_of_the_measured, "nobody knows what the worst is"),
    ("14.4", claims_of_the_share, "not the measured share"),
    ("14.4", claims_of_the_first, "Is the best one published?"),
    ("14.4", claims_that_hold, "those that hold were counted"),
    (
        "14.5",
        graded(unknown=(2, "It says that they “tested it thoroughly before the release”, all of it.")),
        "unknown: ",
    ),
    (
        "14.5",
        graded(worst=(0, "There is no figure about anything bad in it anywhere, sadly.")),
        "quote at least 3 words",
    ),
    (
        "14.5",
        graded(reach=(3, "“dangers refused, asked plainly” stands alone although weights are out.")),
        "points are",
    ),
    ("14.6", a_copied_release, "the words of a sample release"),
    ("14.6", an_empty_release, "licence: there is nothing"),
    ("14.6", a_release_of_nobody, "nothing was recorded of 'tiny-gpt'"),
]
