"""What every model of the course can do, whichever engine runs it."""

import numbers
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llama_course.models.catalog import ModelCard

Messages = str | Sequence[dict[str, str]]
OnToken = Callable[[str], bool | None]


class PromptError(ValueError):
    """A prompt that cannot be sent to a model, with what is wrong in it."""


class PromptTooLongError(PromptError):
    """A prompt with more tokens than the model can consider at once."""


class SpecialTagsError(PromptError):
    """A message that contains the markers of the chat format itself."""


class ModelNotAvailableError(RuntimeError):
    """A model that is known but cannot be had here and now, with what to do."""


@dataclass(frozen=True)
class Token:
    """A piece of text in a model's vocabulary."""

    id: int
    text: str  # "�" stands for bytes that are no whole character by themselves
    bytes: bytes

    @property
    def label(self) -> str:
        """The token made visible: ``·`` for a space, ``⏎`` for a newline, ``<0xF0>`` for a lone byte."""
        if "�" in self.text and self.bytes != self.text.encode():
            return "".join(f"<0x{byte:02X}>" for byte in self.bytes)
        return self.text.replace(" ", "·").replace("\n", "⏎").replace("\t", "⇥")


@dataclass(frozen=True)
class TokenProbability:
    """A token and the probability, from 0 to 1, that the model gives it."""

    token: Token
    probability: float


@dataclass(frozen=True)
class TokenLogProbability:
    """A token of a text and ln p(token | all tokens before it); None for the first, which has nothing before it."""

    token: Token
    log_prob: float | None


