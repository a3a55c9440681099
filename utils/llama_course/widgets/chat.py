"""A chat box: talk to a model, token by token, with a stop button."""

import threading
import time
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from llama_course.models.catalog import DEFAULT_MODEL, FALLBACK_MODEL
from llama_course.models.interface import ChatModel, fit_to_context
from llama_course.models.loading import load_model
from llama_course.widgets import html
from llama_course.widgets.base import LiveView

SECONDS_BETWEEN_UPDATES = 1 / 15
HOW_TO = "Write a message and press Send (Tab, then Space). Run this notebook to chat."
WAIT = "An answer is on its way: wait for it, or press Stop."


def transcript_html(messages: Sequence[dict[str, str]], is_busy: bool = False) -> html.Markup:
    """The conversation; each message runs in the direction of its own script, and nothing in it is obeyed.

    Args:
        messages: role and content; where several models answered, their answers' ``name`` says which one did.
        is_busy: an answer is still growing.
    """
    answered = {message.get("name") for message in messages if message["role"] == "assistant"}
    width = "4em" if len(answered) < 2 else "9em"
    entries = []
    for message in messages:
        if message["role"] not in ("user", "assistant"):
            continue
        who = "You" if message["role"] == "user" else "Model"
        if who == "Model" and len(answered) > 1:
            who = message.get("name") or who
        entries.append(
            html.Markup(
                f'<div class="lc-message-{message["role"]}" style="display:grid;grid-template-columns:{width} '
                f'minmax(0,1fr);margin:.5em 0;{html.TEXT}"><strong style="overflow-wrap:anywhere;">'
                f"{html.escape(who)}:</strong> "
                f'<span dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere;">'
                f"{html.escape(message['content'])}</span></div>"
            )
        )
    return html.Markup(
        f'<div role="log" aria-live="polite" aria-busy="{str(is_busy).lower()}" aria-label="conversation">'
        f"{html.join(entries)}</div>"
    )


def newest_in_view(transcript: html.Markup) -> html.Markup:
    """A transcript in a frame that scrolls and stays at its end while an answer grows."""
    frame = "display:flex;flex-direction:column-reverse;max-height:24em;overflow:auto;"
    return html.Markup(f'<div style="{frame}">{transcript}</div>')


def in_words(error: Exception) -> str:
    """What went wrong, for a person; errors that the course did not foresee keep their name."""
    foreseen = isinstance(error, ValueError | RuntimeError) and str(error)
    return str(error) if foreseen else f"{type(error).__name__}: {error}"


class Conversation:
    """The messages of a chat and the rules for sending them; no widgets.

    Args:
        system: an instruction before the first message, or None.
        max_new_tokens: longest answer.
    """

    def __init__(self, system: str | None = None, max_new_tokens: int = 200):
        self.system = system
        self.max_new_tokens = max_new_tokens
        self.turns: list[dict[str, str]] = []  # role and content; answers also have the name of the model

    def ask(self, model: ChatModel, text: str, on_text: Callable[[str], bool | None], **settings) -> str:
        """Send ``text``, hand out the growing answer, and return a remark for the person, often empty.

        What cannot be sent, or gets no answer, is not kept: the conversation stays as it was.
        """
        question = {"role": "user", "content": text}
        system = [{"role": "system", "content": self.system}] if self.system else []
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in self.turns]
        sent, left_out = fit_to_context(model, [*system, *turns, question], self.max_new_tokens)
        answer = ""

        def receive(piece: str) -> bool | None:
            nonlocal answer
            answer += piece
            return on_text(answer)

        if on_text("") is False:  # loading can take long
            raise RuntimeError("Stopped before the answer began. Your text is still in the box.")
        model.stream(sent, receive, max_new_tokens=self.max_new_tokens, **settings)
        for tag in model.card.special_tags:  # sent back as part of the conversation, it would be refused
            answer = answer.replace(tag, "")
        if not answer.strip():
            raise RuntimeError("There was no answer. Your text is still in the box: change it or send it again.")
        self.turns += [question, {"role": "assistant", "content": answer, "name": model.name}]
        if left_out:
            return f"The oldest {left_out} messages no longer fit into the model's window: it did not see them."
        return ""


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


class ChatControls(LiveView):
    """What a chat box is made of and how it lies on the page; :class:`ChatBox` makes it work.

    Args:
        names: the models to choose from, the first of them chosen.
    """

    def __init__(self, names: Sequence[str]):
        # Buttons, not a list: JupyterLab takes the arrow keys and letters that a list needs.
        self.menu = widgets.ToggleButtons(options=names, value=names[0], description="Model")
        self.menu.layout = widgets.Layout(width="auto", display=None if len(names) > 1 else "none")
        self.menu.style.button_width = "auto"
        slider = {"continuous_update": False, "style": {"description_width": "7em"}}
        slider["layout"] = widgets.Layout(width="21em")
        self.temperature = widgets.FloatSlider(value=0.7, min=0, max=2, step=0.1, description="Temperature", **slider)
        self.top_p = widgets.FloatSlider(value=0.9, min=0.05, max=1, step=0.05, description="Top-p", **slider)
        self.transcript = widgets.HTML(newest_in_view(transcript_html([])))
        self.status = widgets.HTML(html.paragraph(HOW_TO, quiet=True))
        # Sent to the kernel as a whole when it is left: letter by letter, a click on Send could overtake the last ones.
        self.input = widgets.Textarea(placeholder="Your message", continuous_update=False)
        self.input.layout = widgets.Layout(width="95%", height="4.5em")
        self.send = widgets.Button(description="Send", button_style="primary", tooltip="Send your message")
        self.stop = widgets.Button(description="Stop", disabled=True, tooltip="End the answer; what was said stays")
        self.clear = widgets.Button(description="Clear", tooltip="Forget the conversation")
        for name in ("transcript", "status", "input", "send", "stop", "clear", "menu"):
            getattr(self, name).add_class(f"lc-chat-{name}")
        buttons = widgets.HBox([self.send, self.stop, self.clear])
        settings = widgets.HBox([self.temperature, self.top_p], layout=widgets.Layout(flex_flow="row wrap"))
        self.view = widgets.VBox([self.transcript, self.status, self.input, buttons, self.menu, settings])

    def say(self, text: str) -> None:
        """Put a sentence into the status line."""
        self.status.value = html.paragraph(text, quiet=True)

    def show(self, messages: Sequence[dict[str, str]], busy: bool, said: str | None = None) -> None:
        """Show a conversation; Stop can be pressed during an answer, and Send at other times."""
        self.transcript.value = newest_in_view(transcript_html(messages, is_busy=busy))
        self.send.disabled, self.stop.disabled = busy, not busy
        if said is not None:
            self.say(said)


