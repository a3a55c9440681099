"""Checks of the exercises of lesson 14, the capstone."""

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

FEWEST_WORDS = 8  # of a reason
QUOTED_IN_A_ROW = 3  # words of the draft that a reason quotes


@exercise("14.1", title="What a zero is worth", difficulty=2, minutes=10)
def check_14_1(questions_without_failure):
    from llama_course.release.claims import questions_needed

    expect_function(questions_without_failure, "percent")

    def of(percent):
        got = questions_without_failure(percent)
        expect_type(got, int, f"The number of questions for {percent:g} %")
        return got

    one = questions_needed(0, "at most", 1)
    mistakes = [
        (one - 1, "one question more is needed: the upper end must not be above the claim"),
        (100, "a hundred questions without a failure leave room for more than 1 %"),
        (300, "three over the share is a rule of thumb; here the interval is Wilson’s"),
        (299, "that is another interval; here it is Wilson’s"),
        (38_413, "percent were taken for shares twice: 1 % is 0.01"),
        (4, "1 % is a share of 0.01, not of 1"),
        (0, "1 % is a share of 0.01, not of 1"),
    ]
    expect_equal(of(1), one, "For “at most 1 %”", mistakes)
    for percent in (50, 20, 10, 5, 0.5, 0.1):
        expect_equal(of(percent), questions_needed(0, "at most", percent), f"For “at most {percent:g} %”")
    expect_raises(
        lambda: questions_without_failure(0), ValueError, "“at most 0 %”, which no number of questions shows,"
    )
    return "a tenth of the share takes ten times the questions."


@exercise("14.2", title="Three verdicts", difficulty=1, minutes=8)
def check_14_2(verdict):
    expect_function(verdict, "low, high, comparison, value")

    def of(*arguments):
        return verdict(*arguments)

    whole = "the whole interval has to be on the claim’s side, not its middle"
    partly = "a part of the interval still agrees: not shown is not the same as false"
    unsure = [("supported", whole), ("contradicted", partly)]
    for value in (0.84, 0.86):
        expect_equal(
            of(0.80, 0.90, "at least", value), "not shown", f"80 to 90 %, claimed at least {100 * value:.0f}", unsure
        )
    turned = [("contradicted", "for “at most” the interval has to lie below the value"), ("not shown", whole)]
    expect_equal(of(0.01, 0.05, "at most", 0.10), "supported", "1 to 5 %, claimed at most 10", turned)
    expect_equal(of(0.80, 0.90, "at least", 0.70), "supported", "80 to 90 %, claimed at least 70")
    expect_equal(of(0.80, 0.90, "at least", 0.95), "contradicted", "80 to 90 %, claimed at least 95")
    expect_equal(of(0.20, 0.30, "at most", 0.10), "contradicted", "20 to 30 %, claimed at most 10")
    expect_equal(of(0.20, 0.30, "at most", 0.25), "not shown", "20 to 30 %, claimed at most 25")
    ends = [("not shown", "an end of the interval that equals the value is on the claim’s side")]
    expect_equal(of(0.80, 0.90, "at least", 0.80), "supported", "80 to 90 %, claimed at least 80", ends)
    expect_equal(of(0.20, 0.30, "at most", 0.30), "supported", "20 to 30 %, claimed at most 30", ends)
    expect_equal(of(0.80, 0.90, "at least", 0.90), "not shown", "80 to 90 %, claimed at least 90")
    expect_raises(lambda: verdict(0.1, 0.2, "about", 0.15), ValueError, "a comparison such as “about”")
    return "true, false, and not enough asked are three things."


@exercise("14.3", title="The worst open way", difficulty=2, minutes=10)
def check_14_3(worst_way):
    expect_function(worst_way, "told, opens")
    told = {"asked": (2, 200), "attacked": (3, 40), "begun": (30, 40), "trained": (50, 60)}

    def of(opens, counts=None):
        return worst_way(dict(told if counts is None else counts), set(opens))

    expect_equal(
        of(told),
        "trained",
        "With all ways open",
        [("asked", "that is the best way, for the owner; look for the worst")],
    )
    expect_equal(of({"asked", "attacked"}), "attacked", "With the chat alone open",
                 [("trained", "a way that the access does not open was counted")])  # fmt: skip
    many = {"asked": (9, 900), "attacked": (4, 10)}
    expect_equal(of(many, many), "attacked", "9 of 900 beside 4 of 10",
                 [("asked", "counts were compared; compare shares, for not equally many were asked")])  # fmt: skip
    tied = {"begun": (5, 10), "trained": (30, 60)}
    expect(of(tied, tied) in tied, "two ways with equal shares: return one of them.")
    try:
        got = worst_way({"asked": (0, 200)}, {"asked", "begun"})
    except ValueError as error:
        expect("begun" in str(error), "a way that is open and was not measured: the error should name it.")
    else:
        expect(False, "a way that is open and was not measured must raise ValueError: nobody knows what the worst is; "
               f"yours returned {describe(got)}.")  # fmt: skip
    expect_raises(lambda: worst_way(dict(told), set()), ValueError, "an access that opens nothing")
    return "of the open ways the worst, and an unmeasured one is no zero."


