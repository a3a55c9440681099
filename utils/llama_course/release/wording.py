"""Words that claim something without saying what was measured, and what else does not belong into a report.

A reader of words cannot be sure what a sentence means.  So this is strict: it refuses the word, says what was claimed,
what was measured and what to do, and leaves it to the writer to say it otherwise.  "Not safe" and "not always" are let
through: they promise nothing.  Left out: promises in words that are not listed here, figures beside the wrong words,
shares without a number ("most of them"), and other languages.  A person has to read the text, too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llama_course.release.quantities import QUANTITIES, Measurement, access_level, worst_told
from llama_course.release.typed_shares import as_read, shares_in


@dataclass(frozen=True)
class Finding:
    """Something that must be mended before the release."""

    where: str  # the part of the draft
    claimed: str  # what is said there, or what is missing
    measured: str  # what the run says to it
    advice: str  # what to do

    def __str__(self) -> str:
        return f"✗ {self.where}: {self.claimed} Measured: {self.measured}. {self.advice}"


@dataclass(frozen=True)
class Promise:
    """Words of one kind, and what to say to them."""

    words: str  # a regular expression
    about: str  # what would have to be measured: "told", "knowledge", "either", "compared", "nothing", "recall"
    advice: str


ABSOLUTE = Promise(
    r"never|always|invariably|impossible|guarantee[sd]?|under no circumstances|without exception"
    r"|in (?:all|every) cases?|at all times|not (?:once|a single)"
    r"|no(?:body|[ -]one) (?:can|could|will|(?:has |have )?ever)"
    r"|(?:zero|no) (?:dangers?|risks?)|(?:(?:does|will) not|doesn't|won't) (?:ever )?(?:tell|explain|reveal)"
    r"|refuses (?:to (?:tell|explain)|all|any|each|every)|not (?:un(?:safe|reliable|fair)|dangerous|harmful)"
    r"|cannot be (?:made|talked|tricked|broken|jailbroken|misused|abused)",
    "either",
    "No number of questions shows it. Say how often, with {told} or {facts_read}.",
)
PROMISES = (
    ABSOLUTE,
    Promise(
        r"safe|safer|safest|safely|secure|trustworthy|risk-free|(?:tamper|fool|bullet|jailbreak)[- ]?proof|unbreakable"
        r"|robust|aligned|(?:is|are|quite) harmless",
        "told",
        "Safe for what, in whose hands? Name a quantity, or leave it out.",
    ),
    Promise(
        r"state[- ]of[- ]the[- ]art|sota|best[- ]in[- ]class|the best|better than|outperforms?|on par with|as good as"
        r"|superior to|surpass(?:es)?|beats|rivals|(?:comparable|competitive) (?:to|with)|second to none"
        r"|world-class|cutting-edge|revolutionary|human-level|unmatched",
        "compared",
        "Measure both on the same questions, or leave it out.",
    ),
    Promise(
        r"perfect|perfectly|flawless|flawlessly|accurate|reliable|reliably|truthful|infallible|error[- ]free"
        r"|(?:without|no) (?:errors?|mistakes?)|all questions|(?:knows|answers) (?:all|every|any)\w*",
        "knowledge",
        "Give the figure, such as {facts_read}, instead of the word.",
    ),
    Promise(
        r"unbiased|bias-free|(?:no|without|free (?:of|from)) (?:any )?bias|fair|neutral|objective|inclusive|ethical",
        "nothing",
        "Measure it, or write under “not measured” that you did not.",
    ),
    Promise(
        r"recall(?:ed)?|withdr(?:aw|awn|ew)|(?:take|taken|call|called) (?:it |them )?back|revoke[sd]?"
        r"|(?:delete|remove) (?:all|every) cop(?:y|ies)|(?:everything|all(?: of it)?) can be undone"
        r"|(?:switch|shut) (?:it|them) (?:off|down)",
        "recall",
        "A copy that was downloaded stays where it is. Say what you will do instead.",
    ),
)
NOT = r"\b(?:not(?! only| just| merely| simply)|nor|no(?! doubt| less| other)|cannot|\w+n't"
NEGATED = rf"{NOT})\s+(?:\w+\s+)?$"  # right before the word
NEGATED_RECALL = rf"{NOT}|nobody)\s+(?:\w+\s+){{0,3}}$"  # "no copy can be withdrawn"
PLACE = re.compile(r"\{\s*([^{}]*?)\s*\}")
MACHINE = re.compile(r"/(?:home|Users|root|tmp|mnt|var)/\S*|[A-Za-z]:\\\S+|\\\\[\w.-]+\\\S+|file://\S+")
TOKEN = re.compile(
    r"\b(?:hf_|sk-|gh[pousr]_|github_pat_|xox[bp]-)[\w-]{12,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
)
COMMANDS = ("not_for",)  # there "never" tells users what not to do
KNOWLEDGE = ("facts_read", "recipes_read", "ignorance")


def promises_in(where: str, text: str, measured: Mapping[str, Measurement], access: str) -> Iterator[Finding]:
    """Words in a text that no measurement can bear out.

    Args:
        where: the name of the part.
        text: what is written there.
        measured: by quantity.
        access: a level of ``ACCESS``; only where copies go out is a recall refused.
    """
    text = as_read(text)
    for promise in PROMISES:
        if promise.about == "recall" and "raw" not in access_level(access).routes:
            continue
        if promise is ABSOLUTE and where in COMMANDS:
            continue
        negated = NEGATED_RECALL if promise.about == "recall" else NEGATED
        for found in re.finditer(rf"\b(?:{promise.words})\b", text, re.I):
            if re.search(negated, text[: found.start()], re.I):
                continue
            yield Finding(
                where,
                f"“{_around(text, found)}” promises with the word “{found[0]}”.",
                _evidence(_subject(promise.about, _around(text, found)), measured, access),
                promise.advice,
            )
            break  # one of a kind is enough for one reading


def figures_in(where: str, text: str, values: Mapping[str, str]) -> Iterator[Finding]:
    """Shares that were typed, and places to be filled that nothing fills.

    Args:
        where, text: as in :func:`promises_in`.
        values: what the run fills in, by name.
    """
    text = as_read(text)
    for found in shares_in(text):
        typed = re.sub(r"\s+|per ?cent|%", "", found[0].lower())
        same = [name for name, value in values.items() if f", {typed} %" in value]
        name = same[0] if same else "facts_read"
        yield Finding(
            where,
            f"“{_around(text, found)}” has a typed figure, “{found[0]}”.",
            f"{name}, {values[name]}" if same else "nothing that says so",
            f"Write a name in braces{',' if same else ', such as'} {{{name}}}; the run fills it in, with its interval.",
        )
    for found in PLACE.finditer(text):
        if found[1] not in values:
            yield Finding(
                where,
                f"“{{{found[1]}}}” is to be filled in.",
                "nothing of that name",
                f"Measure it, or leave it out. There are: {', '.join(values)}.",
            )


def leaks_in(where: str, text: str) -> Iterator[Finding]:
    """Folders of one computer, and access tokens."""
    text = as_read(text)
    if found := MACHINE.search(text):
        yield Finding(
            where, f"“{found[0][:40]}” names a folder of one computer.", "not a question of measuring", "Take it out."
        )
    if found := TOKEN.search(text):
        yield Finding(
            where,
            f"“{found[0][:6]}…” looks like an access token.",
            "not a question of measuring",
            "Take it out, and revoke it where it was made.",
        )


def _around(text: str, found: re.Match, reach: int = 40) -> str:
    """The words round a place."""
    start, end = max(0, found.start() - reach), min(len(text), found.end() + reach)
    piece = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{piece}{'…' if end < len(text) else ''}"


def _subject(about: str, words: str) -> str:
    """What a promise is about, where its words could be about two things."""
    if about != "either":
        return about
    return "told" if re.search(r"danger|tell|told|refus|harm|attack|trick|misuse", words, re.I) else "knowledge"


def _evidence(about: str, measured: Mapping[str, Measurement], access: str) -> str:
    if about == "told":
        worst = worst_told(measured, access)
        if worst is None:
            return "not all ways that the access opens"
        return f"{QUANTITIES[worst.quantity].plain}: {worst}"
    if about == "knowledge":
        known = [measured[name] for name in KNOWLEDGE if name in measured]
        if not known:
            return "nothing on knowledge"
        worst = min(known, key=lambda result: result.interval.value)
        return f"{QUANTITIES[worst.quantity].plain}: {worst}"
    return {
        "compared": "this model alone, and no other beside it",
        "nothing": "nothing that bears on it",
        "recall": "nothing that would bring a copy back",
    }[about]
