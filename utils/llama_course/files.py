"""Files that are never half written: atomic writes, locks between processes, hashes."""

import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: str | Path, data: str | bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never half of it.

    The data goes to a temporary file in the same folder, which then takes the name.  If that fails (disk full,
    folder read-only) the old file stays as it was.

    Raises:
        OSError: with what happened and what to do.
    """
    path = Path(path)
    raw = data.encode("utf-8") if isinstance(data, str) else data
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode_for(path))
        os.replace(temporary, path)
    except OSError as error:
        raise explain(error, path) from error
    finally:  # an interrupt by the user included
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _mode_for(path: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file: mkstemp's own are for its owner only."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def explain(error: OSError, path: str | Path) -> OSError:
    """The same error with a sentence a person can act on."""
    reasons = {
        errno.ENOSPC: "the disk is full. Free some space and try again; nothing was lost",
        errno.EACCES: "the folder may not be written to. Choose another with LLAMA_COURSE_HOME",
        errno.EPERM: "the folder may not be written to. Choose another with LLAMA_COURSE_HOME",
        errno.EROFS: "the file system is read-only. Choose another folder with LLAMA_COURSE_HOME",
    }
    reason = reasons.get(error.errno, error.strerror or str(error))
    return OSError(error.errno, f"Could not write {path}: {reason}.")


@contextlib.contextmanager
def lock(path: str | Path, timeout_s: float = 60.0) -> Iterator[None]:
    """Hold ``path`` as a lock between processes; a second process waits.

    The operating system drops the lock when its process ends, however it ends, so none is ever left behind.

    Raises:
        TimeoutError: another process held it for all of ``timeout_s`` seconds.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with open(path, "a+b") as file:
        while not _try_lock(file):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Another process has held {path} for {timeout_s:.0f} s. Wait for it, or close it, and try again."
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            _unlock(file)


if os.name == "nt":
    import msvcrt

    def _try_lock(file) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
