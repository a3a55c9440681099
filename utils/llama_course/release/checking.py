"""Is a draft ready for release?  Everything that is not, each with what was claimed, what was measured, what to do."""

import re
from collections.abc import Mapping

from llama_course.release.claims import Claim, Ruling, judge_claim
from llama_course.release.drafts import LICENCES, PARTS, WITH_A_FIGURE, Draft
from llama_course.release.measuring import Measured
from llama_course.release.quantities import ACCESS, QUANTITIES, TOLD, WORST, Measurement, open_to, worst_told
from llama_course.release.wording import PLACE, Finding, figures_in, leaks_in, promises_in

FEWEST_CLAIMS = 3
TO_DECIDE = "nothing, for this is yours to decide"
FORBIDDING = re.compile(r"\b(?:forbidden|prohibited|must not|may not (?:be )?(?:use|ask|appl)\w*|not allowed)\b", re.I)
LONGEST_NAME = 60  # characters
VERSION = re.compile(r"[\w.+-]{1,20}")
EXACT = {  # places that are filled with a fact of the files
    "parameters": "{parameters:,} parameters",
    "context_tokens": "{context_tokens:,} tokens of context",
    "megabytes": "{megabytes:.1f} MB",
    "sha256": "{sha256}",
}


def check_draft(draft: Draft, measured: Measured) -> list[Finding]:
    """All that stands between a draft and its release; an empty list where nothing does.

    Args:
        draft: what a person wrote.
        measured: of the model that it is about.
    """
    access = draft.access if draft.access in ACCESS else "weights"  # the strictest, until one is chosen
    findings = _decisions(draft, measured, access)
    for part in PARTS.values():
        findings += _one_part(part.id, draft.texts.get(part.id, ""), measured, access)
    findings += _claims(draft, measured, access)
    findings += _together(draft, measured, access)
    return findings


def rulings(draft: Draft, measured: Measured) -> list[Ruling]:
    """What the measurements say of each claim, at the draft's level of access."""
    return [judge_claim(claim, measured.results, draft.access) for claim in draft.claims]


def fill(text: str, measured: Measured, access: str) -> str:
    """A text with its places filled from the run; a place that nothing fills stays as it is."""
    values = places(measured, access)
    return PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def places(measured: Measured, access: str) -> dict[str, str]:
    """What may be written in braces, and what stands there in the report."""
    identity = dict(measured.identity)
    identity["megabytes"] = int(identity.get("file_bytes", 0)) / 1e6
    exact = {name: form.format(**identity) for name, form in EXACT.items()}
    shares = {name: str(result) for name, result in measured.results.items()}
    if (worst := worst_told(measured.results, access)) is not None:
        shares[WORST] = f"{worst} ({QUANTITIES[worst.quantity].plain})"
    return shares | exact


def _decisions(draft: Draft, measured: Measured, access: str) -> list[Finding]:
    findings = [
        Finding(what, "there is nothing.", TO_DECIDE, f"Write {example}.")
        for what, value, example in (
            ("name", draft.name, "what users will call it"),
            ("version", draft.version, "such as 1.0, so that the next one can be told apart"),
        )
        if not value.strip()
    ]
    if len(draft.name) > LONGEST_NAME:
        said = f"“{draft.name[:20]}…” has {len(draft.name)} characters."
        findings.append(
            Finding("name", said, TO_DECIDE, f"Take at most {LONGEST_NAME}; the rest belongs into “summary”.")
        )
    if draft.version.strip() and not VERSION.fullmatch(draft.version.strip()):
        said = f"“{draft.version:.30}” is no version."
        findings.append(Finding("version", said, TO_DECIDE, "Write one short word, such as 1.0 or 2-beta."))
    findings += leaks_in("version", draft.version)
    findings += [*leaks_in("name", draft.name), *figures_in("name", draft.name, {})]
    findings += promises_in("name", draft.name, measured.results, access)
    for what, value, known in (("licence", draft.licence, LICENCES), ("access", draft.access, ACCESS)):
        if value not in known:
            said = f"“{value:.40}” is none that we know." if value.strip() else "there is nothing."
            findings.append(Finding(what, said, TO_DECIDE, f"Choose one of: {'; '.join(known)}."))
    return findings


