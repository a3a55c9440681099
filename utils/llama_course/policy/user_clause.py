"""Section 2 of the Llama 2 licence, the clause on very large firms, as it is written and as three articles tell it.

Left out: how to count one person who uses two products (the clause does not say; here users are added), and whether
a firm and its affiliates are counted together or one by one (here one by one: any of them above the gate is enough).
Source: Llama 2 Community License Agreement, section 2.
"""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

RELEASE_DATE = date(2023, 7, 18)  # "Llama 2 Version Release Date", the licence's title
GATE = 700_000_000  # monthly active users; the clause says "greater than"

# users[firm][product][month], for example users["Giant"]["search"]["2023-06"]; counts of people
Users = Mapping[str, Mapping[str, Mapping[str, int]]]


def month_before(day: date) -> str:
    """The calendar month before the month of a day, such as ``"2023-06"``."""
    last_day_of_it = day.replace(day=1) - timedelta(days=1)
    return f"{last_day_of_it:%Y-%m}"


def users_in(firm: str, month: str, users: Users) -> int:
    """Users of all products of a firm in a month, added up."""
    return sum(months.get(month, 0) for months in users.get(firm, {}).values())


def must_ask_meta(licensee: str, users: Users, affiliates: Collection[str] = (), released: date = RELEASE_DATE) -> bool:
    """The clause as written: all products, affiliates too, in the month before the release date.

    Later Llama licences have the same clause, each with its own date ``released``.
    """
    month = month_before(released)
    return any(users_in(firm, month, users) > GATE for firm in (licensee, *affiliates))


def told_by_a1(licensee: str, users: Users, today: date, llama_product: str) -> bool:
    """Article A1's telling: one product based on Llama 2, in the month before now, whenever now is."""
    return users.get(licensee, {}).get(llama_product, {}).get(month_before(today), 0) > GATE


def told_by_a2(licensee: str, users: Users, today: date) -> bool:
    """Article A2's telling: companies with so many users, no date and no affiliates given."""
    return users_in(licensee, month_before(today), users) > GATE


def told_by_a4() -> bool:
    """Article A4's telling: "anyone" may use it, so nobody must ask."""
    return False


# Four made-up firms, in June 2023 and in March 2025.  "Llama chat" is the product built on Llama 2.
FIRMS: dict[str, dict[str, dict[str, int]]] = {
    "Giant": {
        "search": {"2023-06": 500_000_000, "2025-03": 510_000_000},
        "mail": {"2023-06": 400_000_000, "2025-03": 390_000_000},
        "Llama chat": {"2025-03": 50_000_000},
    },
    "Giant’s little sister": {"maps": {"2023-06": 2_000_000}, "Llama chat": {"2025-03": 3_000_000}},
    "Start-up that took off": {"notes": {"2023-06": 1_000_000}, "Llama chat": {"2025-03": 800_000_000}},
    "Faded star": {"photos": {"2023-06": 800_000_000, "2025-03": 90_000_000}, "Llama chat": {"2025-03": 1_000_000}},
}
AFFILIATES: dict[str, tuple[str, ...]] = {"Giant": ("Giant’s little sister",), "Giant’s little sister": ("Giant",)}


def tellings(today: date = date(2025, 4, 1)) -> list[tuple[str, bool, bool, bool, bool]]:
    """For each made-up firm: must it ask Meta, as A1, A2 and A4 tell it, and as the licence says?"""
    return [
        (
            firm,
            told_by_a1(firm, FIRMS, today, "Llama chat"),
            told_by_a2(firm, FIRMS, today),
            told_by_a4(),
            must_ask_meta(firm, FIRMS, AFFILIATES.get(firm, ())),
        )
        for firm in FIRMS
    ]
