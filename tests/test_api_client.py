"""The client: plain words for what the server said, and no way past this computer."""

import contextlib

import pytest

from fakes import FakeModel
from llama_course.safety import api_client
from llama_course.safety.api_client import ApiClient, ApiError
from llama_course.safety.api_server import TextServer


def test_an_error_has_the_status_and_the_servers_own_words():
    with TextServer(FakeModel()) as server, pytest.raises(ApiError, match="400: the question is empty") as error:
        ApiClient(server.url).ask("")
    assert error.value.status == 400 and error.value.retry_after_s is None


def test_what_is_refused_is_not_counted():
    with TextServer(FakeModel()) as server:
        client = ApiClient(server.url)
        for question in ("", "Hello?"):
            with contextlib.suppress(ApiError):
                client.ask(question)
    assert client.queries == 1


def test_no_proxy_is_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with TextServer(FakeModel()) as server:
        assert ApiClient(server.url).ask("Hi")


def test_without_a_server_it_is_an_oserror():
    with TextServer(FakeModel()) as server:
        url = server.url
    with pytest.raises(OSError):
        ApiClient(url).ask("Hi")


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(api_client, "MOST_WAITS", 2)
    monkeypatch.setattr(api_client.time, "sleep", lambda seconds: None)
    with TextServer(FakeModel(), per_second=0.001, burst=1) as server:
        client = ApiClient(server.url)
        client.ask("One")
        with pytest.raises(ApiError, match="2 times in a row"):
            client.ask("Two")
