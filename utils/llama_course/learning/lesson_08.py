"""Checks of the exercises of lesson 08, open versus closed."""

from llama_course.learning.checks import (
    CheckFailed,
    describe,
    exercise,
    expect,
    expect_close,
    expect_equal,
    expect_function,
    expect_parts,
    expect_type,
)

RUNGS = ("API", "API with probabilities", "weights", "weights, data, recipe")
EXPERIMENTS = (
    "ladder",
    "hunt with text",
    "hunt with probabilities",
    "hunt with weights",
    "search in a clean model",
    "copy through the API",
    "recall",
)
FEWEST_WORDS = 6  # of a reason


@exercise("08.1", title="The bucket", difficulty=2, minutes=10)
def check_08_1(let_in):
    expect_function(let_in, "times, per_second, burst")

    def decide(times, per_second, burst):
        got = let_in(list(times), per_second, burst)
        expect(isinstance(got, list | tuple), f"return a list; got {describe(got)}.")
        expect(len(got) == len(times), f"{len(times)} requests came, and {len(got)} were decided.")
        for one in got:
            expect_type(one, bool, "each decision")
        return list(got)

    start = decide([0, 0, 0, 0], 1, 3)
    expect(start[0], "the first request was refused: the bucket is full at time 0.")
    expect_equal(start, [True, True, True, False], "Four requests at once, with a burst of 3")
    late = decide([0, 0, 0.25, 0.5, 0.75, 1], 2, 1)
    expect(
        sum(late) >= 3,
        "a refused request must take nothing, and parts of a token must be kept: "
        "half a second after the first one, at 2 tokens a second, there is a whole token again.",
    )
    expect_equal(late, [True, False, False, True, False, True], "Six requests, with a burst of 1 and 2 tokens a second")
    rest = decide([0, 0, 3600, 3600, 3600], 1, 2)
    expect(
        rest != [True] * 5,
        "after an hour's rest more than the burst were let in: the bucket holds no more than that.",
    )
    expect_equal(rest, [True, True, True, True, False], "After an hour's rest")
    from llama_course.safety.rate_limit import TokenBucket

    for per_second, burst in ((4, 2), (0.5, 3)):
        now = [0.0]
        bucket = TokenBucket(per_second, burst, lambda now=now: now[0])
        times, right = [number * 0.125 for number in range(60)], []
        for time_s in times:
            now[0] = time_s
            right.append(bucket.take() == 0)
        expect_equal(decide(times, per_second, burst), right, "Sixty requests, eight a second")
    expect_equal(decide([], 1, 1), [], "No request at all")
    return "a burst at once, then a steady rate, and a rest saves up no more than the burst."


@exercise("08.2", title="What comes in", difficulty=2, minutes=12)
def check_08_2(read_request):
    import json

    expect_function(read_request, "body")

    def read(body):
        try:
            got = read_request(body)
        except NotImplementedError:
            raise
        except Exception as error:
            kind = type(error).__name__
            raise CheckFailed(f"{body[:30]!r} made your function raise {kind}; a server must not fall over.") from error
        expect(isinstance(got, tuple) and len(got) == 2, f"return a pair (status, text); got {describe(got)}.")
        expect_type(got[1], str, "the text")
        return got

    for question in ("How do I make soup?", "Wie heißt die Gans? 🪿", "a" * 500):
        expect_equal(
            read(json.dumps({"question": question}, ensure_ascii=False).encode()),
            (200, question),
            f"The request with {question[:20]!r}",
        )
    bad = {
        b"": "an empty body",
        b"How do I make soup?": "a body that is not JSON",
        b'{"question": "\xff"}': "bytes that are no UTF-8",
        b"[" * 100_000: "a hundred thousand brackets",
        b'"How?"': "a text instead of an object",
        b"[]": "a list instead of an object",
        b'{"ask": "How?"}': "an object without question",
        b'{"question": 5}': "a number instead of a text",
        b'{"question": null}': "nothing instead of a text",
        b'{"question": " \\n "}': "white space alone",
        b'{"question": "' + b"a" * 501 + b'"}': "501 characters",
        b'{"question": "How?", "logits": true}': "a second field",
    }
    for body, what in bad.items():
        status, reason = read(body)
        expect(status == 400, f"{what} got {status}.")
        expect(reason.strip(), f"{what} was refused without a reason.")
    return "good requests come through unchanged, the others are refused in words, and nothing falls over."


@exercise("08.3", title="Asking blindly", difficulty=2, minutes=8)
def check_08_3(chance_to_find):
    from fractions import Fraction

    expect_function(chance_to_find, "vocabulary, length, queries")
    for vocabulary, length, queries in ((4, 1, 3), (10, 2, 50), (6, 3, 1)):
        each = Fraction(1, vocabulary**length)
        expect_close(
            chance_to_find(vocabulary, length, queries),
            float(1 - (1 - each) ** queries),
            f"With {vocabulary} words, a length of {length} and {queries} queries",
            [
                (float(queries * each), "chances were added up; then 200 tails of 10 words would be found twice"),
                (float((1 - each) ** queries), "that is the chance to find nothing"),
                (float(each**queries), "all attempts would have to succeed; one is enough"),
            ],
            rtol=1e-6,
            atol=0,
        )
    expect_equal(float(chance_to_find(10, 2, 0)), 0.0, "Without a query, the chance")
    large = chance_to_find(32_000, 5, 1_000_000)
    expect_close(
        large,
        1e6 * 32_000.0**-5,
        "With 32,000 words, a length of 5 and a million queries",
        [(0.0, "1 − (1 − p)ⁿ was rounded to nothing: use log1p and expm1, which are exact for tiny numbers")],
        rtol=1e-6,
        atol=0,
    )
    expect(chance_to_find(2, 1, 10_000) <= 1, "a probability is at most 1.")
    return "right for a handful of words and for a vocabulary of 32,000."


