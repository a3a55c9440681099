"""The network block of these tests holds: here, in child processes, and in notebook kernels."""

import os
import socket
import subprocess
import sys
import threading
import urllib.request

import network_block
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from authoring.execution import kernel_manager

ELSEWHERE = "192.0.2.1"  # TEST-NET-1: promised to belong to nobody
NO_SUCH_NAME = "llama-course.invalid"
TRY_TO_LEAVE = f"""
import socket
for attempt in (
    lambda: socket.create_connection(("{ELSEWHERE}", 80), timeout=5),
    lambda: socket.getaddrinfo("{NO_SUCH_NAME}", 443),
    lambda: __import__("urllib.request").request.urlopen("http://{NO_SUCH_NAME}/", timeout=5),
):
    try:
        attempt()
    except OSError as error:
        print("BLOCKED" if "The tests block the network" in str(error) else error)
"""


@pytest.mark.parametrize("address", [ELSEWHERE, "8.8.8.8", "2001:db8::1", "::ffff:192.0.2.1"])
def test_a_connection_to_another_computer_is_refused(address):
    with pytest.raises(network_block.NetworkBlockedError, match="tests block the network"):
        socket.create_connection((address, 80), timeout=5)


@pytest.mark.parametrize("look_up", [socket.gethostbyname, lambda name: socket.getaddrinfo(name, 443)])
def test_a_name_look_up_is_refused(look_up):
    with pytest.raises(network_block.NetworkBlockedError, match=NO_SUCH_NAME):
        look_up(NO_SUCH_NAME)


def test_datagrams_to_another_computer_are_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        with pytest.raises(network_block.NetworkBlockedError):
            sender.sendto(b"hello", (ELSEWHERE, 53))
        with pytest.raises(network_block.NetworkBlockedError):
            sender.connect((ELSEWHERE, 53))


def test_a_download_is_refused():
    with pytest.raises(OSError, match="tests block the network"):
        urllib.request.urlopen(f"https://{NO_SUCH_NAME}/model.gguf", timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_computer_can_be_reached(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_unix_sockets_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # their paths must be short
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("s")
        server.listen()
        client.connect("s")


def test_child_processes_are_blocked():
    assert run_python(TRY_TO_LEAVE).split() == ["BLOCKED"] * 3


def test_a_sitecustomize_that_was_there_before_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.theirs = 1\n", encoding="utf-8")
    paths = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    answer = run_python(f"print('theirs', theirs){TRY_TO_LEAVE}", PYTHONPATH=paths)
    assert answer.split() == ["theirs", "1"] + ["BLOCKED"] * 3


def test_child_processes_still_see_the_packages_of_this_environment():
    assert run_python("import numpy, pytest, llama_course; print('all there')").split() == ["all", "there"]


def test_kernels_are_blocked():
    from nbclient import NotebookClient

    notebook = new_notebook(cells=[new_code_cell(TRY_TO_LEAVE)])
    NotebookClient(notebook, km=kernel_manager(), timeout=60).execute(cleanup_kc=True)
    assert "".join(output.text for output in notebook.cells[0].outputs).split() == ["BLOCKED"] * 3


def test_children_are_offline_and_keep_their_own_progress():
    names = ("HF_HUB_OFFLINE", "LLAMA_COURSE_PROGRESS")
    offline, progress = run_python(f"import os; print(*map(os.environ.get, {names}), sep='|')").strip().split("|")
    assert offline == "1"
    assert progress == os.environ["LLAMA_COURSE_PROGRESS"]
    assert "llama-course-tests-" in progress


def run_python(code: str, **environment: str) -> str:
    """Standard output of a child process that runs ``code``."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
