"""Checks of the exercises of lesson 07, evaluation."""

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_type,
)

Z = 1.959963984540054


@exercise("07.1", title="An interval for a share", difficulty=2, minutes=10)
def check_07_1(wilson_interval):
    from llama_course.evaluation.intervals import wilson

    expect_function(wilson_interval, "successes, count")
    got = wilson_interval(15, 148)
    expect(
        isinstance(got, tuple | list) and len(got) == 2,
        f"return two numbers, the lower end and the upper end; got {describe(got)}.",
    )
    p, n = 15 / 148, 148
    plain = Z * (p * (1 - p) / n) ** 0.5
    centre, half = (p + Z * Z / (2 * n)) / (1 + Z * Z / n), wilson(15, 148).half_width
    expect_close(
        got,
        _by_searching(15, 148),
        "For 15 of 148 the ends",
        [
            (
                (p - plain, p + plain),
                "are those of p ± z · standard error; it gives 0 to 0 for 0 of 20, Wilson's does not",
            ),
            ((centre + half, centre - half), "are right, but exchanged: the lower one first"),
            ((p - half, p + half), "have the right width, but stand around p; the centre is drawn towards one half"),
            (
                (centre - half * (1 + Z * Z / n), centre + half * (1 + Z * Z / n)),
                "are too wide: the half width is divided by 1 + z²/n as well",
            ),
            (
                (100 * wilson(15, 148).low, 100 * wilson(15, 148).high),
                "are in percent; shares from 0 to 1 are asked for",
            ),
        ],
        rtol=1e-3,
    )
    low, high = wilson_interval(0, 20)
    expect(
        high > 0.1,
        f"for 0 of 20 your upper end is {describe(high)}: after twenty questions one cannot be so sure of 0 %.",
    )
    expect_close((low, high), (wilson(0, 20).low, wilson(0, 20).high), "For 0 of 20 the ends", rtol=1e-3, atol=1e-9)
    expect_close(wilson_interval(81, 263), _by_searching(81, 263), "For 81 of 263 the ends", rtol=1e-3)
    return "few questions give wide intervals, and nobody is ever at exactly 0 %."


def _by_searching(successes: int, count: int) -> tuple[float, float]:
    """The shares that lie z of their own standard errors from what was seen, found by halving."""
    seen = successes / count

    def edge(inside: float, outside: float) -> float:
        for _ in range(60):
            middle = (inside + outside) / 2
            is_near = abs(seen - middle) <= Z * (middle * (1 - middle) / count) ** 0.5
            inside, outside = (middle, outside) if is_near else (inside, middle)
        return inside

    return edge(seen, 0.0), edge(seen, 1.0)


@exercise("07.2", title="Three ways with a tie", difficulty=1, minutes=8)
def check_07_2(win_rates):
    expect_function(win_rates, "verdicts")
    verdicts = ["win"] * 9 + ["tie"] * 7 + ["loss"] * 4
    got = win_rates(list(verdicts))
    expect_type(got, dict, "what you return")
    expect_equal(set(got), {"ties lose", "half a win", "left out"}, "The names of the three win rates")
    counted = {"ties lose": 9 / 20, "half a win": 12.5 / 20, "left out": 9 / 13}
    mistakes = {
        "ties lose": [
            (16 / 20, "counts a tie as a win"),
            (9, "is a number of wins; divide by how many verdicts there are"),
        ],
        "half a win": [
            (9 / 20 + 3.5, "adds half a win for each tie after dividing; add first, then divide by all"),
            (12.5 / 13, "is divided by the decided ones only; here the ties count, so divide by all"),
            (16 / 20, "counts a whole win for each tie"),
        ],
        "left out": [
            (9 / 20, "is still divided by all; where ties are left out, they are left out below the line, too"),
            (9 / 4, "is wins divided by losses, odds; a share is divided by wins and losses together"),
        ],
    }
    for name, value in counted.items():
        expect_close(got[name], value, f"Of 9 wins, 7 ties and 4 losses, “{name}”", mistakes[name])
    mixed = win_rates(["loss", "tie", "win", "loss", "win"])
    expect_close(
        [mixed[name] for name in counted], [2 / 5, 2.5 / 5, 2 / 4], "In another order, with 2 wins, 1 tie, 2 losses"
    )
    return "one table of verdicts, three headlines."


