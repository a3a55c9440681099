"""What each licence decides, as facts that a program can use; which model has which; what one may use a model for.

The facts are our reading of the clauses they name (:mod:`llama_course.policy.clauses`).  A lawyer may read otherwise.
"""

from dataclasses import dataclass, fields
from datetime import date

from llama_course import paths
from llama_course.policy.clauses import clause
from llama_course.policy.nearest import nearest
from llama_course.policy.published import PublishedRows, Source

EFFECTS = ("forbids", "unclear", "permits")
OUTPUTS_FOR = ("another language model", "a model of another kind", "judging models", "its own family")
PASSES_ON = ("a service", "the weights", "changed weights", "a model trained on its outputs")
GOES_ALONG = {  # what a licence may ask for when something is passed on
    "licence": "a copy of the licence",
    "notice": "the notices of authorship",
    "changes": "a word on what was changed",
    "built with": "the line “Built with …”",
    "name": "a name that begins as the licence says",
    "restrictions": "the forbidden uses, as terms that bind",
    "dangers": "a word to end users on known dangers",
}


@dataclass(frozen=True)
class Terms:
    """One licence."""

    id: str  # "Llama 2"
    released: str | None  # day of the release that it belongs to, "2023-07-18"
    gate: str | None  # clause that dates the count of users; None: nobody is counted
    outputs: dict[str, list]  # OUTPUTS_FOR: [one of EFFECTS, clause]; what is missing is free
    policies: list[str]  # which lists of forbidden uses hold
    passing: dict[str, dict[str, list]]  # PASSES_ON: {GOES_ALONG: [what its absence does, clause]}
    europe: str | None  # clause that shuts people and firms of the EU out of models that see pictures
    business: str  # "yes" or "no"
    instead: dict[str, str]  # Llama 2's clause: the clause of this licence with other words
    source: Source

    def __post_init__(self):
        _expect(self.business in ("yes", "no"), "business is yes or no")
        for what, (effect, name) in self.outputs.items():
            _expect(what in OUTPUTS_FOR and effect in EFFECTS, f"outputs, {what}: {effect}")
            clause(name)
        for what, asked in self.passing.items():
            _expect(what in PASSES_ON and set(asked) <= set(GOES_ALONG), f"passing, {what}")
            for effect, name in asked.values():
                _expect(effect in ("forbids", "unclear"), f"passing, {what}: {effect}")
                clause(name)
        for name in (*filter(None, (self.gate, self.europe)), *self.instead, *self.instead.values()):
            clause(name)

    @property
    def released_on(self) -> date | None:
        """The release date."""
        return date.fromisoformat(self.released) if self.released else None


@dataclass(frozen=True)
class Model:
    """A model, for the question which licence it has."""

    id: str
    licence: str
    sees_pictures: str  # "yes" or "no"
    source: Source

    def __post_init__(self):
        _expect(self.sees_pictures in ("yes", "no"), "sees_pictures is yes or no")


@dataclass(frozen=True)
class FieldOfUse:
    """Something that people use models for."""

    id: str  # "military"
    plain: str
    law: str  # "often" where the law often forbids it, else "no"
    rules: dict[str, list]  # name of a list of forbidden uses: [one of EFFECTS, clause]
    waiver: dict | None  # {"clause", "region", "from"}: where Meta is reported to have made an exception
    source: Source

    def __post_init__(self):
        _expect(self.law in ("often", "no"), "law is often or no")
        for effect, name in self.rules.values():
            _expect(effect in EFFECTS, effect)
            clause(name)


ROWS = PublishedRows(paths.data_file("policy/licences.json"), licences=Terms, models=Model, fields=FieldOfUse)
figure, statement = ROWS.figure, ROWS.statement


def terms(licence: str) -> Terms:
    """A licence by name.

    Raises:
        ValueError: the course does not know it; the message gives the nearest names.
    """
    return _one("licences", "licence", licence)


def model(name: str) -> Model:
    """A model by name.

    Raises:
        ValueError: the course does not know it; the message gives the nearest names.
    """
    return _one("models", "model", name)


def field_of_use(name: str) -> FieldOfUse:
    """A field of use by name.

    Raises:
        ValueError: the course does not know it; the message gives the nearest names.
    """
    return _one("fields", "field of use", name)


def licences() -> dict[str, Terms]:
    """All licences by name."""
    return ROWS.rows["licences"]


def models() -> dict[str, Model]:
    """All models by name."""
    return ROWS.rows["models"]


def fields_of_use() -> dict[str, FieldOfUse]:
    """All fields of use by name."""
    return ROWS.rows["fields"]


def changed_between(older: str, newer: str) -> list[str]:
    """Which facts of two licences differ, by name, the release date and its clause left out."""
    one, other = terms(older), terms(newer)
    own = [row.name for row in fields(Terms) if row.name not in ("id", "released", "gate", "source")]
    return [name for name in own if getattr(one, name) != getattr(other, name)]


def _one(kind: str, what: str, name: str):
    rows = ROWS.rows[kind]
    same = {known.casefold(): known for known in rows}
    wanted = str(name).strip().casefold()
    if wanted not in same:
        raise ValueError(nearest(what, name, rows))
    return rows[same[wanted]]


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
