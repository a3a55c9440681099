"""Download one file of the Hugging Face hub so that a download that breaks off, or a process that dies, loses nothing.

``hf_hub_download`` begins anew in each process (huggingface_hub 2.4 gives every download a temporary file of its own),
which for a file of 10 GB on a school's line can mean never.  Address, token, progress bar and errors are the library's.
"""

import time
from pathlib import Path

TIMEOUT_S = 30  # without a byte
TRIES = 5  # in a row that bring nothing


def download(repository: str, revision: str, name: str, size: int, target: Path) -> None:
    """Bring a file to ``target``; until it is whole it is ``target`` with ".part" at its end.

    Args:
        repository, revision, name: which file.
        size: in bytes, as the hub lists it.
        target: where it goes.  A part that lies there already is gone on with, if the hub's server can.

    Raises:
        HfHubHTTPError: the hub refuses.
        OSError: the disk refuses; a ConnectionError if the answers stay shorter than the file (a login page, say).
        Exception: the connection broke, and again each time it was tried; of whatever kind the library's HTTP client
            raises.
    """
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import tqdm

    part = target.with_name(target.name + ".part")
    here = part.stat().st_size if part.exists() else 0
    if here > size:
        part.unlink()
        here = 0
    failed = 0
    with tqdm(total=size, initial=here, unit="B", unit_scale=True, desc=name) as bar:
        while here < size:
            try:
                _go_on(repository, revision, name, part, here, bar)
            except HfHubHTTPError as error:
                status = error.response.status_code
                if (status < 500 and status != 429) or failed == TRIES - 1:
                    raise
            except OSError as error:
                if error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
                    raise
                if failed == TRIES - 1:
                    raise
            except Exception:  # of the HTTP client, which is httpx or its successor, depending on the library's version
                if failed == TRIES - 1:
                    raise
            before, here = here, part.stat().st_size if part.exists() else 0
            failed = failed + 1 if here <= before else 0
            if failed == TRIES:
                raise ConnectionError(f"{name} ends after {here:,} of {size:,} bytes, each time it is asked for.")
            if failed:
                time.sleep(0.5 * 2**failed)
    if not part.exists():  # an empty file
        part.touch()
    part.replace(target)


def _go_on(repository: str, revision: str, name: str, part: Path, start: int, bar) -> None:
    """Append what the hub sends from byte ``start`` on; from the beginning if it sends all."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    url = hf_hub_url(repository, name, revision=revision)
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as response:
        hf_raise_for_status(response)
        goes_on = response.status_code == 206
        if start and not goes_on:
            bar.update(-start)
        with open(part, "ab" if goes_on else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                bar.update(len(chunk))