class LoadedModels:
    """Models by name, each loaded when it is first asked for."""

    def __init__(self, models: dict[str, ChatModel]):
        self.models, self.lock = models, threading.Lock()

    def get(self, name: str, say: Callable[[str], None]) -> ChatModel:
        """The model of this name; what takes long is said first."""
        with self.lock:
            if name not in self.models:
                say(f"Loading {name} ...")
                self.models[name] = load_model(name)
            return self.models[name]


class ChatBox(ChatControls):
    """Chat with a model; answers stream, Stop keeps what was said.

    Args:
        model: a loaded model, or the name of one, loaded when it is first asked.
        models: names for the menu; without them, the course's chat model and the miniature that is always there.
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
        super().__init__(list(dict.fromkeys([first, *(models or (DEFAULT_MODEL, FALLBACK_MODEL))])))
        self.loaded = LoadedModels({} if isinstance(model, str) else {first: model})
        self.conversation = Conversation(system, max_new_tokens)
        self.thread: threading.Thread | None = None
        self.stopped = threading.Event()
        self._showing = threading.RLock()
        self.send.on_click(lambda button: self.start(self.input.value))
        self.stop.on_click(lambda button: self.stopped.set())
        self.clear.on_click(lambda button: self.forget())

    def start(self, text: str) -> bool:
        """Begin to answer ``text`` in a thread, so that Stop can be pressed; False if it cannot be sent now."""
        if self.is_busy or not text.strip():
            self.say(WAIT if self.is_busy else "Write something first.")
            return False
        self.stopped = threading.Event()  # one for each question: that of a forgotten one stays set
        self._show(self.conversation, busy=True)
        settings = {"temperature": self.temperature.value, "top_p": self.top_p.value}
        question = (self.conversation, text, self.menu.value, settings, self.stopped)
        self.thread = threading.Thread(target=self._answer, args=question, daemon=True)
        self.thread.start()
        return True

    def ask(self, text: str, timeout_s: float = 120) -> str | None:
        """Send ``text``, wait, stop after ``timeout_s``; the answer, or None if there was none: see the status."""
        turns = self.conversation.turns
        before = len(turns)
        if not self.start(text):
            return None
        thread, stopped = self.thread, self.stopped
        try:
            thread.join(timeout_s)
        finally:  # too slow, or the cell was interrupted: the answer ends here
            stopped.set()
        thread.join(5)
        return turns[-1]["content"] if len(turns) > before else None

    def forget(self) -> None:
        """Begin a new conversation; of an answer that was on its way nothing comes back."""
        self.stopped.set()
        with self._showing:
            self.conversation = Conversation(self.conversation.system, self.conversation.max_new_tokens)
            self.thread = None
            self.show([], busy=False, said=HOW_TO)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is on its way."""
        return self.thread is not None and self.thread.is_alive()

    def static_html(self) -> str:
        turns = self.conversation.turns
        return transcript_html(turns) if turns else html.paragraph(f"Chat box. {HOW_TO}")

    def _answer(self, conversation: Conversation, text: str, name: str, settings: dict, stopped) -> None:
        """Run in the thread: load, ask, show; whatever goes wrong is said in words and the text stays in the box."""
        question, shown = {"role": "user", "content": text}, Throttle()

        def on_text(answer: str) -> bool:
            if answer and shown.is_due():
                growing = [question, {"role": "assistant", "content": answer, "name": model.name}]
                self._show(conversation, growing, busy=True, sent=text)
            return not stopped.is_set()

        try:
            model = self.loaded.get(name, lambda said: self._show(conversation, [question], busy=True, said=said))
            self._show(conversation, [question], busy=True, said=f"{name} is answering.")
            remark = conversation.ask(model, text, on_text, **settings)
            said = f"{'Stopped.' if stopped.is_set() else 'Done.'} {remark}"
            self._show(conversation, busy=False, said=said, sent=text)
        except Exception as error:  # in a thread nobody else would hear of it
            self._show(conversation, busy=False, said=in_words(error), unsent=text)

    def _show(self, conversation: Conversation, growing=(), *, busy: bool, said=None, sent=None, unsent="") -> None:
        """Show a conversation and what is growing, unless it was forgotten meanwhile; empty or fill the box."""
        with self._showing:
            if conversation is not self.conversation:
                return
            self.show([*conversation.turns, *growing], busy, said)
            if self.input.value == sent:
                self.input.value = ""
            if unsent and not self.input.value:
                self.input.value = unsent
