"""The training plot, asked through its traits."""

import threading
import time

import pytest

from llama_course.widgets.base import WIDGET_VIEW
from llama_course.widgets.html import to_text
from llama_course.widgets.training_plot import TrainingPlot


class Slow:
    """Work that counts its steps and says the loss of each, until it is told to stop."""

    def __init__(self, live, steps, seconds=0.005):
        self.live, self.steps, self.seconds = live, steps, seconds

    def __call__(self):
        for step in range(1, self.steps + 1):
            time.sleep(self.seconds)
            if not self.live.add(step, {"loss": 1 / step}):
                break
        return f"{step} steps"


def plot(steps=20):
    return TrainingPlot({"loss in nats": ["loss"]}, steps)


def test_the_result_of_the_work_comes_back():
    live = plot(5)
    assert live.start(Slow(live, 5)).wait() == "5 steps"
    assert live.record.lines["loss"] == [(step, 1 / step) for step in range(1, 6)]
    assert "Finished after step 5 of 5." in to_text(live.status.value)
    assert live.stop_button.disabled


def test_the_cell_ends_at_once_and_stop_keeps_what_was_learned():
    live = plot(10_000)
    began = time.monotonic()
    live.start(Slow(live, 10_000))
    assert time.monotonic() - began < 20  # of fifty
    while live.record.step < 3:
        time.sleep(0.01)
    live.stop_button.click()
    done = live.wait()
    assert done == f"{live.record.step} steps" and live.record.step < 10_000
    assert "what was learned is kept" in to_text(live.status.value)


def test_interrupting_the_wait_stops_the_training(monkeypatch):
    live = plot(10_000)
    live.start(Slow(live, 10_000))
    joins = iter([KeyboardInterrupt])
    join = live.thread.join

    def interrupted(timeout):
        for error in joins:
            raise error
        join(timeout)

    monkeypatch.setattr(live.thread, "join", interrupted)
    assert live.wait().endswith("steps")
    assert live.record.step < 10_000


def test_an_error_of_the_training_is_said_and_raised():
    live = plot()

    def fail():
        raise ValueError("no <b>loss</b>")

    live.start(fail)
    with pytest.raises(ValueError, match="no <b>loss"):
        live.wait()
    assert "ValueError: no &lt;b&gt;loss" in live.status.value


def test_waiting_before_the_start_and_starting_twice_are_explained():
    live = plot()
    with pytest.raises(RuntimeError, match="run the cell above first"):
        live.wait()
    live.start(lambda: None)
    with pytest.raises(RuntimeError, match="run the whole cell again"):
        live.start(lambda: None)


def test_several_lines_on_several_panels():
    live = TrainingPlot({"score": ["reward", "gold"], "KL in nats": ["KL"]}, steps=3)
    for step in (1, 2, 3):
        live.add(step, {"reward": step, "gold": -step, "KL": 0.1 * step})
    charts = live.record.charts()
    assert charts.count("<svg") == 2
    assert "reward went from 1 at step 1 to 3 at step 3; gold went from -1 at step 1 to -3 at step 3" in charts
    twin = live.static_html()
    assert twin.count("<img") == 2
    assert "gold goes from -1 at 1 to -3 at 3" in twin


def test_an_unknown_line_is_named_and_a_number_that_is_none_leaves_a_gap():
    live = plot()
    with pytest.raises(ValueError, match="there is no line 'kl'; there are loss"):
        live.add(1, {"kl": 1.0})
    live.add(1, {"loss": float("nan")})
    live.add(2, {"loss": 2.0})
    assert live.record.lines["loss"] == [(2, 2.0)]


def test_what_is_said_stands_beside_its_step_and_is_escaped():
    live = plot()
    live.add(7, {"loss": 1.0})
    live.say("once <i>upon")
    live.say("a\x0bb")
    assert "once &lt;i&gt;upon" in live.texts.value
    assert "\x0b" not in live.texts.value
    assert "7" in to_text(live.static_html()) and "once <i>upon" in to_text(live.static_html())


def test_the_twin_says_that_it_waits_and_is_replaced_at_the_end(monkeypatch):
    updates = []
    live = plot(3)
    go = threading.Event()

    def work():
        go.wait(5)
        return Slow(live, 3)()

    class Handle:
        def update(self, bundle, raw):
            updates.append(bundle)

    live.start(work)
    live._shown = Handle()
    assert "The next cell waits for the end" in live.static_html()
    go.set()
    live.wait()
    assert "<img" in updates[0]["text/html"] and WIDGET_VIEW in updates[0]


def test_the_loop_of_the_course_can_be_watched_and_stopped():
    import torch

    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    model = torch.nn.Linear(2, 1)
    live = plot(1_000_000)
    settings = TrainingSettings(steps=1_000_000, warmup_steps=0)
    before = model.weight.detach().clone()
    live.start(lambda: train(model, lambda step: (model(torch.ones(1, 2)) - 5).square().mean(), settings,
                             on_step=live.on_step))  # fmt: skip
    while live.record.step < 5:
        time.sleep(0.01)
    live.stop()
    history = live.wait()
    assert history.ended == "stopped" and 5 <= history.steps < 1_000_000
    assert len(live.record.lines["loss"]) == history.steps
    assert not torch.equal(model.weight, before)
