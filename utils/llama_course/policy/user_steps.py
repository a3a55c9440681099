"""Section 2 of a Llama licence, step by step, as somebody reads it with a firm's numbers beside it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from llama_course.policy.user_clause import GATE, RELEASE_DATE, Users, month_before, must_ask_meta, users_in


@dataclass(frozen=True)
class Step:
    """One question and its answer."""

    question: str
    answer: str


def steps(licensee: str, users: Users, affiliates: Collection[str] = (), released: date = RELEASE_DATE) -> list[Step]:
    """Read section 2 for one firm.

    Args:
        licensee: name of the firm.
        users: people by firm, product and month, as in :mod:`llama_course.policy.user_clause`.
        affiliates: names of affiliated firms.
        released: release date of the version.

    Returns:
        The steps; the last one says whether the firm must ask Meta.
    """
    month = month_before(released)
    rows = [
        Step("Which day counts?", f"{released.day} {released:%B %Y}, the release date"),
        Step("Which month?", f"the calendar month before it: {month}"),
    ]
    above = []
    for firm in (licensee, *affiliates):
        products = {name: months[month] for name, months in users.get(firm, {}).items() if months.get(month)}
        total = users_in(firm, month, users)
        parts = " + ".join(f"{name} {people:,}" for name, people in products.items()) or "no products then"
        rows.append(Step(f"Users of all products of {firm}?", f"{parts} = {total:,}" if products else parts))
        if total > GATE:
            above.append(firm)
    rows.append(Step(f"Is one of them greater than {GATE:,}?", f"yes: {', '.join(above)}" if above else "no"))
    must = must_ask_meta(licensee, users, affiliates, released)
    rows.append(
        Step("So?", "no rights, unless and until Meta grants them, and it may refuse" if must else "no need to ask")
    )
    return rows