class ChatModel(ABC):
    """A language model that can chat, continue a text, and show its probabilities.

    All backends share these methods.  A model serves one generation at a time: a second call, from another thread,
    waits for the first.
    """

    backend: str
    text_start: tuple[int, ...] = ()  # ids before every text, if the model was trained with any: BOS

    def __init__(self, card: ModelCard, max_context_tokens: int):
        self.card = card
        self.name = card.name
        self.max_context_tokens = max_context_tokens
        self._busy = threading.RLock()

    def __repr__(self) -> str:
        return f"<{self.name} on {self.backend}, context {self.max_context_tokens} tokens>"

    # -- generation ----------------------------------------------------------------------------------------------

    def chat(
        self,
        messages: Messages,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.7,
        top_p: float = 0.9,
        seed: int | None = None,
    ) -> str:
        """Answer a conversation.

        Args:
            messages: ``[{"role": "user", "content": "Hello"}, ...]`` with roles system, user and assistant; a plain
                string counts as one user message.
            max_new_tokens: most tokens to generate; less where the context is nearly full.
            temperature: 0 takes the most probable token each time; 1 samples from the model's own distribution.
            top_p: sample among the most probable tokens that together reach this probability.
            seed: the same seed, prompt and settings give the same text on the same machine.

        Returns:
            The answer, without the prompt.

        Raises:
            PromptError: empty, wrongly formed or too long messages, or messages with the chat format's own markers.
            ValueError: a setting out of range.
        """
        return self.stream(
            messages, None, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, seed=seed
        )

    def stream(
        self,
        messages: Messages,
        on_token: OnToken | None,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.7,
        top_p: float = 0.9,
        seed: int | None = None,
    ) -> str:
        """Answer a conversation, handing each piece of text to ``on_token`` as it comes.

        If ``on_token`` returns False the model stops.  Returns all the text handed out; arguments and errors as in
        :meth:`chat`.
        """
        settings = GenerationSettings(max_new_tokens, temperature, top_p, seed)
        checked = check_messages(messages, self.card.special_tags)
        with self._busy:
            room = self._room_after(self.count_tokens(checked))
            return self._generate_chat(checked, settings.at_most(room), on_token)

    def complete(
        self,
        text: str,
        *,
        max_new_tokens: int = 64,
        temperature: float = 0.7,
        top_p: float = 0.9,
        seed: int | None = None,
        on_token: OnToken | None = None,
    ) -> str:
        """Continue ``text`` as plain text, with no chat format around it.

        Where the model was trained with a marker at the beginning of each text (BOS), it stands before this one, too.
        Returns the continuation without ``text``; the other arguments and errors are those of :meth:`stream`.
        """
        settings = GenerationSettings(max_new_tokens, temperature, top_p, seed)
        with self._busy:
            token_ids = self._prompt_ids(text)
            room = self._room_after(len(token_ids))
            return self._generate_text(token_ids, settings.at_most(room), on_token)

    def _room_after(self, prompt_tokens: int) -> int:
        room = self.max_context_tokens - prompt_tokens
        if room < 1:
            raise PromptTooLongError(
                f"The prompt has {prompt_tokens:,} tokens; {self.name} considers {self.max_context_tokens:,} at once, "
                "prompt and answer together. Shorten it, or leave out the oldest messages."
            )
        return room

    # -- looking inside the prediction ---------------------------------------------------------------------------

    @abstractmethod
    def tokenize(self, text: str) -> list[Token]:
        """Cut ``text`` into tokens, without adding any; markers of the chat format are cut like ordinary text."""

    @abstractmethod
    def count_tokens(self, messages: Messages) -> int:
        """Number of prompt tokens of a conversation, its chat format included."""

    def next_token_probabilities(self, text: str, k: int = 10) -> list[TokenProbability]:
        """The ``k`` most probable tokens after ``text``, most probable first; all of them if there are fewer.

        These are the model's own probabilities: temperature 1, nothing cut off; ``text`` begins as in
        :meth:`complete`.
        """
        if not _is_whole(k) or k < 1:
            raise ValueError(f"k must be a whole number of 1 or more, got {k!r}.")
        with self._busy:
            return self._next_token(self._prompt_ids(text), int(k))

    def log_probabilities(self, text: str, first: int = 1) -> list[TokenLogProbability]:
        """For each token of ``text``, ln of the probability that the model gave it, knowing the tokens before it.

        ``text`` begins as in :meth:`complete`; its first token is scored for no model, so that models that read a
        marker before it and models that do not are compared on the same tokens.

        Args:
            text: at least one token.
            first: position of the first token to score, 1 or more; those before it get None.
        """
        if not _is_whole(first) or first < 1:
            raise ValueError(f"first must be a whole number of 1 or more, got {first!r}: nothing precedes token 0.")
        with self._busy:
            tokens = self.tokenize(check_text(text))
            self._room_after(len(self.text_start) + len(tokens))
            first = min(first, len(tokens))
            log_probs = [None] * first + self._given_log_probs(tokens, first)
            return [TokenLogProbability(*pair) for pair in zip(tokens, log_probs, strict=True)]

    def _prompt_ids(self, text: str) -> list[int]:
        token_ids = [*self.text_start, *(token.id for token in self.tokenize(check_text(text)))]
        self._room_after(len(token_ids))
        return token_ids

    # -- for the backends ----------------------------------------------------------------------------------------

    @abstractmethod
    def _generate_chat(self, messages, settings: "GenerationSettings", on_token: OnToken | None) -> str: ...

    @abstractmethod
    def _generate_text(self, token_ids, settings: "GenerationSettings", on_token: OnToken | None) -> str: ...

    @abstractmethod
    def _next_token(self, token_ids: list[int], k: int) -> list[TokenProbability]: ...

    @abstractmethod
    def _given_log_probs(self, tokens: list[Token], first: int) -> list[float]:
        """ln p of the tokens from position ``first`` on, each given all before it."""

    is_closed = False

    def close(self) -> None:
        """Free the model's memory.  It cannot be used afterwards."""
        self.is_closed = True


