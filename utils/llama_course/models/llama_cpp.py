"""Models in a GGUF file, run by llama.cpp through xllamacpp.

This is the fast path on a CPU: it needs neither torch nor transformers.  llama.cpp shows no hidden states; lessons
that look inside use the transformers backend or the course's own Llama.
"""

import json
import math
import queue
import secrets
import threading
import urllib.error
import urllib.request
from pathlib import Path

from llama_course import hardware
from llama_course.models.catalog import ModelCard
from llama_course.models.interface import (
    ChatModel,
    GenerationSettings,
    Messages,
    ModelNotAvailableError,
    OnToken,
    PromptError,
    Token,
    TokenProbability,
    check_messages,
)

FORCE = 1e4  # added to one logit, it makes that token certain to be drawn; reported probabilities are without it
MANY, ALL = 256, 10**6  # how many tokens to list; ALL is more than any vocabulary holds

_END = object()


class LlamaCppModel(ChatModel):
    """A GGUF model in this process.  Its helper listener is on 127.0.0.1 and asks for a key made for this object."""

    backend = "llama.cpp"

    def __init__(self, card: ModelCard, path: Path, max_context_tokens: int | None = None):
        super().__init__(card, max_context_tokens or card.max_context_tokens)
        import xllamacpp

        self._key = secrets.token_hex(16)
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = self.max_context_tokens
        params.n_parallel = 1
        params.cpuparams.n_threads = max(1, hardware.cpu_cores() - 1)  # a busy second thread would only spin
        params.cache_ram_mib = 0
        params.warmup = False
        params.ui = False
        params.offline = True
        params.hostnames = ["127.0.0.1"]
        params.api_keys = [self._key]
        params.verbosity = -1
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelNotAvailableError(
                f"llama.cpp could not load {path}. The file may be damaged or not a GGUF model, or memory too short "
                f"({card.name} needs about {card.memory_gib:g} GiB)."
            ) from error
        # llama.cpp's own loop starts in the background; a server let go before that waits for itself for ever.
        self._engine.handle_completions({"prompt": [0], "max_tokens": 1})
        trained_on = self._ask("/props")["default_generation_settings"]["n_ctx"]  # it gives no model more than that
        self.max_context_tokens = min(self.max_context_tokens, trained_on)
        self.text_start = self._text_start()

    def tokenize(self, text: str) -> list[Token]:
        if not isinstance(text, str):
            raise PromptError(f"expected a text (str), got {type(text).__name__}.")
        return self._tokens(text)

    def count_tokens(self, messages: Messages) -> int:
        messages = check_messages(messages, self.card.special_tags)
        prompt = self._ask("/apply-template", {"messages": messages})["prompt"]
        return len(self.text_start) + len(self._tokens(prompt, parse_special=True))  # the template comes without BOS

    def close(self) -> None:
        with self._busy:
            self._server = None
            super().close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _generate_chat(self, messages, settings: GenerationSettings, on_token: OnToken | None) -> str:
        request = {"messages": messages, **_sampling(settings)}
        return self._stream(self._engine.handle_chat_completions, request, _delta, on_token)

    def _generate_text(self, token_ids, settings: GenerationSettings, on_token: OnToken | None) -> str:
        request = {"prompt": token_ids, **_sampling(settings)}
        return self._stream(self._engine.handle_completions, request, _text, on_token)

    def _next_token(self, token_ids: list[int], k: int) -> list[TokenProbability]:
        listed = self._most_probable(token_ids, k)
        return [TokenProbability(self._listed_token(top), math.exp(top["logprob"])) for top in listed]

    def _given_log_probs(self, tokens: list[Token], first: int) -> list[float]:
        """One step for each token; llama.cpp keeps what it has read, so that each step reads one token."""
        token_ids = [*self.text_start, *(token.id for token in tokens)]
        skipped = len(self.text_start)
        return [self._log_prob(token_ids[: skipped + i], tokens[i]) for i in range(first, len(tokens))]

    def _text_start(self) -> tuple[int, ...]:
        """What the file says to put before every text: BOS, or nothing."""
        with_start = self._ask("/tokenize", {"content": "a", "add_special": True})["tokens"]
        plain = self._ask("/tokenize", {"content": "a", "add_special": False})["tokens"]
        return tuple(with_start[: len(with_start) - len(plain)])

    def _stream(self, handle, request: dict, read_piece, on_token: OnToken | None) -> str:
        """Let llama.cpp work in a thread and take its pieces here, where an interrupt of the kernel is heard."""
        chunks: queue.SimpleQueue = queue.SimpleQueue()
        stopped = threading.Event()

        def receive(chunk: dict) -> bool:
            chunks.put(chunk)
            return stopped.is_set()

        def work() -> None:
            try:
                chunks.put(handle({**request, "stream": True}, receive))
            except Exception as error:  # goes to the caller's thread
                chunks.put(error)
            chunks.put(_END)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        pieces: list[str] = []
        try:
            while (chunk := _next(chunks)) is not _END:
                if isinstance(chunk, Exception):
                    raise chunk
                if not isinstance(chunk, dict):
                    continue  # what handle returns when all went well
                if "error" in chunk:
                    raise _refusal(chunk)
                if piece := read_piece(chunk):
                    pieces.append(piece)
                    if on_token is not None and on_token(piece) is False:
                        break
        finally:
            stopped.set()
            worker.join()
        return "".join(pieces)

    def _log_prob(self, token_ids: list[int], target: Token) -> float:
        if "�" not in target.text:
            return self._forced(token_ids, target.id, logprobs=1)["logprob"]
        for count in (MANY, ALL):  # llama.cpp reports no drawn token that is only part of a character, but lists it
            for listed in self._most_probable(token_ids, count):
                if listed["id"] == target.id:
                    return listed["logprob"]
        raise PromptError(f"llama.cpp gives no probability to token {target.id}.")

    def _most_probable(self, token_ids: list[int], count: int) -> list[dict]:
        """The list comes with a drawn token, which has to be a whole character: any letter will do."""
        letter = self._tokens("a")[0].id
        return self._forced(token_ids, letter, logprobs=count)["top_logprobs"]

    def _forced(self, token_ids: list[int], drawn: int, logprobs: int) -> dict:
        """What llama.cpp reports of the next token when ``drawn`` is made to be it."""
        request = {"prompt": token_ids, "max_tokens": 1, "temperature": 0, "logprobs": logprobs}
        request["logit_bias"] = [[drawn, FORCE]]
        answer = self._engine.handle_completions(request)
        if "error" in answer:
            raise _refusal(answer)
        return answer["choices"][0]["logprobs"]["content"][0]

    def _tokens(self, text: str, parse_special: bool = False) -> list[Token]:
        request = {"content": text, "add_special": False, "parse_special": parse_special, "with_pieces": True}
        return [_piece(entry) for entry in self._ask("/tokenize", request)["tokens"]]

    def _listed_token(self, listed: dict) -> Token:
        raw = bytes(listed["bytes"])
        if not raw:  # a marker such as the end of an answer, which llama.cpp does not write out in its lists
            raw = self._ask("/detokenize", {"tokens": [listed["id"]]})["content"].encode("utf-8")
        return Token(listed["id"], raw.decode("utf-8", "replace"), raw)

    @property
    def _engine(self):
        if self._server is None:
            raise ModelNotAvailableError(f"{self.name} was closed. Load it again with load_model({self.name!r}).")
        return self._server

    def _ask(self, path: str, request: dict | None = None) -> dict:
        """Ask the engine's own listener on 127.0.0.1, past any proxy that the environment names."""
        http = urllib.request.Request(
            self._engine.listening_address + path,
            None if request is None else json.dumps(request).encode("utf-8"),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(http, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise PromptError(f"llama.cpp refused the text: {error.read().decode('utf-8', 'replace')[:300]}") from error
        except OSError as error:
            raise ModelNotAvailableError(f"{self.name} does not answer ({error}). Load it again.") from error


def _sampling(settings: GenerationSettings) -> dict:
    """The settings as llama.cpp names them, in the order of the other backend, without llama.cpp's extra filters.

    By itself llama.cpp cuts off with top_p first and applies the temperature afterwards, which keeps more unlikely
    tokens when the temperature is low.
    """
    request = {
        "max_tokens": settings.max_new_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "samplers": ["temperature", "top_p"],
    }
    return request if settings.seed is None else {**request, "seed": settings.seed}


def _next(chunks: queue.SimpleQueue):
    """The next chunk; waits in short steps, since on Windows a longer wait cannot be interrupted."""
    while True:
        try:
            return chunks.get(timeout=0.2)
        except queue.Empty:
            continue


def _delta(chunk: dict) -> str | None:
    return chunk["choices"][0]["delta"].get("content") if chunk.get("choices") else None


def _text(chunk: dict) -> str | None:
    return chunk["choices"][0].get("text") if chunk.get("choices") else None


def _piece(entry: dict) -> Token:
    piece = entry["piece"]
    raw = piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)
    return Token(entry["id"], raw.decode("utf-8", "replace"), raw)


def _refusal(answer: dict) -> PromptError:
    error = answer["error"]
    return PromptError(
        f"llama.cpp refused the request: {error.get('message', error) if isinstance(error, dict) else error}"
    )
