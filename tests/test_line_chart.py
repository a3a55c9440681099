"""The quick line chart: its axis, its points, its words."""

import re

import pytest

from llama_course.widgets.line_chart import MOST_POINTS, labels_apart, line_chart, scale, thinned


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (0.0012, 0.0019), (5, 5), (0, 12345), (-1e-9, 1e-9)])
def test_an_axis_has_few_round_numbers_and_holds_all_values(low, high):
    bottom, top, ticks = scale(low, high)
    assert bottom <= low and high <= top
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == pytest.approx(bottom) and ticks[-1] == pytest.approx(top)


def test_long_lines_are_thinned_but_keep_their_ends():
    points = [(step, float(step)) for step in range(10_000)]
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 1
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert thinned(points[:1]) == points[:1]


def test_labels_do_not_cover_each_other():
    placed = labels_apart([50, 20, 22, 21])
    assert sorted(placed) == [20, 35, 50, 65]
    assert placed[1] == 20


def test_points_are_drawn_in_their_places():
    svg = line_chart("loss", {"loss": [(0, 0.0), (10, 4.0)]}, x_end=10)
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in re.search(r'points="([^"]+)"', svg)[1].split())
    assert x1 > x0 and y1 < y0  # to the right, and up: SVG counts downwards


def test_the_chart_is_said_in_words_and_its_texts_are_escaped():
    svg = line_chart("loss <b>", {"a & b": [(1, 2.0), (3, 1.5)], "silent": []}, x_end=3)
    assert 'aria-label="loss &lt;b&gt;: a &amp; b went from 2 at step 1 to 1.5 at step 3."' in svg
    assert "<b>" not in svg
    assert "silent" not in svg


def test_two_lines_differ_in_more_than_colour():
    svg = line_chart("", {"a": [(0, 1.0), (1, 2.0)], "b": [(0, 2.0), (1, 1.0)]}, x_end=1)
    dashes = re.findall(r'stroke-dasharray="([^"]*)"', svg)
    assert len(set(dashes)) == 2
    assert "a 2" in svg and "b 1" in svg  # and each is named at its end


def test_a_chart_without_points_is_an_empty_frame():
    assert "nothing measured yet" in line_chart("loss", {"loss": []}, x_end=100)
