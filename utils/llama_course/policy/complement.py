"""Who gains when a firm gives a complement away: a model of four lines, with made-up numbers.

A *complement* is what people use together with a product: a language model, for a firm that earns from something else.
Money is counted in units; ``EARNINGS`` is what each firm earns in a year with its main product.

Left out: time, rivals that answer, quality, and everybody who neither buys nor sells.  :data:`ASSUMPTIONS` has each
assumption with the case in which it fails.
"""

from dataclasses import dataclass

EARNINGS = 100.0  # units; a scale to read the others by, in no formula
MARKET = 10.0  # uses of the complement in a year
RUN_COST = 1.0  # units that one use costs whoever runs it: no price falls below


@dataclass(frozen=True)
class Firm:
    """A firm that might give the complement away; money in units."""

    name: str
    earns_from: str
    pull: float  # more profit with its main product when a use of the complement gets cheaper by 1
    help: float  # worth of what outsiders improve, if everybody adopts it
    rivals: float  # profit lost to rivals who then have it too, if everybody adopts it
    share: float  # of all uses that the firm sells at the market's price as long as it gives nothing away; 0 to 1

    def __post_init__(self):
        amounts = {"pull": self.pull, "help": self.help, "rivals": self.rivals, "share": self.share}
        for name, value in amounts.items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{self.name}: {name} is 0 or more, got {value}.")
        if self.share > 1:
            raise ValueError(f"{self.name}: share is at most 1, got {self.share:g}.")


@dataclass(frozen=True)
class Release:
    """What giving it away brings a firm in a year, in units; losses below 0."""

    more_of_its_own: float
    work_of_others: float
    lost_to_rivals: float
    sales_forgone: float
    cost: float

    @property
    def parts(self) -> dict[str, float]:
        """The five parts in words."""
        return {
            "sells more of its own": self.more_of_its_own,
            "work of others comes back": self.work_of_others,
            "rivals have it, too": self.lost_to_rivals,
            "sales it forgoes": self.sales_forgone,
            "cost of the release": self.cost,
        }

    @property
    def total(self) -> float:
        """All parts added up."""
        return sum(self.parts.values())


FIRMS = {
    firm.name: firm
    for firm in (
        Firm("Plaza", "advertising", pull=3.0, help=4.0, rivals=6.0, share=0.0),
        Firm("Forge", "answers of its model", pull=0.0, help=4.0, rivals=2.0, share=0.4),
        Firm("Wharf", "rented computers", pull=1.5, help=1.0, rivals=0.0, share=0.0),
    )
}

ASSUMPTIONS = (  # what the model takes for granted, and where that fails
    ("What it costs to run is the same for everybody.", "The largest run it cheapest, and they are few."),
    ("Gains grow in straight lines.", "One who has most of a market cannot grow much more."),
    ("Adoption does not depend on the price.", "The cheaper the others, the fewer take the free one."),
    ("Rivals leave their prices as they are.", "They answer: lower prices, or weights of their own."),
    ("It is as good as what is sold.", "In 2023 it was not, says its maker; later the best were closed."),
    ("A release costs the same in any year.", "The next one may cost ten times as much."),
    ("Only buyers and sellers count.", "Misuse, copied work and jobs fall on others; nothing here counts them."),
)


def saving(price: float, adoption: float) -> float:
    """What the average use gets cheaper by: the share that adopts, times price less what running it costs.

    Raises:
        ValueError: a price below 0, an adoption outside 0 to 1.
    """
    if not (0 <= price < float("inf") and 0 <= adoption <= 1):
        raise ValueError(f"expected a price of 0 or more and an adoption from 0 to 1, got {price} and {adoption}.")
    return adoption * max(0.0, price - RUN_COST)


def release(firm: Firm, price: float, adoption: float, cost: float) -> Release:
    """What a firm gains if it gives the complement away.

    Args:
        firm: who gives.
        price: units that others charge for one use of the complement.
        adoption: share of all uses that go to the free one, from 0 to 1.
        cost: units a year for making it and letting it go.
    """
    cheaper = saving(price, adoption)
    if not 0 <= cost < float("inf"):
        raise ValueError(f"expected a cost of 0 or more, got {cost}.")
    return Release(
        more_of_its_own=firm.pull * cheaper,
        work_of_others=firm.help * adoption,
        lost_to_rivals=0.0 - firm.rivals * adoption,
        sales_forgone=0.0 - firm.share * MARKET * cheaper,  # not −0.0, which would be printed with its sign
        cost=0.0 - cost,
    )


def adoption_needed(firm: Firm, price: float, cost: float) -> float | None:
    """The adoption from which a release pays, from 0 to 1; None if it never does.

    Every part but the cost grows with adoption in a straight line, so it is cost / (total at full adoption + cost).
    """
    at_full = release(firm, price, 1.0, 0.0).total
    if cost <= 0:
        return 0.0 if at_full >= 0 else None
    return cost / at_full if at_full >= cost else None


def who_gains(giver: Firm, price: float, adoption: float, cost: float) -> dict[str, float]:
    """What each gains from one firm's release: the giver, the other firms of FIRMS, and all users together.

    The others neither pay for it nor get their work improved; who sells the complement loses those sales.
    """
    gains = {giver.name: release(giver, price, adoption, cost).total}
    for firm in FIRMS.values():
        if firm.name != giver.name:
            theirs = release(firm, price, adoption, 0.0)
            gains[firm.name] = theirs.more_of_its_own + theirs.sales_forgone
    return gains | {"users": MARKET * saving(price, adoption)}
