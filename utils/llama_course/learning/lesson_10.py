"""Checks of the exercises of lesson 10, misuse."""

from itertools import pairwise

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_type,
)

EXPERIMENTS = (
    "red team",
    "curve of refusals",
    "harmless recipes",
    "control",
    "one direction",
    "filter",
    "watermark",
    "detector",
)
VERDICTS = ("publish", "publish later", "do not publish")
FEWEST_WORDS = 8  # of an entry of the worksheet


@exercise("10.1", title="None of thirty", difficulty=2, minutes=10)
def check_10_1(largest_rate):
    expect_function(largest_rate, "attempts, confidence")
    for attempts, confidence in ((30, 0.95), (1, 0.9), (500, 0.99), (7, 0.5)):
        rate = largest_rate(attempts, confidence)
        what = f"With {attempts} attempts and a confidence of {confidence}, the largest rate"
        expect_type(rate, (float, int), what)
        expect(0 < rate < 1, f"{what} must lie between 0 and 1, got {rate}. A rate of 0 is not proved by trying.")
        expect_close(
            (1 - rate) ** attempts,
            1 - confidence,
            f"{what}: the probability that all attempts fail at your rate",
            [
                (confidence, "is the confidence itself; the *unlikely* case is 1 − confidence"),
                ((1 - 3 / attempts) ** attempts, "3 / n is the rule of thumb; solve (1 − r)ⁿ = 1 − confidence"),
                ((1 - (1 - confidence) / attempts) ** attempts, "was divided instead of taking the n-th root"),
            ],
            rtol=1e-6,
        )
    expect_close(largest_rate(30), largest_rate(30, 0.95), "Without a confidence, 0.95 should be taken; the rate")
    return "none of thirty still allows about one in ten."


@exercise("10.2", title="Without one direction", difficulty=2, minutes=10)
def check_10_2(without):
    import numpy as np

    expect_function(without, "states, direction")
    rng = np.random.default_rng(10)
    states, direction = rng.normal(size=(5, 7)), 3 * rng.normal(size=7)
    given = states.copy(), direction.copy()
    got = without(*given)
    expect((given[0] == states).all() and (given[1] == direction).all(), "the caller's arrays were changed.")
    expect(getattr(got, "shape", None) == states.shape, f"expected the shape {states.shape}, got {describe(got)}.")
    unit = direction / np.sqrt((direction**2).sum())
    left = np.asarray(got) @ unit
    if not np.allclose(left, 0, atol=1e-9):
        scaled = states - np.outer(states @ direction, direction)
        expect(not np.allclose(got, scaled), "the direction is not of length 1: divide it by its length first.")
        expect(not np.allclose(got, states - unit), "take away from each state *its own* part along the direction.")
        expect(False, "there is still something left along the direction.")
    across = states - np.outer(states @ unit, unit)
    expect_close(got, across, "What lies across the direction must stay as it was; the states")
    expect_close(without(across, direction), across, "States without a part along it stay as they are; the states")
    axis = np.array([0.0, 2.0, 0.0])
    expect_equal(
        np.asarray(without(np.array([[1.0, 5.0, 2.0]]), axis)).round(9).tolist(),
        [[1.0, 0.0, 2.0]],
        "Along the second axis, [1, 5, 2]",
    )
    return "nothing is left along it, and all the rest is."


@exercise("10.3", title="Counting green", difficulty=3, minutes=15)
def check_10_3(my_z):
    expect_function(my_z, "ids, is_green, green_share")
    asked: list[tuple[int, int]] = []

    def is_green(previous, token):
        asked.append((previous, token))
        return (7 * previous + 3 * token) % 4 == 0

    def right(ids, share):
        pairs = {(a, b) for a, b in pairwise(ids)}
        count, green = len(pairs), sum((7 * a + 3 * b) % 4 == 0 for a, b in pairs)
        return (green - share * count) / (count * share * (1 - share)) ** 0.5

    ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6]
    got = my_z(list(ids), is_green, 0.25)
    expect_type(got, (float, int), "z")
    expect(set(asked) <= set(pairwise(ids)), "ask only about neighbours, (previous, token).")
    share = sum((7 * a + 3 * b) % 4 == 0 for a, b in set(pairwise(ids))) / len(set(asked) or {0})
    expect_close(
        got,
        right(ids, 0.25),
        "z of a text without repetitions",
        [(share, "is the share of green pairs; ask by how many standard deviations it is too large")],
    )
    expect_close(my_z(list(ids), is_green, 0.5), right(ids, 0.5), "z with half of the tokens green")
    twice = [1, 1, 1, 1, 1, 2, 1, 2, 1, 2]
    every = [(a, b) for a, b in pairwise(twice)]
    green = sum((7 * a + 3 * b) % 4 == 0 for a, b in every)
    repeated = (green - 0.25 * len(every)) / (len(every) * 0.1875) ** 0.5
    expect_close(
        my_z(list(twice), is_green, 0.25),
        right(twice, 0.25),
        "z of a text that repeats itself",
        [(repeated, "repeated pairs were counted again and again")],
    )
    for ids in ([], [5]):
        expect_equal(float(my_z(ids, is_green, 0.25)), 0.0, f"A text of {len(ids)} tokens has no pair; its z")
    return "each pair once, in standard deviations."