@exercise("14.4", title="The luckiest of many tests", difficulty=3, minutes=15)
def check_14_4(false_claims):
    expect_function(false_claims, "truth, count, tries, times, seed")

    def of(truth, count, tries, times=2_000, seed=1):
        got = float(false_claims(truth, count, tries, times, seed))
        expect(0 <= got <= 1, f"a share lies between 0 and 1; yours is {got:.3g}.")
        return got

    once = of(0.8, 100, 1)
    expect(once < 0.75, "with one test nearly all claims hold; it seems that those that hold were counted.")
    expect(once < 0.25, "with one test about one claim in forty is false; yours finds many more. The claim is the "
           "lower end of the interval, not the measured share.")  # fmt: skip
    expect(once > 0.002, "with one test some claims are false, too; yours finds next to none. Is the lower end "
           "compared with the truth?")  # fmt: skip
    many = of(0.8, 100, 20)
    expect(many > 0.25, "the best of twenty tests should give many more false claims than one test; yours finds "
           f"{many:.0%}. Is the best one published?")  # fmt: skip
    expect_close(once, _false_claims(0.8, 100, 1), "One test of 100 questions", atol=0.015)
    expect_close(many, _false_claims(0.8, 100, 20), "The best of twenty tests", atol=0.05)
    expect_close(of(0.5, 60, 5), _false_claims(0.5, 60, 5), "The best of five tests of 60 questions", atol=0.03)
    expect(of(0.8, 100, 3, 200, 7) == of(0.8, 100, 3, 200, 7), "the same seed should give the same number.")
    return "who measures until it looks good publishes luck."


def _false_claims(truth: float, count: int, tries: int) -> float:
    """The exact chance: the best of several tests is above a number, each test being binomial."""
    from math import comb

    from llama_course.evaluation.intervals import wilson

    chances = [comb(count, hits) * truth**hits * (1 - truth) ** (count - hits) for hits in range(count + 1)]
    first = next((hits for hits in range(count + 1) if wilson(hits, count).low > truth), count + 1)
    return 1 - sum(chances[:first]) ** tries


@exercise("14.5", title="Grade a release", difficulty=3, minutes=20)
def check_14_5(grades):
    from llama_course.release.samples import MOST_POINTS, RUBRIC, sample

    expect_function(grades)
    got = grades()
    expect_type(got, dict, "the grades")
    wanted = [row.id for row in RUBRIC]
    missing, unknown = [name for name in wanted if name not in got], [str(name) for name in got if name not in wanted]
    expect(not missing, f"there is nothing for {', '.join(missing)}.")
    expect(not unknown, f"{', '.join(unknown)}: there is no such criterion.")
    draft = sample("weak")
    texts = " ".join(draft.texts.values()).lower() + " " + " ".join(claim.words for claim in draft.claims).lower()
    for name, pair in got.items():
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        expect(is_pair, f"{name}: expected a pair (points, reason), got {describe(pair)}.")
        points, reason = pair
        expect_type(points, int, f"{name}, the points")
        expect(0 <= points <= MOST_POINTS, f"{name}: points are 0, 1 or {MOST_POINTS}; got {points}.")
        expect_type(reason, str, f"{name}, the reason")
        expect(len(reason.split()) >= FEWEST_WORDS, f"{name}: write a reason of at least {FEWEST_WORDS} words.")
        quotes = _quotes(reason, texts)
        expect(quotes, f"{name}: quote at least {QUOTED_IN_A_ROW} words of the draft, in a row, so that somebody else "
               "can find what you mean.")  # fmt: skip
    reasons = [" ".join(pair[1].lower().split()) for pair in got.values()]
    expect(len(set(reasons)) == len(reasons), "two criteria have the same reason: say for each what you go by.")
    expect(got["afterwards"][0] == 0, "afterwards: read plan_first and plan_undone again, with the access in mind.")
    expect(got["unknown"][0] == 0, "unknown: is there one thing in it that was not measured?")
    return "the form is complete. Whether the reasons hold is for a person: exchange it with a neighbour."


def _quotes(reason: str, texts: str) -> bool:
    words = [word.strip("“”\"'’‘.,;:!?()") for word in reason.lower().split()]
    runs = (words[place : place + QUOTED_IN_A_ROW] for place in range(len(words) - QUOTED_IN_A_ROW + 1))
    plain = " ".join(word.strip("“”\"'’‘.,;:!?()") for word in texts.split())
    return any(f" {' '.join(run)} " in f" {plain} " for run in runs)


@exercise("14.6", title="Your own release", difficulty=4, minutes=40)
def check_14_6(my_release):
    from llama_course.release.checking import check_draft
    from llama_course.release.drafts import Draft
    from llama_course.release.measuring import Measured, MeasurementError, recorded
    from llama_course.release.samples import NAMES, sample

    expect_function(my_release)
    got = my_release()
    is_pair = isinstance(got, tuple | list) and len(got) == 2
    expect(is_pair, f"expected a pair (model, draft), got {describe(got)}.")
    model, draft = got
    if isinstance(model, str):
        try:
            model = recorded(model)
        except MeasurementError as error:
            expect(False, str(error))
    expect_type(model, Measured, "the model: its name, or what measure gave for your own")
    expect_type(draft, Draft, "the draft")
    copied = [
        name for name, text in draft.texts.items() if any(text == sample(one).texts[name] for one in NAMES) and text
    ]
    expect(not copied, f"{', '.join(copied)}: these are the words of a sample release; write your own.")
    findings = check_draft(draft, model)
    more = f" And {len(findings) - 1} more." if len(findings) > 1 else ""
    expect(not findings, f"{findings[0] if findings else ''}{more}")
    return "every sentence is borne out by its measurement. Whether the decisions are right is for people: defend them."
