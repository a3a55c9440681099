"""What this computer can do: device, number format and the reason, memory, disk.

This is the only place that decides where models run.  It imports torch only where a GPU might be.
"""

import ctypes
import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from llama_course import paths

GIB = 2**30
OFFLINE_VARIABLES = ("LLAMA_COURSE_OFFLINE", "HF_HUB_OFFLINE")


@dataclass(frozen=True)
class Device:
    """Where models run and in which number format, with the reason."""

    name: str  # "cpu", "cuda" or "mps", as torch calls it
    dtype: str  # "float32", "float16" or "bfloat16", as torch calls it
    reason: str

    def __str__(self) -> str:
        return f"{self.name}, {self.dtype} ({self.reason})"


@dataclass(frozen=True)
class Line:
    """One line of the environment report."""

    label: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'OK  ' if self.ok else 'FAIL'}  {self.label:<10} {self.detail}"


def choose_device() -> Device:
    """Decide where models run, with a reason a person can read.

    An NVIDIA GPU with bfloat16 (compute capability 8.0 or newer) uses it, an older one float16; Apple's GPU float16;
    a CPU float32, since asserted numbers are made with it.
    """
    if _may_have_nvidia():
        import torch

        if torch.cuda.is_available():
            title = torch.cuda.get_device_name()
            major, minor = torch.cuda.get_device_capability()
            if major >= 8:
                return Device("cuda", "bfloat16", f"{title}: has bfloat16")
            return Device(
                "cuda",
                "float16",
                f"{title}: compute capability {major}.{minor} has no bfloat16, using float16",
            )
        return Device("cpu", "float32", "an NVIDIA driver is here, but PyTorch finds no usable GPU")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        import torch

        if torch.backends.mps.is_available():
            return Device("mps", "float16", "Apple GPU; numbers that are checked still run on the CPU")
    return Device("cpu", "float32", "no NVIDIA driver found; the course is made for this")


def _may_have_nvidia() -> bool:
    if os.name == "nt":
        return shutil.which("nvidia-smi") is not None
    return Path("/dev/nvidia0").exists() or Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def is_offline() -> bool:
    """Whether the environment asks for no network at all (``LLAMA_COURSE_OFFLINE=1`` or ``HF_HUB_OFFLINE=1``)."""
    return any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in OFFLINE_VARIABLES)


def cpu_cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_gib() -> tuple[float, float] | None:
    """Total and available main memory in GiB, or None where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        values = dict(line.split(":", 1) for line in meminfo.read_text(encoding="utf-8").splitlines())
        return tuple(int(values[key].split()[0]) * 1024 / GIB for key in ("MemTotal", "MemAvailable"))
    if os.name == "nt":
        return _windows_memory_gib()
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    except (ValueError, OSError):
        return None
    return total, total  # macOS does not say what is available


def _windows_memory_gib() -> tuple[float, float] | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "available", "page", "page_free", "virtual", "virtual_free", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return status.total / GIB, status.available / GIB


def report() -> list[Line]:
    """The environment report: one line for each thing the course needs, OK or FAIL with what to do."""
    return [_python(), _packages(), _memory(), _disk(), _device()]


def _python() -> Line:
    version = platform.python_version()
    ok = sys.version_info >= (3, 11)
    return Line("Python", ok, f"{version} on {platform.system()}" + ("" if ok else "; 3.11 or newer is needed"))


def _packages() -> Line:
    found, missing = [], []
    for name in ("torch", "transformers", "xllamacpp", "ipywidgets", "jupyterlab"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    optional = {
        "xllamacpp",
        "jupyterlab",
    }  # without them: transformers runs the models; Colab is the notebook
    detail = ", ".join(found) + (f"; missing: {', '.join(missing)}" if missing else "")
    return Line("Packages", set(missing) <= optional, detail)


def _memory() -> Line:
    memory = memory_gib()
    if memory is None:
        return Line("Memory", True, "the system does not say")
    total, available = memory
    ok = available >= 1
    return Line(
        "Memory",
        ok,
        f"{available:.1f} of {total:.1f} GiB free" + ("" if ok else "; close other programs, 1 GiB is needed"),
    )


def _disk() -> Line:
    folder = paths.home()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    writable = os.access(folder, os.W_OK)
    ok = free >= 0.5 and writable
    advice = "" if ok else "; set LLAMA_COURSE_HOME to a folder that can be written to, with 0.5 GiB free"
    return Line("Disk", ok, f"{free:.1f} GiB free for {_short(paths.home())}{advice}")


def _short(path: Path) -> str:
    """A path as a person writes it, with ~ for the home folder: it may stand in a notebook that others see."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _device() -> Line:
    return Line("Device", True, f"{choose_device()}; {cpu_cores()} CPU cores")


def return_freed_memory() -> None:
    """Give the computer back what was freed; glibc keeps much of it otherwise, so that a notebook grows as it trains.

    Does nothing where the C library is another one.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # macOS, musl, Windows
        return
    trim(0)
