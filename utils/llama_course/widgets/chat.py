"""A chat box: talk to a model, token by token, with a stop button."""

import threading
import time
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from llama_course.models.catalog import CATALOG, DEFAULT_MODEL
from llama_course.models.interface import ChatModel, fit_to_context
from llama_course.models.loading import load_model
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

SECONDS_BETWEEN_UPDATES = 1 / 15
HOW_TO = "Write a message and press Send (Tab, then Space). Run this notebook to chat."


def transcript_html(messages: Sequence[dict[str, str]], is_busy: bool = False) -> html.Markup:
    """The conversation, newest at the bottom; a screen reader announces an answer when it is complete."""
    names = {"user": "You", "assistant": "Model"}
    entries = [
        html.Markup(
            f'<div class="lc-message-{message["role"]}" style="margin:.4em 0;white-space:pre-wrap;{html.TEXT}">'
            f"<strong>{names[message['role']]}:</strong> {html.escape(message['content'])}</div>"
        )
        for message in messages
        if message["role"] in names
    ]
    return html.Markup(
        '<div style="display:flex;flex-direction:column-reverse;max-height:24em;overflow:auto;">'
        f'<div role="log" aria-live="polite" aria-busy="{str(is_busy).lower()}" aria-label="conversation">'
        f"{html.join(entries)}</div></div>"
    )


class Conversation:
    """The messages of a chat and the rules for sending them; no widgets.

    Args:
        system: an instruction before the first message, or None.
        max_new_tokens: longest answer.
    """

    def __init__(self, system: str | None = None, max_new_tokens: int = 200):
        self.system = system
        self.max_new_tokens = max_new_tokens
        self.turns: list[dict[str, str]] = []

    def ask(self, model: ChatModel, text: str, on_text: Callable[[str], bool | None], **settings) -> str:
        """Send ``text``, hand out the growing answer, and return a remark for the person, often empty.

        What cannot be sent, or gets no answer, is not kept: the conversation stays as it was.
        """
        question = {"role": "user", "content": text}
        system = [{"role": "system", "content": self.system}] if self.system else []
        sent, left_out = fit_to_context(model, [*system, *self.turns, question], self.max_new_tokens)
        pieces: list[str] = []

        def receive(piece: str) -> bool | None:
            pieces.append(piece)
            return on_text("".join(pieces))

        model.stream(sent, receive, max_new_tokens=self.max_new_tokens, **settings)
        answer = "".join(pieces)
        for tag in model.card.special_tags:  # sent back as part of the conversation, it would be refused
            answer = answer.replace(tag, "")
        if not answer.strip():
            raise RuntimeError("There was no answer. Your text is still in the box: change it or send it again.")
        self.turns += [question, {"role": "assistant", "content": answer}]
        if left_out:
            return f"The oldest {left_out} messages no longer fit into the model's window: it did not see them."
        return ""


