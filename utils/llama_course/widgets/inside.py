"""Inside a model: where a head of attention looks, and what each layer would say."""

import ipywidgets as widgets

from llama_course.models import inside
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

MOST_TOKENS = 24  # columns that a page has room for
TINT = "rgba(86,180,233,{:.2f})"  # Okabe and Ito's sky blue, never so thick that the number in it is hard to read
THICKEST = 0.6


def attention_table(tokens, shares, caption: str = "") -> html.Markup:
    """One head of one layer as a table: each row is a token and shares 100 % among the tokens up to itself.

    Args:
        tokens: T objects with ``label``.
        shares: (T, T), rows sum to 1.
        caption: what is shown.
    """
    names = [html.code(token.label) for token in tokens]
    rows = []
    for i, name in enumerate(names):
        given = [_share(float(share)) for share in shares[i][: i + 1]]
        rows.append((name, *given, *[""] * (len(names) - i - 1)))
    header = ["looks at", *[_upright(name) for name in names]]
    page = html.table(rows, header, caption, numeric=range(1, len(names) + 1))
    return html.Markup(f'<div style="overflow-x:auto">{page}</div>')


def _share(share: float) -> html.Markup:
    tint = TINT.format(THICKEST * share**0.5)  # the root, so that small shares can be told from nothing
    return html.Markup(
        f'<span style="display:block;margin:-.25em -.75em;padding:.25em .4em;background:{tint};{html.TEXT}">'
        f"{100 * share:.0f}</span>"
    )


def _upright(name: html.Markup) -> html.Markup:
    return html.Markup(f'<span style="writing-mode:vertical-rl;font-weight:normal">{name}</span>')


def lens_rows(tokens: list, best: list[int], answer: list[float], places: list[int]) -> list[tuple]:
    """What each layer would say, neighbours that say the same put together.

    Args:
        tokens: most probable token after 0, 1, … L layers.
        best: its id; this decides what is the same.
        answer: probability of the model's answer after as many layers.
        places: place of that answer, from 1.

    Returns:
        Rows of layers done ("2–5"), token, probability and place of the answer where the row ends.
    """
    rows, first = [], 0
    for done in range(len(best)):
        if done + 1 == len(best) or best[done + 1] != best[done]:
            layers = f"{first}" if first == done else f"{first}–{done}"
            rows.append((layers, tokens[done], answer[done], places[done]))
            first = done + 1
    return rows


def lens_table(rows: list[tuple], answer, caption: str = "") -> html.Markup:
    """The rows of :func:`lens_rows` as a table; ``answer`` is the token that the whole model would say."""
    name = html.code(answer.label)
    header = ["layers done", "would say", html.join([name, " has"]), html.join([name, " is at place"])]
    shown = [
        (layers, html.code(token.label), html.percent(probability), f"{place:,}")
        for layers, token, probability, place in rows
    ]
    return html.table(shown, header, caption, numeric=[2, 3])


class _InsideView(LiveView):
    """A text that can be edited, sliders, and a page about what the model does with the text."""

    def __init__(self, model: inside.OpenModel, text: str, sliders: list[widgets.IntSlider]):
        self.model = model
        self.input = widgets.Textarea(
            value=text,
            description="Text",
            continuous_update=False,
            layout=widgets.Layout(width="95%", height="3.5em"),
        )
        self.output = widgets.HTML()
        self.input.observe(lambda change: self.read(), names="value")
        for slider in sliders:
            slider.observe(lambda change: self.show(), names="value")
        self.view = widgets.VBox([self.input, *sliders, self.output])
        self.read()

    def read(self) -> None:
        """Let the model read the text; an error is shown in words."""
        try:
            ids = self.model.ids(self.input.value)
            self.ids, self.is_cut = ids[:MOST_TOKENS], len(ids) > MOST_TOKENS
            self.look()
        except (ValueError, RuntimeError) as error:
            self.ids = None
            self.output.value = html.paragraph(str(error))
        else:
            self.show()

    def look(self) -> None:
        """Compute what the page needs, once for each text."""
        raise NotImplementedError

    def page(self) -> html.Markup:
        """The page for the sliders as they are."""
        raise NotImplementedError

    def show(self) -> None:
        """Write the page again."""
        if self.ids is not None:
            cut = html.paragraph(f"Only the first {MOST_TOKENS} tokens are read.", quiet=True) if self.is_cut else ""
            self.output.value = html.join([self.page(), cut])

    def static_html(self) -> str:
        return html.join([html.paragraph(f"“{self.input.value}”"), html.Markup(self.output.value)])

    def tokens(self) -> list:
        """The tokens that are looked at."""
        return [self.model.token(token_id) for token_id in self.ids.tolist()]


class AttentionView(_InsideView):
    """Where the heads look: choose a text, a layer and a head.

    Args:
        model: an opened model.
        text: the text to begin with; its first 24 tokens are shown.
        layer, head: which to show first, both counted from 0 as in the file of weights; the last, if there are fewer.
    """

    def __init__(self, model: inside.OpenModel, text: str, layer: int = 0, head: int = 0):
        layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
        self.layer = widgets.IntSlider(value=min(layer, layers - 1), min=0, max=layers - 1, description="Layer")
        self.head = widgets.IntSlider(value=min(head, heads - 1), min=0, max=heads - 1, description="Head")
        super().__init__(model, text, [self.layer, self.head])

    def look(self) -> None:
        self.shares = inside.attention_weights(self.model.llama, self.ids)  # (L, H, T, T)

    def page(self) -> html.Markup:
        layer, head = self.layer.value, self.head.value
        caption = f"Layer {layer}, head {head}: what each row takes from each column, in % (· is a space)"
        return attention_table(self.tokens(), self.shares[layer, head], caption)


class LogitLensView(_InsideView):
    """What each layer would say next: choose a text, and after which of its tokens.

    Args:
        model: an opened model.
        text: the text to begin with; its first 24 tokens are read.
    """

    def __init__(self, model: inside.OpenModel, text: str):
        style = {"description_width": "7em"}
        self.position = widgets.IntSlider(value=1, min=1, max=1, description="After token", style=style)
        super().__init__(model, text, [self.position])

    def look(self) -> None:
        self.states = inside.hidden_states(self.model.llama, self.ids)  # (L + 1, T, D)
        self.position.max = len(self.ids)
        self.position.value = len(self.ids)

    def page(self) -> html.Markup:
        said = inside.read_off(self.model.llama, self.states[:, self.position.value - 1])  # (L + 1, V)
        best = said.argmax(-1).tolist()
        answer = said[:, best[-1]]
        places = (said > answer[:, None]).sum(-1) + 1
        tokens = [self.model.token(token_id) for token_id in best]
        rows = lens_rows(tokens, best, answer.tolist(), places.tolist())
        text = "".join(token.text for token in self.tokens()[: self.position.value])
        return lens_table(rows, tokens[-1], f"What the layers would say after “{text}” (· is a space)")
