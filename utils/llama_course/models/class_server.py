"""A class server: llama.cpp with one model for many learners, through xllamacpp.

It listens on this computer only unless an address of the class's network is named, and answers nobody without the
access key.  Nobody can see what others ask: llama.cpp's page of running requests is switched off.
"""

import ipaddress
import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from llama_course import hardware
from llama_course.models.catalog import DEFAULT_MODEL, find_card
from llama_course.models.class_server_process import OUTDATED, READY
from llama_course.models.fetch import fetch_model
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.server_address import KEY_VARIABLE, SERVER_VARIABLE, check_key, environment_key
from llama_course.models.server_backend import PREFIX

THIS_COMPUTER = "127.0.0.1"
PORT = 8080
SLOTS = 8  # answers at once; measured by benchmarks/class_server.py
SHORTEST_KEY = 8
EASY_TO_READ = "abcdefghjkmnpqrstuvwxyz23456789"  # no l, 1, o, 0, i: the key is copied from a board
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Plan:
    """What a class server is to be; checked when it is made."""

    model: str = DEFAULT_MODEL  # of the catalog, or the path of a GGUF file
    host: str = THIS_COMPUTER
    port: int = PORT  # 0: any free one
    learners: int = 30  # connections that are held open at once
    slots: int = SLOTS  # answers that are written at once; the others wait in line
    context_tokens: int = 2048  # for each answer, prompt included
    threads: int | None = None  # None: all cores but one

    def __post_init__(self):
        for name, low, high in (
            ("port", 0, 65535),
            ("learners", 1, 1000),
            ("slots", 1, 256),
            ("context_tokens", 64, 131072),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}.")
        if self.threads is not None and (not isinstance(self.threads, int) or self.threads < 1):
            raise ValueError(f"threads must be a whole number of 1 or more, got {self.threads!r}.")


def new_key() -> str:
    """A random access key of 12 letters and digits, easy to copy from a board; about 10^17 are possible."""
    letters = "".join(secrets.choice(EASY_TO_READ) for _ in range(12))
    return "-".join(letters[i : i + 4] for i in (0, 4, 8))


def given_key() -> str | None:
    """The access key that the environment names, or None.

    Raises:
        ValueError: one that is too short, or cannot be sent.
    """
    key = check_key(environment_key())
    if key is not None and len(key) < SHORTEST_KEY:
        raise ValueError(
            f"The access key in {KEY_VARIABLE} is shorter than {SHORTEST_KEY} characters: too easy to guess."
        )
    return key


def warning(host: str) -> str:
    """What a teacher should know before letting others in; empty for this computer only."""
    if _is_loopback(host):
        return ""
    reach = "everybody in your networks" if host in EVERYWHERE else f"everybody who reaches {host}"
    text = (
        f"Warning: {reach} can use this server with the access key, until you stop it. Questions and answers cross the "
        "network unencrypted, and so does the key: use it in a network that you trust, and let nobody send anything "
        "personal."
    )
    if not _is_private(host) and host not in EVERYWHERE:
        text += f" {host} is an address of the open internet: a class server has no business there."
    return text


