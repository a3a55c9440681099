"""The timeline and the sliders, asked through their traits: filters, moves, twins, escaping, speed."""

import re

import pytest

from llama_course.policy.complement import FIRMS
from llama_course.policy.timeline import LANES, Event, event, events
from llama_course.widgets.html import to_text
from llama_course.widgets.release_sliders import ReleaseSliders, price_chart, release_html
from llama_course.widgets.timeline import TimelineView, event_html, events_table, timeline_svg


@pytest.fixture
def view():
    return TimelineView()


def test_the_chosen_event_is_shown_with_its_source_and_how_sure_we_are(view):
    text = to_text(view.detail.value)
    assert "18 July 2023: Llama 2" in text and "Community License" in text and "primary document" in text
    assert "50 of 50" in view.count.value or f"{len(events())} of {len(events())}" in view.count.value


def test_filters_work_together_and_keep_the_choice_where_they_can(view):
    view.search.value = "llama"
    assert view.list.value == "llama-2"
    view.since.value = 2025
    assert view.list.value != "llama-2" and all(row.day.year >= 2025 for row in view.rows)
    view.lane.value = "models"
    assert [row.id for row in view.rows] == ["llama-4", "qwen"]
    view.search.value = "no such event"
    assert view.chosen is None and "widen one of them" in view.detail.value
    assert "no event" in view.chart.value
    view.next.click()
    assert view.chosen is None


def test_buttons_walk_through_the_list_and_round(view):
    view.lane.value = "openness"
    names = [row.id for row in view.rows]
    view.list.value = names[-1]
    view.next.click()
    assert view.list.value == names[0]
    view.back.click()
    assert view.list.value == names[-1]


def test_everything_is_reached_without_arrow_keys(view):
    from ipywidgets import ToggleButtons

    assert isinstance(view.lane, ToggleButtons) and isinstance(view.since, ToggleButtons)
    assert {view.back.description, view.next.description} == {"Earlier", "Later"}


def test_the_twin_is_the_chart_and_a_table_with_every_event(view):
    page = view.static_html()
    assert page.count("<tr>") == len(events()) and "<svg" in page and "aria-label=" in page
    text = to_text(page)
    for row in events():
        assert row.title in text and row.when in text
    view.lane.value = "law"
    assert view.static_html().count("<tr>") == len(events(lane="law"))


def test_in_the_live_view_the_same_events_unfold_as_a_table(view):
    assert view.table in view.view.children and "<summary>" in view.table.value
    assert view.table.value.count("<tr>") == len(events())
    view.lane.value, view.search.value = "law", "EU"
    assert view.table.value.count("<tr>") == len(events(lane="law", text="EU")) < len(events())
    assert str(events_table(view.rows)) in view.table.value


def test_dots_stand_in_the_order_of_days_in_their_lanes():
    svg = timeline_svg(events())
    dots = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)]
    assert len(dots) == len(events()) == len(set(dots)), "no two dots cover each other"
    in_lanes = [row for lane in LANES for row in events(lane=lane)]
    for (x1, y1), (x2, y2), one, other in zip(dots, dots[1:], in_lanes, in_lanes[1:], strict=False):
        if one.lane == other.lane:
            assert x1 <= x2
            assert y1 != y2, "neighbours stand at different heights, so that close days can be told apart"
    assert all(0 < x < 900 for x, _ in dots)


def test_the_chosen_dot_is_larger_and_named():
    svg = timeline_svg(events(), event("act"))
    assert svg.count('r="7"') == 1 and "1 August 2024: EU AI Act in force" in svg
    assert 'r="7"' not in timeline_svg(events())


def test_texts_are_escaped():
    row = Event("x", "2024-01-01", "law", "<b>title</b>", "a & b.", event("act").source)
    for piece in (event_html(row), events_table([row]), timeline_svg([row], row)):
        assert "<b>title" not in piece and "&lt;b&gt;title" in piece


def test_sliders_tell_the_result_and_it_can_go_either_way():
    sliders = ReleaseSliders()
    assert "For Plaza" in sliders.shown.value and "pays: +2.0 units" in to_text(sliders.shown.value)
    sliders.price.value = 1.5
    text = to_text(sliders.shown.value)
    assert "does not pay: -4.3 units" in text and "it pays at no adoption" in text
    sliders.firm.value, sliders.price.value, sliders.cost.value = "Wharf", 8.0, 0.0
    assert "For Wharf" in sliders.shown.value and "from an adoption of 0%" in sliders.shown.value


def test_the_twin_of_the_sliders_says_where_they_stand():
    sliders = ReleaseSliders(price=3, adoption=0.25, cost=2)
    text = to_text(sliders.static_html())
    assert "price of the others 3, adoption 25%, cost of the release 2" in text
    assert "sales it forgoes" in text and "-0.0" not in text and "users" in text
    with pytest.raises(ValueError, match="expected one of Plaza, Forge, Wharf"):
        ReleaseSliders("Meta")


def test_parts_in_the_table_add_up_to_what_is_said():
    page = to_text(release_html(FIRMS["Forge"], 5, 0.6, 4))
    numbers = [float(n) for n in re.findall(r"(?m)^(?:sells|work|rivals|sales|cost)[^+\-]*([+-][\d.]+)", page)]
    total = float(re.search(r"together\s+([+-][\d.]+)", page)[1])
    assert sum(numbers) == pytest.approx(total, abs=0.11) and len(numbers) == 5


def test_the_chart_has_a_line_for_each_firm():
    assert all(f"{name} " in price_chart(0.6, 4) for name in FIRMS)
