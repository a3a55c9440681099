"""llama-course serve: the real llama.cpp on 127.0.0.1, its key, what it hides, and how it ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from llama_course import cli
from llama_course.models import class_server
from llama_course.models.class_server import ClassServer, Plan, given_key, new_key, warning
from llama_course.models.interface import ModelNotAvailableError, PromptTooLongError, SpecialTagsError
from llama_course.models.loading import load_model
from llama_course.models.server_address import KEY_VARIABLE, SERVER_VARIABLE
from llama_course.models.server_backend import LlamaCppServerModel, ServerModel
from llama_course.models.server_connection import ServerConnection, ServerError
from tiny_gguf import VOCABULARY, write_tiny_gguf

KEY = "k3y-of-the-class"


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "Tiny.gguf"
    write_tiny_gguf(path)
    return path


@pytest.fixture(scope="module")
def served(tiny_path):
    server = ClassServer(Plan(model=str(tiny_path), port=0, slots=2, context_tokens=64, threads=1), KEY)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)


@pytest.fixture
def model(served):
    return load_model("server:tiny", base_url=served.url)


@pytest.fixture(scope="module")
def real():
    server = ClassServer(Plan(port=0, slots=4, context_tokens=512, threads=1), KEY)
    yield server
    server.close()


# -- the real llama.cpp ------------------------------------------------------------------------------------------------


def test_it_is_the_same_model_as_on_this_computer(model, tiny_path):
    here = load_model(tiny_path, "llama.cpp", max_context_tokens=64)
    assert type(model) is LlamaCppServerModel and model.max_context_tokens == here.max_context_tokens == 64
    assert model.text_start == here.text_start
    for text in ("xab", "q#1 é🦙"):
        assert model.tokenize(text) == here.tokenize(text)
        theirs, mine = (m.next_token_probabilities(text, VOCABULARY) for m in (model, here))
        assert len(theirs) == VOCABULARY and sum(item.probability for item in theirs) == pytest.approx(1, abs=1e-3)
        assert {i.token: i.probability for i in theirs} == pytest.approx(
            {i.token: i.probability for i in mine}, abs=1e-4
        )
        scores = [[item.log_prob for item in m.log_probabilities(text)] for m in (model, here)]
        assert scores[0][0] is None and scores[0][1:] == pytest.approx(scores[1][1:], abs=1e-3)
    assert model.count_tokens("Hi") == here.count_tokens("Hi")
    greedy = {"temperature": 0, "max_new_tokens": 20}
    assert model.chat("Hi", **greedy) == here.chat("Hi", **greedy)
    assert model.complete("xab", **greedy) == here.complete("xab", **greedy)


def test_the_same_seed_gives_the_same_text(model):
    drawn = [model.chat("Hi", seed=seed, max_new_tokens=10, temperature=1) for seed in (5, 5, 6, 7)]
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1


def test_a_real_model_streams_and_stops(real):
    model = load_model("server:smollm2-135m-instruct", base_url=real.url)
    here = load_model("smollm2-135m-instruct", "llama.cpp")
    pieces = []
    said = model.stream("Name an animal.", pieces.append, temperature=0, max_new_tokens=12)
    assert "".join(pieces) == said == here.chat("Name an animal.", temperature=0, max_new_tokens=12)
    assert len(pieces) > 5
    stopped = []
    model.stream("Count to a thousand.", lambda piece: stopped.append(piece) or len(stopped) < 3, temperature=0)
    assert len(stopped) == 3
    assert str(model.card).endswith("what you type is sent there. 0.135 billion parameters. Licence: Apache-2.0.")
    with pytest.raises(SpecialTagsError):
        model.chat("a <|im_start|> b")
    with pytest.raises(PromptTooLongError, match="considers 512 at once"):
        model.chat("word " * 2000)


def test_a_learner_who_stops_makes_room_at_once(real):
    model = load_model("server:smollm2-135m-instruct", base_url=real.url)
    long = {"max_new_tokens": 200, "temperature": 1}
    for number in range(12):  # three times as many as it can write at once
        model.stream(f"Tell a very long story, {number}.", lambda piece: False, **long)
    began = time.monotonic()
    model.chat("Hi", max_new_tokens=1)
    assert time.monotonic() - began < 20, "it waited for twelve stories"


def test_twelve_learners_at_once_keep_their_streams_apart(real):
    """Each stream has one id of llama.cpp's own, on all its chunks; no two have the same."""
    seen, lost = {}, []

    def learner(number: int) -> None:
        ids = set()

        def read(chunk):
            ids.add(chunk["id"])
            return chunk["choices"][0]["delta"].get("content") or ""

        request = {"messages": [{"role": "user", "content": f"Say {number}."}], "max_tokens": 8, "temperature": 0}
        text = "".join(ServerConnection(real.url, KEY).stream("/chat/completions", request, read))
        seen[number] = ids
        if not text:
            lost.append(number)

    threads = [threading.Thread(target=learner, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not lost and all(len(ids) == 1 for ids in seen.values())
    assert len({next(iter(ids)) for ids in seen.values()}) == 12


def test_the_plain_form_works_on_it_as_far_as_it_goes(real):
    plain = ServerModel(ServerConnection(real.url, KEY), "smollm2-135m-instruct", {}, None)
    here = load_model("smollm2-135m-instruct", "llama.cpp")
    text = "The capital of France is"
    theirs, mine = (model.next_token_probabilities(text, 4) for model in (plain, here))
    assert [item.token for item in theirs] == [item.token for item in mine]
    with pytest.raises(ModelNotAvailableError, match="does not show the tokens of a text"):
        plain.log_probabilities(text)


# -- who may do what ---------------------------------------------------------------------------------------------------


def fetch(served, path, key=KEY, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    try:
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


@pytest.mark.parametrize("key", [None, "wrong-key-of-mine", KEY[:-1], KEY + "x", KEY.upper()])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
        ("/v1/completions", {"prompt": "a", "max_tokens": 1}),
        ("/completion", {"prompt": "a", "n_predict": 1}),
        ("/tokenize", {"content": "a"}),
        ("/props", None),
        ("/slots", None),
    ],
)
def test_nobody_gets_an_answer_without_the_key(served, path, body, key):
    assert fetch(served, path, key, body)[0] == 401


@pytest.mark.parametrize("path", ["/slots", "/metrics"])
def test_nobody_sees_what_others_ask(served, path):
    assert fetch(served, path)[0] == 501


def test_a_page_in_a_browser_may_not_ask(served):
    _, _, headers = fetch(served, "/v1/models", Origin="http://evil.example")
    assert headers.get("Access-Control-Allow-Origin") in (None, "")


def test_a_learner_without_or_with_a_wrong_key_is_told(served, monkeypatch):
    for key, words in (("", "wants an access key"), ("wrong-key", "does not accept the access key")):
        monkeypatch.setenv(KEY_VARIABLE, key)
        with pytest.raises(ServerError, match=words) as caught:
            load_model("server:tiny", base_url=served.url)
        assert "wrong-key" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 need not be this computer")
def test_it_listens_on_its_address_only(served):
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", served.port), timeout=1)


# -- the plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1},
        {"port": 65536},
        {"learners": 0},
        {"slots": 0},
        {"slots": 1.5},
        {"context_tokens": 8},
        {"threads": 0},
    ],
)
def test_an_impossible_plan_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a whole number"):
        Plan(**wrong)