def _one_part(name: str, text: str, measured: Measured, access: str) -> list[Finding]:
    part, words = PARTS[name], len({word.casefold() for word in re.findall(r"\w*[^\W\d_]\w*", text)})
    if words < part.fewest_words:
        said = f"“{text.strip():.40}” has {words} different words." if text.strip() else "there is nothing."
        advice = f"{part.question} Answer in at least {part.fewest_words} words."
        return [Finding(name, said, TO_DECIDE, advice), *leaks_in(name, text)]
    findings = [
        *promises_in(name, text, measured.results, access),
        *figures_in(name, text, places(measured, access)),
        *leaks_in(name, text),
    ]
    if name in WITH_A_FIGURE and not any(place in {*QUANTITIES, WORST} for place in PLACE.findall(text)):
        advice = f"{part.question} Use {{{_worst(measured.results)}}}, for one."
        findings.append(Finding(name, "no measurement is named.", f"{len(measured.results)} quantities", advice))
    return findings


def _worst(results: Mapping[str, Measurement]) -> str:
    """The quantity that is furthest from what one would wish."""

    def shortfall(name: str) -> float:
        value = results[name].interval.value
        return 1 - value if QUANTITIES[name].good == "high" else value

    return max(results, key=shortfall)


def _claims(draft: Draft, measured: Measured, access: str) -> list[Finding]:
    findings = []
    for claim in draft.claims:
        if claim.quantity == WORST and draft.access not in ACCESS:
            continue  # it depends on the access, which is asked for already
        ruling = judge_claim(claim, measured.results, access)
        if says_nothing(claim):
            advice = "It holds for every model. Claim what a measurement could be against."
            findings.append(Finding("claims", f"“{claim.words}” says nothing.", ruling.measured, advice))
        elif not ruling.holds:
            findings.append(Finding("claims", f"“{claim.words}” is {ruling.verdict}.", ruling.measured, ruling.advice))
    about = {claim.quantity for claim in draft.claims}
    if len(about) < FEWEST_CLAIMS:
        said = f"there are {len(draft.claims)}, about {len(about)} quantities."
        advice = f"Make claims about at least {FEWEST_CLAIMS}: what would a user want to rely on?"
        findings.append(Finding("claims", said, f"{len(measured.results)} quantities", advice))
    if draft.claims and not any(_is_about_danger(claim) for claim in draft.claims):
        worst = worst_told(measured.results, access)
        advice = f"Say what the worst way does, with the quantity “{WORST}”: it is what outsiders will find."
        findings.append(Finding("claims", "nothing is said about dangers.", str(worst or "not all open ways"), advice))
    return findings


def says_nothing(claim: Claim) -> bool:
    """Whether a claim holds whatever is measured: at most 100 %, at least 0 %."""
    return claim.percent == (100 if claim.comparison == "at most" else 0)


def _is_about_danger(claim: Claim) -> bool:
    return claim.quantity == WORST or claim.quantity in open_to("weights")


def _together(draft: Draft, measured: Measured, access: str) -> list[Finding]:
    """What is right by itself and wrong beside something else."""
    findings = []
    licence = LICENCES.get(draft.licence)
    forbids = FORBIDDING.search(draft.texts.get("not_for", ""))
    if licence and forbids and not licence.carries_use_rules:
        findings.append(
            Finding(
                "licence",
                f"“not for” says “{forbids[0]}”, and {licence.id} forbids no use.",
                TO_DECIDE,
                "Write what you advise against, or choose a licence that carries the rule.",
            )
        )
    if licence and licence.id == "none" and draft.access in ("weights", "weights, data, recipe"):
        findings.append(
            Finding(
                "licence",
                f"“{draft.access}” hands the files out, and without a licence nobody may use them.",
                TO_DECIDE,
                "Choose a licence, or keep the files.",
            )
        )
    seen: dict[str, str] = {}
    for name, text in draft.texts.items():
        words = " ".join(text.lower().split())
        if words and words in seen:
            said = f"the same words stand under “{seen[words]}”."
            findings.append(Finding(name, said, TO_DECIDE, f"{PARTS[name].question} Answer that."))
        seen.setdefault(words, name)
    told = [claim for claim in draft.claims if claim.quantity in (*TOLD, "refused")]
    if told and WORST not in {c.quantity for c in draft.claims} and "raw" in ACCESS[access].routes:
        worst = worst_told(measured.results, access)
        findings.append(
            Finding(
                "claims",
                f"“{told[0].words}” stands alone, and “{access}” opens more ways than the chat.",
                f"{worst} for “{QUANTITIES[worst.quantity].plain}”" if worst else "not all open ways",
                f"Add a claim about “{WORST}”, which takes the worst way.",
            )
        )
    return findings
