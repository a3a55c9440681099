"""Checks of the exercises of lesson 13, strategy and rules."""

import re
from datetime import date

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_raises,
    expect_type,
)

HEDGES = ("could", "may", "might", "likely", "potential", "potentially", "perhaps", "possibly")
FEWEST_WORDS, FEWEST_OF_A_REASON, FEWEST_REASONS = 6, 8, 3
WRITTEN_ON = date(2026, 11, 23)  # a prediction is about what comes later


@exercise("13.1", title="Which side of the lines?", difficulty=1, minutes=8)
def check_13_1(side):
    from llama_course.policy.rules import BELOW, GENERAL, ROWS, level
    from llama_course.policy.training_runs import runs

    expect_function(side, "parameters, tokens")
    words = {BELOW: "below", GENERAL: "general-purpose"}

    def said(parameters, tokens, what, mistakes=()):
        expect_equal(side(parameters, tokens), words.get(level(6 * parameters * tokens), "systemic"), what, mistakes)

    said(7e9, 2e12, "7 billion parameters, 2 trillion tokens")
    said(13e9, 2e12, "13 billion parameters, 2 trillion tokens",
         [("below", "each parameter and token take six operations: two forwards, four backwards"),
          ("systemic", "the first line makes it general-purpose; systemic risk begins at the second")])  # fmt: skip
    said(405e9, 15e12, "405 billion parameters, 15 trillion tokens",
         [("general-purpose", "there are two lines, and this one lies above both")])  # fmt: skip
    for row in [*runs().values(), *ROWS.rows["models"].values()]:
        said(row.parameters, row.tokens, row.model)
    return "six operations for each parameter and token, and two lines."


@exercise("13.2", title="From which adoption does a gift pay?", difficulty=2, minutes=12)
def check_13_2(pays_from):
    from llama_course.policy.complement import Firm, adoption_needed

    expect_function(pays_from, "price, pull, helped, rivals, cost")

    def compare(arguments, what, mistakes=()):
        price, pull, helped, rivals, cost = arguments
        wanted = adoption_needed(Firm("x", "x", pull, helped, rivals, 0.0), price, cost)
        got = pays_from(*arguments)
        if wanted is None:
            expect(got is None, f"{what}: it never pays, so None; yours returned {describe(got)}.{_why(got)}")
        else:
            expect(got is not None, f"{what}: there is such an adoption; yours returned None.")
            expect_close(float(got), wanted, what, mistakes)

    compare((5, 3, 4, 6, 4), "Plaza of the lesson", [(4 / 13, "running it costs 1 in any case: price less 1")])
    compare((5, 3, 4, 6, 10), "Just enough at full adoption")
    compare((5, 3, 4, 6, 11), "A little too dear")
    compare((2, 1, 2, 6, 3), "Rivals take more than there is to gain")
    compare((0.5, 4, 8, 2, 3), "A price below what it costs to run",
            [(3 / 4, "below 1 nothing gets cheaper: not a gain, and not a loss either")])  # fmt: skip
    compare((3, 2, 1, 0, 0), "A release that costs nothing")
    compare((1, 2, 1, 4, 0), "It costs nothing, and still loses")
    for price in (1, 2, 4, 7):
        for cost in (0, 1, 5, 12):
            compare((price, 1.5, 2, 1, cost), f"Price {price}, cost {cost}")
    return "cost over gain, where there is a gain that can pay it."


def _why(got) -> str:
    if isinstance(got, int | float) and got > 1:
        return " Nobody can adopt it more than fully."
    if isinstance(got, int | float) and got < 0:
        return " An adoption below 0 is a sign of a loss at any adoption."
    return ""


@exercise("13.3", title="How busy must the card be?", difficulty=2, minutes=12)
def check_13_3(busy_from):
    from llama_course.policy.running_costs import busy_share_needed

    expect_function(busy_from, "per_hour, per_second, price_in, price_out, read")
    expect_close(
        float(busy_from(3.6, 1000, 1.0, 3.0, 1)),
        0.25,
        "A card that writes a million tokens for 1 dollar, an API for 1 + 3",
        [
            (1 / 3, "the API is paid for what it reads, too"),
            (900.0, "the card is paid by the hour and writes by the second: 3,600 to one"),
            (0.25e-6, "API prices are for a million tokens"),
            (4.0, "turned round: a dearer API is beaten by a less busy card"),
        ],
    )
    got = busy_from(5.0, 700, 0.1, 0.32, 1)
    expect(got is None, f"A dear slow card against a cheap API: dearer even if it never rests; yours {describe(got)}.")
    expect_close(float(busy_from(3.6, 1000, 0.0, 1.0, 9)), 1.0, "As cheap only if it never rests")
    expect_close(float(busy_from(3.6, 1000, 1.0, 3.0, 0)), 1 / 3, "Nothing to read")
    for per_hour, per_second, price_in, price_out, read in ((2, 2500, 0.4, 0.4, 1), (4, 900, 10, 30, 2.5)):
        wanted = busy_share_needed(per_hour, per_second, price_out + read * price_in)
        what = f"{per_hour} dollars an hour, {per_second} tokens a second"
        expect_close(float(busy_from(per_hour, per_second, price_in, price_out, read)), wanted, what)
    return "what the card costs at full work, as a share of what the API costs."


