"""Models on a server that speaks OpenAI's format: llama.cpp's (also ``llama-course serve``), vLLM, transformers serve.

All of them chat and complete.  What a server shows beyond text differs: llama.cpp's shows tokens and all
probabilities, so every lesson that asks ``load_model()`` runs on it; others show some or none, and say so.
"""

import difflib
import math
import os
from dataclasses import dataclass, fields

from llama_course.models.catalog import (
    CATALOG,
    CHATML_TAGS,
    DEFAULT_MODEL,
    LLAMA_2_TAGS,
    ZEPHYR_TAGS,
    Licence,
    ModelCard,
    Source,
    UnknownModelError,
)
from llama_course.models.interface import (
    ChatModel,
    GenerationSettings,
    Messages,
    ModelNotAvailableError,
    OnToken,
    PromptError,
    Token,
    TokenLogProbability,
    TokenProbability,
    _is_whole,
    check_messages,
    check_text,
)
from llama_course.models.llama_cpp import LlamaCppModel, _sampling
from llama_course.models.server_address import SERVER_VARIABLE, environment_key
from llama_course.models.server_connection import Patience, ServerConnection, ServerError
from llama_course.models.server_tokens import pieces_of_text, top_tokens

PREFIX = "server:"
LESSONS_WITH_PROBABILITIES = ("02", "07")  # those that ask load_model() for tokens or probabilities
NO_LIST = {500, 501}  # how servers answer that cannot list their models; 404 means another address
NO_COUNT = {404, 405, 500, 501}
DRAWS = 3
BYTES_A_TOKEN, TOKENS_A_MESSAGE = 3, 8  # an estimate, where a server does not count


class NotOnServerError(ModelNotAvailableError):
    """Something that this server does not show, with how to see it."""


@dataclass(frozen=True)
class ServerCard(ModelCard):
    """What is known of a model on a server; ``parameters`` is 0 where nobody says."""

    host: str = ""

    def __str__(self) -> str:
        count = f" {self.parameters / 1e9:.3g} billion parameters." if self.parameters else ""
        return (
            f"{self.name}: runs on {self.host}, not on this computer, and what you type is sent there.{count} Licence: "
            f"{self.licence.name}."
        )


def is_server_name(name) -> bool:
    """Whether a name means a model on a server: ``server:NAME``, or ``server:`` for the only one there."""
    return isinstance(name, str) and name.startswith(PREFIX)


def open_server(
    name: str,
    base_url: str | None = None,
    max_context_tokens: int | None = None,
    patience: Patience | None = None,
) -> ChatModel:
    """Connect to a model on a server; the access key, if it wants one, is in ``$LLAMA_COURSE_SERVER_KEY``.

    Args:
        name: ``server:NAME`` with the name that the server gives the model, or ``server:`` if it has only one.
        base_url: ``http://HOST:PORT/v1``; without one, ``$LLAMA_COURSE_SERVER``.
        max_context_tokens: consider fewer tokens at once than the server's model does.
        patience: how long to wait for it.

    Raises:
        UnknownModelError: the server has no such model, with the nearest names.
        ServerError: it is away, wants a key, or is no such server.
        ModelNotAvailableError: no address was given.
    """
    base_url = base_url or os.environ.get(SERVER_VARIABLE)
    if not base_url:
        raise ModelNotAvailableError(
            f"{name} is a model on a server, and no address was given: set {SERVER_VARIABLE} to it, or use "
            f"load_model({name!r}, base_url='http://HOST:PORT/v1'). Whoever runs the server knows it."
        )
    connection = ServerConnection(base_url, environment_key(), patience)
    listed = _listed(connection)
    model_id = _choose(name.removeprefix(PREFIX).strip(), listed, connection)
    entry = listed.get(model_id, {})
    kind = LlamaCppServerModel if entry.get("owned_by") == "llamacpp" else ServerModel
    return kind(connection, model_id, entry, max_context_tokens)


