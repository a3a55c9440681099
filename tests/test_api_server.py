"""The server: text only, here only, every error as JSON, no answers mixed up, and gone when it is closed."""

import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fakes import FakeModel
from llama_course.models.interface import PromptError
from llama_course.safety import api_server
from llama_course.safety.api_client import ApiClient, ApiError
from llama_course.safety.api_server import MOST_BYTES, MOST_CHARACTERS, LogLine, TextServer
from test_kernels import kernel, run


class Echo(FakeModel):
    """Answers with the question, slowly enough that two at once would mix; notices if two are in it together."""

    inside = 0
    met = False

    def _generate_chat(self, messages, settings, on_token):
        self.inside += 1
        self.met |= self.inside > 1
        time.sleep(0.002)
        self.inside -= 1
        return f"You said: {messages[-1]['content']}"


@pytest.fixture
def server():
    with TextServer(Echo(), per_second=1000, burst=1000) as server:
        yield server


def post(server, body: bytes, headers=None, method="POST", path="/answer"):
    """A request of any form; status, JSON, headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    try:
        connection.putrequest(method, path, skip_host="Host" in sent)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.headers
    finally:
        connection.close()


# -- what it does ------------------------------------------------------------------------------------------------------


def test_text_goes_in_and_text_comes_out(server):
    client = ApiClient(server.url)
    assert client.ask("Wie heißt die Gans? 🪿") == "You said: Wie heißt die Gans? 🪿"
    assert client.queries == 1
    assert client.about() == {
        "model": "fake",
        "ask": "POST /answer",
        "fields": ["question"],
        "most_characters": MOST_CHARACTERS,
        "requests_per_second": 1000,
    }


def test_answers_are_the_most_probable_ones():
    model = FakeModel()
    with TextServer(model) as server:
        ApiClient(server.url).ask("Hello?")
    ((_, settings),) = model.calls
    assert settings.temperature == 0


def test_the_owner_sees_what_was_asked_and_what_was_refused(server):
    client = ApiClient(server.url)
    client.ask("Who are you?")
    with pytest.raises(ApiError):
        client.ask("Who are you?", logits=True)
    assert list(server.log) == [LogLine(200, "Who are you?"), LogLine(400, "")]


def test_a_replaced_model_answers_everybody_from_then_on(server):
    client = ApiClient(server.url)
    assert client.ask("Hi") == "You said: Hi"
    server.replace(FakeModel(["I am new."]))
    assert client.ask("Hi") == "I am new."


def test_concurrent_clients_get_their_own_answers(server):
    wrong = []

    def client(number: int) -> None:
        asking = ApiClient(server.url)
        for turn in range(10):
            question = f"client {number}, question {turn}"
            if asking.ask(question) != f"You said: {question}":
                wrong.append(question)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(server.log) == 80
    assert not server._model.met, "two questions were in the model at once"


# -- what it refuses ---------------------------------------------------------------------------------------------------

BAD_BODIES = {
    b"": "not JSON",
    b"{": "not JSON",
    b"[" * 4000: "not JSON",
    b'"Hi"': 'expected {"question"',
    b'{"ask": "Hi"}': 'expected {"question"',
    b'{"question": null}': "must be a text, got NoneType",
    b'{"question": 5}': "must be a text, got int",
    b'{"question": ["Hi"]}': "must be a text, got list",
    b'{"question": "  "}': "empty",
    b'{"question": "Hi", "logits": true}': "there is no 'logits' here",
    b'{"question": "\\ud800"}': "half of a character pair",
    b'{"question": "\xff"}': "not UTF-8: byte 14",
    json.dumps({"question": "a" * (MOST_CHARACTERS + 1)}).encode(): "at most 500 characters, got 501",
}


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:24]))
def test_a_body_that_is_no_question_is_refused_in_words(server, body):
    status, said, headers = post(server, body)
    assert status == 400 and BAD_BODIES[body] in said["error"]
    assert headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Content-Type": "text/plain"}, 415, "expected application/json"),
        ({"Content-Type": "application/json; charset=latin-1"}, 415, "latin-1"),
        ({"Content-Length": None}, 411, "Content-Length"),
        ({"Content-Length": "-1"}, 411, "Content-Length"),
        ({"Content-Length": "²"}, 411, "Content-Length"),
        ({"Transfer-Encoding": "chunked"}, 411, "Content-Length"),
        ({"Host": "evil.example"}, 403, "expected the Host 127.0.0.1"),
    ],
)
def test_headers_that_do_not_fit_are_refused(server, headers, status, words):
    if "²" in str(headers):
        headers = {"Content-Length": "²".encode()}
    got, said, _ = post(server, b'{"question": "Hi"}', headers)
    assert (got, words in said["error"]) == (status, True), said


@pytest.mark.parametrize("count", [MOST_BYTES, 20_000_000])
def test_a_body_that_is_too_large_is_refused_in_words_even_while_it_is_sent(server, count):
    status, said, _ = post(server, b'{"question": "' + b"a" * count + b'"}')
    assert status == 413 and f"at most {MOST_BYTES} bytes" in said["error"]


def test_a_large_body_that_never_comes_is_refused_at_once(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=api_server.PATIENCE_S / 2) as connection:
        head = f"POST /answer HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {'9' * 30}\r\n\r\n"
        connection.sendall(head.encode())
        assert b"413" in connection.makefile("rb").readline()


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Transfer-Encoding": "chunked"}])
def test_who_sends_much_hears_why_it_was_refused(server, headers):
    status, said, _ = post(server, b"a" * 20_000_000, headers)
    assert status in (403, 411) and said["error"]


def test_every_question_of_the_longest_length_comes_as_far_as_the_model(server):
    body = json.dumps({"question": "🪿" * MOST_CHARACTERS}).encode()  # twelve bytes for each
    status, said, _ = post(server, body)
    assert (status, "tokens" in said["error"]) == (400, True), said


def test_noughts_before_a_length_do_not_change_it(server):
    body = b'{"question": "Hi"}'
    assert post(server, body, {"Content-Length": f"{len(body):030}"})[0] == 200


def test_bytes_by_chance_are_refused_in_words(server):
    dice = random.Random(8)
    for _ in range(100):
        status, said, _ = post(server, dice.randbytes(dice.randrange(300)))
        assert status == 400 and said["error"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8"])
def test_the_charset_may_be_named(server, charset):
    assert post(server, b'{"question": "Hi"}', {"Content-Type": f"application/json; charset={charset}"})[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/weights", 404), ("POST", "/", 405), ("GET", "/answer", 405), ("GET", "/../log", 404)]
    + [(method, "/answer", 501) for method in ("PUT", "DELETE", "OPTIONS", "PATCH")],
)
def test_there_is_nothing_else(server, method, path, status):
    got, said, headers = post(server, b"{}", method=method, path=path)
    assert got == status and said["error"]
    assert headers["Content-Type"].startswith("application/json") and "Python" not in headers["Server"]


def test_what_is_not_http_at_all_gets_json_or_nothing(server):
    for raw in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n", b"GET " + b"a" * 70_000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            try:
                said = connection.makefile("rb").read()
            except ConnectionError:
                continue
        assert not said or json.loads(said[said.index(b"{") :])["error"]
    assert ApiClient(server.url).ask("Still there?") == "You said: Still there?"


def test_a_client_that_sends_slowly_holds_nobody_up(server, monkeypatch):
    monkeypatch.setattr(api_server._Handler, "timeout", 3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as slow:
        slow.sendall(f"POST /answer HTTP/1.0\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 9\r\n\r\n{{".encode())
        assert ApiClient(server.url).ask("Hi") == "You said: Hi"
        assert b"408" in slow.makefile("rb").readline()


def test_too_many_requests_are_told_when_to_come_back():
    with TextServer(FakeModel(), per_second=0.01, burst=2) as server:
        hasty = ApiClient(server.url, patient=False)
        hasty.ask("One")
        with pytest.raises(ApiError, match="400"):
            hasty.ask("")  # what is refused counts, too
        with pytest.raises(ApiError, match="429: too many requests") as error:
            hasty.ask("Three")
        assert 50 < error.value.retry_after_s <= 100
        status, said, headers = post(server, b'{"question": "Hi"}')
        assert status == 429 and said["retry_after_s"] <= int(headers["Retry-After"]) <= 101


def test_the_limit_is_one_for_all_clients():
    with TextServer(Echo(), per_second=0.01, burst=12) as server:
        told = []

        def client() -> None:
            for number in range(5):
                try:
                    told.append(ApiClient(server.url, patient=False).ask(f"Question {number}"))
                except ApiError as error:
                    told.append(error.status)

        threads = [threading.Thread(target=client) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told.count(429) == 18 and len(told) == 30


def test_a_patient_client_waits_as_long_as_it_is_told():
    with TextServer(FakeModel(), per_second=5, burst=1) as server:
        patient, began = ApiClient(server.url), time.monotonic()
        for _ in range(4):
            patient.ask("Please")
        assert time.monotonic() - began > 0.5 and patient.waited_s > 0 and patient.queries == 4


@pytest.mark.parametrize(("error", "status"), [(PromptError("no such prompt"), 400), (RuntimeError("secret"), 500)])
def test_a_model_that_fails_is_a_json_error_and_tells_nothing_of_the_inside(error, status):
    with TextServer(FakeModel(error=error)) as server:
        got, said, _ = post(server, b'{"question": "Hi"}')
    assert got == status and "secret" not in said["error"] and said["error"]


def test_a_model_that_stays_busy_is_said(server, monkeypatch):
    monkeypatch.setattr(api_server, "PATIENCE_S", 0.05)
    with server._busy:
        assert post(server, b'{"question": "Hi"}')[0] == 503


# -- where it is, and how it ends --------------------------------------------------------------------------------------


def test_it_listens_on_this_computer_only(server):
    assert server._server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.port}" and server.port > 1023


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 need not be this computer")
def test_another_address_of_this_computer_gets_no_answer(server):
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", server.port), timeout=1)


def test_two_servers_have_two_ports(server):
    with TextServer(FakeModel()) as other:
        assert other.port != server.port


def test_closed_it_is_gone_and_may_be_closed_again():
    server = TextServer(FakeModel())
    server.close()
    server.close()
    assert "was served" in repr(server)
    with pytest.raises(OSError):
        ApiClient(server.url).about()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", server.port))


SERVE = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    "from fakes import FakeModel\n"
    "from llama_course.safety.api_server import TextServer\n"
    "server = TextServer(FakeModel())\n"
    "print(server.url)\n"
)


def test_it_ends_with_python():
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    with pytest.raises(OSError):
        ApiClient(done.stdout.strip()).about()


@pytest.mark.parametrize("ending", ["restart", "shutdown"])
def test_it_ends_with_the_kernel(ending):
    with kernel() as (manager, client):
        url = run(client, SERVE).strip()
        assert ApiClient(url).about()["model"] == "fake"
        if ending == "restart":
            manager.restart_kernel()
        else:
            manager.shutdown_kernel()
        with pytest.raises(OSError):
            ApiClient(url).about()
