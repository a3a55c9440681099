"""What comes next: the most probable tokens as bars, and a click takes one."""

import ipywidgets as widgets

from llama_course.models.interface import ChatModel, TokenProbability
from llama_course.widgets import html
from llama_course.widgets.base import LiveView


def next_token_table(text: str, found: list[TokenProbability]) -> html.Markup:
    """The tokens with their probabilities, and what all others share."""
    labels = [item.token.label for item in found]
    rest = max(0.0, 1 - sum(item.probability for item in found))
    shares = [item.probability for item in found]
    return html.join(
        [
            html.bar_table(labels, shares, ["next token", "probability"], caption=f"After “{text}”"),
            html.paragraph(f"All other tokens together: {html.percent(rest)}.", quiet=True),
        ]
    )


class NextTokenExplorer(LiveView):
    """Continue a text token by token, choosing among the most probable ones.

    Args:
        model: who predicts.
        text: the text to begin with; it can be edited.
        k: how many tokens to offer.
    """

    def __init__(self, model: ChatModel, text: str, k: int = 8):
        self.model, self.start, self.k = model, text, k
        self.found: list[TokenProbability] = []
        self.history: list[str] = []
        self.input = widgets.Textarea(
            value=text,
            description="Text",
            continuous_update=False,
            layout=widgets.Layout(width="95%", height="4.5em"),
        )
        self.undo = widgets.Button(description="Undo", tooltip="Take the last token back")
        self.reset = widgets.Button(description="Start again", tooltip="Go back to the first text")
        self.rows = [self._row(position) for position in range(k)]
        self.choices = widgets.VBox()
        self.status = widgets.HTML()
        self.undo.on_click(lambda button: self.take_back())
        self.reset.on_click(lambda button: self._go_to(self.start, []))
        self.input.observe(self._changed, names="value")
        self.view = widgets.VBox([self.input, self.choices, self.status, widgets.HBox([self.undo, self.reset])])
        self.refresh()

    def take(self, position: int) -> None:
        """Append the token at ``position`` of the offered ones, and predict again."""
        self.input.value += self.found[position].token.text

    def take_back(self) -> None:
        """Undo the last change of the text: a token taken, or something typed."""
        if self.history:
            self._go_to(self.history[-1], self.history[:-1])

    def refresh(self) -> None:
        """Predict again for the text as it is."""
        try:
            self.found = self.model.next_token_probabilities(self.input.value, k=self.k)
            rest = max(0.0, 1 - sum(item.probability for item in self.found))
            message = f"All other tokens together: {html.percent(rest)}."
        except (ValueError, RuntimeError) as error:
            self.found, message = [], str(error)
        for position, item in enumerate(self.found):
            self._fill(position, item)
        self.choices.children = self.rows[: len(self.found)]
        self.status.value = html.paragraph(message, quiet=bool(self.found))
        self.undo.disabled = not self.history

    def static_html(self) -> str:
        if not self.found:
            return self.status.value
        return next_token_table(self.input.value, self.found)

    def _changed(self, change) -> None:
        self.history = [*self.history, change["old"]]
        self.refresh()

    def _go_to(self, text: str, history: list[str]) -> None:
        self.input.value = text
        self.history = history  # going back is no change to be undone
        self.undo.disabled = not history

    def _row(self, position: int) -> widgets.HBox:
        button = widgets.Button(layout=widgets.Layout(width="12em"))
        button.on_click(lambda _: self.take(position))
        return widgets.HBox([button, widgets.HTML()])

    def _fill(self, position: int, item: TokenProbability) -> None:
        """Rows are filled again and not made again, so that the one with the keyboard's focus keeps it."""
        button, share = self.rows[position].children
        button.description = item.token.label
        button.tooltip = f"Append {item.token.label}, probability {html.percent(item.probability)}"
        button.disabled = "�" in item.token.text  # a lone byte is no text by itself
        largest = self.found[0].probability or 1
        share.value = html.join([html.bar(item.probability / largest), " ", html.percent(item.probability)])