def _listed(connection: ServerConnection) -> dict[str, dict]:
    """The models that a server says it has, by name; none where it does not say."""
    try:
        answer = connection.ask("/models", seconds=connection.patience.lookup_s, failures=1)
    except ServerError as error:
        if error.status in NO_LIST:
            return {}
        if not error.passing:
            raise
        answer = connection.ask("/models", seconds=connection.patience.lookup_s)  # busy, or just starting
    entries = answer.get("data")
    if not isinstance(entries, list) or not all(isinstance(e, dict) and isinstance(e.get("id"), str) for e in entries):
        raise connection.garbage(str(answer))
    return {entry["id"]: entry for entry in entries}


def _choose(wanted: str, listed: dict[str, dict], connection: ServerConnection) -> str:
    """The server's own name of a model."""
    if not wanted and len(listed) == 1:
        return next(iter(listed))
    if not wanted:
        names = f"it has {', '.join(listed)}" if listed else "it does not say which it has"
        raise UnknownModelError(f"Say which model of the server at {connection.host}, as 'server:NAME': {names}.")
    # transformers serve lists what it has downloaded, not the folder it was started with
    if not listed or wanted in listed or wanted.startswith(("/", "\\", ".")):
        return wanted
    by_lower = {name.lower(): name for name in listed}
    if wanted.lower() in by_lower:
        return by_lower[wanted.lower()]
    near = difflib.get_close_matches(wanted.lower(), by_lower, n=2, cutoff=0.5)
    near = near or [name for name in by_lower if wanted.lower() in name]
    guess = f" Did you mean {' or '.join(repr(PREFIX + by_lower[name]) for name in near)}?" if near else ""
    raise UnknownModelError(
        f"The server at {connection.host} has no model {wanted!r}.{guess} It has: {', '.join(listed)}."
    )


def _card(model_id: str, entry: dict, host: str, context: int) -> ServerCard:
    """What the catalog and the server say about a model."""
    known = CATALOG.get(model_id.lower()) or next(
        (card for card in CATALOG.values() if card.source.repository == model_id), None
    )
    facts = {field.name: getattr(known, field.name) for field in fields(ModelCard)} if known else {}
    meta = entry.get("meta") if isinstance(entry.get("meta"), dict) else {}
    facts |= {
        "name": PREFIX + model_id,
        "description": "Model on a server.",
        "parameters": _count(meta.get("n_params")) or (known.parameters if known else 0),
        "source": Source(repository=known.source.repository if known else None, revision=None),
        "memory_gib": 0,
        "max_context_tokens": context,
        "host": host,
    }
    facts.setdefault("licence", Licence("see the model's own card", ""))
    facts.setdefault("special_tags", LLAMA_2_TAGS + CHATML_TAGS + ZEPHYR_TAGS)  # its format is not known
    return ServerCard(**facts)


def _count(value) -> int:
    return value if isinstance(value, int) and value > 0 else 0


