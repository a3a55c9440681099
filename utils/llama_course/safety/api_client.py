"""Asking a model over the API: all that somebody without the weights can do."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

TIMEOUT_S = 30
MOST_WAITS = 100  # for one answer


class ApiError(RuntimeError):
    """The server did not answer; ``status`` is the number of HTTP, and the text is the server's own."""

    def __init__(self, status: int, message: str, retry_after_s: float | None = None):
        super().__init__(f"{status}: {message}")
        self.status, self.retry_after_s = status, retry_after_s


class ApiClient:
    """Asks a :class:`~llama_course.safety.api_server.TextServer`; several threads may ask at once.

    Args:
        url: such as "http://127.0.0.1:8000".
        patient: where the server says "too many requests", wait as long as it says and try again.

    Attributes:
        queries: how many questions were answered.
        waited_s: how long it waited for the server to let it in.
    """

    def __init__(self, url: str, *, patient: bool = True):
        self.url, self.patient = url, patient
        self.queries, self.waited_s = 0, 0.0
        self._counting = threading.Lock()

    def about(self) -> dict:
        """What the server says of itself."""
        return self.send("GET", "/")

    def ask(self, question: str, **fields) -> str:
        """An answer.

        Args:
            question: a text.
            **fields: whatever else one would like to send, to see whether it is taken.

        Raises:
            ApiError: it was refused.
            OSError: there is no server.
        """
        for _ in range(MOST_WAITS):
            try:
                answer = self.send("POST", "/answer", {"question": question, **fields})["answer"]
                with self._counting:
                    self.queries += 1
                return answer
            except ApiError as error:
                if error.retry_after_s is None or not self.patient:
                    raise
                time.sleep(error.retry_after_s)
                with self._counting:
                    self.waited_s += error.retry_after_s
        raise ApiError(429, f"the server let nothing in {MOST_WAITS} times in a row.")

    def send(self, method: str, path: str, content: object | None = None) -> dict:
        """One request as JSON, and the JSON that comes back.

        Raises:
            ApiError: the status is not 200.
        """
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_S)  # past every proxy
        try:
            raw = None if content is None else json.dumps(content).encode("utf-8")
            headers = {} if raw is None else {"Content-Type": "application/json"}
            connection.request(method, path, raw, headers)
            response = connection.getresponse()
            said = json.loads(response.read().decode("utf-8"))
        finally:
            connection.close()
        if response.status != 200:
            raise ApiError(response.status, said["error"], said.get("retry_after_s"))
        return said
