"""The complement model to play with: three sliders and a firm; the sign of the result is up to the learner."""

from llama_course.policy.complement import FIRMS, RUN_COST, Firm, adoption_needed, release, who_gains
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, bar, join, paragraph, table
from llama_course.widgets.line_chart import line_chart

MOST_PRICE, MOST_COST = 8.0, 12.0  # units
POINTS = 21  # of each line


class ReleaseSliders(LiveView):
    """Sliders for the price of the complement, its adoption and the cost of the release, and buttons for the firm.

    A number beside a slider can be clicked, or reached with Tab, and typed.  The static twin shows the present state.
    """

    def __init__(self, firm: str = "Plaza", price: float = 5.0, adoption: float = 0.6, cost: float = 4.0):
        import ipywidgets as w

        if firm not in FIRMS:
            raise ValueError(f"expected one of {', '.join(FIRMS)}, got {firm!r}.")
        wide = {"style": {"description_width": "11em"}, "layout": w.Layout(width="32em", max_width="100%")}
        self.firm = w.ToggleButtons(description="Firm", options=list(FIRMS), value=firm)
        self.price = w.FloatSlider(description="price of the others", value=price, max=MOST_PRICE, step=0.25, **wide)
        self.adoption = w.FloatSlider(
            description="adoption", value=adoption, max=1, step=0.05, readout_format=".0%", **wide
        )
        self.cost = w.FloatSlider(description="cost of the release", value=cost, max=MOST_COST, step=0.5, **wide)
        self.shown = w.HTML()
        for box, name in (
            (self.firm, "firm"),
            (self.price, "price"),
            (self.adoption, "adoption"),
            (self.cost, "cost"),
        ):
            box.observe(lambda change: self._show(), names="value")
            box.add_class(f"lc-release-{name}")
        self.shown.add_class("lc-release-shown")
        self.view = w.VBox([self.firm, self.price, self.adoption, self.cost, self.shown])
        self._show()

    def static_html(self) -> str:
        """What the sliders say, and the table for it."""
        said = (
            f"{self.firm.value}; price of the others {self.price.value:g}, adoption {self.adoption.value:.0%}, "
            f"cost of the release {self.cost.value:g}"
        )
        return join([paragraph(said, quiet=True), self._result()])

    def _result(self) -> Markup:
        return release_html(FIRMS[self.firm.value], self.price.value, self.adoption.value, self.cost.value)

    def _show(self) -> None:
        self.shown.value = self._result()


def release_html(firm: Firm, price: float, adoption: float, cost: float) -> Markup:
    """The parts of a release, its sum in words, the line over the price, and who else gains."""
    found = release(firm, price, adoption, cost)
    largest = max(1.0, *(abs(value) for value in found.parts.values()))
    rows = [(name, f"{value:+.1f}", bar(abs(value) / largest, 8)) for name, value in found.parts.items()]
    parts = table([*rows, ("together", f"{found.total:+.1f}", "")], ["", "units a year", "size"], numeric=[1])
    gains = who_gains(firm, price, adoption, cost)
    others = table([(name, f"{value:+.1f}") for name, value in gains.items()], ["who", "units a year"], numeric=[1])
    return join([paragraph(say_release(firm, price, adoption, cost)), parts, price_chart(adoption, cost), others])


def say_release(firm: Firm, price: float, adoption: float, cost: float) -> str:
    """The result in a sentence, and the adoption from which it pays."""
    total = release(firm, price, adoption, cost).total
    needed = adoption_needed(firm, price, cost)
    verdict = "pays" if total > 0 else "does not pay"
    when = "at no adoption" if needed is None else f"from an adoption of {needed:.0%}"
    return (
        f"For {firm.name}, which earns from {firm.earns_from}, giving it away {verdict}: {total:+.1f} units a year. "
        f"At this price it pays {when}."
    )


def price_chart(adoption: float, cost: float) -> Markup:
    """What each firm would gain by giving it away, over the price that others charge."""
    prices = [MOST_PRICE * n / (POINTS - 1) for n in range(POINTS)]
    series = {
        name: [(price, release(firm, price, adoption, cost).total) for price in prices] for name, firm in FIRMS.items()
    }
    title = f"gain of the giver in units, over the price of the others (to run it costs {RUN_COST:g})"
    return line_chart(title, series, MOST_PRICE)