class _OnServer(ChatModel):
    """What all models on servers have in common: a connection, and answers that stream through it."""

    backend = "server"

    def __init__(self, connection: ServerConnection, model_id: str, entry: dict, max_context_tokens: int | None):
        meta = entry.get("meta") if isinstance(entry.get("meta"), dict) else {}
        self.server_context = _count(meta.get("n_ctx")) or _count(entry.get("max_model_len")) or None
        known = CATALOG.get(model_id.lower())
        context = self.server_context or (known.max_context_tokens if known else 4096)
        ChatModel.__init__(
            self, _card(model_id, entry, connection.host, context), min(max_context_tokens or context, context)
        )
        self.connection, self.model_id = connection, model_id

    def __repr__(self) -> str:
        return f"<{self.name} on the server at {self.connection.host}, context {self.max_context_tokens} tokens>"

    def close(self) -> None:
        """Let go of the server's model, which goes on for others."""
        self.is_closed = True

    def _generate_chat(self, messages, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._streamed("/chat/completions", {"messages": messages, **self._settings(settings)}, on_token)

    def _streamed(self, path: str, request: dict, on_token: OnToken | None) -> str:
        said = ""
        stream = self._open().stream(path, {"model": self.model_id, **request}, _piece)
        try:
            for piece in stream:
                said += piece
                if on_token is not None and on_token(piece) is False:
                    break
        finally:
            stream.close()  # hangs up, so that the server does not go on for nobody
        return said

    def _settings(self, settings: GenerationSettings) -> dict:
        named = {"max_tokens": settings.max_new_tokens, "temperature": settings.temperature, "top_p": settings.top_p}
        return named if settings.seed is None else {**named, "seed": settings.seed}

    def _open(self) -> ServerConnection:
        if self.is_closed:
            raise ModelNotAvailableError(f"{self.name} was closed. Load it again with load_model({self.name!r}).")
        return self.connection


class ServerModel(_OnServer):
    """A model on a server of which nothing is known but OpenAI's format.

    Tokens and probabilities come from ``/completions`` with ``logprobs`` and ``echo``, where the server has them
    (vLLM does); their ids are -1, since that format has none.
    """

    def __init__(self, connection: ServerConnection, model_id: str, entry: dict, max_context_tokens: int | None):
        super().__init__(connection, model_id, entry, max_context_tokens)
        self._counts = self.server_context is not None and self._counted({"prompt": "a"}) is not None

    def tokenize(self, text: str) -> list[Token]:
        if not isinstance(text, str):
            raise PromptError(f"expected a text (str), got {type(text).__name__}.")
        with self._busy:
            return [token for token, _ in self._echo(text)] if text else []

    def count_tokens(self, messages: Messages) -> int:
        """Number of prompt tokens; where the server does not count, an estimate that is rather too high."""
        messages = check_messages(messages, self.card.special_tags)
        counted = self._counted({"messages": messages, "add_generation_prompt": True}) if self._counts else None
        if counted is not None:
            return counted
        contents = [message["content"].encode("utf-8") for message in messages]
        return sum(math.ceil(len(content) / BYTES_A_TOKEN) + TOKENS_A_MESSAGE for content in contents)

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
        settings = GenerationSettings(max_new_tokens, temperature, top_p, seed)
        check_text(text)
        with self._busy:
            counted = self._counted({"prompt": text}) if self._counts else None
            settings = settings if counted is None else settings.at_most(self._room_after(counted))
            return self._streamed("/completions", {"prompt": text, **self._settings(settings)}, on_token)

    def next_token_probabilities(self, text: str, k: int = 10) -> list[TokenProbability]:
        if not _is_whole(k) or k < 1:
            raise ValueError(f"k must be a whole number of 1 or more, got {k!r}.")
        request = {"prompt": check_text(text), "max_tokens": 1, "temperature": 1, "logprobs": int(k)}
        listed: dict = {}
        with self._busy:
            for _ in range(DRAWS):
                listed = self._logprobs(request, "the probabilities of the next token")
                if listed.get("content") != []:  # llama.cpp lists nothing if it drew a part of a character
                    break
        try:
            found = top_tokens(listed)
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise self.connection.garbage(str(listed)) from error
        found.sort(key=lambda item: -item.probability)
        return found[:k]

    def log_probabilities(self, text: str, first: int = 1) -> list[TokenLogProbability]:
        if not _is_whole(first) or first < 1:
            raise ValueError(f"first must be a whole number of 1 or more, got {first!r}: nothing precedes token 0.")
        with self._busy:
            pairs = self._echo(check_text(text))
        return [TokenLogProbability(token, None if i < first else value) for i, (token, value) in enumerate(pairs)]

    def _room_after(self, prompt_tokens: int) -> int:
        """Where the server does not count there is no room to know of: it refuses by itself what is too long."""
        return super()._room_after(prompt_tokens) if self._counts else self.max_context_tokens

    def _counted(self, request: dict) -> int | None:
        """vLLM's count of tokens; None where the server has no such path."""
        request = {"model": self.model_id, **request}
        try:
            answer = self._open().ask("/tokenize", request, root=True, seconds=self.connection.patience.lookup_s)
        except PromptError:
            return None
        except ServerError as error:
            if error.status in NO_COUNT:
                return None
            raise
        return _count(answer.get("count")) or None

    def _echo(self, text: str) -> list[tuple[Token, float | None]]:
        """The tokens of a text, each with ln of its probability; what stands before the text (BOS) is left out."""
        request = {"prompt": text, "max_tokens": 1, "temperature": 1, "logprobs": 1, "echo": True}
        listed = self._logprobs(request, "the tokens of a text and their probabilities")
        pieces, values = listed.get("tokens"), listed.get("token_logprobs")
        if not isinstance(pieces, list) or not isinstance(values, list) or len(pieces) != len(values):
            raise self._not_shown("the tokens of a text and their probabilities")
        spelt = pieces_of_text(text, pieces[:-1])  # without the one token that the server adds
        if spelt is None:
            raise self._not_shown("the tokens of a text and their probabilities")
        return list(zip(spelt, values[-1 - len(spelt) : -1], strict=True))

    def _logprobs(self, request: dict, what: str) -> dict:
        try:
            answer = self._open().ask("/completions", {"model": self.model_id, **request})
        except PromptError as error:
            if "logprobs" in str(error) or "echo" in str(error):
                raise self._not_shown(what, f" It said: {str(error).rstrip('.')}.") from error
            raise
        choices = answer.get("choices")
        listed = choices[0].get("logprobs") if isinstance(choices, list) and choices else None
        if not isinstance(listed, dict):
            raise self._not_shown(what)
        return listed

    def _not_shown(self, what: str, said: str = "") -> NotOnServerError:
        return NotOnServerError(
            f"The server at {self.connection.host} does not show {what}.{said} "
            f"Lessons {' and '.join(LESSONS_WITH_PROBABILITIES)} need them: run these with a model on your own "
            f"computer, load_model({DEFAULT_MODEL!r}), or on a server of `llama-course serve`."
        )

    def _by_ids(self, *arguments):
        raise NotImplementedError("this format knows no ids: texts are sent as they are")

    _generate_text = _next_token = _given_log_probs = _by_ids


class LlamaCppServerModel(_OnServer, LlamaCppModel):
    """A model on llama.cpp's server, with the same tokens and probabilities as in this process."""

    def __init__(self, connection: ServerConnection, model_id: str, entry: dict, max_context_tokens: int | None):
        _OnServer.__init__(self, connection, model_id, entry, max_context_tokens)
        self.text_start = self._text_start()  # also shows whether the key is right: the list of models is public

    def handle_completions(self, request: dict) -> dict:
        """What xllamacpp calls by this name, over the network."""
        return self._open().ask("/completions", {"model": self.model_id, **request})

    @property
    def _engine(self) -> "LlamaCppServerModel":
        return self

    def _ask(self, path: str, request: dict | None = None) -> dict:
        return self._open().ask(path, request, root=True, seconds=self.connection.patience.lookup_s)

    def _generate_text(self, token_ids, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._streamed("/completions", {"prompt": token_ids, **self._settings(settings)}, on_token)

    def _settings(self, settings: GenerationSettings) -> dict:
        return _sampling(settings)


def _piece(chunk: dict) -> str:
    """The text of one chunk of a chat or a completion, streamed or whole; KeyError and others if it is neither."""
    if not chunk["choices"]:
        return ""  # only counts
    choice = chunk["choices"][0]
    holder = choice.get("delta") or choice.get("message") or choice
    piece = holder.get("content") if holder is not choice else choice.get("text")
    if not isinstance(piece, str | None):
        raise TypeError("text is a str")
    return piece or ""
