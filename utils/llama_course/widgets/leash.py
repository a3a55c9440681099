"""PPO to look at: a run that is under way, and recorded runs under different leashes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_course.evaluation.leash_runs import LEASHES, PLANS, LeashRun, of_plan
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, code, join, paragraph, table
from llama_course.widgets.line_chart import line_chart
from llama_course.widgets.training_plot import TrainingPlot

if TYPE_CHECKING:
    from llama_course.training.ppo import PPO

PANELS = {"reward and gold reward": ("reward", "gold"), "distance from the start, nats": ("kl",)}
SHOWN_ANSWERS = 3


def watch_ppo(ppo: "PPO", iterations: int, learning_rate: float, title: str) -> TrainingPlot:
    """Start PPO and show reward, gold reward and distance while it runs.

    Args:
        ppo: watched by the gold judge.
        iterations: how many at most; Stop ends it before, and what was learned stays.
        learning_rate: the largest one, after three steps.
        title: of the picture that stays.

    Returns:
        The plot, under way; its ``wait`` gives back ``ppo.iterations``.
    """
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings

    live = TrainingPlot(PANELS, iterations, title)
    steps = iterations * ppo.settings.epochs
    settings = TrainingSettings(steps, learning_rate, min(3, steps), weight_decay=0.0)

    def on_step(progress) -> bool:
        newest = ppo.iterations[-1]
        return live.add(len(ppo.iterations), {name: getattr(newest, name) for name in live.record.lines})

    def work():
        train(ppo.policy, ppo, settings, on_step=on_step)
        return ppo.iterations

    return live.start(work)


def run_html(run: LeashRun) -> Markup:
    """One run as lines, a sentence, and the answers that the reward model likes best."""
    iterations = len(run.gold)
    charts = [
        line_chart(panel, {name: list(enumerate(run.smooth(name), start=1)) for name in names}, iterations)
        for panel, names in PANELS.items()
    ]
    said = (
        f"KL weight {PLANS[run.plan].kl_weight:g}, seed {run.seed}. Best gold reward in iteration {run.peak} of "
        f"{iterations}. On people nobody had asked about, {abs(run.gain):.2f} gold reward was "
        f"{'won' if run.gain > 0 else 'lost'}; right answers {run.right[0]:.0%} → {run.right[1]:.0%}."
    )
    rows = [(question, code(answer), f"{reward:.2f}") for question, answer, reward in run.samples[:SHOWN_ANSWERS]]
    liked = table(rows, ["question", "answer that the reward model likes best", "reward"], numeric=[2])
    return join([*charts, paragraph(said), liked])


class LeashSlider(LiveView):
    """A slider for the KL weight and one for the run, over recorded runs.

    The static twin has all leashes in a table, and the run that is shown.

    Args:
        runs: of the plans in LEASHES; others are left out.

    Raises:
        ValueError: none of them.
    """

    def __init__(self, runs: Sequence[LeashRun]):
        import ipywidgets as w

        self.runs = {name: of_plan(runs, name) for name in LEASHES if any(run.plan == name for run in runs)}
        if not self.runs:
            raise ValueError(f"expected runs of {', '.join(LEASHES)}, got none.")
        weights = [(f"{PLANS[name].kl_weight:g}", name) for name in self.runs]
        self.leash = w.SelectionSlider(description="KL weight", options=weights, value=next(iter(self.runs)))
        self.number = w.IntSlider(description="run", value=1, min=1, max=max(map(len, self.runs.values())))
        self.shown = w.HTML()
        for slider, name in ((self.leash, "weight"), (self.number, "run")):
            slider.observe(lambda change: self._show(), names="value")
            slider.add_class(f"lc-leash-{name}")
        self.shown.add_class("lc-leash-shown")
        self.view = w.VBox([w.HBox([self.leash, self.number], layout=w.Layout(flex_flow="row wrap")), self.shown])
        self._show()

    @property
    def run(self) -> LeashRun:
        """The run that is shown; the last of a plan that has fewer."""
        own = self.runs[self.leash.value]
        return own[min(self.number.value, len(own)) - 1]

    def static_html(self) -> str:
        """All leashes in a table, and the run that is shown."""
        rows = []
        for name, own in self.runs.items():
            reward, kl = (sum(run.smooth(line)[-1] for run in own) / len(own) for line in ("reward", "kl"))
            gains = ", ".join(f"{run.gain:+.2f}" for run in own)
            rows.append((f"{PLANS[name].kl_weight:g}", f"{reward:.2f}", f"{kl:.1f}", gains))
        header = ["KL weight", "reward at the end", "KL in nats", "gold reward won, each run"]
        return join([table(rows, header, numeric=[1, 2]), run_html(self.run)])

    def _show(self) -> None:
        self.shown.value = run_html(self.run)
