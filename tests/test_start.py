"""start.py's decisions and messages, without installing anything: programs it would run are recorded instead."""

import argparse
import ast
import errno
import http.server
import importlib.util
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parent.parent / "start.py"
OLD_VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")


class Programs:
    """Stands in for the programs start.py runs: keeps their command lines, answers as told."""

    def __init__(self):
        self.commands, self.pip_answer, self.exit_code = [], (0, ""), 0

    def run(self, *command):
        self.commands.append([str(word) for word in command])
        return self.exit_code

    def run_keeping_errors(self, command):
        self.commands.append([str(word) for word in command])
        return self.pip_answer

    def output_of(self, *command):
        return ("3.11\n", False) if "-c" in command else ("", False)

    def containing(self, word):
        return [command for command in self.commands if word in command]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start.py as a module that believes to lie in an empty folder of its own, with a blank in its name."""
    for name in ("LLAMA_COURSE_TORCH", "JUPYTER_TOKEN", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        monkeypatch.delenv(name, raising=False)
    spec = importlib.util.spec_from_file_location("start_under_test", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "my course"
    (root / ".venv").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_text("torch\n", encoding="utf-8")
    module.ROOT, module.VENV = root, root / ".venv"
    for name in ("PYTHON", "STAMP", "LAB_LOG"):
        setattr(module, name, module.VENV / getattr(module, name).name)
    return module


@pytest.fixture
def programs(start, monkeypatch):
    programs = Programs()
    for name in ("run", "run_keeping_errors", "output_of"):
        monkeypatch.setattr(start, name, getattr(programs, name))
    monkeypatch.setattr(start, "answers", lambda address: pytest.fail("asked the network"))
    monkeypatch.setattr(start.sys, "platform", "win32")  # no probe for a graphics card
    return programs


def options(**given):
    return argparse.Namespace(**{"model_file": None, "packages": None, "newest": False, **given})


def old_pythons():
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in OLD_VERSIONS:
        found = sorted(pyenv.glob(version + ".*/bin/python")) or [shutil.which("python" + version)]
        yield pytest.param(found[0], id=version)


# ---------------------------------------------------------------- old Pythons


@pytest.mark.parametrize("python", list(old_pythons()))
def test_an_old_python_gets_a_sentence_and_not_a_syntax_error(python):
    if python is None:
        pytest.skip("this Python is not installed here")
    answer = subprocess.run([str(python), "-E", str(FILE), "lab"], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed; this is Python" in answer.stderr
    assert "https://www.python.org/downloads/" in answer.stderr
    assert "Traceback" not in answer.stderr and "SyntaxError" not in answer.stderr


def test_the_version_is_checked_before_anything_newer_is_imported(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed; this is Python 3\.10"):
        runpy.run_path(str(FILE))


def test_the_file_stays_readable_for_old_parsers():
    text = FILE.read_text(encoding="ascii")  # Python 2 stops at the first other character
    tree = ast.parse(text, feature_version=(3, 6))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.Nonlocal)]


# ---------------------------------------------------------------- the stamp


def test_a_complete_installation_is_recognised(start):
    start.write_stamp(["lab", "test"], "mark")
    assert start.is_installed(start.read_stamp(), ["lab"], "mark")
    assert start.is_installed(start.read_stamp(), ["test", "lab"], "mark")
    assert not start.is_installed(start.read_stamp(), ["lab"], "another mark")
    assert os.listdir(start.VENV) == [start.STAMP.name]


def test_the_tests_need_more_than_the_lab(start):
    start.write_stamp(["lab"], "mark")
    assert not start.is_installed(start.read_stamp(), ["lab", "test"], "mark")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"fingerprint": "mark"}', '{"fingerprint": 1, "extras": 2}'])
def test_a_broken_stamp_counts_as_none(start, content):
    start.STAMP.write_text(content, encoding="utf-8")
    assert not start.is_installed(start.read_stamp(), [], "mark")


def test_the_fingerprint_follows_what_an_installation_depends_on(start):
    first = start.fingerprint("3.11")
    assert start.fingerprint("3.11") == first
    assert start.fingerprint("3.12") != first
    assert start.fingerprint("3.11", newest=True) != first
    (start.ROOT / "constraints.txt").write_text("torch==1\n", encoding="utf-8")
    second = start.fingerprint("3.11")
    assert second != first
    (start.ROOT / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert start.fingerprint("3.11") != second


def test_a_moved_folder_is_installed_again(start):
    before = start.fingerprint("3.11")
    start.ROOT = start.ROOT.rename(start.ROOT.with_name("moved"))
    assert start.fingerprint("3.11") != before


def test_line_endings_do_not_change_the_fingerprint(start):
    unix = start.fingerprint("3.11")
    (start.ROOT / "constraints.txt").write_bytes(b"torch\r\n")
    assert start.fingerprint("3.11") == unix


# ---------------------------------------------------------------- set-up


def test_a_first_start_installs_and_a_second_one_only_looks_at_the_model(start, programs):
    start.set_up(["lab"], options())
    (install,) = programs.containing("install")
    assert install[install.index("-c") + 1] == "constraints.txt" and ".[lab]" in install
    programs.commands.clear()
    start.set_up(["lab"], options())
    (only,) = programs.commands
    assert only[1:] == ["-m", "llama_course", "fetch", start.MODEL]


def test_an_interrupted_installation_is_taken_up_again(start, programs):
    start.write_stamp(["lab"], "an older one")
    programs.pip_answer = (1, "")
    with pytest.raises(start.Stop):
        start.set_up(["lab"], options())
    assert not start.STAMP.exists()
    programs.pip_answer = (0, "")
    start.set_up(["lab"], options())
    assert len(programs.containing("install")) == 2
    assert not programs.containing("venv"), "a working environment is kept"
    assert start.read_stamp()["extras"] == ["lab"]


def test_an_environment_that_does_not_work_is_made_anew(start, programs, monkeypatch):
    monkeypatch.setattr(start, "venv_python_version", lambda: "3.11" if programs.containing("venv") else None)
    start.set_up(["lab"], options())
    (make,) = programs.containing("venv")
    assert make == [sys.executable, "-m", "venv", "--clear", str(start.VENV)]


def test_a_missing_or_broken_python_is_noticed(start):
    assert start.venv_python_version() is None
    start.PYTHON.write_text("not a program", encoding="utf-8")
    start.PYTHON.chmod(0o755)
    assert start.venv_python_version() is None
    start.PYTHON = Path(sys.executable)
    assert start.venv_python_version() == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_without_ensurepip_the_message_names_the_debian_package(start, programs, monkeypatch):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(start.Stop, match="sudo apt install python3-venv"):
        start.make_venv()


def test_the_jupyter_news_are_off_in_this_environment_only(start, programs):
    start.set_up(["lab"], options())
    config = json.loads((start.VENV / "etc/jupyter/labconfig/page_config.json").read_text(encoding="utf-8"))
    assert config == {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def test_a_missing_model_says_how_to_bring_it_and_the_course_opens_all_the_same(start, programs, capsys):
    programs.exit_code = 1
    start.set_up(["lab"], options())
    note = capsys.readouterr().out
    assert "the chat model is missing" in note and "--model-file PATH" in note
    assert "the lessons go on with tiny-chat" in note


def test_tests_and_a_given_copy_need_the_model(start, programs, tmp_path):
    given = tmp_path / "model.gguf"
    given.touch()
    programs.exit_code = 1
    for extras, asked in ((["lab", "test"], options()), (["lab"], options(model_file=given))):
        with pytest.raises(start.Stop, match="--model-file PATH"):
            start.set_up(extras, asked)
    programs.exit_code = 0
    start.set_up(["lab"], options(model_file=given))
    assert programs.commands[-1][-2:] == ["--from", str(given)]


def test_a_wrong_path_is_noticed_before_anything_is_installed(start, programs):
    with pytest.raises(start.Stop, match=r"--model-file nowhere\.gguf: there is no such file"):
        start.set_up(["lab"], options(model_file=Path("nowhere.gguf")))
    assert not programs.commands


def test_a_folder_of_packages_is_the_only_source(start, programs, tmp_path):
    start.set_up(["lab"], options(packages=tmp_path))
    (install,) = programs.containing("install")
    assert "--no-index" in install and install[install.index("--find-links") + 1] == str(tmp_path)


def test_the_newest_packages_ignore_the_tested_set(start, programs):
    start.set_up(["lab"], options(newest=True))
    (install,) = programs.containing("install")
    assert "-c" not in install and "--upgrade" in install
    start.set_up(["lab"], options())
    assert len(programs.containing("install")) == 2, "the tested set is not the newest set"


# ---------------------------------------------------------------- which PyTorch


@pytest.mark.parametrize(
    ("platform", "wish", "settings", "card", "reachable", "expected_index", "words"),
    [
        ("win32", "", "", True, True, None, "0.4 GB"),
        ("darwin", "", "", False, True, None, "0.4 GB"),
        ("linux", "", "", False, True, "CPU", "for the CPU"),
        ("linux", "", "", False, False, None, "does not answer"),
        ("linux", "", "", True, True, None, "NVIDIA"),
        ("linux", "cpu", "", True, False, "CPU", "for the CPU"),
        ("linux", "default", "", False, True, None, "NVIDIA"),
        ("linux", "", "global.find-links='/wheels'", False, True, None, "pip's own settings"),
        ("linux", "", ":env:.no-index='1'", False, True, None, "pip's own settings"),
    ],
)
def test_pytorch_comes_from(start, monkeypatch, platform, wish, settings, card, reachable, expected_index, words):
    monkeypatch.setattr(start.sys, "platform", platform)
    monkeypatch.setenv("LLAMA_COURSE_TORCH", wish)
    monkeypatch.setattr(start.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if card else None)
    monkeypatch.setattr(start.Path, "exists", lambda path: card)
    monkeypatch.setattr(start, "answers", lambda address: reachable)
    index, disk_gib, what = start.choose_torch(settings)
    assert index == (start.CPU_INDEX if expected_index else None)
    assert disk_gib == (start.CUDA_DISK_GIB if "NVIDIA" in what else start.CPU_DISK_GIB)
    assert words in what


def test_a_name_look_up_that_hangs_costs_the_time_limit_only(start, monkeypatch):
    give_up = threading.Event()
    monkeypatch.setattr(start.urllib.request, "urlopen", lambda *_, timeout: nullcontext(give_up.wait(60)))
    before = time.monotonic()
    assert not start.answers("http://127.0.0.1:9/", time_s=0.2)
    assert time.monotonic() - before < 30
    give_up.set()


def test_an_address_answers_or_does_not(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not start.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", time_s=0.2)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *given: None})
    with http.server.HTTPServer(("127.0.0.1", 0), quiet) as server:
        one_answer = threading.Thread(target=server.handle_request)
        one_answer.start()
        assert start.answers(f"http://127.0.0.1:{server.server_port}/", time_s=5)
        one_answer.join()


# ---------------------------------------------------------------- ports and JupyterLab


def test_a_taken_port_is_refused_when_asked_for_and_stepped_over_otherwise(start, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(start.Stop, match=f"port {taken} is taken.*\n.*leave --port out"):
            start.choose_port(taken)
        monkeypatch.setattr(start, "range", lambda first, last: (taken, 8888), raising=False)
        monkeypatch.setattr(start, "is_free", lambda port, really=start.is_free: port == 8888 or really(port))
        assert start.choose_port() == 8888
    free = start.choose_port(taken)
    assert free == taken


def test_another_port_than_the_usual_one_is_announced(start, monkeypatch, capsys):
    monkeypatch.setattr(start, "is_free", lambda port: port >= 8890)
    assert start.choose_port() == 8890
    assert "Port 8888 is taken" in capsys.readouterr().out
    monkeypatch.setattr(start, "is_free", lambda port: False)
    with pytest.raises(start.Stop, match="--port NUMBER"):
        start.choose_port()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "lab", "", "8888.5"])
def test_an_impossible_port_is_refused(start, text):
    with pytest.raises(argparse.ArgumentTypeError, match="a number from 1 to 65535"):
        start.port_number(text)


def test_jupyterlab_is_started_for_this_computer_only_and_its_token_is_not_in_the_command(start, monkeypatch):
    seen = {}
    monkeypatch.setattr(start.subprocess, "Popen", lambda command, **given: seen.update(given, command=command))
    start.start_jupyterlab(9999, "the-token", browser=False)
    command = " ".join(seen["command"])
    assert "--ip=127.0.0.1" in command and "--port=9999" in command and "--no-browser" in command
    assert "--LabApp.extension_manager=readonly" in command
    assert "the-token" not in command and seen["env"]["JUPYTER_TOKEN"] == "the-token"
    assert "JUPYTER_CONFIG_DIR" not in set(seen["env"]) - set(os.environ), "the learner's own settings hold"
    assert seen["stdin"] is subprocess.DEVNULL


def test_a_jupyterlab_that_dies_shows_the_end_of_its_log(start):
    start.LAB_LOG.write_text("first\nModuleNotFoundError: no jupyterlab\n", encoding="utf-8")
    server = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    server.wait()
    with pytest.raises(start.Stop, match="ModuleNotFoundError: no jupyterlab"):
        start.wait_until_it_answers(server, 9)


def test_a_server_that_answers_is_ready_and_is_stopped(start):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=start.ROOT)
    try:
        start.wait_until_it_answers(server, port)
    finally:
        start.stop(server, time_s=5 if os.name != "nt" else 0.1)
    assert server.poll() is not None


# ---------------------------------------------------------------- failures in words


def test_a_full_disk_says_how_much_is_needed(start, monkeypatch, tmp_path):
    usage = type("Usage", (), {"free": 1.25 * 1024**3})
    monkeypatch.setattr(start.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(start.Stop, match=r"1\.2 GiB free, 3 GiB needed in .*\n?Make room"):
        start.check_disk(tmp_path, 3)
    assert start.check_disk(tmp_path, 1) == 1.25


def test_a_folder_that_cannot_be_written_is_noticed(start, monkeypatch):
    def refuse(**given):
        raise PermissionError(errno.EACCES, "Permission denied")

    start.check_folder(start.ROOT)
    monkeypatch.setattr(start.tempfile, "TemporaryFile", refuse)
    with pytest.raises(start.Stop, match=r"cannot be written: .*my course\nCopy the whole course folder"):
        start.check_folder(start.ROOT)


@pytest.mark.parametrize(
    ("machine", "maxsize", "words"), [("x86_64", 2**63 - 1, "Intel"), ("arm64", 2**31 - 1, "32-bit")]
)
def test_computers_without_pytorch_are_told_so(start, monkeypatch, machine, maxsize, words):
    monkeypatch.setattr(start.sys, "platform", "darwin")
    monkeypatch.setattr(start.platform, "machine", lambda: machine)
    monkeypatch.setattr(start.sys, "maxsize", maxsize)
    with pytest.raises(start.Stop, match=words):
        start.check_computer()


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "Make room"),
        ("WARNING: Retrying ... NameResolutionError ...\nERROR: No matching distribution found for a", "USB stick"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...", "PIP_CERT"),
        ("ERROR: Could not find a version ...\nERROR: No matching distribution found for torch", "--newest"),
        ("something else", "its last lines above say why"),
    ],
)
def test_pip_failures_are_explained_with_what_to_do(start, errors, words):
    assert words in start.explain_pip_failure(errors)


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left"), 1, "the disk is full. Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 1, "a/b cannot be written"),
        (KeyboardInterrupt(), 130, "The same command goes on where it was"),
    ],
)
def test_expected_failures_end_in_a_sentence_and_not_in_a_traceback(start, monkeypatch, capsys, problem, code, words):
    def fail(*given):
        raise problem

    monkeypatch.setattr(start.signal, "signal", lambda *given: None)
    monkeypatch.setattr(start, "set_up", fail)
    assert start.main(["lab"]) == code
    assert words in capsys.readouterr().out


def test_what_pip_says_is_shown_and_kept(start, capfd):
    code, errors = start.run_keeping_errors(
        [sys.executable, "-c", "import sys; sys.stderr.write('no\\n'); sys.exit(3)"]
    )
    assert (code, errors) == (3, "no\n")


def test_programs_run_in_the_environment_and_in_utf_8(start, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    env = start.child_env()
    assert env["PATH"].split(os.pathsep)[0] == str(start.PYTHON.parent)
    assert env["PYTHONUTF8"] == "1" and env["PIP_USER"] == "0" and "PYTHONHOME" not in env


# ---------------------------------------------------------------- the command line


def test_what_follows_test_goes_to_pytest_and_its_exit_code_comes_back(start, programs, monkeypatch):
    monkeypatch.setattr(start.signal, "signal", lambda *given: None)
    monkeypatch.setattr(start, "set_up", lambda extras, args: None)
    programs.exit_code = 5
    assert start.main(["test", "-k", "tokens", "-x", "tests/test_start.py", "--lf"]) == 5
    assert programs.commands[-1][1:] == ["-m", "pytest", "-k", "tokens", "-x", "tests/test_start.py", "--lf"]


def test_a_misspelt_option_of_lab_is_refused(start, capsys):
    with pytest.raises(SystemExit):
        start.parse(["lab", "--no-browsr"])
    assert "unknown: --no-browsr" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_help_shows_the_three_commands(start, capsys, arguments):
    with pytest.raises(SystemExit) as end:
        start.parse(arguments)
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all("python3 start.py " + word in text for word in ("lab", "test", "report"))


def test_report_before_the_set_up_says_what_to_run(start):
    with pytest.raises(start.Stop, match=r"Run first: python3 start\.py lab"):
        start.report(options())
