"""A plan for a model as facts that a licence asks about, and what in it is contradictory.

Nothing is guessed: a fact that is not given is None, and whoever needs it asks for it.
"""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from llama_course import paths
from llama_course.policy.clauses import clause
from llama_course.policy.licences import GOES_ALONG, OUTPUTS_FOR, PASSES_ON, field_of_use, model, terms
from llama_course.policy.nearest import nearest
from llama_course.policy.published import PublishedDataError

WHO = ("person", "company", "public body")
REGIONS = ("EU", "EEA outside the EU, or Switzerland", "US", "elsewhere")
NOTHING = "nothing"
VERDICTS = ("allowed", "forbidden", "ask Meta", "unclear")
PATH = paths.data_file("policy/scenarios.json")

Months = Mapping[str, int] | int  # people by month, {"2023-06": 1_000}; a number: at most so many in every month


@dataclass(frozen=True)
class Licensee:
    """Who wants to use a model."""

    kind: str | None = None  # one of WHO
    region: str | None = None  # one of REGIONS: home, or main place of business
    users: Months | None = None  # monthly active users of all products, with Llama or without
    affiliates: Mapping[str, Months | None] | None = None  # the same of affiliated firms, by name
    inside_a_product: bool = False  # got the model inside somebody's finished product


@dataclass(frozen=True)
class Scenario:
    """A plan: who does what with which model."""

    model: str
    who: Licensee
    licence: str | None = None  # the licence that somebody believes it has
    date: datetime.date | None = None  # day of the use
    business: bool | None = None
    field: str | None = None  # what for
    outputs_for: str | None = None  # what the answers, or the model, are to improve: OUTPUTS_FOR or "nothing"
    passes_on: str | None = None  # one of PASSES_ON, or "nothing"
    carries: tuple[str, ...] | None = None  # what goes along with it: names of GOES_ALONG

    def but(self, **facts) -> "Scenario":
        """The same plan with other facts, such as ``plan.but(field="military")``."""
        return scenario(**{**self.facts(), **facts})

    def facts(self) -> dict:
        """All facts by name, those of the licensee among them."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "who"}
        theirs = {one.name: getattr(self.who, one.name) for one in fields(self.who) if one.name != "kind"}
        return {**own, "who": self.who.kind, **theirs}


FACTS = ("model", "who", *[f.name for f in fields(Scenario)[2:]], *[f.name for f in fields(Licensee)[1:]])


def scenario(model: str, **facts) -> Scenario:
    """A plan from facts by name: ``scenario("Llama 2", who="person", field="ordinary")``.

    Raises:
        ValueError: a fact, a model or a value is unknown; the message gives the nearest names.
    """
    unknown = [name for name in facts if name not in FACTS]
    if unknown:
        raise ValueError(nearest("fact", unknown[0], FACTS))
    for name, allowed in (
        ("who", WHO),
        ("region", REGIONS),
        ("outputs_for", (*OUTPUTS_FOR, NOTHING)),
        ("passes_on", (*PASSES_ON, NOTHING)),
    ):
        if facts.get(name) is not None and facts[name] not in allowed:
            raise ValueError(nearest(name, facts[name], allowed))
    theirs = {f.name: facts.pop(f.name) for f in fields(Licensee) if f.name in facts}
    made = Scenario(_known(model), Licensee(kind=facts.pop("who", None), **theirs), **facts)
    _check_values(made)
    return replace(made, date=_day(made.date), carries=None if made.carries is None else tuple(made.carries))


def _known(name: str) -> str:
    return model(name).id


def _day(value) -> datetime.date | None:
    if value is None or isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f'a date looks like "2023-07-18"; got {value!r}.') from None


def _check_values(made: Scenario) -> None:
    for name, value in (("business", made.business), ("inside_a_product", made.who.inside_a_product)):
        if not (value is None or isinstance(value, bool)):
            raise ValueError(f"{name} is True or False; got {value!r}.")
    if isinstance(made.carries, str):
        raise ValueError(f"carries is a list of things that go along, such as ['licence']; got {made.carries!r}.")
    if not (made.who.affiliates is None or isinstance(made.who.affiliates, Mapping)):
        raise ValueError(f"affiliates are users by name of the firm; got {made.who.affiliates!r}.")
    if made.field is not None:
        field_of_use(made.field)
    if made.licence is not None:
        terms(made.licence)
    for token in made.carries or ():
        if token not in GOES_ALONG:
            raise ValueError(nearest("thing that goes along", token, GOES_ALONG))
    for months in (made.who.users, *(made.who.affiliates or {}).values()):
        for month, people in (months if isinstance(months, Mapping) else {"2023-06": months or 0}).items():
            if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
                raise ValueError(f'a month looks like "2023-06"; got {month!r}.')
            if not isinstance(people, (int, float)) or not people >= 0:
                raise ValueError(f"users are 0 or more; got {people!r}.")


def contradictions(plan: Scenario) -> list[str]:
    """What cannot be true together, in sentences; empty where nothing is wrong."""
    theirs = model(plan.model).licence
    released = terms(theirs).released_on
    holds = {
        f"{plan.model} has the licence {theirs!r}, not {plan.licence!r}": plan.licence not in (None, theirs),
        f"on {plan.date} {plan.model} was not released; its date is {released}": bool(
            plan.date and released and plan.date < released
        ),
        "a model trained on its outputs is passed on, but outputs are for nothing": (
            plan.passes_on == "a model trained on its outputs" and plan.outputs_for == NOTHING
        ),
        "a model trained on its outputs is passed on, but outputs only judge models": (
            plan.passes_on == "a model trained on its outputs" and plan.outputs_for == "judging models"
        ),
        "something goes along, but nothing is passed on": plan.passes_on == NOTHING and bool(plan.carries),
        "a person has no affiliates": plan.who.kind == "person" and bool(plan.who.affiliates),
        "the weights are passed on by somebody who got only a finished product": (
            plan.who.inside_a_product and plan.passes_on in ("the weights", "changed weights")
        ),
    }
    return [sentence for sentence, wrong in holds.items() if wrong]


@dataclass(frozen=True)
class Told:
    """A scenario of the file: the story, its facts, the answer that we expect, and why."""

    id: str
    story: str
    plan: Scenario
    verdict: str  # one of VERDICTS
    clauses: tuple[str, ...]  # that decide
    why: str
    borderline: bool


def scenarios(path=PATH) -> dict[str, Told]:
    """The scenarios of the file by id.

    Raises:
        PublishedDataError: naming the file and the row.
    """
    found = {}
    for place, row in enumerate(_rows(path), 1):
        where = f"{path.name}, {row.get('id', f'row {place}')}"
        try:
            made = Told(
                row["id"],
                row["story"],
                scenario(**row["facts"]),
                row["verdict"],
                tuple(row["clauses"]),
                row["why"],
                row.get("borderline", False),
            )
            for name in made.clauses:
                clause(name)
            if made.verdict not in VERDICTS:
                raise ValueError(nearest("verdict", made.verdict, VERDICTS))
            if made.id in found:
                raise ValueError("this id is there twice")
        except (KeyError, TypeError, ValueError) as error:
            raise PublishedDataError(f"{where}: {error}") from error
        found[made.id] = made
    return found


def _rows(path) -> list[dict]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["scenarios"]
    except (ValueError, KeyError) as error:
        raise PublishedDataError(f"{path.name}: not JSON with a list of scenarios: {error}") from error