class ClassServer:
    """A running server.  ``close`` stops it; so does the end of this process, however it ends.

    It has a process of its own: llama.cpp, asked to stop inside a process, waits for every learner who stands in line.

    Args:
        plan: what it is to be.
        key: access key; without one, a new one.

    Raises:
        ModelNotAvailableError: the model or llama.cpp cannot be had, or the address cannot be used, with what to do.
    """

    def __init__(self, plan: Plan, key: str | None = None):
        self.plan, self.key = plan, key or new_key()
        path, self.name = _model_file(plan.model)
        if (obstacle := hardware.llama_cpp_obstacle()) is not None:
            raise ModelNotAvailableError(
                f"A class server needs the package xllamacpp, which {obstacle}. Use another computer, or another "
                "server: see teaching/deploy/class_server.md."
            )
        self.port = _free_port(plan.host, plan.port)
        self._process = _start(llama_cpp_settings(plan, path, self.name, self.port, self.key))
        answer = self._process.stdout.readline().split()
        if answer[:1] != [READY]:
            self.close()
        if answer[:1] == [OUTDATED]:
            raise ModelNotAvailableError(
                f"The package xllamacpp is too old for a class server (it lacks {', '.join(answer[1:])}). Update it: "
                "pip install --upgrade xllamacpp."
            )
        if answer[:1] != [READY]:
            raise ModelNotAvailableError(
                f"llama.cpp could not start with {path} on {plan.host}, port {self.port}. The file may be damaged, "
                f"memory too short for {plan.slots} answers of {plan.context_tokens} tokens at once (try --slots 2), "
                "or the port taken meanwhile."
            )

    @property
    def url(self) -> str:
        """The address for ``base_url``; with ADDRESS in place of an address that only the teacher can know."""
        host = "ADDRESS" if self.plan.host in EVERYWHERE else self.plan.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    def close(self) -> None:
        """Stop; answers on their way break off."""
        self._process.stdin.close()  # its sign to end
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    @property
    def is_running(self) -> bool:
        """Whether it still serves: False once it was closed, or if llama.cpp has failed."""
        return self._process.poll() is None

    def instructions(self, show_key: bool) -> str:
        """What learners set; the key is written out only if nobody knows it yet."""
        key = self.key if show_key else f"(the one in your {KEY_VARIABLE})"
        settings = {"LLAMA_COURSE_MODEL": PREFIX + self.name, SERVER_VARIABLE: self.url, KEY_VARIABLE: key}
        lines = [
            f"{self.name} answers on {self.url}",
            "For the learners, in the terminal before Jupyter (Windows: set for export), or in os.environ:",
            *(f"    export {name}={value}" for name, value in settings.items()),
        ]
        if self.plan.host in EVERYWHERE:
            lines.append(f"ADDRESS is this computer's in the class's network: {', '.join(_own_addresses())}.")
        return "\n".join(lines)


def llama_cpp_settings(plan: Plan, path: Path, name: str, port: int, key: str) -> dict:
    """What llama.cpp is told, by the names of xllamacpp's ``CommonParams``."""
    return {
        "model.path": str(path),
        "model_alias": [name],
        "n_ctx": plan.context_tokens * plan.slots,  # llama.cpp shares it out
        "n_parallel": plan.slots,
        "n_threads_http": 2 * plan.learners + 8,  # each waiting request holds one
        "cpuparams.n_threads": plan.threads or max(1, hardware.cpu_cores() - 1),
        "cpuparams_batch.n_threads": plan.threads or max(1, hardware.cpu_cores() - 1),
        "cache_ram_mib": 0,
        "warmup": False,
        "ui": False,
        "offline": True,
        "hostnames": [plan.host],
        "port": port,
        "api_keys": [key],
        "cors_origins": "",  # no page in a browser may ask
        "endpoint_slots": False,  # shows what others ask
        "endpoint_metrics": False,
        "verbosity": -1,
    }


def _start(settings: dict) -> subprocess.Popen:
    """The server's process; what it is told comes through a pipe, since a command line can be read by others."""
    package = str(Path(__file__).parents[2])
    path = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), package]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}
    environment.pop(KEY_VARIABLE, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "llama_course.models.class_server_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="utf-8",
    )
    process.stdin.write(json.dumps(settings) + "\n")
    process.stdin.flush()
    return process


def _model_file(model: str) -> tuple[Path, str]:
    """The GGUF file of a model and the name that learners use."""
    if model.endswith(".gguf"):
        path = Path(model).expanduser()
        if not path.is_file():
            raise ModelNotAvailableError(f"There is no file {path}.")
        return path, path.stem.lower()
    card = find_card(model)
    if card.source.file is None:
        raise ModelNotAvailableError(
            f"llama.cpp serves GGUF files, and {card.name} is none: use {DEFAULT_MODEL}, the path of a GGUF file, or "
            "another server: see teaching/deploy/class_server.md."
        )
    return fetch_model(card), card.name


def _free_port(host: str, port: int) -> int:
    """The port if it can be used there, or a free one for 0; else an error that says why not."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            if os.name != "nt":  # there it would allow a port that is taken
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
            return listener.getsockname()[1]
    except OSError as error:
        raise ModelNotAvailableError(
            f"Nothing can listen on {host}, port {port}: {error.strerror or error}. Another program may be using the "
            "port (try --port 0 for any free one), or the address is not this computer's."
        ) from error


def _own_addresses() -> list[str]:
    """Addresses of this computer that others may reach; asks nobody."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        found = set()
    others = sorted(address for address in found if not _is_loopback(address))
    return others or ["ask your system (`ip address`, `ipconfig` or the network settings)"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return True  # a name: it says nothing
