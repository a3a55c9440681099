"""HTTP to a server in OpenAI's format: requests, streams, waiting, and what goes wrong in words for people.

The standard library only.  A request runs in a thread of its own, so that a pause, an interrupt of the kernel and a
stop are heard at once.  The access key goes into one header and nowhere else: no address, no message, no redirect.
"""

import http.client
import json
import random
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llama_course import __version__
from llama_course.models.interface import ModelNotAvailableError, PromptError, PromptTooLongError
from llama_course.models.server_address import KEY_VARIABLE, check_base_url, check_key
from llama_course.models.server_exchange import END, Deadline, Exchange

LONGEST_LINE, LONGEST_BODY = 2**22, 2**27  # bytes; a list of a whole vocabulary takes a few MB
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that may be another one in a moment
BUSY = {408, 425, 429, 503}


class ServerError(ModelNotAvailableError):
    """A server that cannot be used, with what to do.  ``text`` is what it had answered before."""

    def __init__(self, message: str, *, status: int | None = None, passing: bool = False, text: str = ""):
        super().__init__(message)
        self.status, self.passing, self.text = status, passing, text
        self.retry_after_s: float | None = None


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, in seconds; and how often to try again before the first token."""

    connect_s: float = 10
    lookup_s: float = 30  # for its list of models, or to count tokens
    first_token_s: float = 180  # a class of thirty may stand in line before you
    next_token_s: float = 60
    failures: int = 3  # attempts when it fails; while it only says that it is busy, until first_token_s is over
    first_pause_s: float = 0.5  # doubled each time, and varied, so that thirty learners do not come back at once


class ServerConnection:
    """One server: JSON in, JSON or a stream of text out.

    Args:
        base_url: see :func:`check_base_url`.
        key: access key, or None.
        patience: how long to wait.
    """

    def __init__(self, base_url: str, key: str | None = None, patience: Patience | None = None):
        self.url = check_base_url(base_url)
        self.patience = patience or Patience()
        self._key = check_key(key)
        self._parts = urllib.parse.urlsplit(self.url)

    def __repr__(self) -> str:
        return f"<server at {self.url}>"

    @property
    def host(self) -> str:
        """Name and port, as in the address."""
        return self._parts.netloc

    def ask(
        self,
        path: str,
        request: dict | None = None,
        *,
        root: bool = False,
        seconds: float | None = None,
        failures: int | None = None,
    ) -> dict:
        """The JSON object that a path answers with.

        Args:
            path: below the base address, or below the server's root with ``root``.
            request: posted as JSON; without one it is a GET.
            seconds: how long to wait in all; without it, as long as for a first token.
            failures: attempts when the server fails or is busy, instead of the patience's.

        Raises:
            ServerError, PromptError: as in :meth:`stream`.
        """

        def attempt(waited: Deadline) -> dict:
            with self._send(self._path(path, root), request) as exchange:
                self._accept(exchange, waited)
                return self._json(self._body(exchange, waited))

        return self._with_retries(attempt, seconds or self.patience.first_token_s, failures)

    def stream(self, path: str, request: dict, read_piece: Callable[[dict], str]) -> Iterator[str]:
        """The pieces of text that a path streams as server-sent events.  Closing the iterator ends the request.

        Before the first piece what may pass is tried again (429, 5xx, no connection), afterwards nothing is: the
        answer would be another one.

        Raises:
            PromptTooLongError, PromptError: the server refuses this request.
            ServerError: it is away, busy, silent, wants a key, or does not speak OpenAI's format.
        """
        exchanges: list[Exchange] = []

        def attempt(waited: Deadline) -> tuple[Iterator[str], str | None]:
            exchange = self._send(self._path(path), {**request, "stream": True})
            exchanges.append(exchange)
            try:
                kind = self._accept(exchange, waited)
                pieces = self._pieces(exchange, kind, read_piece, waited)
                return pieces, next(pieces, None)
            except BaseException:
                exchange.close()
                raise

        said = ""
        try:
            pieces, piece = self._with_retries(attempt, self.patience.first_token_s)
            while piece is not None:
                said += piece
                yield piece
                piece = next(pieces, None)
        except ServerError as error:
            error.text = said
            raise
        finally:
            for exchange in exchanges:
                exchange.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _path(self, path: str, root: bool = False) -> str:
        return path if root else self._parts.path + path

    def _with_retries(self, attempt: Callable, seconds: float, failures: int | None = None):
        waited = Deadline(seconds)
        most, tried, refused = failures or self.patience.failures, 0, None
        while True:
            try:
                return attempt(waited)
            except ServerError as error:
                if refused is not None and error.status is None and waited.left() <= 0:
                    raise refused from None  # this try only ran out of time; why it had to be made is said there
                tried += 1
                is_busy = error.status in BUSY and failures is None
                if not error.passing or (tried >= most and not is_busy):
                    raise
                backoff = self.patience.first_pause_s * 2 ** min(tried - 1, 5) * random.uniform(0.75, 1.25)
                pause = max(backoff, error.retry_after_s or 0)
                if pause >= waited.left():
                    raise
                refused = error
                time.sleep(pause)

    def _accept(self, exchange: Exchange, waited: Deadline) -> str:
        """Wait for the first line of the reply; its kind of content, or an error in words."""
        status, headers = self._take(exchange, waited)
        if status == 200:
            return headers.get_content_type()
        if 300 <= status < 400:
            where = _clean(headers.get("Location", "elsewhere"))
            raise ServerError(f"{self.url} sends on to {where}, and the key is not sent after it: is base_url right?")
        raise self._refusal(status, self._body(exchange, waited), headers.get("Retry-After"), waited)

    def _take(self, exchange: Exchange, waited: Deadline):
        """The next thing that came; errors of the network become words."""
        try:
            item = exchange.next(waited)
        except TimeoutError:
            if waited.characters:
                came = f"fell silent in the middle of its answer: {waited.characters} characters came, then nothing"
            else:
                came = "may have too many questions at once, or it hangs: nothing came"
            raise ServerError(
                f"The server at {self.host} {came} for {waited.seconds:g} s. Ask again; if it happens again, tell "
                "whoever runs it."
            ) from None
        if isinstance(item, Exception):
            raise self._no_connection(item, waited) from item.with_traceback(None)  # its frames hold the headers
        return item

    def _body(self, exchange: Exchange, waited: Deadline) -> bytes:
        body = b""
        while (block := self._take(exchange, waited)) is not END:
            body += block
            if len(body) > LONGEST_BODY:
                raise self.garbage("more than any answer is long")
        return body

    def _pieces(self, exchange: Exchange, kind: str, read_piece, waited: Deadline) -> Iterator[str]:
        if kind == "application/json":  # a server that does not stream
            yield self._read(read_piece, self._json(self._body(exchange, waited)))
            return
        for line in self._lines(exchange, waited):
            field, _, value = line.partition(b":")
            if field not in (b"data", b"error"):
                if b"<html" in line.lower() or b"<!doctype" in line.lower():
                    raise self.garbage(line)
                continue  # a comment that keeps the connection awake, or a field that nobody needs
            value = value.strip()
            if value == b"[DONE]":
                return
            chunk = self._json(value)
            if chunk.get("error"):
                raise self._refusal(_code(chunk["error"]), value, None, waited)
            piece, last = self._read(read_piece, chunk), self._read(_is_last, chunk)
            if piece:
                waited.restart(self.patience.next_token_s, waited.characters + len(piece))
                yield piece
            if last:
                return
        raise self._no_connection(ConnectionError("it ended without an end mark"), waited)

    def _lines(self, exchange: Exchange, waited: Deadline) -> Iterator[bytes]:
        rest = b""
        while (block := self._take(exchange, waited)) is not END:
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > LONGEST_LINE:
                raise self.garbage("a line without an end")
            yield from (line.rstrip(b"\r") for line in lines)
        if rest:
            yield rest

    def _json(self, raw: bytes) -> dict:
        try:
            found = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise self.garbage(raw) from error
        if not isinstance(found, dict):
            raise self.garbage(raw)
        return found

    def _read(self, read: Callable, chunk: dict):
        try:
            return read(chunk)
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise self.garbage(json.dumps(chunk)) from error

    def garbage(self, got: bytes | str) -> ServerError:
        text = self._plain(got.decode("utf-8", "replace") if isinstance(got, bytes) else got)
        return ServerError(
            f"{self.url} does not answer in OpenAI's format: expected JSON with choices, got {text[:100]!r}. "
            "Is base_url right? It usually ends in /v1."
        )

    def _refusal(self, status: int, body: bytes, retry_after: str | None, waited: Deadline) -> Exception:
        words = self._plain(_words(body)) or "no reason"
        if status in (401, 403) and self._key is None:
            return ServerError(
                f"The server at {self.host} wants an access key. Ask whoever runs it, and set {KEY_VARIABLE} to it "
                "before load_model, in the terminal or with os.environ and getpass: a key written into a notebook is "
                "soon everybody's.",
                status=status,
            )
        if status in (401, 403):
            return ServerError(
                f"The server at {self.host} does not accept the access key in {KEY_VARIABLE}. Compare it with the "
                f"one of whoever runs the server, or ask for a new one. It said: {words}",
                status=status,
            )
        if status in (404, 405):
            return ServerError(
                f"The server at {self.host} does not know what was asked for ({status}). Is base_url right? It is "
                f"{self.url} and usually ends in /v1. It said: {words}",
                status=status,
            )
        if status in (400, 413, 422):
            too_long = status == 413 or ("context" in words.lower() and "token" in words.lower())
            kind = PromptTooLongError if too_long else PromptError
            return kind(f"The server at {self.host} refused the request: {words}")
        what = "is busy" if status in BUSY else "failed"
        middle = f" in the middle of its answer, after {waited.characters} characters" if waited.characters else ""
        error = ServerError(
            f"The server at {self.host} {what}{middle} ({status}), and this is none of your doing. Ask again in a "
            f"minute; if it happens again, tell whoever runs it. It said: {words}",
            status=status,
            passing=status in PASSING,
        )
        error.retry_after_s = float(retry_after) if retry_after and retry_after.strip().isdigit() else None
        return error

    def _no_connection(self, error: Exception, waited: Deadline) -> ServerError:
        if waited.characters:
            return ServerError(
                f"The connection to the server at {self.host} broke off in the middle of its answer, after "
                f"{waited.characters} characters. Ask again; if it happens again, tell whoever runs it."
            )
        passing = False
        if isinstance(error, socket.gaierror):
            why = "No computer of this name was found: is the address right, and are you in the right network?"
        elif isinstance(error, ssl.SSLError) or "handshake" in str(error):  # or nobody answered to its greeting
            why = "The encrypted connection failed: does the address begin with http:// instead of https://?"
        elif isinstance(error, TimeoutError):
            why = "Nobody answers there: is it the right address and network, and does a firewall stand between?"
        elif isinstance(error, ConnectionRefusedError):
            why, passing = "The computer is there, but no server is running on this port.", True
        elif isinstance(error, ConnectionError | http.client.IncompleteRead):
            why, passing = "The connection was closed before the answer came.", True
        elif isinstance(error, http.client.HTTPException):
            why = "What listens there does not speak HTTP: does the address begin with https:// instead of http://?"
        else:
            why = f"The network says: {self._plain(str(error))}."
        return ServerError(f"The server at {self.host} cannot be reached. {why} Ask whoever runs it.", passing=passing)

    def _plain(self, text: str) -> str:
        """Words of a server on one line, without the key, should it repeat it."""
        return _clean(text.replace(self._key, "(key)") if self._key else text)

    def _send(self, path: str, request: dict | None) -> Exchange:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._parts.hostname, self._parts.port, timeout=self.patience.connect_s)
        return Exchange(connection, path, request, self._headers())

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": f"llama-course/{__version__}"}
        headers |= {"Connection": "close", "Accept": "text/event-stream, application/json"}
        return headers if self._key is None else {**headers, "Authorization": f"Bearer {self._key}"}


def _clean(text: str) -> str:
    """One line of printable characters, at most 300."""
    text = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in text)[:300]


def _words(body: bytes) -> str:
    """What an error says: OpenAI's form, FastAPI's, or the text as it is."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for name in ("error", "detail", "message"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _code(error) -> int:
    """The status that an error inside a stream names; 500 where it names none."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if code.isdecimal() and 400 <= int(code) < 600 else 500


def _is_last(chunk: dict) -> bool:
    return bool(chunk["choices"]) and chunk["choices"][0].get("finish_reason") is not None