@dataclass(frozen=True)
class GenerationSettings:
    """Settings of one generation, checked when they are made."""

    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int | None

    def __post_init__(self):
        if not _is_whole(self.max_new_tokens) or self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be a whole number of 1 or more, got {self.max_new_tokens!r}.")
        if not _is_number(self.temperature) or not 0 <= self.temperature <= 100:
            raise ValueError(
                f"temperature must be from 0 (always the most probable token) to 100, got {self.temperature!r}."
            )
        if not _is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, got {self.top_p!r}. Use 1 to keep every token.")
        if self.seed is not None and (not _is_whole(self.seed) or not 0 <= self.seed < 2**32 - 1):
            raise ValueError(f"seed must be a whole number from 0 to 4294967294, or None, got {self.seed!r}.")

    def at_most(self, room: int) -> "GenerationSettings":
        """The same settings with no more new tokens than there is room for."""
        return GenerationSettings(min(self.max_new_tokens, room), self.temperature, self.top_p, self.seed)


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_whole(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_text(text: str) -> str:
    """Return ``text`` if a model can read it, else raise PromptError with the reason."""
    if not isinstance(text, str):
        raise PromptError(f"expected a text (str), got {type(text).__name__}.")
    if not text.strip():
        raise PromptError("the text is empty: write at least one word.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(f"the text has a broken character at position {error.start}: {error.reason}.") from error
    return text


def check_messages(messages: Messages, special_tags: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return a conversation as a list of messages, or raise PromptError with what is wrong in it.

    Roles: at most one system message, first; then user and assistant in turn, the user's first and last.  Content
    with one of ``special_tags`` is refused: with them a text could pretend to be another speaker.
    """
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, Sequence) or not messages:
        got = "none" if isinstance(messages, Sequence) else type(messages).__name__
        raise PromptError(f'expected messages like [{{"role": "user", "content": "Hello"}}], got {got}.')
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise PromptError(f'message {number}: expected {{"role": ..., "content": ...}}, got {message!r:.80}.')
        if message["role"] not in ("system", "user", "assistant"):
            raise PromptError(f"message {number}: the role is system, user or assistant, got {message['role']!r}.")
        if message["role"] == "assistant" and message["content"] == "":
            continue  # a model may have nothing to say
        try:
            check_text(message["content"])
        except PromptError as error:
            raise PromptError(f"message {number} ({message['role']}): {error}") from error
        found = [tag for tag in special_tags if tag in message["content"]]
        if found:
            raise SpecialTagsError(
                f"message {number} ({message['role']}) contains {found[0]!r}, a marker of the chat format. "
                "With it a text could pretend to be another speaker, so it is not sent. Remove or respell it."
            )
    turns = [message["role"] for message in messages]
    expected = ["user", "assistant"] * len(turns)
    spoken = turns[1:] if turns[0] == "system" else turns
    if spoken != expected[: len(spoken)] or not spoken or spoken[-1] != "user":
        raise PromptError(
            "expected an optional system message, then user and assistant in turn, ending with user; "
            f"got {', '.join(turns)}."
        )
    return [dict(message) for message in messages]


def fit_to_context(model: ChatModel, messages: Messages, max_new_tokens: int) -> tuple[list[dict[str, str]], int]:
    """Leave out the oldest turns until the conversation and an answer fit into the model's context.

    This is what chat programs do when a conversation outgrows the model: the system message and the newest turns
    stay, and the model never learns what was left out.

    Args:
        model: the model that will answer.
        messages: the whole conversation.
        max_new_tokens: room to keep for the answer; at most half of the context is kept for it.

    Returns:
        The messages to send and the number of messages left out.

    Raises:
        PromptTooLongError: the last message alone does not fit.
    """
    messages = check_messages(messages, model.card.special_tags)
    room = model.max_context_tokens - min(max_new_tokens, model.max_context_tokens // 2)
    system = [m for m in messages if m["role"] == "system"]
    turns = messages[len(system) :]
    left_out = 0
    while (length := model.count_tokens(system + turns)) > room and len(turns) > 1:
        turns = turns[2:]  # a question leaves together with its answer
        left_out += 2
    if length >= model.max_context_tokens:
        model._room_after(length)  # raises
    return system + turns, left_out
