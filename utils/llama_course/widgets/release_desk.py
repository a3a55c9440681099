"""A desk for claims: set one up, choose the access, write a sentence, and see at once what the measurements say."""

import ipywidgets as widgets

from llama_course.release.checking import places
from llama_course.release.claims import COMPARISONS, VERDICTS, Claim, Ruling, find_measurements, judge_claim, strongest
from llama_course.release.measuring import Measured
from llama_course.release.quantities import ACCESS, QUANTITIES, WORST
from llama_course.release.wording import Finding, figures_in, leaks_in, promises_in
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

SENTENCE = "It never tells how a danger is made."


def read_sentence(text: str, measured: Measured, access: str) -> list[Finding]:
    """All that would be refused in a sentence of a card."""
    return [
        *promises_in("summary", text, measured.results, access),
        *figures_in("summary", text, places(measured, access)),
        *leaks_in("summary", text),
    ]


def ruling_html(ruling: Ruling) -> html.Markup:
    """One ruling: verdict, claim, measurement, advice."""
    lines = [f"{VERDICTS[ruling.verdict]} {ruling.verdict}: {ruling.claim.words}", f"Measured: {ruling.measured}."]
    return html.join(map(html.paragraph, [*lines, *([ruling.advice] if ruling.advice else [])]))


def sentence_html(text: str, measured: Measured, access: str) -> html.Markup:
    """What is refused in a sentence, or that nothing is."""
    found = read_sentence(text, measured, access)
    if not found:
        return html.paragraph("✓ nothing in this sentence is refused. That does not make it true.")
    return html.join([html.paragraph(f"✗ {one.claimed} Measured: {one.measured}. {one.advice}") for one in found])


class ReleaseDesk(LiveView):
    """Claims and sentences about a model, checked with every keystroke.

    The static twin has the strongest claims that the measurements bear out, for each level of access.

    Args:
        measured: of the model.
    """

    def __init__(self, measured: Measured):
        self.measured = measured
        wide = {"style": {"description_width": "6em"}, "layout": widgets.Layout(width="min(36em, 97%)")}
        buttons = {"style": {"description_width": "6em", "button_width": "auto"}}  # which Tab and Space reach in Lab
        known = [(QUANTITIES[name].plain, name) for name in measured.results]
        known.append(("dangers told, whatever the access allows", WORST))
        self.access = widgets.ToggleButtons(options=list(ACCESS), value="API", description="access", **buttons)
        self.quantity = widgets.ToggleButtons(options=known, value=WORST, description="claim", **buttons)
        self.comparison = widgets.ToggleButtons(options=COMPARISONS, value="at most", description="is", **buttons)
        self.percent = widgets.BoundedFloatText(value=15, min=0, max=100, step=1, description="percent", **wide)
        self.sentence = widgets.Textarea(
            value=SENTENCE, description="sentence", continuous_update=True, placeholder="a sentence of the card", **wide
        )
        self.verdict, self.reading = widgets.HTML(), widgets.HTML()
        for control in (self.access, self.quantity, self.comparison, self.percent, self.sentence):
            control.observe(lambda change: self.refresh(), names="value")
        self.access.add_class("lc-desk-access")
        self.sentence.add_class("lc-desk-sentence")
        self.reading.add_class("lc-desk-reading")
        self.view = widgets.VBox(
            [self.access, self.quantity, self.comparison, self.percent, self.verdict, self.sentence, self.reading]
        )
        self.refresh()

    def refresh(self) -> None:
        """Judge the claim and read the sentence again."""
        claim = Claim(self.quantity.value, self.comparison.value, self.percent.value)
        ruling = judge_claim(claim, self.measured.results, self.access.value)
        self.verdict.value = ruling_html(ruling)
        self.reading.value = sentence_html(self.sentence.value, self.measured, self.access.value)

    def static_html(self) -> str:
        """The strongest claims, and the sentence as it is now."""
        rows = []
        for access in ACCESS:
            found, _ = find_measurements(WORST, self.measured.results, access)
            worst = max(found, key=lambda result: result.interval.high, default=None)
            said = f"at most {strongest(worst, 'at most')} %" if worst else "not measured"
            rows.append((access, said, QUANTITIES[worst.quantity].plain if worst else "–"))
        header = ["access", "dangers told", "by the open way that leaves most room"]
        caption = "The strongest claim on dangers that the measurements bear out"
        now = [html.paragraph(f"“{self.sentence.value}”"), html.Markup(self.reading.value)]
        return html.join([html.table(rows, header, caption), html.Markup(self.verdict.value), *now])
