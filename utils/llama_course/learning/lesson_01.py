"""The checks of lesson 01: properties of the learner's functions, and verdicts beside the evidence."""

import random
from collections import Counter

from llama_course.learning.checks import CheckFailed, exercise
from llama_course.learning.expectations import describe, expect, expect_function, expect_type
from llama_course.policy.claims import claim, evidence, quotations, snippets, verdicts

VOCABULARY = "six of our seven bakers met on the old bridge and spoke of salt".split()
# A verdict that a careful reader may reach as well as ours.
ALSO_ACCEPTED = {"A0.3": {"wrong"}, "A2.2": {"misleading"}, "A2.3": {"misleading"}}
SIX_CLAIMS = ("A0.3", "A1.5", "A2.2", "A2.3", "A3.2", "A4.6")
CHANGES = ("word", "name", "subject", "polarity", "hedge")


@exercise("01.1", title="Find the altered words", difficulty=2, minutes=10)
def check_01_1(answer):
    """``altered_words(original, copy)`` as a list of pairs."""
    expect_function(answer, "original, copy")
    text = " ".join(VOCABULARY)
    same = _pairs(answer, text, text)
    expect(not same, f"a text compared with itself has no altered words; yours reports {describe(same)}.")
    styled = _pairs(answer, "“Free, for All,” he said.", "free for all he said")
    expect(not styled, f"only capitals and punctuation differ, no word does; yours reports {describe(styled)}.")
    moved = _pairs(answer, "the dog bit the man", "the man bit the dog")
    expect(
        moved,
        "“the dog bit the man” became “the man bit the dog” and yours reports nothing: do you compare bags of words?",
    )
    lost = _pairs(answer, "not quite at the level", "not at the level")
    expect(
        len(lost) < 3,
        "one word was lost, and yours reports the words after it as altered, too: do you compare place by place?",
    )
    expect(
        _clean(lost) == [("quite", "")],
        f"one word, “quite”, was lost; as a pair that is the word and an empty text. Yours: {describe(lost)}.",
    )
    again = _pairs(answer, "much, much dumber", "much dumber")
    expect(
        _clean(again) == [("much", "")],
        "one “much” of two was lost, and yours does not say so: does it count repeated words?",
    )
    for seed in range(20):
        _check_one_change(answer, random.Random(seed))
    for pair in quotations().values():
        _check_reconstruction(answer, pair.original, pair.copy)


def _check_one_change(answer, rng):
    old = VOCABULARY[:]
    place = rng.randrange(len(old))
    new = [*old[:place], "zebra", *old[place + 1 :]]
    got = _clean(_pairs(answer, " ".join(old), " ".join(new)))
    expect(
        got == [(old[place], "zebra")],
        f"one word was exchanged, at place {place + 1} of {len(old)}; yours reports {describe(got)}.",
    )
    got = _clean(_pairs(answer, " ".join(old), " ".join([*old[:place], "zebra", *old[place:]])))
    expect(
        got == [("", "zebra")],
        f"one word was added, before place {place + 1}; as a pair: an empty text and the word. Yours: {describe(got)}.",
    )


def _check_reconstruction(answer, original, copy):
    """Without its altered words the original must hold exactly the words of the copy without its own."""
    got = _clean(_pairs(answer, original, copy))
    rest = [_bag(text) - _bag(" ".join(pair[side] for pair in got)) for side, text in enumerate((original, copy))]
    expect(
        rest[0] == rest[1],
        f"take your altered words out of “{original}” and of its copy, and what remains still differs.",
    )


