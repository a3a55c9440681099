"""Plots: pictures that say what they show, on any machine and with any token."""

import base64
import re
import subprocess
import sys

import pytest

from llama_course import plots
from llama_course.models.interface import Token, TokenProbability


def found(*pairs):
    return [TokenProbability(Token(i, text, text.encode()), p) for i, (text, p) in enumerate(pairs)]


def test_bars_say_their_title_and_every_number():
    plot = plots.bars(["a", "b", "c"], [1, 3, 2], title="Sizes")
    assert plot.alt == "Sizes: a 1, b 3, c 2."
    plot = plots.bars(["a", "b"], {"before": [1, 0.5], "after": [2, 0.25]}, value_format="{:.2f}")
    assert plot.alt == "Bars: before: a 1.00, b 0.50; after: a 2.00, b 0.25."


def test_a_plot_displays_as_one_picture_with_escaped_alternative_text():
    bundle = plots.bars(["a"], [1], alt='a <b> "quoted"')._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert 'alt="a &lt;b&gt; &quot;quoted&quot;"' in bundle["text/html"]
    png = base64.b64decode(re.search(r"base64,([^\"]+)", bundle["text/html"])[1])
    assert png.startswith(b"\x89PNG")
    assert bundle["text/plain"] == 'Plot: a <b> "quoted"'


def test_the_same_plot_is_the_same_bytes():
    assert plots.bars(["a"], [1]).html() == plots.bars(["a"], [1]).html()


def test_a_label_for_each_value_is_asked_for():
    with pytest.raises(ValueError, match="one value for each of 2 labels, got 1"):
        plots.bars(["a", "b"], [1])
    with pytest.raises(ValueError, match="expected 2 values for 'loss'"):
        plots.lines([1, 2], {"loss": [1]})


@pytest.mark.filterwarnings("error::UserWarning")
def test_any_token_can_be_drawn():
    tokens = found(("한", 0.4), ("$x$", 0.2), ("😀", 0.1), (" مرحبا", 0.1), ("\n", 0.05), ("\x00", 0.01))
    assert plots.next_token_bars(tokens).html()


def test_next_token_bars_say_every_share_and_the_rest():
    alt = plots.next_token_bars(found((" cat", 0.5), (" dog", 0.25)), "After the").alt
    assert alt == "After the: ‘·cat’ 50.0 %, ‘·dog’ 25.0 %; all other tokens together 25.0 %."


def test_temperature_bars_sharpen_below_one_and_flatten_above():
    alt = plots.temperature_bars(found(("a", 0.6), ("b", 0.4)), (0.5, 1, 2)).alt
    below, own, above = (float(share) for share in re.findall(r"([\d.]+) % at", alt))
    assert below > own > above
    assert own == pytest.approx(60)


def test_whole_numbers_get_no_ticks_between_them():
    axes = plots.lines([1, 2, 3], {"loss": [4, 2, 1]}).figure.axes[0]
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_lines_skip_what_is_not_known():
    alt = plots.lines([1, 2, 3], {"loss": [4, 2, float("nan")]}, title="Loss").alt
    assert alt == "Loss: loss goes from 4 at 1 to 2 at 2."


def test_show_needs_words():
    figure = plots.bars(["a"], [1]).figure
    for nothing in (None, "", "  "):
        with pytest.raises(ValueError, match="a sentence that says what the figure shows"):
            plots.show(figure, nothing)


def test_show_displays_one_bundle(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append((data, raw)))
    plots.show(plots.bars(["a"], [1], alt="one bar"))
    [(data, raw)] = shown
    assert raw
    assert data["text/plain"] == "Plot: one bar"


def test_importing_plots_imports_no_matplotlib_and_drawing_no_pyplot():
    script = (
        "import sys; from llama_course import plots; assert 'matplotlib' not in sys.modules;"
        "plots.bars(['a'], [1]).html(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_curves_have_positions_of_their_own_and_marks_are_not_joined():
    plot = plots.curves(
        {"law": [(1, 4.0), (10, 2.0)], "measured": [(2, 3.5), (2, 3.4), (5, 2.7)]}, title="Loss", marks=["measured"]
    )
    assert plot.alt == "Loss: law goes from 4 at 1 to 2 at 10; measured goes from 3.5 at 2 to 2.7 at 5."
    law, measured = plot.figure.axes[0].get_lines()
    assert (law.get_linestyle(), measured.get_linestyle()) == ("-", "None")
    assert law.get_marker() != measured.get_marker()


def test_a_curve_without_points_is_refused():
    with pytest.raises(ValueError, match="points \\(x, y\\) for 'loss', got none"):
        plots.curves({"loss": []})


def test_logarithmic_axes_are_numbered_in_words_of_the_reader():
    def labels(low, high):
        figure = plots.curves({"law": [(low, 2.0), (high, 1.0)]}, log_x=True).figure
        figure.canvas.draw()
        return [label.get_text() for label in figure.axes[0].get_xticklabels()]

    assert {"20,000", "50,000", "100,000", "200,000"} <= set(labels(15_000, 220_000))
    assert {"10,000", "1,000,000"} <= set(labels(4_000, 14_000_000)) and "20,000" not in labels(4_000, 14_000_000)


def test_intervals_are_drawn_as_they_are_said():
    plot = plots.intervals(["a", "b"], [(50, 40, 65), (3, 1, 8)], title="Right", xlabel="%", mark=50)
    assert plot.alt == "Right: a 50 (40 to 65); b 3 (1 to 8)."
    axes = plot.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    (errors,) = axes.containers
    assert [segment[:, 0].tolist() for segment in errors.lines[2][0].get_segments()] == [[40, 65], [1, 8]]
    assert "<img alt=" in plot.html()


def test_intervals_need_one_name_each():
    with pytest.raises(ValueError, match="one interval for each of 1 labels, got 2"):
        plots.intervals(["a"], [(1, 0, 2), (1, 0, 2)])