class ChatBox(LiveView):
    """Chat with a model; answers stream, Stop keeps what was said.

    Args:
        model: a loaded model, or the name of one, loaded when it is first asked.
        models: names for the menu; without them, the models that are one file.
        system: an instruction before the conversation.
        max_new_tokens: longest answer.
    """

    def __init__(
        self,
        model: ChatModel | str = DEFAULT_MODEL,
        models: Sequence[str] = (),
        system: str | None = None,
        max_new_tokens: int = 200,
    ):
        first = model if isinstance(model, str) else model.name
        self.loaded = {} if isinstance(model, str) else {first: model}
        self.conversation = Conversation(system, max_new_tokens)
        self.thread: threading.Thread | None = None
        self.stopped = threading.Event()
        names = models or [name for name, card in CATALOG.items() if card.source.file]
        self.menu = widgets.Dropdown(options=list(dict.fromkeys([first, *names])), value=first, description="Model")
        slider = {"min": 0.0, "continuous_update": False, "style": {"description_width": "7em"}}
        self.temperature = widgets.FloatSlider(value=0.7, max=2, step=0.1, description="Temperature", **slider)
        self.top_p = widgets.FloatSlider(value=0.9, max=1, step=0.05, description="Top-p", **{**slider, "min": 0.05})
        self.transcript = widgets.HTML(transcript_html([]))
        self.status = widgets.HTML(html.paragraph(HOW_TO, quiet=True))
        self.input = widgets.Textarea(placeholder="Your message", layout=widgets.Layout(width="95%", height="4.5em"))
        self.send = widgets.Button(description="Send", button_style="primary", tooltip="Send your message")
        self.stop = widgets.Button(description="Stop", disabled=True, tooltip="End the answer; what was said stays")
        self.clear = widgets.Button(description="Clear", tooltip="Forget the conversation")
        self._wire()

    def _wire(self) -> None:
        hooks = {"chat-transcript": self.transcript, "chat-input": self.input, "chat-status": self.status}
        hooks |= {"chat-send": self.send, "chat-stop": self.stop, "chat-clear": self.clear}
        for name, widget in hooks.items():
            widget.add_class(f"lc-{name}")
        self.send.on_click(lambda button: self.start(self.input.value))
        self.stop.on_click(lambda button: self.stopped.set())
        self.clear.on_click(lambda button: self.forget())
        settings = widgets.HBox([self.menu, self.temperature, self.top_p], layout=widgets.Layout(flex_flow="row wrap"))
        buttons = widgets.HBox([self.send, self.stop, self.clear])
        self.view = widgets.VBox([self.transcript, self.status, self.input, buttons, settings])

    def start(self, text: str) -> None:
        """Begin to answer ``text`` in a thread, so that Stop can be pressed."""
        if self.is_busy:
            return self._say("An answer is on its way: wait for it, or press Stop.")
        if not text.strip():
            return self._say("Write something first.")
        self.stopped.clear()
        self._set_busy(True)
        settings = {"temperature": self.temperature.value, "top_p": self.top_p.value}
        self.thread = threading.Thread(target=self._answer, args=(text, self.menu.value, settings), daemon=True)
        self.thread.start()

    def ask(self, text: str, timeout_s: float = 120) -> str | None:
        """Send ``text`` and wait; the answer, or None if there was none (the status line says why)."""
        before = len(self.conversation.turns)
        self.start(text)
        if self.thread is not None:
            self.thread.join(timeout_s)
        turns = self.conversation.turns
        return turns[-1]["content"] if len(turns) > before else None

    def forget(self) -> None:
        """Stop, and begin a new conversation."""
        self.stopped.set()
        if self.thread is not None:
            self.thread.join(5)
        self.conversation.turns.clear()
        self.transcript.value = transcript_html([])
        self._say(HOW_TO)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is on its way."""
        return self.thread is not None and self.thread.is_alive()

    def static_html(self) -> str:
        turns = self.conversation.turns
        return transcript_html(turns) if turns else html.paragraph(f"Chat box. {HOW_TO}")

    def _answer(self, text: str, name: str, settings: dict) -> None:
        """Run in the thread: load, ask, show; whatever goes wrong is said in words and the text stays in the box."""
        shown = Throttle()

        def on_text(answer: str) -> bool:
            if shown.is_due():
                self._show_with(text, answer)
            return not self.stopped.is_set()

        try:
            if name not in self.loaded:
                self._say(f"Loading {name} ...")
                self.loaded[name] = load_model(name)
            self._say("The model is answering.")
            remark = self.conversation.ask(self.loaded[name], text, on_text, **settings)
            if self.input.value == text:
                self.input.value = ""
            self._say(remark or ("Stopped." if self.stopped.is_set() else "Done."))
        except Exception as error:  # in a thread nobody else would hear of it
            self._say(str(error) or type(error).__name__)
        finally:
            self.transcript.value = transcript_html(self.conversation.turns)
            self._set_busy(False)

    def _show_with(self, text: str, answer: str) -> None:
        growing = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        self.transcript.value = transcript_html([*self.conversation.turns, *growing], is_busy=True)

    def _set_busy(self, busy: bool) -> None:
        self.send.disabled, self.stop.disabled = busy, not busy

    def _say(self, text: str) -> None:
        self.status.value = html.paragraph(text, quiet=True)


class Throttle:
    """Lets through at most one update in a fraction of a second."""

    def __init__(self, seconds: float = SECONDS_BETWEEN_UPDATES):
        self.seconds, self.last = seconds, float("-inf")

    def is_due(self) -> bool:
        """True if the last True was long enough ago."""
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True
