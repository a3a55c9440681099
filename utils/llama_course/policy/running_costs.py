"""API call, rented card or own card: what a million tokens cost, and from which use on the card is cheaper.

An API is paid by the token, a card by the hour.  So the question is how busy the card is:

    dollars for a million tokens = dollars an hour / (tokens a second · 3600 · busy share) · 1,000,000

Left out: people, who set the card up and are called at night; interest; the room; and what the server can be sold for
afterwards.
"""

from llama_course.policy.prices import MILLION, Server, figure, rents, servers
from llama_course.policy.training_cost import Range, as_range

SECONDS_PER_HOUR = 3600
HOURS_PER_YEAR = 8766
YEARS = 3.0  # that a server is used, an assumption


def dollars_per_million(dollars_per_hour: float, tokens_per_second: float, busy: float = 1.0) -> float:
    """Dollars for a million tokens from a card that is paid by the hour.

    Args:
        dollars_per_hour: of the card.
        tokens_per_second: that it writes while it works.
        busy: share of the paid hours in which it works, above 0 and up to 1.

    Raises:
        ValueError: a number of 0 or less, a share above 1.
    """
    if not (dollars_per_hour > 0 and tokens_per_second > 0):
        raise ValueError(f"expected amounts above 0, got {dollars_per_hour} and {tokens_per_second}.")
    if not 0 < busy <= 1:
        raise ValueError(f"the busy share is above 0 and at most 1, got {busy}.")
    return dollars_per_hour / (tokens_per_second * SECONDS_PER_HOUR * busy) * MILLION


def busy_share_needed(dollars_per_hour: float, tokens_per_second: float, api_per_million: float) -> float | None:
    """The busy share from which a card is as cheap as an API; None if it is dearer even when it never rests."""
    if api_per_million <= 0:
        raise ValueError(f"expected an API price above 0, got {api_per_million}.")
    share = dollars_per_million(dollars_per_hour, tokens_per_second) / api_per_million
    return share if share <= 1 else None


def own_card_hour(
    server: Server, kw: float, dollars_per_kwh: float, years: float = YEARS, hours: float = HOURS_PER_YEAR
) -> float:
    """Dollars for an hour of one card of an own server: its price over its years, and its electricity.

    Args:
        server: with its price and number of cards.
        kw: that the whole server takes.
        dollars_per_kwh: of electricity.
        years: until it is replaced.
        hours: that it is switched on in a year.
    """
    if not (years > 0 and 0 < hours <= HOURS_PER_YEAR and kw > 0 and dollars_per_kwh > 0):
        raise ValueError("expected years, hours, kW and a price above 0, and no more hours than a year has.")
    return (server.dollars / (years * hours) + kw * dollars_per_kwh) / server.cards


def rented_hour() -> Range:
    """The cheapest and the dearest rent of an H100 among the rows."""
    return Range(min(row.low for row in rents().values()), max(row.high for row in rents().values()))


def own_hour(years: float = YEARS) -> Range:
    """An hour of an own card: the cheaper server with the cheaper electricity, and the dearer with the dearer."""
    prices = sorted(servers().values(), key=lambda server: server.dollars)
    kw = figure("server-kw").value
    ends = (prices[0], figure("kwh-low").value), (prices[-1], figure("kwh-high").value)
    return Range(*(own_card_hour(server, kw, price, years) for server, price in ends))


def card_speed() -> Range:
    """Tokens a second of one H100 with a model of 70 billion parameters: a rule of thumb, and a vendor's best run.

    With 16 bits for each weight such a model does not fit on one card: the run shared it among eight, and an eighth of
    what they wrote is counted.
    """
    cards = next(iter(servers().values())).cards  # MLPerf measured eight together
    return Range(figure("usual-tokens").value, figure("tokens-per-second").value / cards)


def million_from(hour: "Range | tuple | float", busy: float = 1.0) -> Range:
    """Dollars for a million tokens, from a cheap fast card to a dear slow one."""
    hour, speed = as_range(hour), card_speed()
    return Range(dollars_per_million(hour.low, speed.high, busy), dollars_per_million(hour.high, speed.low, busy))
