"""How a model cuts a text into tokens: coloured pieces with their ids."""

import ipywidgets as widgets

from llama_course.models.interface import ChatModel, Token
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

MOST_SHOWN = 400  # a page of tokens; more would make the notebook slow


def token_page(tokens: list[Token], text: str, focusable: bool = False) -> html.Markup:
    """The tokens of ``text`` as boxes, and how many tokens, characters and bytes there are."""
    sizes = {"token": len(tokens), "character": len(text), "byte": len(text.encode("utf-8", "replace"))}
    counts = ", ".join(html.count(number, noun) for noun, number in sizes.items())
    cut = f"; the first {MOST_SHOWN} tokens are shown" if len(tokens) > MOST_SHOWN else ""
    return html.join(
        [html.tokens(tokens[:MOST_SHOWN], focusable=focusable), html.paragraph(f"{counts}{cut}.", quiet=True)]
    )


class TokenizerView(LiveView):
    """Type a text, see its tokens.

    Args:
        model: whose tokenizer to use.
        text: the text to begin with.
    """

    def __init__(self, model: ChatModel, text: str):
        self.model = model
        self.input = widgets.Textarea(
            value=text, description="Text", layout=widgets.Layout(width="95%", height="4.5em")
        )
        self.output = widgets.HTML()
        self.input.observe(lambda change: self.refresh(), names="value")
        self.view = widgets.VBox([self.input, self.output])
        self.refresh()

    def refresh(self) -> None:
        """Cut the text again."""
        self.output.value = self._page(focusable=True)

    def static_html(self) -> str:
        return html.join([html.paragraph(f"“{self.input.value}”"), self._page()])

    def _page(self, focusable: bool = False) -> html.Markup:
        text = self.input.value
        if not text:
            return html.paragraph("Type something to see its tokens.", quiet=True)
        try:
            return token_page(self.model.tokenize(text), text, focusable)
        except (ValueError, RuntimeError) as error:
            return html.paragraph(str(error))
