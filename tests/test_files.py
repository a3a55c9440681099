"""Files are never half written, and a lock dies with its process."""

import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import threading

import pytest

from llama_course import files

HOLD_THE_LOCK = """
import sys, time
from llama_course import files
with files.lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
COUNT_UNDER_THE_LOCK = """
import sys
from pathlib import Path
from llama_course import files
counter = Path(sys.argv[2])
for _ in range(30):
    with files.lock(sys.argv[1]):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def raising(error):
    def raise_it(*args, **kwargs):
        raise error

    return raise_it


def test_text_is_written_as_utf_8_and_folders_are_made(tmp_path):
    files.write_atomically(tmp_path / "a" / "b.txt", "lama 🦙 라마")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "lama 🦙 라마".encode()


def test_bytes_are_written_as_they_are(tmp_path):
    files.write_atomically(tmp_path / "b", b"\r\n\x00")
    assert (tmp_path / "b").read_bytes() == b"\r\n\x00"


@pytest.mark.parametrize(
    ("where", "error", "said"),
    [
        ("os.replace", OSError(errno.EIO, "Input/output error"), "Input/output error"),
        ("os.fsync", OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        ("tempfile.mkstemp", OSError(errno.EROFS, "Read-only file system"), "read-only.*LLAMA_COURSE_HOME"),
        ("tempfile.mkstemp", OSError(errno.EACCES, "Permission denied"), "may not be written.*LLAMA_COURSE_HOME"),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_says_what_to_do(tmp_path, monkeypatch, where, error, said):
    path = tmp_path / "kept.json"
    path.write_text("old", encoding="utf-8")
    module, function = where.split(".")
    monkeypatch.setattr({"os": os, "tempfile": tempfile}[module], function, raising(error))
    with pytest.raises(OSError, match=rf"Could not write .*kept\.json: .*{said}") as caught:
        files.write_atomically(path, "new")
    assert caught.value.errno == error.errno
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses to replace a file while it is being read")
def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "shared"
    whole = [letter * 200_000 for letter in ("a", "b")]
    files.write_atomically(path, whole[0])
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(path.read_text(encoding="utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        files.write_atomically(path, whole[number % 2])
    done.set()
    reader.join()
    assert seen <= set(whole)


def test_a_lock_held_by_another_process_is_waited_for_and_then_explained(tmp_path):
    lock = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD_THE_LOCK, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(TimeoutError, match=r"Another process has held .*lock"), files.lock(lock, timeout_s=0.2):
            pass
        holder.kill()  # without a chance to clean up
        holder.wait()
        with files.lock(lock, timeout_s=10):  # its owner would have held it for a minute
            pass


def test_two_processes_under_one_lock_lose_no_step(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0", encoding="utf-8")
    command = [sys.executable, "-c", COUNT_UNDER_THE_LOCK, tmp_path / "lock", counter]
    with subprocess.Popen(command) as first, subprocess.Popen(command) as second:
        assert (first.wait(), second.wait()) == (0, 0)
    assert counter.read_text(encoding="utf-8") == "60"


def test_a_lock_holds_between_threads_too(tmp_path):
    with files.lock(tmp_path / "lock"):
        outcome = []

        def try_it():
            try:
                with files.lock(tmp_path / "lock", timeout_s=0.1):
                    outcome.append("got it")
            except TimeoutError:
                outcome.append("timed out")

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert outcome == ["timed out"]


def test_a_lock_is_free_again_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), files.lock(tmp_path / "new" / "lock"):
        1 / 0  # noqa: B018
    with files.lock(tmp_path / "new" / "lock", timeout_s=0.1):
        pass


def test_sha256_is_that_of_the_standard_s_example(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(tmp_path / "abc") == known == hashlib.sha256(b"abc").hexdigest()
