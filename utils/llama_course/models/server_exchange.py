"""One HTTP request in a thread of its own, so that whoever waits for it can be interrupted, give up, or hang up."""

import contextlib
import http.client
import json
import queue
import socket
import threading
import time

END = object()  # the reply is complete


class Deadline:
    """A time to wait until, set anew with each piece of text; ``characters`` have come so far."""

    def __init__(self, seconds: float):
        self.restart(seconds, 0)

    def restart(self, seconds: float, characters: int) -> None:
        self.seconds, self.characters, self.until = seconds, characters, time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then."""
        return self.until - time.monotonic()


class Exchange:
    """One request in a thread.  ``next`` gives (status, headers), then blocks of bytes, then the end or an error."""

    _socket: socket.socket | None = None
    _is_closed = False

    def __init__(self, http: http.client.HTTPConnection, path: str, request: dict | None, headers: dict[str, str]):
        self._came: queue.SimpleQueue = queue.SimpleQueue()
        self._http = http
        body = None if request is None else json.dumps(request).encode("utf-8")
        what = ("GET" if request is None else "POST", path, body, headers)
        threading.Thread(target=self._work, args=what, daemon=True).start()

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def next(self, deadline: Deadline):
        """What came next; TimeoutError after the deadline.  Waits in short steps, for an interrupt to be heard."""
        while True:
            try:
                return self._came.get(timeout=max(0.0, min(0.2, deadline.left())))
            except queue.Empty:
                if deadline.left() <= 0:
                    raise TimeoutError from None

    def close(self) -> None:
        """Hang up: a server that is still at work for this request notices and stops."""
        self._is_closed = True  # first: a thread that is just connecting looks at it after it has shown its socket
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _work(self, method: str, path: str, body: bytes | None, headers: dict) -> None:
        try:
            self._http.connect()
            self._socket = self._http.sock
            if self._is_closed:
                return
            self._socket.settimeout(None)  # from here on the deadline counts
            self._http.request(method, path, body, headers)
            with self._http.getresponse() as response:  # it holds on to the socket until it is closed
                self._came.put((response.status, response.headers))
                while block := response.read1(2**16):
                    self._came.put(block)
            self._came.put(END)
        except Exception as error:  # goes to the thread that waits
            self._came.put(error)
        finally:
            self._http.close()
