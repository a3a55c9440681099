"""Calculators: what serving a model takes, and how fast it can be at best."""

from collections.abc import Iterable

import ipywidgets as w

from llama_course import hardware
from llama_course.models.envelope import BITS_PER_WEIGHT, GIB, serving_memory, speed_limit, users_that_fit
from llama_course.models.sizes import SHAPES, Shape
from llama_course.policy.deployment import devices
from llama_course.widgets.base import LiveView
from llama_course.widgets.html import Markup, bar, join, paragraph, table

MODELS = {
    "Llama 2 7B": SHAPES["llama-2-7b"],
    "Llama 2 13B": SHAPES["llama-2-13b"],
    "Llama 2 70B": SHAPES["llama-2-70b"],
    "TinyLlama 1.1B": SHAPES["tinyllama-1.1b"],
    "SmolLM2 135M": Shape(576, 1536, 30, 9, 3, 49_152, True),
}
KINDS = ("float16", "8 bits", "4 bits", "2 bits")
CONTEXTS = (256, 512, 1024, 2048, 4096)
USABLE = 0.9  # of a memory: the rest goes to the program and to tokens in work


def memory_html(model: str, context_tokens: int, users: int) -> Markup:
    """Weights and cache for each number of bits, and the smallest card that holds both."""
    rows, shape = [], MODELS[model]
    needs = {kind: serving_memory(shape, BITS_PER_WEIGHT[kind], context_tokens=context_tokens, users=users)
             for kind in KINDS}  # fmt: skip
    largest = max(need.total_bytes for need in needs.values())
    for kind, need in needs.items():
        fitting = [card for card in devices().values() if need.total_bytes <= USABLE * card.memory_gb * 1e9]
        smallest = min(fitting, key=lambda card: card.memory_gb).name if fitting else "none of ours"
        gib = [f"{part / GIB:.2f}" for part in (need.weights_bytes, need.cache_bytes, need.total_bytes)]
        rows.append((kind, *gib, bar(need.total_bytes / largest, 8), smallest))
    header = ["weights in", "weights, GiB", "cache, GiB", "both", "", "smallest card"]
    return table(rows, header, f"{model}, {users} × {context_tokens:,} tokens", numeric=[1, 2, 3])


def speed_html(model: str, kind: str, users: int, context_tokens: int, own_gb_per_s: float | None = None) -> Markup:
    """The limit for each card that holds the model, with so many users, and for this computer if it was measured."""
    shape, bits = MODELS[model], BITS_PER_WEIGHT[kind]
    places = {card.name: (card.bandwidth_gb_per_s, card.memory_gb) for card in devices().values()}
    if own_gb_per_s:
        memory = hardware.memory_gib()  # None where the system does not say: then it is only a speed
        places = {"this computer": (own_gb_per_s, memory and memory[0] * GIB / 1e9)} | places
    rows = []
    for name, (gb_per_s, memory_gb) in places.items():
        room = memory_gb and users_that_fit(shape, USABLE * memory_gb * 1e9 / GIB, bits, context_tokens=context_tokens)
        if room is not None and room < users:
            rows.append((name, f"{gb_per_s:,.0f}", "does not fit", f"room for {room}"))
            continue
        limit = speed_limit(shape, gb_per_s, bits, context_tokens=context_tokens, users=users)
        rows.append((name, f"{gb_per_s:,.0f}", _speed(limit.for_each), _speed(limit.in_all)))
    header = ["", "GB/s", "tokens/s for each, at most", "in all, at most"]
    caption = f"{model} in {kind}, {users} users with {context_tokens:,} tokens each"
    return table(rows, header, caption.replace("1 users", "1 user"), numeric=[1, 2, 3])


def _speed(tokens_per_s: float) -> str:
    """As many digits as such a limit deserves."""
    return f"{tokens_per_s:,.{0 if tokens_per_s >= 20 else 1}f}"


def _choice(description: str, options: Iterable[str], value: str) -> w.ToggleButtons:
    """Buttons side by side: JupyterLab takes the arrow keys away from a drop-down list."""
    buttons = w.ToggleButtons(description=description, options=list(options), value=value)
    buttons.style.button_width = buttons.layout.width = "auto"
    return buttons


class _Calculator(LiveView):
    """Settings above a table that follows them."""

    def __init__(self, **settings):
        self.settings, self.shown = settings, w.HTML()
        for name, setting in settings.items():
            setting.observe(lambda change: self._show(), names="value")
            setting.add_class(f"lc-sizing-{name}")
        self.shown.add_class("lc-sizing-shown")
        self.view = w.VBox([*settings.values(), self.shown])
        self._show()

    def result_html(self) -> Markup:
        """The table for the present settings."""
        raise NotImplementedError

    def static_html(self) -> Markup:
        note = "Run this cell to change the numbers."
        return join([self.result_html(), paragraph(note, quiet=True)])

    def _show(self) -> None:
        self.shown.value = self.result_html()


class MemoryCalculator(_Calculator):
    """What the weights of a model and the conversations with it take.

    Args:
        model: a key of ``MODELS``.
        context_tokens: of each conversation, one of ``CONTEXTS``.
        users: conversations at once, 1 to 64.
    """

    def __init__(self, model: str = "Llama 2 7B", context_tokens: int = 4096, users: int = 1):
        super().__init__(
            model=_choice("Model", MODELS, model),
            context=w.SelectionSlider(description="Tokens each", options=CONTEXTS, value=context_tokens),
            users=w.IntSlider(description="Users", value=users, min=1, max=64, continuous_update=False),
        )

    def result_html(self) -> Markup:
        model, context, users = (setting.value for setting in self.settings.values())
        return memory_html(model, context, users)


class SpeedCalculator(_Calculator):
    """How many tokens a second the speed of a memory allows.

    Args:
        model: a key of ``MODELS``.
        kind: one of ``KINDS``.
        users: served together, 1 to 64.
        context_tokens: in each one's cache, one of ``CONTEXTS``.
        own_gb_per_s: what was measured on this computer.
    """

    def __init__(
        self,
        model: str = "Llama 2 7B",
        kind: str = "4 bits",
        users: int = 1,
        context_tokens: int = 1024,
        own_gb_per_s: float | None = None,
    ):
        self.own_gb_per_s = own_gb_per_s
        super().__init__(
            model=_choice("Model", MODELS, model),
            kind=_choice("Weights in", KINDS, kind),
            users=w.IntSlider(description="Users", value=users, min=1, max=64, continuous_update=False),
            context=w.SelectionSlider(description="Tokens each", options=CONTEXTS, value=context_tokens),
        )

    def result_html(self) -> Markup:
        model, kind, users, context = (setting.value for setting in self.settings.values())
        return speed_html(model, kind, users, context, self.own_gb_per_s)
