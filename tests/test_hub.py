"""A model that is a repository comes here whole and verified or not at all, and a broken-off download goes on.

The hub is a small server on this computer; what asks it is the real client library.
"""

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from hub_repository import make_repository
from hub_server import ACCOUNTS, HubServer, ask_only
from llama_course.models import hub, hub_download
from llama_course.models.catalog import Licence, ModelCard, Source, find_card
from llama_course.models.hub import COMPLETE, fetch_repository, is_complete, repository_folder
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.loading import load_model

CARD = ModelCard(
    name="few-files",
    description="No model at all.",
    parameters=0,
    licence=Licence("MIT", "https://opensource.org/license/mit"),
    source=Source("nobody/few-files", "0123456789abcdef0123456789abcdef01234567"),
    memory_gib=0.001,
    max_context_tokens=16,
    special_tags=(),
)
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "model-00001-of-00002.safetensors": b"a" * 5000,
    "model-00002-of-00002.safetensors": b"b" * 4000,
    "model.safetensors.index.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "training.py": b"import os",
    "README.md": b"a card",
}
GOOD = {name for name in FILES if name.endswith((".json", ".safetensors"))}


@pytest.fixture
def server(tmp_path, own_home, monkeypatch):
    """A hub on this computer with the few files, and the client library pointed at it."""
    folder = tmp_path / "hub"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    server = HubServer(folder, CARD.source.repository, CARD.source.revision, gated=False)
    ask_only(server, monkeypatch)
    yield server
    server.shutdown()
    server.server_close()


def quietly(card=CARD):
    return fetch_repository(card, say=lambda line: None)


def here() -> set[str]:
    folder = repository_folder(CARD)
    return {path.name for path in folder.iterdir()} - {".lock"} if folder.exists() else set()


def served(server) -> list[str]:
    """Files that were handed out since the last look."""
    names = [name for name, _ in server.served]
    server.served.clear()
    return names


def test_weights_config_and_tokenizer_come_and_nothing_that_could_run(server):
    folder = quietly()
    assert folder == repository_folder(CARD)
    assert here() == GOOD | {COMPLETE}
    assert all((folder / name).read_bytes() == FILES[name] for name in GOOD)
    assert is_complete(CARD)


def test_small_files_come_first_so_that_a_refusal_costs_nothing(server):
    quietly()
    names = served(server)
    assert set(names) == GOOD
    assert names[-1] == "model-00001-of-00002.safetensors"


def test_what_is_here_is_not_asked_for_again(server):
    quietly()
    server.shutdown()
    quietly()


def test_each_step_is_told_with_the_size(server):
    said = []
    fetch_repository(CARD, say=said.append)
    assert said == [
        "Fetching few-files (0.0 GiB, 5 files) from the Hugging Face hub ...",
        f"few-files is here and verified: {repository_folder(CARD)}",
    ]


def test_a_connection_that_breaks_is_taken_up_where_it_was(server):
    server.break_off_after = 1500
    quietly()
    ranges = [asked for name, asked in server.served if name.endswith("1-of-00002.safetensors")]
    others = [asked for name, asked in server.served if name.endswith("2-of-00002.safetensors")]
    assert sorted([*ranges, *others], key=str) == [None, None, "bytes=1500-"]
    assert is_complete(CARD)


def test_a_server_that_cannot_go_on_sends_all_again(server):
    server.break_off_after, server.knows_ranges = 1500, False
    quietly()
    assert is_complete(CARD)


def test_a_part_longer_than_the_file_is_thrown_away(server):
    folder = repository_folder(CARD)
    folder.mkdir(parents=True)
    (folder / "config.json.part").write_bytes(b"x" * 1000)
    quietly()
    assert is_complete(CARD)


def test_a_hub_that_breaks_off_again_and_again_is_given_up_and_what_came_stays(server):
    server.break_off_after, server.breaks_always = 0, True
    with pytest.raises(ModelNotAvailableError, match=r"could not be fetched.*what has come already is kept"):
        quietly()
    assert not is_complete(CARD)
    assert "config.json" in here()
    server.break_off_after, server.breaks_always = None, False
    served(server)
    quietly()
    assert "config.json" not in served(server)
    assert is_complete(CARD)


