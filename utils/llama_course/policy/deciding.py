"""Which fact decides?  One change at a time to plans that are allowed, and how many of them break.

The numbers are about our collection of plans, not about the world: others would have chosen others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from llama_course.policy.clauses import clause
from llama_course.policy.licences import model, terms
from llama_course.policy.may_i import may_i
from llama_course.policy.scenarios import Scenario, Told
from llama_course.policy.user_clause import month_before

MANY = 900_000_000
LATER = "2026-10"


def grows_later(plan: Scenario) -> Scenario:
    """The licensee gets 900 million users, long after the release."""
    own = plan.who.users
    month = _month(plan)
    users = dict(own) if isinstance(own, Mapping) else ({month: own or 0} if month else {})
    return plan.but(users={**users, LATER: MANY})


def was_huge(plan: Scenario) -> Scenario:
    """The licensee had 900 million users in the month that the licence counts."""
    return plan.but(users={_month(plan) or LATER: MANY})


CHANGES: dict[str, Callable[[Scenario], Scenario]] = {
    "it gets 900 million users in 2026": grows_later,
    "it had 900 million when the model came out": was_huge,
    "it is for an army": lambda plan: plan.but(field="military", region=plan.who.region or "elsewhere"),
    "its text is passed off as human": lambda plan: plan.but(field="passing as human"),
    "its answers train another language model": lambda plan: plan.but(outputs_for="another language model"),
    "changed weights go out with nothing beside them": lambda plan: plan.but(
        passes_on="changed weights", carries=(), inside_a_product=False
    ),
    "it moves to the EU": lambda plan: plan.but(region="EU"),
}


@dataclass(frozen=True)
class Broken:
    """What one change did to plans that had been allowed."""

    change: str
    broken: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.broken / self.of if self.of else 0.0


def what_breaks(plans: Iterable[Scenario], under: str | None = None) -> list[Broken]:
    """For each change: how many of the plans that are allowed are no longer, most first."""
    allowed = [plan for plan in plans if may_i(plan, under).verdict == "allowed"]
    rows = [
        Broken(name, sum(may_i(change(plan), under).verdict != "allowed" for plan in allowed), len(allowed))
        for name, change in CHANGES.items()
    ]
    return sorted(rows, key=lambda row: -row.broken)


def deciding_clauses(rows: Iterable[Told]) -> dict[str, int]:
    """Which clauses decide a collection of scenarios: clause and number of scenarios, most first."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in may_i(row.plan).clauses:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def told_by(clause_id: str) -> tuple[str, ...]:
    """The articles that tell of a clause, such as ("A1", "A2")."""
    return tuple(sorted({number.split(".")[0] for number in clause(clause_id).told}))


def _month(plan: Scenario) -> str | None:
    released = terms(model(plan.model).licence).released_on
    return month_before(released) if released else None