@exercise("13.4", title="Who foresaw it?", difficulty=2, minutes=10)
def check_13_4(brier):
    expect_function(brier, "forecasts, outcomes")

    def of(forecasts, outcomes):
        return float(brier(dict(forecasts), dict(outcomes)))

    expect_close(
        of({"a": 0.8, "b": 0.4}, {"a": True, "b": False}),
        (0.04 + 0.16) / 2,
        "80 % for something true, 40 % for something false",
        [
            ((0.2 + 0.4) / 2, "errors are squared: being sure and wrong should cost more than twice"),
            (0.2, "the mean, not the sum"),
            ((0.64 + 0.36) / 2, "turned round: the error is the distance from what happened"),
        ],
    )
    expect_close(
        of({"a": 0.9, "b": 0.9}, {"a": True, "b": None}),
        0.01,
        "One decided, one not",
        [
            ((0.01 + 0.81) / 2, "what is not decided did not fail: leave it out"),
            (0.005, "divide by those decided, not by all"),
            ((0.01 + 0.16) / 2, "what is not decided is no half: leave it out"),
        ],
    )
    coin = dict.fromkeys("abcd", 0.5)
    expect_close(of(coin, {"a": True, "b": False, "c": True, "d": None}), 0.25, "Always one half")
    expect_close(of({"a": 1.0, "b": 0.0}, {"a": True, "b": False}), 0.0, "Sure and right")
    expect_close(of({"a": 0.0}, {"a": True}), 1.0, "Sure and wrong")
    expect_raises(lambda: brier({"a": 0.5}, {"a": None}), ValueError, "nothing is decided")
    return "squared, averaged, over what is decided."


@exercise("13.5", title="A prediction that can lose", difficulty=3, minutes=15)
def check_13_5(my_prediction):
    expect_function(my_prediction)
    got = my_prediction()
    expect_type(got, dict, "the prediction")
    wanted = {"claim", "measure", "source", "by", "probability"}
    has = ", ".join(map(str, got)) or "nothing"
    expect(set(got) == wanted, f"it needs exactly {', '.join(sorted(wanted))}; yours has {has}.")
    for name in ("claim", "measure", "source"):
        expect_type(got[name], str, name)
        expect(len(got[name].split()) >= FEWEST_WORDS, f"{name}: write at least {FEWEST_WORDS} words.")
    hedged = [word for word in re.findall(r"[a-z]+", got["claim"].lower()) if word in HEDGES]
    expect(not hedged, f"claim: “{hedged[0] if hedged else ''}” cannot be refuted; say it, and put the doubt into "
           "probability.")  # fmt: skip
    expect(re.search(r"\d", got["measure"]), "measure: there is no number; from which one on are you right?")
    expect_type(got["by"], str, "by")
    try:
        day = date.fromisoformat(got["by"])
    except ValueError:
        day = None
    expect(day is not None, f"by: expected a day such as 2030-06-30, got {describe(got['by'])}.")
    expect(day > WRITTEN_ON, "by: that day is past; one can only report it.")
    expect(day.year <= WRITTEN_ON.year + 20, "by: who should remember to look? At most twenty years.")
    expect_type(got["probability"], int | float, "probability")
    expect(0 < got["probability"] < 1, "probability: above 0 and below 1; who is certain is not predicting.")
    return "it can lose. Is it worth predicting? Ask your neighbour."


@exercise("13.6", title="A position, and its best opponent", difficulty=4, minutes=25)
def check_13_6(position):
    from llama_course.policy.evidence import evidence
    from llama_course.policy.role_play import LEVELS

    expect_function(position)
    got = position()
    expect_type(got, dict, "the position")
    wanted = {"level", "because", "against", "would_change"}
    expect(set(got) == wanted, f"it needs exactly {', '.join(sorted(wanted))}; yours has {', '.join(map(str, got))}.")
    expect(got["level"] in LEVELS, f"level: expected one of {'; '.join(LEVELS)}; got {describe(got['level'])}.")
    expect_type(got["because"], list | tuple, "because")
    expect(len(got["because"]) >= FEWEST_REASONS, f"because: give at least {FEWEST_REASONS} reasons.")
    pairs = [*got["because"], got["against"]]
    for pair in pairs:
        is_pair = isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        expect(is_pair, f"expected pairs (name of a finding, sentence), got {describe(pair)}.")
        name, sentence = pair
        expect(name in evidence(), f"there is no finding {name!r}; there are {', '.join(evidence())}.")
        words = len(sentence.split())
        expect(words >= FEWEST_OF_A_REASON, f"{name}: write a sentence of at least {FEWEST_OF_A_REASON} words.")
    names = [name for name, _ in got["because"]]
    expect(len(set(names)) == len(names), "because: one finding is used twice; a reason does not grow by repetition.")
    lessons = {evidence()[name].lesson for name in names}
    expect(len(lessons) >= 2, "because: all your findings come from one lesson; look at another side, too.")
    expect(got["against"][0] not in names, "against: this finding is one of your own reasons; find one that hurts.")
    sentences = [sentence.strip().lower() for _, sentence in pairs]
    expect(len(set(sentences)) == len(sentences), "two findings have the same sentence: say what each of them does.")
    expect_type(got["would_change"], str, "would_change")
    expect(
        len(got["would_change"].split()) >= FEWEST_OF_A_REASON,
        "would_change: which measurement, with which result? Write a whole sentence; “nothing” is no position.",
    )
    return "the form is complete. Give it to somebody who votes otherwise."