@exercise("10.4", title="Rare enough to be wrong", difficulty=2, minutes=10)
def check_10_4(base_rate_needed):
    from llama_course.safety.swindle_detector import right_when_it_flags

    expect_function(base_rate_needed, "hits, false_alarms, wanted")
    for hits, alarms, wanted in ((0.99, 0.01, 0.9), (0.26, 0.09, 0.5), (0.7, 0.2, 0.75)):
        base = base_rate_needed(hits, alarms, wanted)
        what = f"With {hits:.0%} hits, {alarms:.0%} false alarms and {wanted:.0%} wanted"
        expect_type(base, (float, int), what)
        expect(0 <= base <= 1, f"{what}: a share lies between 0 and 1, got {base:.3g}.")
        expect_close(
            right_when_it_flags(base, hits, alarms),
            wanted,
            f"{what}: at your base rate, the share of flags that are right",
            [
                (
                    right_when_it_flags(alarms / (alarms + hits), hits, alarms),
                    "is one half: wanted does not come into your formula",
                ),
                (
                    right_when_it_flags((1 - wanted) * alarms / ((1 - wanted) * alarms + wanted * hits), hits, alarms),
                    "is 1 − wanted: you asked for flags to be wrong so often",
                ),
            ],
            rtol=1e-6,
        )
    expect_equal(float(base_rate_needed(0.9, 0.0, 0.99)), 0.0, "Without false alarms, the base rate needed")
    expect_equal(float(base_rate_needed(0.9, 0.1, 1.0)), 1.0, "For flags that are never wrong, the base rate needed")
    return "put into the sum of the lesson, it gives what was wanted."


@exercise("10.5", title="Where to refuse", difficulty=3, minutes=15)
def check_10_5(best_point):
    expect_function(best_point, "dangers, harmless, most")

    def best(dangers, harmless, most):
        got = best_point(list(dangers), list(harmless), most)
        pair = isinstance(got, tuple | list) and len(got) == 2
        expect(pair, f"return a pair (dangers refused, harmless ones refused); got {describe(got)}.")
        expect(all(0 <= share <= 1 for share in got), f"both are shares from 0 to 1; got {describe(got)}.")
        return tuple(float(share) for share in got)

    dangers, harmless = [5, 6, 7, 8], [1, 2, 3, 6]
    got = best(dangers, harmless, 0.25)
    expect(got[1] <= 0.25, f"{got[1]:.0%} of the harmless ones are refused, and at most 25 % were allowed.")
    expect_equal(
        got,
        (1.0, 0.25),
        "Dangers at 5, 6, 7, 8, harmless at 1, 2, 3, 6, at most a quarter: the point",
    )
    expect_equal(
        best(dangers, harmless, 0.0),
        (0.5, 0.0),
        "The same with no harmless one refused: the point",
        [
            ((0.0, 0.0), "refusing nothing is always allowed, and here not the best: try all thresholds"),
            ((0.75, 0.25), "a harmless one is refused"),
        ],
    )
    expect_equal(
        best([1, 2], [3, 4], 1.0),
        (1.0, 1.0),
        "Where dangers seem more harmless than the rest and all may be refused, the point",
        [((0.5, 1.0), "a number *equal* to the threshold is refused, too")],
    )
    expect_equal(
        best([5, 9], [1, 2, 3, 4], 1.0),
        (1.0, 0.0),
        "Everything may be refused, and need not be: the point",
        [((1.0, 1.0), "both dangers are refused with fewer harmless ones: choose the least")],
    )
    expect_equal(best([1, 2], [5, 6], 0.4), (0.0, 0.0), "Where every danger seems harmless, the point")
    expect_equal(best([4, 4], [4, 4], 0.5), (0.0, 0.0), "Where all look the same, the point")
    return "as many dangers as the limit allows, and not one harmless request more."


@exercise("10.6", title="How much more?", difficulty=4, minutes=20)
def check_10_6(worksheet):
    from llama_course.policy.misuse import WORKSHEET

    expect_function(worksheet)
    got = worksheet()
    expect_parts(got, (*WORKSHEET, "measured", "verdict"), "the worksheet")
    for name in WORKSHEET:
        expect_type(got[name], str, name)
        expect(len(got[name].split()) >= FEWEST_WORDS, f"{name}: write a sentence of at least {FEWEST_WORDS} words.")
    expect(len({got[name] for name in WORKSHEET}) == len(WORKSHEET), "two entries say the same.")
    pairs = got["measured"]
    expect(isinstance(pairs, list | tuple) and len(pairs) >= 1, "measured: name at least one experiment.")
    for pair in pairs:
        whole = isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[1], str)
        expect(whole, f"measured: expected pairs (experiment, what it showed), got {describe(pair)}.")
        expect(pair[0] in EXPERIMENTS, f"{pair[0]!r} is no experiment of the lesson.")
        expect(len(pair[1].split()) >= FEWEST_WORDS, f"measured, {pair[0]}: say in a sentence what it showed.")
    expect(got["verdict"] in VERDICTS, f"{got['verdict']!r} is no verdict; there are {', '.join(VERDICTS)}.")
    return "the form is complete. Whether it convinces is for a person: exchange it with a neighbour."