def test_something_shorter_in_place_of_the_file_is_not_asked_for_for_ever(server):
    server.knows_ranges, server.login_page = False, b"please log in to this network"
    with pytest.raises(ModelNotAvailableError, match=r"00002.safetensors ends after 29 of \d,000 bytes, each time"):
        quietly()
    assert 1 < len([name for name in served(server) if name.endswith(".safetensors")]) < 10
    server.knows_ranges, server.login_page = True, None
    with pytest.raises(ModelNotAvailableError, match="arrived damaged"):  # it went on after those 29 bytes
        quietly()
    quietly()
    assert is_complete(CARD)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_hub_is_asked_again(server, status):
    server.answers = [status, status]
    quietly()
    assert is_complete(CARD)


def test_a_refusal_is_not_asked_for_again(server):
    server.answers = [403]
    with pytest.raises(ModelNotAvailableError, match=r"answered with error 403"):
        quietly()
    assert served(server) == []


@pytest.mark.parametrize("name", ["model-00001-of-00002.safetensors", "config.json"])
def test_a_file_that_arrives_damaged_is_not_kept(server, name):
    server.damaged = {name}
    with pytest.raises(ModelNotAvailableError, match=rf"{name} of few-files arrived damaged.*fetch it anew"):
        quietly()
    assert not {name, f"{name}.part"} & here()
    assert not is_complete(CARD)
    server.damaged = set()
    quietly()
    assert (repository_folder(CARD) / name).read_bytes() == FILES[name]


@pytest.mark.parametrize("damage", [b"a" * 4000, b"", None], ids=["half written", "empty", "deleted"])
def test_a_half_written_cache_is_noticed_and_mended(server, damage):
    path = quietly() / "model-00001-of-00002.safetensors"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    served(server)
    quietly()
    assert served(server) == [path.name]
    assert path.read_bytes() == FILES[path.name]


def test_a_process_that_dies_before_a_file_is_checked_leaves_no_complete_model(server, monkeypatch):
    path = quietly() / "model-00001-of-00002.safetensors"
    path.unlink()
    server.damaged = {path.name}

    def die_afterwards(*arguments):
        hub_download.download(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(hub, "download", die_afterwards)
    with pytest.raises(KeyboardInterrupt):
        quietly()
    assert path.stat().st_size == len(FILES[path.name])
    assert not is_complete(CARD)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"files": 3}', '{"repository": "x", "revision": "y", "files": {}}'])
def test_a_damaged_record_means_looking_again_at_every_file(server, record):
    folder = quietly()
    (folder / "tokenizer.json").write_bytes(b"{?")  # as long as it was
    (folder / COMPLETE).write_text(record, encoding="utf-8")
    assert not is_complete(CARD)
    served(server)
    quietly()
    assert served(server) == ["tokenizer.json"]
    assert is_complete(CARD)


def test_another_pinned_revision_is_another_model(server):
    folder = quietly()
    record = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
    (folder / COMPLETE).write_text(json.dumps(record | {"revision": "f" * 40}), encoding="utf-8")
    assert not is_complete(CARD)


def test_a_repository_without_safetensors_is_refused(server):
    for path in server.folder.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(ModelNotAvailableError, match=r"no weights in the safetensors format"):
        quietly()
    assert here() == set()


def test_too_little_disk_is_said_before_the_weights_are_downloaded(server, monkeypatch):
    usage = namedtuple("Usage", "total used free")(10**12, 10**12, 2**28)
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(hub, "LARGE_BYTES", 1000)
    with pytest.raises(ModelNotAvailableError, match=r"needs 0.5 GiB of disk, and 0.2 .*LLAMA_COURSE_HOME"):
        quietly()
    assert not [name for name in served(server) if name.endswith(".safetensors")]


