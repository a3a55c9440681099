"""The timeline: dates, filters, counts of days, and agreement with rows elsewhere."""

from datetime import date

import pytest

from llama_course.policy.timeline import LANES, ROWS, Event, days_between, event, events
from llama_course.policy.transparency import totals
from llama_course.policy.user_clause import RELEASE_DATE

SOURCE = event("llama-2").source


def test_events_come_in_order_and_every_lane_has_some():
    rows = events()
    assert [row.day for row in rows] == sorted(row.day for row in rows)
    assert len(rows) >= 45 and {row.lane for row in rows} == set(LANES)
    assert rows[0].day.year == 2022 and rows[-1].day.year == 2026
    assert len({row.title for row in rows}) == len(rows)


def test_a_day_or_a_month():
    assert event("llama-2").day == RELEASE_DATE and event("llama-2").when == "18 July 2023"
    assert event("osi").when == "July 2023" and event("osi").day == date(2023, 7, 1)


def test_filters_can_be_combined():
    assert {row.lane for row in events(lane="law")} == {"law"}
    assert [row.id for row in events(lane="models", text="gemma")] == ["gemma"]
    assert min(row.day.year for row in events(since=2025)) == 2025
    assert events(text="APRIL 2026 weights")[0].id == "muse", "dates and titles and sentences are searched"
    assert events(text="no such words anywhere") == []
    with pytest.raises(ValueError, match="expected one of models"):
        events(lane="gossip")


def test_days_are_counted_and_a_month_is_no_day():
    assert days_between("llama-2", "guidelines") == 731, "two years to the day, one of them a leap year"
    assert days_between("white-house", "llama-2") == -3
    with pytest.raises(ValueError, match="osi: only the month is known, July 2023"):
        days_between("osi", "llama-2")
    with pytest.raises(ValueError, match="there is no event 'x'"):
        days_between("x", "llama-2")


@pytest.mark.parametrize(("change", "message"), [({"lane": "gossip"}, "lane"), ({"date": "2019-01-01"}, "year")])
def test_an_impossible_event_is_refused(change, message):
    row = {"id": "x", "date": "2024-01-01", "lane": "law", "title": "x", "plain": "x.", "source": SOURCE} | change
    with pytest.raises(ValueError, match=message):
        Event(**row)


def test_no_date_lies_in_the_future_and_every_sentence_is_one():
    for row in events():
        assert row.day < date(2026, 11, 23), row.id
        assert row.plain.endswith("."), row.id
        assert row.source.confidence in "PS", row.id


def test_points_told_here_are_those_of_the_index():
    assert str(totals(2023)["Meta"]) in event("index").plain
    assert str(totals(2025)["Meta"]) in event("index-2025").plain


def test_what_is_reported_of_2026_is_marked_as_second_hand():
    late = [row for row in ROWS.rows["events"].values() if row.day.year == 2026]
    assert late and {row.source.confidence for row in late} == {"S"}