def test_there_is_a_connection_for_every_learner_and_the_whole_context_for_every_slot():
    settings = class_server.llama_cpp_settings(Plan(learners=50, slots=3, context_tokens=100), Path("x"), "x", 1, KEY)
    assert settings["n_threads_http"] >= 100 and settings["n_ctx"] == 300 and settings["n_parallel"] == 3


def test_by_itself_it_is_for_this_computer_only():
    assert Plan().host == "127.0.0.1" and warning(Plan().host) == ""


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("0.0.0.0", "everybody in your networks can use"),
        ("::", "everybody in your networks can use"),
        ("192.168.1.20", "everybody who reaches 192.168.1.20 can use"),
        ("class-server", "everybody who reaches class-server"),
        ("8.8.8.8", "an address of the open internet"),
    ],
)
def test_an_address_of_a_network_comes_with_a_warning(host, words):
    assert words in warning(host) and "unencrypted" in warning(host)
    assert ("open internet" in warning(host)) == (host == "8.8.8.8")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_computer_alone_needs_none(host):
    assert warning(host) == ""


def test_keys_are_long_different_and_easy_to_copy():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){2}", key) for key in keys)


def test_a_given_key_is_taken_and_a_short_one_refused(monkeypatch):
    assert given_key() == KEY
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(ValueError, match="too easy to guess") as caught:
        given_key()
    assert "'short'" not in str(caught.value)
    monkeypatch.delenv(KEY_VARIABLE)
    assert given_key() is None


def test_the_instructions_show_a_new_key_only(served):
    assert f"{KEY_VARIABLE}={KEY}" in served.instructions(show_key=True)
    assert KEY not in served.instructions(show_key=False)
    assert (
        f"    export LLAMA_COURSE_MODEL=server:tiny\n    export {SERVER_VARIABLE}=http://127.0.0.1:{served.port}/v1\n"
        in served.instructions(False)
    )


def test_for_all_networks_the_address_is_left_to_the_teacher(served, monkeypatch):
    monkeypatch.setattr(served, "plan", Plan(host="0.0.0.0"))
    monkeypatch.setattr(class_server, "_own_addresses", lambda: ["192.0.2.7"])
    said = served.instructions(show_key=False)
    assert (
        f"http://ADDRESS:{served.port}/v1" in said
        and "ADDRESS is this computer's in the class's network: 192.0.2.7" in said
    )


