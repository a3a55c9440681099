"""What this computer can do: device, number format and the reason, memory, disk.

This is the only place that decides where models run.  It imports torch only where a GPU might be.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llama_course import paths

GIB = 2**30
USABLE = 0.9  # share of free memory that a large model may fill: allocators round up and leave gaps
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


@dataclass(frozen=True)
class Fit:
    """How a model goes into the memory that there is."""

    device: Device
    bits: int  # per weight: 32, 16 or 4
    needed_gib: float
    free_gib: float | None  # of the GPUs it is spread over, or of the main memory; None if the system does not say
    gpus: int = 0  # how many it is spread over
    place: str = "main memory"  # "Tesla T4", "4 x A100"

    @property
    def kind(self) -> str:
        """In words: "4-bit" or "16-bit" or "32-bit"."""
        return f"{self.bits}-bit"


class MissingPackageError(RuntimeError):
    """A format fits, but needs a package that is not installed; the message has the command that installs it."""


class NotEnoughMemoryError(RuntimeError):
    """No format fits that may be used; ``bits`` is the smallest that was tried."""

    def __init__(self, message: str, free_gib: float, bits: int):
        super().__init__(message)
        self.free_gib, self.bits = free_gib, bits


def offered_bits(device: str) -> tuple[int, ...]:
    """Bits per weight that the course loads a large model in, on a device as torch calls it; most exact first."""
    return {"cpu": (32, 16, 4), "mps": (16,)}.get(device, (16, 4))


def choose_fit(needed_gib: Mapping[int, float], bits: int | None = None) -> Fit:
    """Decide where a large model goes and in how many bits a weight.

    The most exact format that fits, on the GPU if there is one: 16 bits on one GPU, then on all of them together, then
    4 bits likewise; on a CPU 32, 16, then 4.  A model that does not fit on the GPUs is not put on the CPU instead: it
    would take minutes for a sentence.

    Args:
        needed_gib: what the model needs in total, by bits per weight: {32: 27.9, 16: 13.9, 4: 5.1}.
        bits: only this format.

    Raises:
        NotEnoughMemoryError: nothing fits.
        MissingPackageError: what would fit needs a package that is missing.
        ValueError: a format that this device does not do.
    """
    device = choose_device()
    offered = offered_bits(device.name)
    if bits is not None and bits not in offered:
        raise ValueError(f"bits must be one of {', '.join(map(str, offered))} on {device.name}, got {bits!r}.")
    places = _places(device)
    for candidate in (bits,) if bits else offered:
        for gpus, place, free, _ in places:
            if free is not None and needed_gib[candidate] > free * USABLE:
                continue
            if candidate == 4 and importlib.util.find_spec("bitsandbytes") is None:
                raise MissingPackageError(
                    f"{_needs(needed_gib, (4,) if bits else offered)}, and {place} has {_gib(free)} free: it fits in "
                    "4-bit, which needs the package bitsandbytes. Install it with `pip install bitsandbytes "
                    "accelerate` (in a notebook: %pip install -q bitsandbytes accelerate), restart the kernel, and "
                    "load again."
                )
            number = "bfloat16" if device.name == "cpu" and candidate != 32 else device.dtype
            device = Device(device.name, number, device.reason)
            return Fit(device, candidate, needed_gib[candidate], free, gpus, place)
    _, place, free, total = places[-1]
    least = bits or offered[-1]
    message = f"{_needs(needed_gib, (least,) if bits else offered)}, and {place} has {_gib(free)} free."
    if needed_gib[least] <= total * USABLE:
        message += (
            f" It has {total:.1f} GiB in all: close what else uses it, restart the kernel if it is this notebook, then "
            "load again."
        )
    raise NotEnoughMemoryError(message, free, least)


def _needs(needed_gib: Mapping[int, float], offered: tuple[int, ...]) -> str:
    return "it needs " + " or ".join(f"{needed_gib[bits]:.1f} GiB in {bits}-bit" for bits in reversed(offered))


def _gib(free: float | None) -> str:
    return "an unknown amount" if free is None else f"{free:.1f} GiB"


def _places(device: Device) -> list[tuple[int, str, float | None, float | None]]:
    """Where a model may go, smallest first: number of GPUs, what that is in words, its free and its whole memory."""
    if device.name != "cuda":
        total, free = memory_gib() or (None, None)
        if device.name == "mps":
            import torch

            total = free = torch.mps.recommended_max_memory() / GIB  # of the memory that GPU and CPU share
        return [(0, "the GPU's share of the memory" if device.name == "mps" else "the main memory", free, total)]
    import torch

    titles = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    memory = [[part / GIB for part in torch.cuda.mem_get_info(number)] for number in range(len(titles))]
    places = [(1, titles[0], *memory[0])]
    if len(titles) > 1:
        free, total = (sum(parts) for parts in zip(*memory, strict=True))
        places.append((len(titles), f"{len(titles)} GPUs ({', '.join(sorted(set(titles)))}) together", free, total))
    return places


def free_memory_by_gpu() -> dict[int, int]:
    """Bytes that a model may use of each GPU: what accelerate calls ``max_memory``."""
    import torch

    return {number: int(torch.cuda.mem_get_info(number)[0] * USABLE) for number in range(torch.cuda.device_count())}


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


def share_cores() -> None:
    """Let PyTorch's threads wait busily for each other for a short time only, and then give their cores away.

    By default they keep them thirty times as long in each operation.  Where another program wants a core, the thread
    that is waited for does not get it, and training takes many times as long.  To be called before torch is imported;
    whoever has set how threads wait keeps that.  Works for GNU's OpenMP, which torch has on Linux.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "10000"


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
    obstacle = None if "xllamacpp" in missing else llama_cpp_obstacle()
    return Line(
        "Packages", set(missing) <= optional and not obstacle, detail + (f"; xllamacpp {obstacle}" if obstacle else "")
    )


NOT_INSTALLED = "is not installed"


def llama_cpp_obstacle() -> str | None:
    """Why llama.cpp cannot be used here, as the end of a sentence about its package, or None if it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return NOT_INSTALLED
    try:
        import xllamacpp  # noqa: F401
    except ImportError as error:
        advice = ": on Debian and Ubuntu, sudo apt-get install libgomp1" if "libgomp" in str(error) else ""
        return f"cannot be loaded ({error}{advice})"
    return None


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