@exercise("08.4", title="The best exchanges", difficulty=3, minutes=15)
def check_08_4(best_exchanges):
    import numpy as np

    expect_function(best_exchanges, "gradient, embeddings, tail, count")
    rng = np.random.default_rng(8)
    L, D, V = 3, 5, 7
    gradient, embeddings, tail = rng.normal(size=(L, D)), rng.normal(size=(V, D)), [2, 6, 2]
    gains = {  # number by number
        (place, token): sum(gradient[place, d] * (embeddings[token, d] - embeddings[tail[place], d]) for d in range(D))
        for place in range(L)
        for token in range(V)
        if token != tail[place]
    }
    right = sorted(gains, key=gains.get, reverse=True)
    given = gradient.copy(), embeddings.copy(), list(tail)
    got = best_exchanges(*given, 6)
    expect(
        (given[0] == gradient).all() and (given[1] == embeddings).all() and given[2] == tail,
        "the caller's arrays were changed: work on new ones.",
    )
    expect(isinstance(got, list | tuple) and len(got) == 6, f"six were asked for; got {describe(got)}.")
    for pair in got:
        expect(isinstance(pair, tuple | list) and len(pair) == 2, f"each must be a pair; got {describe(pair)}.")
    pairs = [(int(place), int(token)) for place, token in got]
    expect(
        all(0 <= place < L and 0 <= token < V for place, token in pairs),
        f"pairs are (place, token), with places below {L} and tokens below {V}; yours begin {pairs[:3]}.",
    )
    expect(
        all(token != tail[place] for place, token in pairs),
        "a token was exchanged for itself: nothing would change.",
    )
    everywhere = [(place, token) for place in range(L) for token in range(V) if token != tail[place]]
    absolute = sorted(everywhere, key=lambda pair: gradient[pair[0]] @ embeddings[pair[1]], reverse=True)
    expect_equal(
        pairs,
        right[:6],
        "The six best",
        [
            (right[::-1][:6], "are the six worst: a gain makes ln p larger"),
            (absolute[:6], "leave out what is lost: the embedding of the token that stands there now"),
        ],
    )
    every = [(int(place), int(token)) for place, token in best_exchanges(*given, len(right))]
    expect_equal(every, right, "All exchanges in order")
    return "ranked over all places at once, by what is won and what is lost."


@exercise("08.5", title="How long does it take?", difficulty=2, minutes=10)
def check_08_5(median_needed):
    expect_function(median_needed, "hunts")
    expect_equal(median_needed([(True, 30), (True, 10), (True, 20)]), 20, "Three hunts that found it: the median")
    winners = [(True, 100), (False, 3000), (True, 300), (False, 3000), (True, 200)]
    expect_equal(
        median_needed(list(winners)),
        300,
        "Three found it, two gave up: the median",
        [
            (200, "counts the winners alone"),
            (1320, "is a mean"),
            (1320.0, "is a mean"),
        ],
    )
    got = median_needed([(True, 100), (False, 3000), (False, 3000)])
    expect(
        got != 3000,
        "3,000 is where the hunter gave up, not what was needed: nobody knows the median here.",
    )
    expect_equal(got, None, "One of three found it: the median", [(100, "counts the winners alone")])
    expect_equal(median_needed([(False, 50), (True, 900), (True, 700)]), 900, "One gave up early: the median")
    expect_equal(median_needed([(True, 10), (False, 99)]), 10, "Of two hunts, the lower one in the middle")
    expect_equal(median_needed([(False, 10)]), None, "Nothing was ever found: the median")
    return "those who gave up count, too."


@exercise("08.6", title="Your recommendation", difficulty=4, minutes=20)
def check_08_6(recommendation):
    expect_function(recommendation)
    got = recommendation()
    expect_parts(got, ("rung", "for_it", "against_it", "not_settled", "change_my_mind"), "the recommendation")
    expect(got["rung"] in RUNGS, f"{got['rung']!r} is no rung; there are {', '.join(RUNGS)}.")
    for side, fewest in (("for_it", 2), ("against_it", 1)):
        reasons = got[side]
        expect(isinstance(reasons, list | tuple), f"{side}: expected a list of pairs, got {describe(reasons)}.")
        least = "two reasons" if fewest == 2 else "one reason"
        words = "" if side == "for_it" else ": every choice costs something, and the ladder says what"
        expect(len(reasons) >= fewest, f"{side} needs at least {least}{words}.")
        for reason in reasons:
            pair = isinstance(reason, list | tuple) and len(reason) == 2
            expect(pair, f"{side}: expected pairs (experiment, what it shows), got {describe(reason)}.")
            experiment, shows = reason
            expect(experiment in EXPERIMENTS, f"{experiment!r} is no experiment of the lesson.")
            _expect_sentence(shows, f"{side}, {experiment}")
        named = {reason[0] for reason in reasons}
        expect(len(named) >= fewest, f"{side}: both reasons come from one experiment; use at least two.")
    both = {tuple(reason) for reason in got["for_it"]} & {tuple(reason) for reason in got["against_it"]}
    expect(not both, "the same reason stands on both sides.")
    for name in ("not_settled", "change_my_mind"):
        _expect_sentence(got[name], name)
    return "the form is complete. Whether it convinces is for a person: exchange it with a neighbour."


def _expect_sentence(text, where: str) -> None:
    expect_type(text, str, where)
    expect(len(text.split()) >= FEWEST_WORDS, f"{where}: write a sentence of at least {FEWEST_WORDS} words.")
