"""Watch something being trained: lines that grow, texts said on the way, and a Stop that keeps what was learned."""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from llama_course.widgets import html
from llama_course.widgets.base import LiveView
from llama_course.widgets.chat import Throttle
from llama_course.widgets.line_chart import line_chart

SECONDS_BETWEEN_DRAWINGS = 0.3
UNDER_WAY = "Under way. The next cell waits for the end, and then the picture stands here."


class TrainingRecord:
    """What was measured and said during a training; no widgets.

    Args:
        panels: for each quantity with its unit the names of its lines.
        steps: how many there will be.
    """

    def __init__(self, panels: Mapping[str, Sequence[str]], steps: int):
        self.panels = {panel: tuple(names) for panel, names in panels.items()}
        self.lines: dict[str, list[tuple[int, float]]] = {name: [] for names in self.panels.values() for name in names}
        self.steps, self.step = steps, 0
        self.said: list[tuple[int, str]] = []

    def note(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to the lines named; a number that is none (NaN, infinite) leaves a gap."""
        for name, value in values.items():
            if name not in self.lines:
                raise ValueError(f"there is no line {name!r}; there are {', '.join(self.lines)}.")
            if math.isfinite(value):
                self.lines[name].append((step, float(value)))
        self.step = step

    def charts(self) -> html.Markup:
        """All panels as quick drawings."""
        return html.join(line_chart(panel, self._lines_of(panel), self.steps) for panel in self.panels)

    def pictures(self, title: str) -> html.Markup:
        """All panels that hold something as pictures that stay."""
        from llama_course import plots

        drawn = {panel: {n: points for n, points in self._lines_of(panel).items() if points} for panel in self.panels}
        return html.join(
            html.Markup(plots.curves(lines, title=title, xlabel="step", ylabel=panel).html())
            for panel, lines in drawn.items()
            if lines
        )

    def sayings(self) -> html.Markup:
        """What was said, each with its step."""
        rows = [(f"{step:,}", html.code(_printable(text))) for step, text in self.said]
        return html.table(rows, ["step", "what it wrote"]) if rows else html.Markup("")

    def _lines_of(self, panel: str) -> dict[str, list[tuple[int, float]]]:
        return {name: self.lines[name] for name in self.panels[panel]}


def let_clicks_in(button: widgets.Button) -> None:
    """Let a click arrive even while a cell keeps the kernel busy, where kernel and page know how.

    JupyterLab sends clicks to a second thread of the kernel.  ipykernel 7.4 hands them back to the thread that made the
    button, and that one waits; without this note in the button's channel it does not.  Elsewhere nothing changes.
    """
    if button.comm is not None:
        vars(button.comm).pop("_reply_subshell_id", None)


def _printable(text: str) -> str:
    """A text without the control characters that an untrained model likes to write."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


class TrainingPlot(LiveView):
    """A plot that grows during training.

    The training runs in a thread, so that its cell ends at once and Stop can be pressed::

        live = TrainingPlot({"loss in nats": ["loss"]}, steps=500)
        live.start(lambda: train(model, loss, settings, on_step=live.on_step))
        live                          # shows it
        history = live.wait()         # in the next cell: waits, and gives back what train returned

    Args:
        panels: for each quantity with its unit the names of its lines; each panel has an axis of its own.
        steps: how many there will be.
        title: of the picture that stays.
    """

    def __init__(self, panels: Mapping[str, Sequence[str]], steps: int, title: str = "Training"):
        self.record, self.title = TrainingRecord(panels, steps), title
        self.asked_to_stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.result, self.error = None, None
        self.charts, self.texts, self.status = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.stop_button = widgets.Button(description="Stop", tooltip="End the training; what was learned stays")
        self.stop_button.on_click(lambda button: self.stop())
        for name in ("charts", "texts", "status", "stop_button"):
            getattr(self, name).add_class(f"lc-training-{name.removesuffix('_button')}")
        self.view = widgets.VBox([self.charts, widgets.HBox([self.stop_button, self.status]), self.texts])
        self._throttle, self._shown = Throttle(SECONDS_BETWEEN_DRAWINGS), None
        self._draw("Ready.")
        let_clicks_in(self.stop_button)

    def add(self, step: int, values: Mapping[str, float], status: str = "") -> bool:
        """Note what was measured after a step; False if the training should stop."""
        self.record.note(step, values)
        if self._throttle.is_due():
            self._draw(status or f"Step {step:,} of {self.record.steps:,}.")
        return not self.asked_to_stop.is_set()

    def on_step(self, progress) -> bool:
        """The ``on_step`` of :func:`llama_course.training.loop.train`: notes the loss on the first line."""
        return self.add(progress.step, {next(iter(self.record.lines)): progress.loss}, f"{progress}.".capitalize())

    def say(self, text: str) -> None:
        """Show a text beside the step that was last noted, such as a sample of what the model writes."""
        self.record.said.append((self.record.step, text))
        self.texts.value = self.record.sayings()

    def start(self, work: Callable[[], Any]) -> "TrainingPlot":
        """Run ``work`` in a thread; it calls :meth:`on_step` or :meth:`add`, and stops when they return False."""
        if self.thread is not None:
            raise RuntimeError("This plot has had its training. Make a new one: run the whole cell again.")
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()
        return self

    def stop(self) -> None:
        """Ask the training to stop after the present step; what was learned stays."""
        self.asked_to_stop.set()
        self.status.value = html.paragraph("Stopping after this step.", quiet=True)

    def wait(self) -> Any:
        """Wait for the end and return what the work returned; interrupting the kernel stops the training instead."""
        if self.thread is None:
            raise RuntimeError("Nothing was started yet: run the cell above first.")
        while self.thread.is_alive():
            try:
                self.thread.join(0.2)
            except KeyboardInterrupt:
                self.stop()
        if self._shown is not None:  # what stands under the other cell becomes the final picture
            self._shown.update(self._repr_mimebundle_(), raw=True)
        if self.error is not None:
            raise self.error
        return self.result

    def static_html(self) -> str:
        if self.thread is not None and self.thread.is_alive():
            return html.paragraph(f"{self.title}. {UNDER_WAY}", quiet=True)
        return html.join([self.record.pictures(self.title), html.Markup(self.status.value), self.record.sayings()])

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self.result = work()
            step, steps = self.record.step, self.record.steps
            kept = ", and what was learned is kept" if step < steps else ""
            self._draw(f"{'Stopped' if step < steps else 'Finished'} after step {step:,} of {steps:,}{kept}.")
        except BaseException as error:  # in a thread nobody else would hear of it; wait() raises it again
            self.error = error
            self._draw(f"{type(error).__name__}: {error}")
        finally:
            self.stop_button.disabled = True

    def _draw(self, status: str) -> None:
        self.charts.value = self.record.charts()
        self.status.value = html.paragraph(status, quiet=True)

    def _ipython_display_(self) -> None:
        from IPython.display import display  # with an id: at the end it is replaced by its final picture

        self._shown = display(self._repr_mimebundle_(), raw=True, display_id=True)