@exercise("07.3", title="How many prompts?", difficulty=3, minutes=15)
def check_07_3(prompts_needed):
    import math

    expect_function(prompts_needed, "wins, losses")

    def fewest(wins: float, losses: float, variance: float) -> int:
        return math.floor(Z * Z * variance / (wins - losses) ** 2) + 1

    def is_seen(wins: float, losses: float, count: int) -> bool:
        """As one would find out by hand: a verdict is 1, 0 or −1."""
        lead = wins - losses
        mean_square = wins * 1 + losses * 1
        return lead - Z * math.sqrt((mean_square - lead * lead) / count) > 0

    for wins, losses in ((0.36, 0.325), (0.5, 0.3), (0.7, 0.3)):
        got = prompts_needed(wins, losses)
        what = f"With {wins:.1%} wins and {losses:.1%} losses the number of prompts"
        expect_type(got, int, what)
        lead = wins - losses
        mistakes = [
            (
                fewest(wins, losses, wins * (1 - wins) + losses * (1 - losses)),
                "takes wins and losses for independent; they are of the same prompts: use the variance of 1, 0 and −1",
            ),
            (
                fewest(wins, losses, wins * (1 - wins)),
                "is that for the share of wins alone; the lead varies more, since losses vary, too",
            ),
            (
                fewest(wins, losses, wins + losses - lead**2) - 1,
                "is one too few: with so many the interval still touches 0. Round up",
            ),
            (
                math.floor(Z * math.sqrt(wins + losses - lead**2) / lead) + 1,
                "is the square root of what is needed: half the lead takes four times the prompts",
            ),
        ]
        expect_equal(got, next(n for n in range(1, 10**6) if is_seen(wins, losses, n)), what, mistakes)
    expect_equal(
        prompts_needed(0.325, 0.36),
        prompts_needed(0.36, 0.325),
        "The number of prompts to see that the *other* model leads",
    )
    return (
        "and this is for a lead that comes out exactly as it is: to see it in four tests of five takes twice as many."
    )


@exercise("07.4", title="A fair hearing", difficulty=2, minutes=12)
def check_07_4(fair_verdict):
    expect_function(fair_verdict, "judge, question, ours, theirs")
    calls = []

    def asked(rule):
        def judge(question, a, b):
            calls.append((question, a, b))
            return rule(a, b)

        return judge

    hears = asked(lambda a, b: "A" if len(a) > len(b) else "B")
    got = fair_verdict(hears, "Who?", "the longer answer", "short")
    asked_pairs = {(a, b) for _, a, b in calls}
    expect(
        len(asked_pairs) >= 2,
        "the judge was asked in one order only; ask a second time with the two answers exchanged.",
    )
    expect(
        asked_pairs == {("the longer answer", "short"), ("short", "the longer answer")}
        and all(question == "Who?" for question, *_ in calls),
        "the judge must get the question and the two answers, once in each order, and nothing else.",
    )
    expect_equal(
        got,
        "ours",
        "Of a judge who likes long answers and hears a long one of ours, the verdict",
        [
            ("tie", "a tie: in the second order ours is B, so “B” speaks for ours there"),
            ("A", "name the side, ours or theirs: a letter means another answer in each order"),
        ],
    )
    expect_equal(fair_verdict(hears, "Who?", "short", "the longer answer"), "theirs", "With the longer answer theirs")
    for letter, place in (("A", "first"), ("B", "second")):
        expect_equal(
            fair_verdict(asked(lambda a, b, letter=letter: letter), "Who?", "one", "other"),
            "tie",
            f"Of a judge who always names the {place} answer, the verdict",
            [("ours", "his love of places counts for ours"), ("theirs", "his love of places counts for theirs")],
        )
    return "who changes his mind with the order has said nothing about the answers."


