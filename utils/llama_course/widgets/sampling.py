"""Temperature and top-p: what they do to a distribution, and to a text."""

import ipywidgets as widgets
import numpy as np

from llama_course.models.interface import ChatModel
from llama_course.models.sampling import apply_temperature, keep_top_p
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

EVERY_TOKEN = 10**6  # more than any vocabulary holds; the tail counts, at a high temperature
SHOWN = 8
CONTINUATIONS = 3


def settings_table(labels: list[str], own: np.ndarray, temperature: float, top_p: float) -> html.Markup:
    """The first tokens before and after the settings, and how many are left to draw from.

    Args:
        labels: the tokens, most probable first.
        own: their probabilities in the model, shape (V,); what is missing to 1 is left out of the sum.
        temperature, top_p: the settings.
    """
    after = keep_top_p(apply_temperature(own / own.sum(), temperature), top_p)
    left = int((after > 0).sum())
    kept = "One token is" if left == 1 else f"{left:,} of {len(own):,} tokens are"
    rows = [
        (html.code(label), _share(before), _share(now) if now else "cut")
        for label, before, now in zip(labels[:SHOWN], own, after, strict=False)
    ]
    header = ["next token", "in the model", "with the settings"]
    return html.join([html.table(rows, header), html.paragraph(f"{kept} left to draw from.")])


def _share(fraction: float) -> html.Markup:
    return html.join([html.bar(fraction, 8), html.percent(fraction)], " ")


class SamplingPlayground(LiveView):
    """Turn temperature and top-p, see the distribution change, and draw texts with it.

    Args:
        model: who predicts.
        text: the beginning of the texts.
        max_new_tokens: length of each continuation.
        seed: of the first continuation to begin with; the others take the next ones.
    """

    def __init__(self, model: ChatModel, text: str, max_new_tokens: int = 24, seed: int = 0):
        self.model, self.text, self.max_new_tokens = model, text, max_new_tokens
        found = model.next_token_probabilities(text, k=EVERY_TOKEN)
        self.labels = [item.token.label for item in found]
        self.own = np.array([item.probability for item in found])
        self.continuations: list[str] = []
        slider = {"continuous_update": False, "style": {"description_width": "7em"}}
        self.temperature = widgets.FloatSlider(value=0.7, min=0, max=2.5, step=0.1, description="Temperature", **slider)
        self.top_p = widgets.FloatSlider(value=0.9, min=0.05, max=1, step=0.05, description="Top-p", **slider)
        self.seed = widgets.BoundedIntText(value=seed, min=0, max=9999, description="Seed")
        self.draw = widgets.Button(description="Draw three texts", tooltip="Continue the text with these settings")
        self.table, self.texts = widgets.HTML(), widgets.HTML()
        self.draw.on_click(lambda button: self.write())
        for setting in (self.temperature, self.top_p):
            setting.observe(lambda change: self.refresh(), names="value")
        controls = [self.temperature, self.top_p, self.seed, self.draw]
        self.view = widgets.VBox([widgets.VBox(controls), self.table, self.texts])
        self.refresh()
        self.write()

    def refresh(self) -> None:
        """Apply the settings to the distribution again."""
        self.table.value = settings_table(self.labels, self.own, self.temperature.value, self.top_p.value)

    def write(self) -> None:
        """Draw three continuations with the settings, from three seeds."""
        settings = {"temperature": self.temperature.value, "top_p": self.top_p.value}
        self.draw.disabled = True
        try:
            self.continuations = [
                self.model.complete(self.text, max_new_tokens=self.max_new_tokens, seed=self.seed.value + i, **settings)
                for i in range(CONTINUATIONS)
            ]
            self.texts.value = self._texts()
        except (ValueError, RuntimeError) as error:
            self.texts.value = html.paragraph(str(error))
        finally:
            self.draw.disabled = False

    def static_html(self) -> str:
        said = f"Temperature {self.temperature.value:g}, top-p {self.top_p.value:g}, after “{self.text}”"
        return html.join([html.paragraph(said), html.Markup(self.table.value), html.Markup(self.texts.value)])

    def _texts(self) -> html.Markup:
        lines = [html.paragraph(f"{i}. {self.text}{more}") for i, more in enumerate(self.continuations, 1)]
        return html.join(lines)
