"""A model behind a door: text goes in, text comes out, and nothing else.

A real HTTP server, on this computer only.  Whoever asks it gets answers; the weights, the probabilities and the log of
what was asked stay with whoever runs it.
"""

import atexit
import contextlib
import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from llama_course.models.interface import ChatModel, PromptError
from llama_course.safety.rate_limit import TokenBucket

HOST = "127.0.0.1"  # this computer; nobody outside can reach it
MOST_CHARACTERS = 500  # of a question
MOST_BYTES = 8192  # of a request's body: JSON may write a character in up to 12 bytes
MOST_NEW_TOKENS = 64
PATIENCE_S = 10  # for a client that sends slowly, and for a model that is busy
REMEMBERED = 10_000  # lines of the log


class RefusedError(Exception):
    """A request that is not answered; the text is for the client."""

    def __init__(self, status: int, message: str, retry_after_s: float | None = None):
        super().__init__(message)
        self.status, self.retry_after_s = status, retry_after_s


@dataclass(frozen=True)
class LogLine:
    """What the server's owner keeps of one request."""

    status: int  # 200 answered, 4xx refused
    question: str  # empty where there was none to be read


class TextServer:
    """Serves one chat model: ``POST /answer {"question": "..."}`` gives ``{"answer": "..."}``.

    It starts at once, on a free port, and ends with ``close()``, with a ``with`` block, or with Python itself.  Answers
    are the most probable ones, so the same question gets the same answer.

    Args:
        model: answers; one question after the other, however many ask.
        per_second, burst: of the token bucket that all clients share.

    Attributes:
        url: where it is.
        log: the last requests, the oldest first.  Clients cannot see it, and cannot keep out of it.
    """

    def __init__(self, model: ChatModel, *, per_second: float = 20, burst: int = 100):
        self._model, self._busy = model, threading.Lock()
        self._bucket = TokenBucket(per_second, burst)
        self.log: deque[LogLine] = deque(maxlen=REMEMBERED)
        self._server = _Server((HOST, 0), _Handler)
        self._server.text_server = self
        self.port: int = self._server.server_address[1]
        self.url = f"http://{HOST}:{self.port}"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name=self.url)
        self._thread.start()
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"<{self._model.name} {'was ' if self._closed.is_set() else ''}served at {self.url}>"

    def __enter__(self) -> "TextServer":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Stop; the port is free again.  A second call does nothing."""
        if not self._closed.is_set():
            self._closed.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            atexit.unregister(self.close)

    def replace(self, model: ChatModel) -> None:
        """From now on another model answers: everybody has the new one, and nobody the old."""
        with self._busy:
            self._model = model

    # -- for the handler -----------------------------------------------------------------------------------------

    def about(self) -> dict:
        """What a client may know."""
        return {
            "model": self._model.name,
            "ask": "POST /answer",
            "fields": ["question"],
            "most_characters": MOST_CHARACTERS,
            "requests_per_second": self._bucket.per_second,
        }

    def admit(self) -> None:
        """Let a request in.

        Raises:
            RefusedError: too many came before it.
        """
        wait_s = self._bucket.take()
        if wait_s:
            raise RefusedError(429, f"too many requests; try again in {wait_s:.2f} s.", wait_s)

    def answer(self, question: str) -> str:
        """The most probable answer.

        Raises:
            RefusedError: the model refuses the text, or is busy for too long.
        """
        if not self._busy.acquire(timeout=PATIENCE_S):
            raise RefusedError(503, "the model is busy; try again later.", 1.0)
        try:
            return self._model.chat(question, max_new_tokens=MOST_NEW_TOKENS, temperature=0)
        except PromptError as error:
            raise RefusedError(400, str(error)) from error
        finally:
            self._busy.release()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # none of them keeps Python from ending
    request_queue_size = 64
    text_server: TextServer

    def handle_error(self, request, client_address) -> None:
        """A client that went away is nothing to print about."""


class _Handler(BaseHTTPRequestHandler):
    """One request; every way out of it is JSON."""

    timeout = PATIENCE_S
    server: _Server
    unread = False  # whether the client may still be sending

    def finish(self) -> None:
        """Answer, then hear the client out: to one that is still sending, a door shut at once is no answer."""
        super().finish()
        until_s = time.monotonic() + PATIENCE_S
        with contextlib.suppress(OSError):  # the client may have gone
            if self.unread:
                self.connection.shutdown(socket.SHUT_WR)
            while self.unread and time.monotonic() < until_s:
                self.unread = bool(self.connection.recv(65_536))

    def do_GET(self) -> None:
        self._reply(self._about)

    def do_POST(self) -> None:
        self._reply(self._answer)

    def _about(self) -> dict:
        if self.path != "/":
            raise RefusedError(404 if self.path != "/answer" else 405, "GET / or POST /answer; there is nothing else.")
        return self.server.text_server.about()

    def _answer(self) -> dict:
        body = self._body()
        if self.path != "/answer":
            raise RefusedError(404 if self.path != "/" else 405, "GET / or POST /answer; there is nothing else.")
        self.server.text_server.admit()
        self.question = question_of(body)
        return {"answer": self.server.text_server.answer(self.question)}

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            raise RefusedError(411, "expected a body of a stated length, with Content-Length.")
        stated = self.headers.get("Content-Length", "")
        if not (stated.isascii() and stated.isdigit()):
            raise RefusedError(411, "expected a Content-Length: the number of bytes of the body.")
        length = int(stated.lstrip("0")[:20] or 0)
        if length > MOST_BYTES:
            raise RefusedError(413, f"expected a body of at most {MOST_BYTES} bytes, got {length}.")
        kind = self.headers.get_content_type()
        charset = (self.headers.get_content_charset() or "utf-8").replace("_", "-")
        body = self.rfile.read(length)
        if len(body) < length:
            raise RefusedError(400, f"expected {length} bytes, got {len(body)}.")
        self.unread = False
        if kind != "application/json" or charset not in ("utf-8", "utf8"):
            raise RefusedError(415, f"expected application/json in UTF-8, got {kind} in {charset}.")
        return body

    def _reply(self, make) -> None:
        self.question, self.unread = "", self.command == "POST"
        headers = {}
        try:
            self._check_host()
            status, content = 200, make()
        except RefusedError as refused:
            status, content = refused.status, {"error": str(refused)}
            if refused.retry_after_s is not None:
                content["retry_after_s"] = round(refused.retry_after_s, 3)
                headers["Retry-After"] = str(int(refused.retry_after_s) + 1)
        except TimeoutError:
            status, content = 408, {"error": f"the request was not complete after {PATIENCE_S} s."}
        except ConnectionError:
            return  # nobody is there any more
        except Exception:  # whatever it is, the client hears that it failed and nothing of the inside
            status, content = 500, {"error": "the model failed on this request."}
        if self.command == "POST":
            self.server.text_server.log.append(LogLine(status, self.question))
        self._send(status, content, headers)

    def _check_host(self) -> None:
        """A web page in this computer's browser could send requests here under a name of its own."""
        if self.headers.get("Host") not in (
            f"{HOST}:{self.server.server_port}",
            f"localhost:{self.server.server_port}",
        ):
            raise RefusedError(403, f"expected the Host {HOST}:{self.server.server_port}.")

    def _send(self, status: int, content: dict, headers: dict[str, str]) -> None:
        raw = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        with contextlib.suppress(OSError):  # the client may have gone
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("X-Content-Type-Options", "nosniff")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

    def send_error(self, code, message=None, explain=None) -> None:
        """What http.server itself refuses, such as an unknown method, is told as JSON, too."""
        known, self.unread = code in self.responses, True
        self._send(int(code), {"error": message or (self.responses[code][0] if known else "refused")}, {})
        self.close_connection = True

    def version_string(self) -> str:
        return "llama-course"

    def log_message(self, format, *args) -> None:
        """The log is kept in the server, not printed into a notebook."""


def question_of(body: bytes) -> str:
    """The question in the body of a request.

    Args:
        body: JSON in UTF-8: ``{"question": "..."}`` and no other field.

    Raises:
        RefusedError: anything else, with what was expected.
    """
    try:
        fields = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"the body is not UTF-8: byte {error.start} cannot be read.") from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the body is not JSON.") from error
    if not isinstance(fields, dict) or "question" not in fields:
        raise RefusedError(400, 'expected {"question": "..."}.')
    others = sorted(set(fields) - {"question"})
    if others:
        raise RefusedError(400, f"there is no {others[0][:40]!r} here: a question goes in, an answer comes out.")
    question = fields["question"]
    if not isinstance(question, str):
        raise RefusedError(400, f"the question must be a text, got {type(question).__name__}.")
    if len(question) > MOST_CHARACTERS:
        raise RefusedError(400, f"a question has at most {MOST_CHARACTERS} characters, got {len(question):,}.")
    try:
        question.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RefusedError(400, "the question holds half of a character pair, which is no text.") from error
    if not question.strip():
        raise RefusedError(400, "the question is empty.")
    return question
