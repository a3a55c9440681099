"""Talking to a server: waiting, stopping, trying again, and words for everything that goes wrong."""

import _thread
import json
import socket
import threading
import time
import traceback
from dataclasses import replace
from types import SimpleNamespace

import pytest

from llama_course.models import server_connection, server_exchange
from llama_course.models.interface import PromptError, PromptTooLongError
from llama_course.models.server_address import KEY_VARIABLE, AccessKey
from llama_course.models.server_backend import _piece
from llama_course.models.server_connection import Patience, ServerConnection, ServerError
from scripted_server import HANG, RESET, Reply, ScriptedServer, answer, as_json, event, piece, refusal

CALM = Patience(first_pause_s=0.02)  # whoever gets an answer does not depend on how fast this computer is
HASTY = Patience(connect_s=2, lookup_s=1, first_token_s=1, next_token_s=0.5, first_pause_s=0.02)
KEY = "s3cret-key-of-the-class"
REQUEST = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def server():
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def clock(monkeypatch):
    """The time of whoever waits: it stands still but for pauses between tries and for the test's own."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    for module in (server_connection, server_exchange):
        monkeypatch.setattr(module, "time", clock)
    return clock


def stream(server, patience=CALM, key=None):
    """The pieces of one chat."""
    return ServerConnection(server.url, key, patience).stream("/chat/completions", REQUEST, _piece)


def error_of(server, patience=CALM, key=None) -> Exception:
    """What a chat fails with."""
    with pytest.raises((ServerError, PromptError)) as caught:
        list(stream(server, patience, key))
    return caught.value


# -- what goes well ----------------------------------------------------------------------------------------------------


def test_pieces_come_as_they_are_sent_and_the_key_is_in_one_header(server):
    server.play(chat=answer("Hel", "lo ", "🦙", slowly_s=0.3))
    came = []
    for text in stream(server, key=KEY):
        came.append((text, time.monotonic()))
    assert [text for text, _ in came] == ["Hel", "lo ", "🦙"]
    assert came[-1][1] - came[0][1] > 0.2, "they came one by one, not all at the end"
    (asked,) = server.asked
    assert asked.body == {**REQUEST, "stream": True}
    assert [value for value in asked.headers.values() if KEY in value] == [f"Bearer {KEY}"]


def test_without_a_key_none_is_sent(server):
    server.play(chat=answer("Hi"))
    list(stream(server))
    assert "Authorization" not in server.asked[0].headers


def test_an_event_that_is_cut_anywhere_is_put_together(server):
    whole = piece("Grüße 🦙") + b": a comment\r\n\r\nevent: x\n" + piece(" an alle", "stop")
    server.play(chat=Reply([bit for i in range(0, len(whole), 7) for bit in (whole[i : i + 7], 0.001)]))
    assert list(stream(server)) == ["Grüße 🦙", " an alle"]


@pytest.mark.parametrize("end", [[piece(None, "length")], [event(b"[DONE]")], [piece("", "stop"), HANG]])
def test_an_answer_ends_with_its_end_mark_even_if_the_server_does_not_hang_up(server, end):
    server.play(chat=Reply([piece("Hi"), *end, HANG]))
    began = time.monotonic()
    assert list(stream(server)) == ["Hi"]
    assert time.monotonic() - began < 30, "it waited for more"
    assert server.hung_up.wait(10)


def test_a_server_that_does_not_stream_is_understood(server):
    server.play(chat=as_json({"choices": [{"message": {"role": "assistant", "content": "All at once"}}]}))
    assert list(stream(server)) == ["All at once"]


def test_an_empty_answer_is_an_answer(server):
    server.play(chat=answer())
    assert list(stream(server)) == []


def test_closing_the_iterator_hangs_up(server):
    server.play(chat=Reply([piece("one"), piece("two"), HANG]))
    pieces = stream(server)
    assert next(pieces) == "one"
    pieces.close()
    assert server.hung_up.wait(10)


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_a_server_that_says_nothing_is_given_up(server, clock):
    def nothing(asked):
        clock.sleep(1.1)
        return Reply([HANG])

    server.play(chat=nothing)
    error = error_of(server, HASTY)
    assert "too many questions at once, or it hangs: nothing came for 1 s" in str(error)
    assert server.count() == 1 and server.hung_up.wait(10)


def test_a_server_that_hangs_in_the_middle_is_given_up_and_what_came_is_kept(server, clock):
    server.play(chat=Reply([piece("Once "), piece("upon"), HANG]))
    came = []
    with pytest.raises(ServerError, match=r"fell silent .* 9 characters came, then nothing for 0.5 s") as caught:
        for text in stream(server, HASTY):
            came.append(text)
            clock.sleep(0.6 if text == "upon" else 0)
    assert came == ["Once ", "upon"] and caught.value.text == "Once upon"
    assert server.count() == 1, "an answer that has begun is not asked for again"


@pytest.mark.parametrize("chatter", [b": ping\n\n", piece(None), piece("")])
def test_signs_of_life_without_text_do_not_hold_the_learner_up(server, chatter):
    server.play(chat=Reply([piece("Hi"), *[chatter, 0.1] * 80]))
    began = time.monotonic()
    patience = replace(CALM, next_token_s=0.5)
    assert "fell silent" in str(error_of(server, patience)) and time.monotonic() - began < 7, "it goes on for 8 s"


def test_slow_is_not_silent(server, clock):
    server.play(chat=answer("a", "b", "c", "d"))
    said = ""
    for text in stream(server, HASTY):
        said += text
        clock.sleep(0.4)  # before the next piece: all together longer than any patience
    assert said == "abcd"


def test_an_interrupt_is_heard_while_waiting(server):
    def interrupted(asked):
        threading.Timer(0.2, _thread.interrupt_main).start()
        return Reply([HANG])

    server.play(chat=interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(stream(server, Patience()))
    assert time.monotonic() - began < 60 and server.hung_up.wait(10)


# -- trying again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(server, status, monkeypatch):
    pauses = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append)
    monkeypatch.setattr(server_connection, "time", clock)
    server.play(chat=[refusal(status), refusal(status), answer("Hi")])
    assert list(stream(server, Patience(first_pause_s=0.1))) == ["Hi"]
    first, second = pauses
    assert 0.07 < first < 0.13 < second < 0.26, "each pause is longer than the one before"


def test_a_server_is_taken_at_its_word_when_to_come_back(server):
    server.play(chat=[refusal(429, Retry_After="1"), answer("Hi")])
    list(stream(server, Patience(first_token_s=5, first_pause_s=0.01)))
    assert server.asked[1].time - server.asked[0].time >= 1


def test_failing_three_times_is_enough(server):
    server.play(chat=refusal(500, "boom"))
    error = error_of(server)
    assert server.count() == 3
    assert "failed (500), and this is none of your doing" in str(error) and "It said: boom" in str(error)


def test_a_busy_server_is_asked_until_the_patience_ends(server, clock):
    server.play(chat=refusal(429, "slow down"))
    error = error_of(server, replace(HASTY, first_token_s=3))
    assert server.count() > 4 and 2 < clock.now < 3
    assert "is busy (429)" in str(error)


def test_a_last_try_that_runs_out_of_time_does_not_hide_what_the_server_said(server, clock):
    def nothing(asked):
        clock.sleep(5)
        return Reply([HANG])

    server.play(chat=[refusal(429, "slow down"), nothing])
    assert "is busy (429)" in str(error_of(server, replace(HASTY, first_token_s=3)))


def test_a_pause_longer_than_the_patience_is_not_waited_for(server):
    server.play(chat=refusal(429, Retry_After="3600"))
    began = time.monotonic()
    error_of(server)
    assert server.count() == 1 and time.monotonic() - began < 60


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_does_not_pass_is_not_tried_again(server, status):
    server.play(chat=refusal(status))
    error_of(server)
    assert server.count() == 1


@pytest.mark.parametrize("later", [RESET, 0.0, event({"error": {"message": "boom", "code": 503}})])
def test_after_the_first_piece_nothing_is_tried_again(server, later):
    server.play(chat=[Reply([piece("Hi"), 0.05, later]), answer("Another answer")])
    error = error_of(server)
    assert server.count() == 1 and "in the middle of its answer, after 2 characters" in str(error)
    assert error.text == "Hi"


@pytest.mark.parametrize("broken", [[RESET], [], [piece(None)], [event({"error": {"message": "x", "code": "503"}})]])
def test_a_stream_that_breaks_before_the_first_piece_is_tried_again(server, broken):
    server.play(chat=[Reply(broken), answer("Hi")])
    assert list(stream(server)) == ["Hi"]


# -- what is no answer -------------------------------------------------------------------------------------------------

GARBAGE = {
    "half": b'{"choices": [{"delta"',
    "words": b"certainly!",
    "list": b"[1, 2]",
    "deep": b"[" * 100_000,
    "no choices": {"answer": "Hi"},
    "choices": {"choices": "Hi"},
    "number": {"choices": [{"delta": {"content": 7}}]},
    "latin-1": '{"choices": "é"}'.encode("latin-1"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("before", [[], [piece("Hi")]], ids=["at once", "later"])
def test_garbage_is_said_and_not_tried_again(server, garbage, before):
    server.play(chat=Reply([*before, event(garbage)]))
    error = error_of(server)
    assert "does not answer in OpenAI's format: expected JSON with choices, got" in str(error)
    assert "It usually ends in /v1" in str(error) and len(str(error)) < 400 and server.count() == 1


def test_garbage_in_place_of_json(server):
    server.play(chat=Reply([b"{"], kind="application/json"))
    assert "OpenAI's format" in str(error_of(server))


def test_a_web_page_is_no_answer(server):
    server.play(
        chat=Reply([b"<!DOCTYPE html>\n<html><body>Log in to the school's network</body></html>"], kind="text/html")
    )
    assert "Is base_url right?" in str(error_of(server))


def test_a_line_without_an_end_is_not_collected_for_ever(server, monkeypatch):
    monkeypatch.setattr("llama_course.models.server_connection.LONGEST_LINE", 1000)
    server.play(chat=Reply([b"data: " + b"a" * 5000, HANG]))
    assert "a line without an end" in str(error_of(server))


def test_control_characters_of_a_server_do_not_reach_the_terminal(server):
    server.play(chat=refusal(400, "\x1b[31mred\x1b[0m\nline\a"))
    assert str(error_of(server)).endswith("refused the request: ?[31mred?[0m line?")


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_missing_key_is_said_with_what_to_do(server):
    server.play(chat=refusal(401, "no key"))
    assert f"wants an access key. Ask whoever runs it, and set {KEY_VARIABLE}" in str(error_of(server))


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_said_and_is_not_in_any_message(server, status):
    server.play(chat=refusal(status, f"Incorrect API key provided: {KEY}"))
    error = error_of(server, key=KEY)
    assert f"does not accept the access key in {KEY_VARIABLE}" in str(error) and "(key)" in str(error)
    assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in repr(ServerConnection(server.url, KEY))


@pytest.mark.parametrize("reply", [Reply([RESET]), Reply([piece("Hi"), RESET]), refusal(401)])
def test_the_key_is_in_no_frame_that_a_verbose_traceback_writes_out(server, reply):
    server.play(chat=reply)
    error = error_of(server, key=AccessKey(KEY))
    written = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "self = <server at" in written, "the variables are written out"
    assert KEY not in written


def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(server):
    with ScriptedServer() as other:
        server.play(chat=Reply([], 307, headers={"Location": f"{other.url}/chat/completions"}))
        assert f"sends on to {other.url}/chat/completions, and the key is not sent" in str(error_of(server, key=KEY))
        assert not other.asked


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, {"error": {"message": "File Not Found"}}, ServerError, "usually ends in /v1"),
        (404, {"detail": "Not Found"}, ServerError, "It said: Not Found"),
        (422, {"detail": "Unexpected fields"}, PromptError, "refused the request: Unexpected fields"),
        (422, {"detail": [{"loc": ["a"], "msg": "b"}]}, PromptError, "refused the request: "),
        (400, {"message": "at most 20 logprobs"}, PromptError, "at most 20 logprobs"),
        (400, {"error": {"message": "8000 tokens exceed the context size"}}, PromptTooLongError, "8000 tokens"),
        (413, {}, PromptTooLongError, "refused the request"),
        (418, {"error": "teapot"}, ServerError, "teapot"),
    ],
)
def test_refusals_are_told_in_the_server_s_words(server, status, body, kind, words):
    server.play(chat=as_json(body, status))
    error = error_of(server)
    assert type(error) is kind and words in str(error)


# -- nobody there ------------------------------------------------------------------------------------------------------


def away(url, **settings) -> str:
    patience = Patience(connect_s=1, first_token_s=60, first_pause_s=0.01, **settings)
    with pytest.raises(ServerError) as caught:
        list(ServerConnection(url, KEY, patience).stream("/chat/completions", REQUEST, _piece))
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_a_port_where_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "no server is running on this port" in away(f"http://127.0.0.1:{port}/v1")


def test_a_name_that_nobody_has(monkeypatch):
    def nowhere(*arguments, **named):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert "No computer of this name was found" in away("http://nobody.invalid/v1")


def test_a_network_that_may_not_be_left():
    assert "cannot be reached. The network says:" in away("http://192.0.2.1:8080/v1")


def test_a_computer_that_does_not_answer(monkeypatch):
    def wait(*arguments, **named):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", wait)
    assert "Nobody answers there: is it the right address and network" in away("http://192.0.2.1:8080/v1")


def test_https_where_http_is_spoken(server):
    assert "does the address begin with http:// instead of https://?" in away(server.url.replace("http:", "https:"))


def test_https_where_nobody_answers_to_its_greeting():
    """llama.cpp's server waits for the end of it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        said = away(f"https://127.0.0.1:{listener.getsockname()[1]}/v1")
    assert "does the address begin with http:// instead of https://?" in said