def _bag(text):
    return Counter("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _pairs(answer, original, copy):
    got = answer(original, copy)
    expect_type(got, (list, tuple), "the altered words")
    for pair in got:
        good = isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        expect(good, f"expected pairs of texts (before, after), got {describe(pair)}.")
    return list(got)


def _clean(pairs):
    return [tuple(part.casefold().strip(' .,;:!?“”"') for part in pair) for pair in pairs]


@exercise("01.2", title="Six verdicts", difficulty=2, minutes=12)
def check_01_2(answer):
    """A dict from claim to verdict; a conflict is named with the evidence, the verdict is not given."""
    expect_type(answer, dict, "your verdicts")
    known = list(verdicts())
    for name in SIX_CLAIMS:
        expect(name in answer, f"no verdict for {name} yet.")
        given = answer[name]
        if given is Ellipsis or given is None:
            raise NotImplementedError("your turn")
        expect(given in known, f"{name}: {describe(given)} is not in the vocabulary. Choose from: {', '.join(known)}.")
    conflicts = [_conflict(name, answer[name]) for name in SIX_CLAIMS if not _fits(name, answer[name])]
    expect(not conflicts, "\n".join(conflicts))
    return "Six verdicts, none in conflict with the evidence."


def _fits(name, given):
    return given == claim(name).verdict.name or given in ALSO_ACCEPTED.get(name, ())


def _conflict(name, given):
    row = claim(name)
    place = row.evidence[0]
    if row.verdict.name == "opinion":
        return (
            f"{name}: “{given}” would need a document that measures this. "
            f"{place.source} shows only that Meta also said something else."
        )
    if given in ("opinion", "speculation", "not verified"):
        return f"{name}: “{given}” is for what no document decides, but one does: {place.source}."
    return f"{name}: “{given}” conflicts with {place.source}: {place.quote or place.plain}"


@exercise("01.3", title="The sentence turned round", difficulty=2, minutes=6)
def check_01_3(answer):
    """A dict: which quotation, what changed, which evidence would have caught it."""
    expect_type(answer, dict, "your answer")
    for key in ("quotation", "changed", "caught_by"):
        expect(key in answer, f"your answer has no {key!r} yet.")
        if answer[key] is Ellipsis or answer[key] is None:
            raise NotImplementedError("your turn")
    name = answer["quotation"]
    expect(name in quotations(), f"there is no pair {describe(name)}; there are {', '.join(quotations())}.")
    pair = quotations()[name]
    expect(
        pair.effect != "hedge",
        f"{name}: the copy promises more than the original, in the same direction. One pair points the opposite way.",
    )
    expect(
        pair.effect != "subject",
        f"{name}: somebody else does it in the copy, yet what happens is the same. One pair says the opposite.",
    )
    expect(
        pair.effect == "polarity",
        f"{name}: the words differ, the statement hardly does. One pair says the opposite of its original.",
    )
    expect(
        answer["changed"] in CHANGES,
        f"changed: expected one of {', '.join(CHANGES)}, got {describe(answer['changed'])}.",
    )
    expect(
        answer["changed"] != "subject",
        "changed: both sentences are about Llama 2 and its rivals. Look at the word that joins them.",
    )
    expect(
        answer["changed"] == pair.effect,
        f"changed: “{answer['changed']}” is too small a change for this. Is it the same yes or no?",
    )
    place = evidence_or_fail(answer["caught_by"])
    expect(
        place.id == "paper-hours",
        f"caught_by: {place.source} says nothing on what the training took. Which one does?",
    )
    return "Found. The last part is the useful one: the paper catches the reversal even if you never see the original."


def evidence_or_fail(name):
    """The evidence of that name, or a failed check that says there is none."""
    try:
        return evidence(name)
    except (KeyError, TypeError):
        raise CheckFailed(f"caught_by: there is no evidence {describe(name)}.") from None


JUNE, LATER = "2023-06", "2025-03"
NEVER = "Section 2 asks for the month before the release date, and for no other"


@exercise("01.4", title="Who must ask? The clause as code", difficulty=3, minutes=15)
def check_01_4(answer):
    """``may_use_llama_2(licensee, users, affiliates, meta_said_yes)``: cases, one error of the article each."""
    expect_function(answer, "licensee, users, affiliates, meta_said_yes")

    def may(users, affiliates=(), said_yes=False, licensee="Firm"):
        got = answer(licensee, users, list(affiliates), said_yes)
        expect(isinstance(got, bool), f"expected True or False, got {describe(got)}.")
        return got

    def firm(june, later=0):
        return {f"product {i}": {JUNE: n, LATER: later} for i, n in enumerate(june)}

    expect(
        may({"Firm": firm([1_000_000])}),
        "a firm with a million users may use Llama 2 without asking; yours forbids it.",
    )
    expect(
        not may({"Firm": firm([900_000_000])}),
        "a firm with 900 million users in June 2023 has no rights before Meta agrees; yours gives it some.",
    )
    expect(
        not may({"Firm": firm([400_000_000, 400_000_000])}),
        "two products, 400 million users each: yours looks at each alone. The clause says “the products or services”.",
    )
    expect(
        may({"Firm": firm([1_000_000], later=900_000_000)}),
        f"a firm that grew past the gate only in 2025 need not ask: yours counts later months. {NEVER}.",
    )
    expect(
        not may({"Firm": firm([900_000_000], later=1_000_000)}),
        f"a firm that was above the gate in June 2023 and shrank must still ask. {NEVER}.",
    )
    expect(
        not may({"Firm": firm([1_000_000]), "Parent": firm([900_000_000])}, ["Parent"]),
        "a small firm with a parent above the gate: yours forgets the affiliates.",
    )
    expect(
        may({"Firm": firm([1_000_000]), "Stranger": firm([900_000_000])}, ["Sister"]),
        "a big firm that is no affiliate was counted, or an affiliate without numbers was taken for a big one.",
    )
    expect(may({"Firm": firm([700_000_000])}), "exactly 700 million is not “greater than 700 million”.")
    expect(may({"Firm": firm([900_000_000])}, said_yes=True), "Meta said yes to the big firm; yours still forbids it.")
    return "The clause as written: all products, affiliates, one month of 2023, and Meta’s word in the end."


@exercise("01.5", title="Fingerprints of a machine", difficulty=3, minutes=12)
def check_01_5(answer):
    """``suspicion(text)``: higher for text that went through a machine; tried on snippets that were not shown."""
    expect_function(answer, "text")

    def score(text):
        got = answer(text)
        expect_type(got, (int, float), f"the suspicion of {describe(text)}")
        return got

    shown = snippets()
    clean = {text: score(text) for text in [s.text for s in shown.values() if not s.rewritten]}
    marked = {s.text: score(s.text) for s in shown.values() if s.rewritten and "endorse" not in s.text}
    expect(len({*clean.values(), *marked.values()}) > 1, "yours gives every snippet the same number.")
    short, long = score("open source"), score("open source, and that is all there is to say on this fine day")
    expect(
        short == long, "a longer text of clean words is no more suspicious than a short one: does yours measure length?"
    )
    expect(
        score("OPEN SUPPLY") > score("open source"),
        "“OPEN SUPPLY” in capitals goes unnoticed: compare without capitals.",
    )
    for damaged, whole in (("the model , they say", "the model, they say"), ("it beats GPT. 3", "it beats GPT-3")):
        expect(
            score(damaged) > score(whole),
            f"“{damaged}” goes unnoticed. Look for a space before a comma, and for a full stop inside a name.",
        )
    for damaged, whole in (("the Flame 3 models", "the Llama 3 models"), ("runs on Home windows", "runs on Windows")):
        expect(score(damaged) > score(whole), f"“{damaged}” goes unnoticed, or “{whole}” is suspected.")
    worst_clean = max(clean, key=clean.get)
    best_marked = min(marked, key=marked.get)
    expect(
        marked[best_marked] > clean[worst_clean],
        f"“{worst_clean}” is clean, and yours finds it at least as suspicious as “{best_marked}”.",
    )
    return (
        "Every fingerprint found, also in text you had not seen. "
        "“LLMs endorse AI tools” may still slip through: some errors leave none."
    )