@exercise("07.5", title="Beyond chance", difficulty=3, minutes=12)
def check_07_5(ac1):
    from llama_course.evaluation.agreement import fleiss_kappa, gwet_ac2

    expect_function(ac1, "ratings, categories")
    ratings = [(0, 0)] * 5 + [(1, 1)] * 2 + [(2, 2)] * 4 + [(0, 1)] * 2 + [(2, 1)] * 3 + [(2, 0)]
    scale = (0, 1, 2)
    theirs = gwet_ac2(ratings, scale, "identity")
    pi_squares = sum((sum(row.count(k) for row in ratings) / 34) ** 2 for k in scale)
    wrong_chance = 1 - pi_squares  # Σ π (1 − π), not divided by q − 1
    expect_close(
        ac1(list(ratings), scale),
        _ac1_by_counting(ratings, scale),
        "For 17 things on a scale of three points, AC1",
        [
            (theirs.observed, "is the plain agreement; take off what chance does"),
            (theirs.by_chance, "is what chance does; asked is what is left of the way to 1"),
            (
                fleiss_kappa(ratings, scale).beyond_chance,
                "has the chance of kappa, Σ π²; here it is Σ π (1 − π) / (q − 1)",
            ),
            ((theirs.observed - wrong_chance) / (1 - wrong_chance), "has a chance that was not divided by q − 1"),
            (theirs.observed - theirs.by_chance, "is not divided by 1 − chance, so it never reaches 1"),
        ],
    )
    alike = [(1, 1)] * 94 + [(0, 1)] * 3 + [(1, 0)] * 3
    expect_close(ac1(list(alike), (0, 1)), _ac1_by_counting(alike, (0, 1)), "Where nearly all is alike, AC1")
    expect_close(
        ac1(list(ratings), (0, 1, 2, 3)),
        _ac1_by_counting(ratings, (0, 1, 2, 3)),
        "With a fourth point on the scale that nobody used, AC1",
    )
    return "where all is alike agreement is easy, and AC1 is generous: know it when you quote it."


def _ac1_by_counting(ratings, categories) -> float:
    """Pair by pair and rating by rating."""
    everything = [rating for row in ratings for rating in row]
    observed = sum(a == b for a, b in ratings) / len(ratings)
    shares = [everything.count(category) / len(everything) for category in categories]
    chance = sum(share * (1 - share) for share in shares) / (len(categories) - 1)
    return (observed - chance) / (1 - chance)


CLAIMS = {  # what the numbers of exercise 07.6 bear, and what to ask where somebody answers otherwise
    "a": ("supported", "look at the interval of the difference: does it hold 0?"),
    "b": ("too strong", "look at the interval of the difference on the new questions: does it hold 0?"),
    "c": ("not measured", "which of the tests asked for programs?"),
    "d": ("too strong", "two different counts come out of the same 400 prompts: what happened to the ties?"),
    "e": ("supported", "compare both orders: in how many cases did the verdict stay with the answer?"),
    "f": ("not measured", "the judges agree with each other; was their verdict ever compared with the truth?"),
}


@exercise("07.6", title="Six sentences before a reviewer", difficulty=3, minutes=15)
def check_07_6(verdicts):
    expect_type(verdicts, dict, "your verdicts")
    expect_equal(set(verdicts), set(CLAIMS), "The letters that you judge, a to f,")
    words = {"supported", "too strong", "not measured"}
    for letter, word in verdicts.items():
        expect(
            word in words,
            f"sentence {letter}: expected “supported”, “too strong” or “not measured”; got {describe(word)}.",
        )
    wrong = [letter for letter, (word, _) in CLAIMS.items() if verdicts[letter] != word]
    expect(
        len(wrong) <= 3,
        f"{len(wrong)} of six sentences would not pass. For each ask first: was this measured at all? "
        "Then: does the sentence say more than its interval?",
    )
    if wrong:
        expect(False, f"sentence {wrong[0]}: {CLAIMS[wrong[0]][1]}")
    return "a reviewer would have to look for another job. Now write one yourself: see the discussion."
