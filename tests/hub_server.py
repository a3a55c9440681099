"""A Hugging Face hub with one model, on this computer: as much of its HTTP interface as a download asks for.

It answers the real client library, so that what the tests see are its real errors and its real way of resuming.
"""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hub_repository import git_id, listing

NEEDS_LOG_IN = "Access to model {} is restricted. You must have access to it and be authenticated to access it."
NOT_ACCEPTED = (
    "Access to model {0} is restricted and you are not in the authorized list. Visit https://huggingface.co/{0} to ask."
)
PENDING = "Your request to access model {} is awaiting a review from the repo authors."
FINE_GRAINED = (
    "Please enable access to public gated repositories in your fine-grained token settings to view this repository."
)
ACCOUNTS = {  # token: what the hub says to it
    None: (401, "GatedRepo", NEEDS_LOG_IN),
    "hf_expired0123456789": (401, None, "Invalid credentials in Authorization header"),
    "hf_stranger0123456789": (403, "GatedRepo", NOT_ACCEPTED),
    "hf_waiting0123456789": (403, "GatedRepo", PENDING),
    "hf_fine-grained": (403, None, FINE_GRAINED),
    "hf_accepted0123456789": None,
}


class HubServer(ThreadingHTTPServer):
    """Serves one repository at one revision.

    ``break_off_after`` so many bytes of weights the connection is cut, once; ``slow_after`` so many it stands still.
    """

    daemon_threads = True

    def __init__(self, folder: Path, repository: str, revision: str, *, gated: bool):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.repository, self.revision, self.gated = folder, repository, revision, gated
        self.break_off_after: int | None = None
        self.slow_after: int | None = None
        self.breaks_always = False
        self.knows_ranges = True
        self.answers: list[int] = []  # statuses that the next requests for a file get
        self.damaged: set[str] = set()  # files that arrive with a wrong byte
        self.login_page: bytes | None = None  # what arrives in place of weights
        self.served: list[tuple[str, str | None]] = []  # (file, Range asked for)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away is nothing to report."""


def ask_only(server: HubServer, monkeypatch) -> None:
    """Point the client library of this process at ``server``, without pauses between its tries."""
    from huggingface_hub import constants

    from llama_course import hardware
    from llama_course.models import hub_download

    for name in hardware.OFFLINE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
    template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(hub_download.time, "sleep", lambda seconds: None)


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool):
        hub, path = self.server, self.path.split("?")[0]
        if path == f"/api/models/{hub.repository}/auth-check":
            return self.refused() or self.send(200, {}, b"{}", with_body)
        if re.fullmatch(rf"/api/models/{hub.repository}(/revision/{hub.revision})?", path):
            info = {"id": hub.repository, "sha": hub.revision, "siblings": listing(hub.folder)}
            return self.send(200, {"Content-Type": "application/json"}, json.dumps(info).encode(), with_body)
        match = re.fullmatch(rf"/{hub.repository}/resolve/{hub.revision}/([^/]+)", path)
        if match and (hub.folder / match[1]).is_file():
            return self.refused() or self.file(match[1], with_body)
        return self.send(
            404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"", with_body
        )

    def refused(self) -> bool:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        refusal = ACCOUNTS[token] if self.server.gated else None
        if refusal is None:
            return False
        status, code, said = refusal
        headers = {"X-Error-Message": said.format(self.server.repository)} | ({"X-Error-Code": code} if code else {})
        self.send(status, headers, b"", False)
        return True

    def file(self, name: str, with_body: bool):
        hub = self.server
        content = (hub.folder / name).read_bytes()
        (row,) = [row for row in listing(hub.folder) if row["rfilename"] == name]
        etag = row["lfs"]["sha256"] if "lfs" in row else git_id(content)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": hub.revision, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range") if with_body else None
        if hub.answers:
            return self.send(hub.answers.pop(), {}, b"", with_body)
        if with_body:
            hub.served.append((name, asked))
        asked = asked if hub.knows_ranges else None
        if name in hub.damaged:
            content = bytes([content[0] ^ 1]) + content[1:]
        if with_body and hub.login_page is not None and name.endswith(".safetensors"):
            content = hub.login_page
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        is_weights = with_body and name.endswith((".safetensors", ".gguf"))
        if is_weights and hub.slow_after is not None:
            return self.send(200, headers, content, True, hub.slow_after, pause_s=30)
        cut = hub.break_off_after if is_weights else None
        if cut is not None and not hub.breaks_always:
            hub.break_off_after = None
        self.send(206 if start else 200, headers, content[start:], with_body, cut)

    def send(self, status: int, headers: dict, body: bytes, with_body: bool, cut: int | None = None, pause_s=0.0):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            time.sleep(pause_s)
            self.connection.shutdown(2)
