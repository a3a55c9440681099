"""API, rented, own: sums done by hand, break-even both ways, rows that are dated."""

import re
from datetime import date

import pytest

from llama_course.policy import running_costs
from llama_course.policy.prices import Offer, Rent, Server, figure, offers, rents, servers
from llama_course.policy.running_costs import (
    busy_share_needed,
    card_speed,
    dollars_per_million,
    million_from,
    own_card_hour,
    own_hour,
    rented_hour,
)

SOURCE = next(iter(offers().values())).source


def test_a_million_tokens_by_hand():
    assert dollars_per_million(3.6, 1000) == pytest.approx(1.0)  # 3.6 million tokens an hour for 3.6 dollars
    assert dollars_per_million(3.6, 1000, busy=0.1) == pytest.approx(10.0)


@pytest.mark.parametrize(("hour", "speed", "api"), [(2.0, 2500, 0.42), (1.2, 700, 3.0), (5.0, 100, 40.0)])
def test_at_the_busy_share_needed_card_and_api_cost_the_same(hour, speed, api):
    share = busy_share_needed(hour, speed, api)
    assert dollars_per_million(hour, speed, share) == pytest.approx(api)


def test_a_card_that_is_dearer_at_full_load_never_pays():
    assert busy_share_needed(5.0, 700, 0.42) is None
    assert busy_share_needed(3.6, 1000, 1.0) == pytest.approx(1.0), "equal at full load is just enough"


def test_an_own_card_by_hand():
    server = Server("x", "x", "2026", 876_600, 10, SOURCE)  # 10 dollars for each hour of ten years
    assert own_card_hour(server, kw=10, dollars_per_kwh=0.1, years=10) == pytest.approx((10 + 1) / 10)
    assert own_card_hour(server, 10, 0.1, years=5) == pytest.approx((20 + 1) / 10)
    assert own_card_hour(server, 10, 0.1, years=10, hours=4383) == pytest.approx((20 + 1) / 10)


def test_an_api_is_paid_for_what_is_read_and_what_is_written():
    offer = Offer("x", "x", "x", "2026-01-01", 1.0, 3.0, SOURCE)
    assert offer.for_million() == 4.0 and offer.for_million(0) == 3.0 and offer.for_million(2.5) == 5.5
    with pytest.raises(ValueError, match="0 or more tokens read"):
        offer.for_million(-1)


def test_ranges_go_from_the_cheapest_to_the_dearest():
    assert rented_hour().low == min(row.low for row in rents().values()) and rented_hour().high >= rented_hour().low
    assert own_hour().low < rented_hour().low, "over three years an own card is cheaper by the hour"
    assert own_hour(years=1).low > own_hour().low
    cheap, dear = sorted(servers().values(), key=lambda server: server.dollars)
    kw, low, high = (figure(name).value for name in ("server-kw", "kwh-low", "kwh-high"))
    assert (own_hour().low, own_hour().high) == (own_card_hour(cheap, kw, low), own_card_hour(dear, kw, high))
    assert card_speed().high == pytest.approx(figure("tokens-per-second").value / 8)
    for hour in (rented_hour(), own_hour()):
        assert million_from(hour).low < million_from(hour).high
        assert million_from(hour, 0.5).low == pytest.approx(2 * million_from(hour).low)


def test_the_answer_can_go_either_way_with_the_prices_that_there_are():
    """The lesson says: against the cheap API only a cheap, fast, busy card wins; against a dear one nearly all do."""
    cheap, dear = offers()["llama-3.3-70b"].for_million(), offers()["gpt-4-turbo"].for_million()
    hour, speed = rented_hour(), card_speed()
    assert 0.3 < busy_share_needed(hour.low, speed.high, cheap) < 0.6
    assert busy_share_needed(hour.high, speed.low, cheap) is None
    assert busy_share_needed(hour.high, speed.low, dear) < 0.1


@pytest.mark.parametrize("row", [*offers().values(), *rents().values(), *servers().values()], ids=lambda row: row.id)
def test_every_price_has_its_day(row):
    assert re.search(r"20\d\d", row.when)
    if isinstance(row, Offer):
        assert date(2022, 1, 1) < date.fromisoformat(row.when) < date(2026, 12, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: dollars_per_million(0, 10),
        lambda: dollars_per_million(1, 10, busy=0),
        lambda: dollars_per_million(1, 10, busy=1.2),
        lambda: busy_share_needed(1, 10, 0),
        lambda: own_card_hour(next(iter(servers().values())), 10, 0.1, years=0),
        lambda: own_card_hour(next(iter(servers().values())), 10, 0.1, hours=9000),
        lambda: Rent("x", "x", "x", "2026-01", 3.0, 2.0, SOURCE),
    ],
)
def test_impossible_numbers_are_refused(call):
    with pytest.raises(ValueError, match=r"above 0|at most|no more hours"):
        call()


def test_what_is_left_out_is_said():
    assert "people" in running_costs.__doc__