def test_what_has_come_is_not_counted_against_the_disk(server):
    folder = repository_folder(CARD)
    folder.mkdir(parents=True)
    (folder / "a.safetensors.part").write_bytes(b"x" * 300)
    files = [hub.HubFile("a.safetensors", 1000, "", None), hub.HubFile("b.safetensors", 10, "", None)]
    assert hub._left_bytes(folder, files) == 710


def test_a_disk_that_fills_up_is_explained(server, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_download, "open", full, raising=False)
    with pytest.raises(ModelNotAvailableError, match=r"Could not write .*few-files: the disk is full"):
        quietly()


@pytest.mark.parametrize("variable", ["LLAMA_COURSE_OFFLINE", "HF_HUB_OFFLINE"])
def test_in_offline_mode_nobody_is_asked_and_what_is_here_is_used(server, monkeypatch, variable):
    folder = quietly()
    served(server)
    monkeypatch.setenv(variable, "1")
    assert quietly() == folder
    (folder / "config.json").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"a part of it is.*offline mode is set.*llama-course fetch few-"):
        quietly()
    assert served(server) == []


def test_two_threads_at_once_fetch_once(server):
    threads = [threading.Thread(target=quietly) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(served(server)) == sorted(GOOD)


# -- in processes of their own --------------------------------------------------------------------------------------

FETCH = """
import sys
sys.path.insert(0, sys.argv[1])
from llama_course.models.catalog import find_card
from llama_course.models.hub import fetch_repository
from llama_course.models.interface import ModelNotAvailableError
try:
    print("READY", fetch_repository(find_card(sys.argv[2])))
except ModelNotAvailableError as error:
    print("REFUSED", error)
"""


def ask(server, home, name, token=None, code=FETCH) -> subprocess.CompletedProcess:
    environment = dict(os.environ, HF_ENDPOINT=server.endpoint, LLAMA_COURSE_HOME=str(home), HF_HOME=str(home / "hf"))
    environment |= {"HF_HUB_OFFLINE": "0", "HF_TOKEN": token or ""}
    command = [sys.executable, "-c", code, str(Path(__file__).parent), name]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120)


def serve(folder: Path, name: str) -> HubServer:
    source = find_card(name).source
    return HubServer(folder, source.repository, source.revision, gated=source.gated)


@pytest.fixture
def big_files(tmp_path):
    """Weights of 24 MB."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "config.json").write_bytes(b"{}")
    (folder / "model.safetensors").write_bytes(hashlib.sha256(b"seed").digest() * 750_000)
    return folder


KILLED = FETCH.replace(
    "try:",
    """import os, threading, time
def kill_when_a_part_has_come():
    from llama_course.paths import models_dir
    while True:
        time.sleep(0.01)
        try:
            if any(part.stat().st_size > 10_000_000 for part in models_dir().rglob("*.part")):
                os._exit(9)
        except FileNotFoundError:  # that of a small file, which is complete and has its own name now
            pass
