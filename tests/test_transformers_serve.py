"""The real ``transformers serve`` on 127.0.0.1, with tiny-chat: it chats and completes, but shows no probabilities."""

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import llama_course
from llama_course.models.loading import load_model
from llama_course.models.server_address import KEY_VARIABLE
from llama_course.models.server_backend import NotOnServerError, ServerModel

NEEDED = ("fastapi", "uvicorn", "openai", "pydantic", "accelerate")
SERVE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"
pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in NEEDED),
    reason=f"transformers serve needs {', '.join(NEEDED)}: pip install 'llama-course[test]'",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address of the server and the folder that it serves.

    The folder is a copy of tiny-chat with what the server needs: it makes the chat format's markers with the
    tokenizer, which the course's own lets nobody type, and it draws at random only if the model's settings say so.
    """
    folder = tmp_path_factory.mktemp("served") / "tiny-chat"
    shutil.copytree(Path(llama_course.__file__).parent / "checkpoints" / "tiny-chat", folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings | {"split_special_tokens": False}), encoding="utf-8"
    )
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "eos_token_id": 2}), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = ["--host", "127.0.0.1", "--port", port, "--device", "cpu", "--dtype", "float32"]
    log = folder.parent / "log.txt"  # not a pipe, which would fill up and stop it
    with log.open("wb") as written:
        arguments = [sys.executable, "-c", SERVE, "serve", str(folder), *settings]
        process = subprocess.Popen(arguments, stdout=written, stderr=written)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            opener.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.2)
    else:
        process.kill()
        process.wait()
        pytest.fail(f"transformers serve did not start: {log.read_text(encoding='utf-8')[-2000:]}")
    yield f"http://127.0.0.1:{port}/v1", folder
    process.kill()
    process.wait()


@pytest.fixture
def model(served, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    url, folder = served
    return load_model(f"server:{folder}", base_url=url)


def test_it_answers_as_the_same_model_does_here(served, model):
    here = load_model(served[1], "transformers")
    assert type(model) is ServerModel
    greedy = {"temperature": 0, "max_new_tokens": 16}
    pieces = []
    talk = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who is the baker?"},
        {"role": "assistant", "content": "Luma."},
        {"role": "user", "content": "And the miller?"},
    ]
    said = model.stream(talk, pieces.append, **greedy)
    assert said == "".join(pieces) and len(pieces) > 3
    assert said.strip() == here.chat(talk, **greedy).strip()
    assert model.complete("Luma lives", **greedy).strip() == here.complete("Luma lives", **greedy).strip()


def test_the_same_seed_gives_the_same_text(model):
    drawn = [model.chat("Tell me a story.", seed=seed, max_new_tokens=12, temperature=2) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1


def test_it_stops_when_told(model):
    pieces = []
    model.stream(
        "Tell me a story.", lambda piece: pieces.append(piece) or len(pieces) < 2, max_new_tokens=300, temperature=0
    )
    assert len(pieces) == 2
    assert model.chat("Hi", max_new_tokens=1) is not None


def test_it_shows_no_probabilities_and_that_is_said(model):
    for ask in (model.next_token_probabilities, model.log_probabilities, model.tokenize):
        with pytest.raises(NotOnServerError, match=r"does not show .* Lessons 02 and 07 need them"):
            ask("Luma lives")


def test_another_model_than_the_server_s_is_refused_in_its_words(served):
    with pytest.raises(ValueError, match=r"refused the request: Server is pinned to"):
        load_model("server:/somewhere/else", base_url=served[0]).chat("Hi")