def test_something_that_is_no_http():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def speak():
            connection, _ = listener.accept()
            with connection:
                request = b""
                while b'"Hi"' not in request:  # all of it: hanging up on the rest would reset the connection
                    request += connection.recv(9999)
                connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16 hello\r\n")

        threading.Thread(target=speak, daemon=True).start()
        said = away(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    assert "does not speak HTTP: does the address begin with https://" in said


def test_a_proxy_in_the_environment_is_not_asked(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.play(chat=answer("Hi"))
    assert list(stream(server)) == ["Hi"]


# -- many at once ------------------------------------------------------------------------------------------------------


def test_thirty_at_once_get_their_own_answers(server):
    def echo(asked):
        words = asked.body["messages"][0]["content"].split(" ")
        return answer(*(f"{word} " for word in words), slowly_s=0.005)

    server.play(chat=echo)
    wrong, questions = [], [" ".join(f"{learner}.{turn}" for turn in range(12)) for learner in range(30)]

    def learner(question: str) -> None:
        request = {"messages": [{"role": "user", "content": question}]}
        said = "".join(ServerConnection(server.url).stream("/chat/completions", request, _piece))
        if said.strip() != question:
            wrong.append((question, said))

    threads = [threading.Thread(target=learner, args=(question,)) for question in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong and server.count() == 30


def test_ask_gives_the_json_of_a_path_at_the_root_or_below_the_base(server):
    server.play(**{"/tokenize": as_json({"count": 3})})
    connection = ServerConnection(server.url, patience=HASTY)
    assert connection.ask("/tokenize", {"prompt": "a"}, root=True) == {"count": 3}
    assert connection.ask("/models")["data"][0]["id"] == "small-chat"
    assert [asked.method for asked in server.asked] == ["POST", "GET"]
    assert json.dumps(server.asked[0].body) == '{"prompt": "a"}'