threading.Thread(target=kill_when_a_part_has_come, daemon=True).start()
try:""",
)


def test_a_killed_download_goes_on_in_the_next_process(big_files, own_home):
    server = serve(big_files, "tinyllama-1.1b-chat")
    server.slow_after = 15_000_000
    assert ask(server, own_home, "tinyllama-1.1b-chat", code=KILLED).returncode == 9
    assert not is_complete(find_card("tinyllama-1.1b-chat"))
    server.slow_after = None
    run = ask(server, own_home, "tinyllama-1.1b-chat")
    assert "READY" in run.stdout, run.stdout + run.stderr
    name, asked = server.served[-1]
    assert name == "model.safetensors"
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 10_000_000


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (None, "no token"),
        ("hf_expired0123456789", "does not accept the token"),
        ("hf_stranger0123456789", "was not accepted yet"),
        ("hf_waiting0123456789", "is waiting"),
        ("hf_fine-grained", "fine-grained"),
        ("hf_accepted0123456789", "READY"),
    ],
)
def test_refusals_are_told_apart(tmp_path, own_home, account, said):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "config.json").write_bytes(b"{}")
    (tmp_path / "hub" / "model.safetensors").write_bytes(b"weights")
    run = ask(serve(tmp_path / "hub", "llama-2-7b-chat"), own_home, "llama-2-7b-chat", account)
    assert said in run.stdout, run.stdout + run.stderr
    assert run.stdout.count("REFUSED") == (said != "READY")
    if account:
        assert account not in run.stdout + run.stderr


@pytest.mark.parametrize("account", ACCOUNTS)
def test_after_every_refusal_and_with_a_full_disk_the_lesson_goes_on(
    tmp_path, own_home, miniatures, monkeypatch, capfd, account
):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "config.json").write_bytes(b"{}")
    (tmp_path / "hub" / "model.safetensors").write_bytes(b"weights")
    server = serve(tmp_path / "hub", "llama-2-7b-chat")
    ask_only(server, monkeypatch)
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "llama-2-7b-chat")
    monkeypatch.setenv("HF_TOKEN", account or "")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    usage = namedtuple("Usage", "total used free")(10**12, 10**12, 2**20)
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(hub, "LARGE_BYTES", len(b"weights"))
    monkeypatch.setattr(hub.hardware, "memory_gib", lambda: (64.0, 60.0))
    try:
        assert load_model().name == "tiny-chat"
    finally:
        server.shutdown()
        server.server_close()
    told, progress = capfd.readouterr()
    estimate, fetching, *reason = told.partition("\nMeanwhile the lesson goes on with another model.\n")[0].splitlines()
    assert estimate.startswith("llama-2-7b-chat needs 30.6 GiB")
    assert fetching.startswith("Fetching llama-2-7b-chat")
    assert "llama-2-7b-chat" in reason[0]
    assert ("GiB of disk" in reason[0]) == (account == "hf_accepted0123456789")
    assert "Meanwhile" not in "".join(reason)
    assert reason[-1] == reason[-1].rstrip()
    assert (account or "hf_") not in told + progress


def test_a_hub_that_is_not_there_is_no_traceback(tmp_path, own_home):
    server = serve(tmp_path, "tinyllama-1.1b-chat")
    server.shutdown()
    server.server_close()
    run = ask(server, own_home, "tinyllama-1.1b-chat")
    assert "REFUSED tinyllama-1.1b-chat is not on this computer and could not be fetched" in run.stdout
    assert run.stderr == ""


WHOLE_WAY = """
import json, sys
from llama_course import hardware, load_model
hardware.memory_gib = lambda: (64.0, 60.0)  # the estimate is that of the real model
model = load_model(sys.argv[2], max_context_tokens=100)
text = model.chat("Luma likes", temperature=0, max_new_tokens=6)
tokens = model.tokenize("The llama 2")
scores = [entry.log_prob for entry in model.log_probabilities("The llama eats grass")]
print(json.dumps([repr(model), text, [token.text for token in tokens], scores, str(model.model.dtype)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama-2-7b-chat", "tinyllama-1.1b-chat"])
def test_the_whole_way_from_the_hub_to_an_answer(tmp_path, own_home, name):
    folder = make_repository(tmp_path / "hub")
    run = ask(serve(folder, name), own_home, name, "hf_accepted0123456789", WHOLE_WAY)
    assert run.returncode == 0, run.stderr
    estimate, fetching, ready, result = run.stdout.splitlines()
    assert estimate.startswith(f"{name} needs ")
    assert "loading it in" in estimate
    assert fetching.startswith(f"Fetching {name}")
    assert ready.startswith(f"{name} is here and verified")
    shown, text, tokens, scores, dtype = json.loads(result)
    assert shown == f"<{name} on transformers, context 100 tokens>"
    assert "".join(tokens) == " The llama 2"
    assert scores[0] is None
    assert dtype == "torch.float32"
    assert text == expected_answer(folder, name, dtype)


def expected_answer(folder: Path, name: str, dtype: str) -> str:
    """The same from transformers itself: its generate, on the chat format as the models' makers write it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype.removeprefix("torch.")))
    prompt = "<|user|>\nLuma likes</s>\n<|assistant|>\n" if "tiny" in name else "<s>[INST] Luma likes [/INST]"
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=6, pad_token_id=0)
    text = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    return text if "tiny" in name else text.strip()
