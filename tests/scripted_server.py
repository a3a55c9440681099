"""A server on 127.0.0.1 that answers by a script: well, badly, slowly, or not at all."""

import json
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET

HANG, RESET = object(), object()  # in a reply's parts: send nothing more until the client hangs up; break off at once
MODELS = {"object": "list", "data": [{"id": "small-chat", "object": "model", "owned_by": "somebody"}]}


@dataclass
class Reply:
    """What is sent: bytes, and between them seconds to sleep, HANG or RESET."""

    parts: list
    status: int = 200
    kind: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict | None
    time: float


def event(chunk) -> bytes:
    """A server-sent event, in UTF-8 as llama.cpp writes it; bytes are sent as they are."""
    raw = chunk if isinstance(chunk, bytes) else json.dumps(chunk, ensure_ascii=False).encode("utf-8")
    return b"data: " + raw + b"\n\n"


def piece(text: str | None, finish: str | None = None) -> bytes:
    """One chunk of a streamed chat."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


def answer(*pieces: str, slowly_s: float = 0.0) -> Reply:
    """A whole streamed chat, as vLLM and OpenAI send it."""
    parts: list = [piece(None)]
    for text in pieces:
        parts += [slowly_s, piece(text)] if slowly_s else [piece(text)]
    return Reply([*parts, piece(None, "stop"), event(b"[DONE]")])


def as_json(value, status: int = 200, **headers: str) -> Reply:
    """A JSON reply."""
    return Reply([json.dumps(value).encode()], status, "application/json", headers)


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    """An error in OpenAI's form."""
    return as_json({"error": {"message": message, "code": status}}, status, **headers)


class ScriptedServer:
    """Plays the replies of a path one after the other, the last one over and over.

    Args:
        routes: path to replies; a reply may be a function of the request.  ``/v1/models`` need not be named.
    """

    def __init__(self, **routes):
        self.routes = {"/v1/models": [as_json(MODELS)]}
        self.asked: list[Asked] = []
        self.hung_up = threading.Event()  # a client went while it was answered
        self._lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                script._answer(self)

            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.play(**routes)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def play(self, **routes) -> None:
        """Set replies: chat=, completions=, models=, tokenize=, or any path."""
        short = {
            "chat": "/v1/chat/completions",
            "completions": "/v1/completions",
            "models": "/v1/models",
            "tokenize": "/tokenize",
        }
        for name, replies in routes.items():
            self.routes[short.get(name, name)] = list(replies) if isinstance(replies, list | tuple) else [replies]

    def count(self, path: str = "/v1/chat/completions") -> int:
        """How often a path was asked."""
        return sum(asked.path == path for asked in self.asked)

    def __enter__(self) -> "ScriptedServer":
        return self

    def __exit__(self, *error) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else None
        asked = Asked(handler.command, handler.path, dict(handler.headers), body, time.monotonic())
        with self._lock:
            self.asked.append(asked)
            replies = self.routes.get(handler.path) or [refusal(404, "no such path")]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        reply = reply(asked) if callable(reply) else reply
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.kind)
        for name, value in reply.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        try:
            for part in reply.parts:
                self._send(handler, part)
        except OSError:
            self.hung_up.set()

    def _send(self, handler, part) -> None:
        if part is HANG:
            if handler.connection.recv(1) == b"":
                raise ConnectionError
        elif part is RESET:
            handler.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            raise ConnectionError
        elif isinstance(part, float | int):
            time.sleep(part)
        else:
            handler.wfile.write(part)
            handler.wfile.flush()
