"""What it costs to use a model: dated prices of API calls, rented cards and servers, and how much a card can write.

Prices move fast: each row has its day, and none is a forecast.
"""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source

MILLION = 1_000_000


@dataclass(frozen=True)
class Offer:
    """A model behind an API, priced by the token."""

    id: str
    model: str
    seller: str
    when: str  # ISO date
    dollars_in: float  # for a million tokens read
    dollars_out: float  # for a million tokens written
    source: Source

    def for_million(self, read_per_written: float = 1.0) -> float:
        """Dollars for a million tokens written, and the tokens read for them."""
        if read_per_written < 0:
            raise ValueError(f"expected 0 or more tokens read for one written, got {read_per_written}.")
        return self.dollars_out + read_per_written * self.dollars_in


@dataclass(frozen=True)
class Rent:
    """A card, rented by the hour, on demand."""

    id: str
    card: str
    seller: str
    when: str  # ISO month
    low: float  # dollars an hour
    high: float
    source: Source

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError("low is at most high")


@dataclass(frozen=True)
class Server:
    """A machine to buy."""

    id: str
    what: str
    when: str
    dollars: float
    cards: int
    source: Source


ROWS = PublishedRows(paths.data_file("policy/prices.json"), offers=Offer, rents=Rent, servers=Server)
figure, statement = ROWS.figure, ROWS.statement


def offers() -> dict[str, Offer]:
    """API prices by id, the oldest first."""
    return ROWS.rows["offers"]


def rents() -> dict[str, Rent]:
    """Rents by id, the cheapest first."""
    return ROWS.rows["rents"]


def servers() -> dict[str, Server]:
    """Servers by id, the cheapest first."""
    return ROWS.rows["servers"]
