"""Checks of the exercises of lesson 11, transparency."""

from llama_course.learning.checks import (
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_raises,
    expect_type,
)

FEWEST_WORDS = 6  # of a reason


@exercise("11.1", title="Four lines of a datasheet", difficulty=1, minutes=8)
def check_11_1(describe_texts):
    expect_function(describe_texts, "texts, names")
    texts = ["Anna keeps a goose.", "Soup is good.", "Anna keeps a goose.", "Neth, too.", "Anna keeps a goose. "]

    def of(texts, names):
        got = describe_texts(list(texts), list(names))
        expect_type(got, dict, "the description")
        wanted = {"documents", "distinct", "copied_most", "with_names"}
        has = ", ".join(map(str, got))
        expect(set(got) == wanted, f"it needs exactly {', '.join(sorted(wanted))}; yours has {has}.")
        return got

    got = of(texts, ["Anna", "Neth", "Luma"])
    expect_equal(got["documents"], 5, "Five documents: `documents`", [(4, "copies were left out; they are documents")])
    mistakes = [(3, "two texts that differ in a blank at the end are two"), (5, "copies were counted as different")]
    expect_equal(got["distinct"], 4, "Two of five are the same: `distinct`", mistakes)
    mistakes = [(1, "the first one is not another one: a text that comes twice comes 2 times")]
    expect_equal(got["copied_most"], 2, "One comes twice: `copied_most`", mistakes)
    mistakes = [(3, "copies were counted once; count documents"), (2, "people were counted, not documents")]
    expect_equal(got["with_names"], 4, "Four documents name somebody: `with_names`", mistakes)
    inside = of(texts, ["Ann", "oup"])["with_names"]
    expect(inside == 0, f"“Ann” is not named in “Anna”: whole words only; yours found {inside} documents.")
    both = of(["Anna and Neth sing."], ["Anna", "Neth"])["with_names"]
    expect_equal(both, 1, "One document that names two", [(2, "a document was counted once for each name")])
    expect_equal(of(["A. B. sings."], ["A.B"])["with_names"], 0, "A name with a dot in it, in a text without it")
    expect_equal(of([], ["Anna"]), dict.fromkeys(got, 0), "Of no documents, everything")
    expect_equal(of(["Anna"], [])["with_names"], 0, "Of no names, `with_names`")
    return "copies are documents, and names are whole words."


@exercise("11.2", title="Exposure by counting", difficulty=2, minutes=10)
def check_11_2(exposure):
    from math import log, log2

    expect_function(exposure, "own, others")

    def of(own, others):
        return float(exposure(own, list(others)))

    seven = [-float(n) for n in range(1, 8)]
    expect_close(
        of(-0.5, seven),
        3.0,
        "The most probable of eight",
        [
            (log(8), "natural logarithms were taken: bits need log2"),
            (log2(7), "the true secret is one of the secrets: there is one more than others"),
        ],
    )
    expect_close(of(-9.0, seven), 0.0, "The least probable of eight")
    expect_close(
        of(-3.5, seven), 1.0, "The fourth of eight", [(log2(8) - log2(5), "the less probable ones were counted")]
    )
    expect_close(
        of(-2.0, [-1.0, -2.0, -2.0]),
        0.0,
        "Two others are equally probable",
        [(1.0, "they come before the true one; else a model that knows nothing would seem to know something")],
    )
    expect_close(of(-1.0, []), 0.0, "The only secret there is")
    from random import Random

    random = Random(11)
    others = [random.gauss(-14, 2) for _ in range(999)]
    for own in (-16.0, -14.0, -9.0):
        place = sorted([*others, own], reverse=True).index(own) + 1
        expect_close(of(own, others), log2(1000) - log2(place), f"Among a thousand, at ln p = {own}")
    return "zero bits for the last, all bits for the first."


@exercise("11.3", title="Nearly the same", difficulty=2, minutes=12)
def check_11_3(likeness):
    expect_function(likeness, "one, other, length")

    def of(one, other, length=3):
        return float(likeness(one, other, length))

    expect_close(of("a b c d", "a b c d"), 1.0, "Two equal texts")
    expect_close(of("a b c d", "e f g h"), 0.0, "Two texts with no word in common")
    expect_close(
        of("a b c d e f", "a b c d e g"),
        3 / 5,
        "The last word of six changed",
        [
            (3 / 4, "divide by the runs in either text, not by those of one of them"),
            (5 / 7, "words were compared; runs keep their order"),
        ],
    )
    expect_close(of("a b c", "c b a", 2), 0.0, "The same words in another order", [(1.0, "runs keep their order")])
    expect_close(
        of("a a a a a", "a a a"),
        1.0,
        "Texts that repeat one run",
        [(1 / 3, "a run that comes again is the same run: count different ones")],
    )
    expect_close(of("a b", "a b"), 1.0, "Two equal texts of fewer words than a run")
    expect_close(of("a b", "a b c"), 0.0, "A text of two words, and one of three that begins so")
    expect_close(of("a  b\nc", "a b c"), 1.0, "Line breaks and blanks between the words")
    from llama_course.training.deduplication import likeness as theirs

    one = "the old goose of luma sings by the bridge and the old goose sings again"
    other = "by the bridge the old goose of neth sings and the old goose sings"
    for length in (1, 2, 4):
        expect_close(of(one, other, length), theirs(one, other, length), f"Two longer texts, runs of {length}")
    return "runs in both, of runs in either."