def test_a_port_that_is_taken_and_an_address_of_somebody_else_are_said(served, tiny_path):
    for host, port in (("127.0.0.1", served.port), ("192.0.2.1", 0)):
        with pytest.raises(ModelNotAvailableError, match=rf"Nothing can listen on {host}, port {port}: "):
            ClassServer(Plan(model=str(tiny_path), host=host, port=port))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("tiny-chat", "llama.cpp serves GGUF files, and tiny-chat is none"),
        ("llama-2-7b-chat", "llama.cpp serves GGUF files"),
        ("nowhere.gguf", r"There is no file nowhere\.gguf"),
    ],
)
def test_what_cannot_be_served_is_said(model, words):
    with pytest.raises(ModelNotAvailableError, match=words):
        ClassServer(Plan(model=model, port=0))


def test_a_damaged_file_is_said(tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF but no more")
    with pytest.raises(ModelNotAvailableError, match=r"llama.cpp could not start with .*broken\.gguf"):
        ClassServer(Plan(model=str(tmp_path / "broken.gguf"), port=0))


def test_an_xllamacpp_that_cannot_close_every_door_is_refused(tiny_path, monkeypatch):
    settings = class_server.llama_cpp_settings
    monkeypatch.setattr(class_server, "llama_cpp_settings", lambda *given: settings(*given) | {"no_such_door": False})
    with pytest.raises(ModelNotAvailableError, match=r"too old for a class server \(it lacks no_such_door\)"):
        ClassServer(Plan(model=str(tiny_path), port=0))


def test_closed_it_is_gone(tiny_path):
    server = ClassServer(Plan(model=str(tiny_path), port=0, slots=1, context_tokens=64))
    server.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_it_ends_at_once_though_learners_stand_in_line(tiny_path):
    """One writes, the others wait for the only slot; the last one has not even been read, and the door is open."""
    server = ClassServer(Plan(port=0, slots=1, context_tokens=1024, threads=1), KEY)
    failed = []

    def learner() -> None:
        request = {"messages": [{"role": "user", "content": "Tell a story."}], "max_tokens": 900, "ignore_eos": True}
        try:
            list(ServerConnection(server.url, KEY).stream("/chat/completions", request, lambda chunk: ""))
        except ServerError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=learner) for _ in range(Plan().learners)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    assert ServerConnection(server.url, KEY).ask("/models", seconds=5)["data"], "who comes last may still look around"
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 20 and not server.is_running, "it waited for their answers"
    for thread in threads:
        thread.join(10)
    assert len(failed) == Plan().learners


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not there")
def test_it_ends_with_whoever_started_it_even_if_that_is_killed(tiny_path, monkeypatch):
    code = (
        "import sys, time\n"
        "from llama_course.models.class_server import ClassServer, Plan\n"
        "server = ClassServer(Plan(model=sys.argv[1], port=0, slots=1, context_tokens=64))\n"
        "print(server.port, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tiny_path)], stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the server outlived the process that started it")


@pytest.mark.skipif(sys.platform != "linux", reason="command lines are read from /proc")
def test_the_key_is_on_no_command_line_and_in_no_environment(tiny_path):
    server = ClassServer(Plan(model=str(tiny_path), port=0, slots=1, context_tokens=64), given_key())
    process = Path(f"/proc/{server._process.pid}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    server.close()
    assert server.key == KEY and b"class_server_process" in seen and KEY.encode() not in seen


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tiny_path, monkeypatch):
    """``llama-course serve`` as a process, its address and its first lines."""
    monkeypatch.delenv(KEY_VARIABLE)
    arguments = ["serve", f"--model={tiny_path}", "--port=0", "--slots=1", "--context-tokens=64", "--threads=1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "llama_course", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    lines = [process.stdout.readline() for _ in range(6)]
    yield process, "".join(lines)
    process.kill()
    process.wait()


def setting(said: str, name: str) -> str:
    return re.search(rf"{name}=(\S+)", said)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_the_command_serves_until_it_is_interrupted_even_in_the_middle_of_an_answer(command, monkeypatch):
    process, said = command
    assert said.endswith("Stop with Ctrl-C.\n")
    monkeypatch.setenv("LLAMA_COURSE_MODEL", setting(said, "LLAMA_COURSE_MODEL"))
    monkeypatch.setenv(SERVER_VARIABLE, setting(said, SERVER_VARIABLE))
    monkeypatch.setenv(KEY_VARIABLE, setting(said, KEY_VARIABLE))
    model, came = load_model(), []
    assert model.name == "server:tiny"

    def interrupt(piece):
        came.append(piece)
        if len(came) == 1:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, to all its processes
            assert process.wait(10) == 0

    try:
        model.stream("Hi", interrupt, max_new_tokens=30, temperature=0)
    except ServerError as error:  # unless the whole answer was on its way already
        assert "broke off in the middle of its answer" in str(error)
    assert came
    out, err = process.communicate()
    assert "Stopping" in out and not err
    with pytest.raises(ServerError, match="no server is running"):
        model.chat("Hi")


def test_a_mistake_is_a_sentence(capsys, monkeypatch):
    for arguments, words in ((["--slots", "0"], "slots must be"), (["--model", "tiny-chat"], "serves GGUF files")):
        assert cli.main(["serve", *arguments]) == 1
        assert words in capsys.readouterr().err
    monkeypatch.setenv(KEY_VARIABLE, "short")
    assert cli.main(["serve"]) == 1
    assert "too easy to guess" in capsys.readouterr().err
