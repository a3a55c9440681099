"""The 700 million clause as a calculator: whose users, in which month, and what would change the answer."""

from datetime import date

from llama_course.policy.licences import licences
from llama_course.policy.user_clause import GATE, month_before, told_by_a1
from llama_course.policy.user_steps import steps
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, join, paragraph, table

LATER = "2026-10"
MILLION = 1_000_000


class UserGate(LiveView):
    """Fields for a firm's products then and now and for its affiliate; the steps of section 2 below them.

    The licence asks for one month; the calculator knows that month and a later one, so that one can see that only the
    first matters.  All numbers are in millions of people.
    """

    def __init__(
        self, version: str = "Llama 2", then: float = 1, other: float = 0, affiliate: float = 0, now: float = 800
    ):
        import ipywidgets as w

        names = [name for name, row in licences().items() if row.gate]
        self.version = w.ToggleButtons(description="Version", options=names, value=version)
        self.version.style.button_width = "auto"
        style = {"description_width": "28em"}
        self.then = w.BoundedFloatText(value=then, min=0, max=9000, style=style)
        self.other = w.BoundedFloatText(value=other, min=0, max=9000, style=style)
        self.affiliate = w.BoundedFloatText(value=affiliate, min=0, max=9000, style=style)
        self.now = w.BoundedFloatText(
            value=now, min=0, max=9000, style=style, description=f"the same product in {LATER}, millions"
        )
        self.out = w.HTML()
        fields = (self.then, self.other, self.affiliate, self.now)
        for field in (self.version, *fields):
            field.layout.width = "auto" if field is self.version else "38em"
            field.observe(lambda _: self._show(), names="value")
        self.view = w.VBox([self.version, *fields, self.out])
        self._show()

    @property
    def released(self) -> date:
        """Release date of the version chosen."""
        return licences()[self.version.value].released_on

    @property
    def month(self) -> str:
        """The month that this version counts."""
        return month_before(self.released)

    def users(self) -> dict:
        """The firm and its affiliate, by product and month."""
        month = self.month
        return {
            "the firm": {
                "Llama product": {month: _people(self.then), LATER: _people(self.now)},
                "other products": {month: _people(self.other)},
            },
            "its affiliate": {"all products": {month: _people(self.affiliate)}},
        }

    def static_html(self) -> str:
        """The steps for the present numbers, and what article A1 would say."""
        rows = steps("the firm", self.users(), ["its affiliate"], self.released)
        a1 = told_by_a1("the firm", self.users(), _month_after(LATER), "Llama product")
        told = "would have it ask Meta now" if a1 else "would not have it ask Meta"
        return Markup(
            '<div role="status">'
            + join(
                [
                    table([(row.question, row.answer) for row in rows], ["", self.version.value]),
                    paragraph(f"Article A1, counting one product in {LATER} against {GATE:,}, {told}.", quiet=True),
                ]
            )
            + "</div>"
        )

    def _show(self) -> None:
        month = self.month
        self.then.description = f"the product that will get Llama, in {month}, millions"
        self.other.description = f"all its other products in {month}, millions"
        self.affiliate.description = f"its affiliate’s products in {month}, millions"
        self.out.value = self.static_html()


def _people(field) -> int:
    return round(field.value * MILLION)


def _month_after(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1)