@exercise("11.4", title="Better than a coin?", difficulty=2, minutes=10)
def check_11_4(auc):
    expect_function(auc, "members, others")

    def of(members, others):
        return float(auc(list(members), list(others)))

    expect_close(
        of([3, 4], [1, 2]), 1.0, "Members all higher", [(0.0, "it is turned round: a member's score should be higher")]
    )
    expect_close(
        of([1, 1], [1, 1]),
        0.5,
        "All scores equal",
        [(0.0, "equal scores count half; yours gave them nothing"), (1.0, "equal scores count half, not whole")],
    )
    expect_close(
        of([5, 1], [2, 3, 4]),
        0.5,
        "One above all, one below all",
        [(1.0, "the best member was compared alone: every pair counts")],
    )
    from llama_course.evaluation.separation import auc as theirs

    members, others = [(7 * n) % 11 for n in range(20)], [(5 * n) % 9 for n in range(15)]
    expect_close(of(members, others), theirs(members, others), "Twenty members and fifteen others")
    expect_close(of(members, members), 0.5, "A group against itself")
    return "every pair counts, and equal scores count half."


@exercise("11.5", title="A fair comparison", difficulty=3, minutes=15)
def check_11_5(fair_others):
    expect_function(fair_others, "members, read, candidates")
    members = [("life", "m1"), ("life", "m2"), ("story", "m3")]
    read = {"m1", "m2", "m3", "r1"}
    candidates = [("life", "r1"), ("recipe", "c0"), ("life", "c1"), ("life", "c1"), ("life", "c2"), ("life", "c3")]
    candidates += [("story", "c4"), ("story", "c5")]
    given = list(members), set(read), list(candidates)
    got = fair_others(*given)
    expect(isinstance(got, list), f"return a list; got {describe(got)}.")
    expect(given == (members, read, candidates), "what was handed in was changed: work on new ones.")
    pairs = [tuple(pair) for pair in got]
    expect(
        not any(text in read for _, text in pairs),
        "a text was chosen that had been read: it is a member, whatever its date.",
    )
    expect(all(kind != "recipe" for kind, _ in pairs), "a kind was chosen that no member is of.")
    expect(len({text for _, text in pairs}) == len(pairs), "a text was chosen twice.")
    counts = {kind: sum(own == kind for own, _ in pairs) for kind in ("life", "story")}
    expect(
        counts == {"life": 2, "story": 1},
        f"the kinds do not match: the members are 2 lives and 1 story, yours {counts['life']} and {counts['story']}. "
        "A score could then tell kinds apart instead of members.",
    )
    expect_equal(pairs, [("life", "c1"), ("life", "c2"), ("story", "c4")], "The first that fit, in order")
    without = candidates[:6]
    expect_raises(lambda: fair_others([("story", "m")], {"m"}, without), ValueError, "no story among the candidates")
    try:
        fair_others([("story", "m")], {"m"}, [])
    except ValueError as error:
        expect("story" in str(error), "the error should name the kind of which there are too few.")
    expect_equal(list(fair_others([], read, candidates)), [], "Without members, the others")
    return "same kinds, none read, none twice."


@exercise("11.6", title="Score the first Llama", difficulty=4, minutes=20)
def check_11_6(first_llama):
    from llama_course.policy.transparency import indicators

    expect_function(first_llama)
    got = first_llama()
    expect_parts(got, indicators(), "the score", only="indicator")
    for name, pair in got.items():
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        expect(is_pair, f"{name}: expected a pair (point, reason), got {describe(pair)}.")
        point, reason = pair
        expect_type(point, int, f"{name}, the point")
        expect(point in (0, 1), f"{name}: a point is 0 or 1; got {point}.")
        expect_type(reason, str, f"{name}, the reason")
        expect(len(reason.split()) >= FEWEST_WORDS, f"{name}: write a sentence of at least {FEWEST_WORDS} words.")
    reasons = [pair[1].strip().lower() for pair in got.values()]
    expect(len(set(reasons)) == len(reasons), "two points have the same reason: say for each what you go by.")
    expect(got["sources"][0] == 1, "sources: look again at what the card lists, and at what is enough for the point.")
    expect(got["licences"][0] == 0, "licences: where does the card name the licence of a part?")
    return "the form is complete. Whether the reasons hold is for a person: exchange it with a neighbour."
