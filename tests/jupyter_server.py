"""A JupyterLab server for tests: on this computer only, with settings of its own."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 90
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}  # asks for news


@dataclass(frozen=True)
class JupyterServer:
    """A running server."""

    port: int
    token: str

    def page(self, notebook: str) -> str:
        """Address that opens a notebook in a fresh workspace."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?token={self.token}&reset"


@contextlib.contextmanager
def jupyterlab(notebooks: Path, settings: Path) -> Iterator[JupyterServer]:
    """Run JupyterLab on the folder ``notebooks``, with all its settings below ``settings``, and end it afterwards."""
    server = JupyterServer(free_port(), secrets.token_hex(16))
    log = settings / "server.log"
    write_settings(settings)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(server, notebooks), env=environment(settings), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until_it_answers(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def command(server: JupyterServer, notebooks: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={server.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={server.token}"),
        *(f"--ServerApp.root_dir={notebooks}", "--ServerApp.terminals_enabled=False"),
        "--LabApp.extension_manager=readonly",
    ]


def environment(settings: Path) -> dict[str, str]:
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**os.environ, **{name: str(settings / folder) for name, folder in folders.items()}}


def write_settings(settings: Path) -> None:
    config = settings / "config" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(json.dumps(PAGE_CONFIG), encoding="utf-8")


def wait_until_it_answers(server: JupyterServer, process: subprocess.Popen, log: Path) -> None:
    address = f"http://127.0.0.1:{server.port}/api/status?token={server.token}"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
