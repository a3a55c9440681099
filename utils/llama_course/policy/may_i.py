"""``may_i(plan)``: what a licence says about a plan, with the clauses that decide.  An exercise, not legal advice.

A rule is a function of the facts and the terms; it yields findings.  From all findings the answer follows: something
forbids it, or Meta must be asked, or something is open, or nothing stands against it.  A plan that contradicts itself
gets no rule at all.  Left out: national law, everything that a contract beside the licence may say, and what a court
would make of the words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from llama_course.policy.clauses import Clause, clause
from llama_course.policy.licences import GOES_ALONG, PASSES_ON, Model, Terms, field_of_use, model, terms
from llama_course.policy.scenarios import Scenario, contradictions
from llama_course.policy.user_clause import month_before, must_ask_meta

NOT_ADVICE = "This is an exercise in reading, not legal advice."


@dataclass(frozen=True)
class Finding:
    """What one rule says."""

    effect: str  # "forbids", "asks", "unclear", "missing", "duty" or "permits"
    why: str
    clause: Clause | None = None
    licence: str = ""  # under which it was found

    def __str__(self) -> str:
        return f"{self.why} [{self.clause.cited(self.licence)}]" if self.clause else self.why


@dataclass(frozen=True)
class Answer:
    """What the licence says, as far as the facts go."""

    verdict: str  # one of VERDICTS
    licence: str
    deciding: tuple[Finding, ...]  # what leads to the verdict
    duties: tuple[Finding, ...] = ()  # what an allowed plan must keep to
    remark: str = ""

    @property
    def clauses(self) -> tuple[str, ...]:
        """Ids of the clauses that decide."""
        return tuple(dict.fromkeys(one.clause.id for one in self.deciding if one.clause))

    def __str__(self) -> str:
        lines = [f"{self.verdict} (licence: {self.licence})", *(f"  because: {one}" for one in self.deciding)]
        lines += [f"  on condition: {one}" for one in self.duties]
        return "\n".join([*lines, *([f"  {self.remark}"] if self.remark else []), f"  {NOT_ADVICE}"])

    __repr__ = __str__


def may_i(plan: Scenario, under: str | None = None) -> Answer:
    """Ask a licence about a plan.

    Args:
        plan: the facts.
        under: as if the same weights came under this licence instead of their own.

    Raises:
        ValueError: there is no licence ``under``; the message gives the nearest names.
    """
    which = model(plan.model)
    own = terms(under or which.licence)
    if under:
        plan = replace(plan, licence=None)
    wrong = contradictions(plan)
    if wrong:
        return Answer("unclear", own.id, tuple(Finding("unclear", f"contradiction: {one}") for one in wrong))
    found = [replace(one, licence=own.id) for rule in RULES for one in rule(plan, own, which)]
    of = {effect: tuple(one for one in found if one.effect == effect) for effect in EFFECTS_IN_ORDER}
    for effect, verdict in VERDICT_OF.items():
        if of[effect]:
            return Answer(verdict, own.id, of[effect] + (() if effect == "forbids" else of["missing"]), of["duty"])
    if of["missing"]:
        return Answer("unclear", own.id, of["missing"], of["duty"])
    often = plan.field is not None and field_of_use(plan.field).law == "often"
    law = "The licence does not forbid it; the law often does." if often else ""
    return Answer("allowed", own.id, (Finding("permits", "nothing in the licence stands against it"),), of["duty"], law)


VERDICT_OF = {"forbids": "forbidden", "asks": "ask Meta", "unclear": "unclear"}
EFFECTS_IN_ORDER = (*VERDICT_OF, "missing", "duty")


# -- the rules ---------------------------------------------------------------------------------------------------


def for_business(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """Some licences are for research only."""
    if own.business == "no":
        if plan.business is None:
            yield Finding("missing", "is it business?", clause("llama1"))
        elif plan.business:
            yield Finding("forbids", "no business under this licence", clause("llama1"))


def many_users(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """The 700 million: one month, all products, affiliates too; end users of a product are excepted."""
    who = plan.who
    if not own.gate or who.inside_a_product:
        return
    if who.kind is None:
        yield Finding("missing", "who is it: a person, a company, a public body?")
        return
    if who.kind == "person" and who.users is None:
        return  # somebody without products has no users
    month = month_before(own.released_on)
    firms = {"the licensee": who.users, **(who.affiliates or {})}
    counted = {name: _in_month(months, month) for name, months in firms.items()}
    users = {name: {"all products": {month: people}} for name, people in counted.items() if people is not None}
    if must_ask_meta("the licensee", users, list(who.affiliates or ()), own.released_on):
        yield Finding("asks", f"more than 700 million monthly users in {month}: no rights before Meta agrees",
                      clause("users"))  # fmt: skip
        return
    for name, people in counted.items():
        if people is None:
            yield Finding("missing", f"how many users had {name} in {month}?", clause(own.gate))


def uses(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """The lists of forbidden uses."""
    if plan.field is None:
        if own.policies:
            yield Finding("missing", "what is it for?")
        return
    field = field_of_use(plan.field)
    for name in own.policies:
        if name not in field.rules:
            continue
        effect, named = field.rules[name]
        deciding = clause(own.instead.get(named, named))
        if effect == "unclear":
            yield _open(deciding, field.plain)
        elif name == "llama" and field.waiver:
            yield _with_waiver(plan, field.waiver, deciding)
        else:
            yield Finding(effect, deciding.plain, deciding)


def outputs(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """Using the model or its answers to improve models."""
    if plan.outputs_for is None:
        if any(effect != "permits" for effect, _ in own.outputs.values()):
            yield Finding("missing", "is a model to be improved with it, and what kind?")
    elif plan.outputs_for in own.outputs:
        effect, name = own.outputs[plan.outputs_for]
        if effect == "forbids":
            yield Finding(effect, clause(name).plain, clause(name))
        elif effect == "unclear":
            yield _open(clause(name), plan.outputs_for)


def europe(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """Models that see pictures, and the European Union."""
    if not own.europe or which.sees_pictures == "no" or plan.who.inside_a_product:
        return
    where = clause(own.europe)
    if plan.who.region is None:
        yield Finding("missing", "where does the licensee live, or have its main place of business?", where)
    elif plan.who.region == "EU":
        if plan.who.kind == "public body":
            yield Finding("unclear", "a public body is neither an individual nor a company", where)
        else:
            yield Finding("forbids", "no rights for people and companies of the EU", where)


def passing_on(plan: Scenario, own: Terms, which: Model) -> Iterator[Finding]:
    """What must go along when something is passed on."""
    if plan.passes_on is None and any(own.passing.values()):
        yield Finding("missing", f"is anything passed on: {', '.join(PASSES_ON)}, nothing?")
    for what, (effect, name) in own.passing.get(plan.passes_on, {}).items():
        without = f"{plan.passes_on} without {GOES_ALONG[what]}"
        if plan.carries is None or what in plan.carries:
            yield Finding("duty", f"with {plan.passes_on} goes {GOES_ALONG[what]}", clause(name))
        elif effect == "unclear":
            yield _open(clause(name), without)
        else:
            yield Finding(effect, without, clause(name))


RULES = (for_business, many_users, uses, outputs, europe, passing_on)


def _open(deciding: Clause, what: str) -> Finding:
    return Finding("unclear", f"{deciding.plain} Whether that reaches this ({what}) is open.", deciding)


def _with_waiver(plan: Scenario, waiver: dict, deciding: Clause) -> Finding:
    """A forbidden use for which Meta is reported to have made an exception in one country, from some day on."""
    too_early = plan.date is not None and plan.date < date.fromisoformat(waiver["from"])
    if plan.who.kind == "person" or plan.who.region not in (None, waiver["region"]) or too_early:
        return Finding("forbids", deciding.plain, deciding)
    if plan.who.region is None or plan.date is None:
        return Finding("missing", f"{deciding.plain} An exception is reported: in which country is it, and when?",
                       deciding)  # fmt: skip
    return Finding("asks", clause(waiver["clause"]).plain, clause(waiver["clause"]))


def _in_month(months, month: str) -> int | None:
    return months.get(month) if isinstance(months, Mapping) else months
