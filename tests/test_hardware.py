"""The device and its reason; the environment report."""

import os
import subprocess
import sys
from collections import namedtuple
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from llama_course import hardware, paths
from llama_course.hardware import GIB, Device, Line

Usage = namedtuple("Usage", "total used free")


def pretend(monkeypatch, *, nvidia=False, system="linux", machine="x86_64", cuda=None, mps=False):
    """A computer with this hardware; ``cuda`` is (name, (major, minor)) of its GPU."""
    monkeypatch.setattr(hardware, "_may_have_nvidia", lambda: nvidia)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(hardware.platform, "machine", lambda: machine)
    fake = SimpleNamespace(
        cuda=SimpleNamespace(
            is_available=lambda: cuda is not None,
            get_device_name=lambda: cuda[0],
            get_device_capability=lambda: cuda[1],
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )
    monkeypatch.setitem(sys.modules, "torch", fake)


def test_a_computer_without_gpu_uses_its_cpu_in_float32(monkeypatch):
    pretend(monkeypatch)
    device = hardware.choose_device()
    assert (device.name, device.dtype) == ("cpu", "float32")
    assert "no NVIDIA driver" in device.reason


def test_a_t4_has_no_bfloat16_and_the_reason_says_so(monkeypatch):
    pretend(monkeypatch, nvidia=True, cuda=("Tesla T4", (7, 5)))
    device = hardware.choose_device()
    assert (device.name, device.dtype) == ("cuda", "float16")
    assert device.reason == "Tesla T4: compute capability 7.5 has no bfloat16, using float16"


@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (9, 0), (12, 0)])
def test_newer_gpus_use_bfloat16(monkeypatch, capability):
    pretend(monkeypatch, nvidia=True, cuda=("A100", capability))
    assert hardware.choose_device() == Device("cuda", "bfloat16", "A100: has bfloat16")


def test_a_driver_without_a_usable_gpu_falls_back_to_the_cpu(monkeypatch):
    pretend(monkeypatch, nvidia=True)
    device = hardware.choose_device()
    assert (device.name, device.dtype) == ("cpu", "float32")
    assert "no usable GPU" in device.reason


def test_apple_s_gpu_is_used_where_torch_has_it(monkeypatch):
    pretend(monkeypatch, system="darwin", machine="arm64", mps=True)
    assert hardware.choose_device().name == "mps"
    pretend(monkeypatch, system="darwin", machine="arm64", mps=False)
    assert hardware.choose_device().name == "cpu"


def test_the_device_prints_name_dtype_and_reason():
    assert str(Device("cpu", "float32", "made for this")) == "cpu, float32 (made for this)"


def test_device_and_dtype_are_names_that_torch_knows():
    import torch

    device = hardware.choose_device()
    assert torch.zeros(1, dtype=getattr(torch, device.dtype), device="cpu").dtype == getattr(torch, device.dtype)
    assert torch.device(device.name).type == device.name


def test_choosing_the_cpu_does_not_import_torch():
    code = (
        "import sys; from llama_course import hardware; hardware._may_have_nvidia = lambda: False; "
        "sys.platform = 'linux'; hardware.choose_device(); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False), ("no", False)]
)
@pytest.mark.parametrize("name", ["LLAMA_COURSE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_mode_is_asked_for_by_either_variable(monkeypatch, name, value, offline):
    for variable in hardware.OFFLINE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert not hardware.is_offline()
    monkeypatch.setenv(name, value)
    assert hardware.is_offline() is offline


def test_memory_agrees_with_psutil():
    total, available = hardware.memory_gib()
    assert total == pytest.approx(psutil.virtual_memory().total / GIB, rel=0.01)
    assert 0 < available <= total


def test_cores_are_those_this_process_may_use():
    assert 1 <= hardware.cpu_cores() <= os.cpu_count()


def test_the_report_has_a_line_for_each_need():
    lines = hardware.report()
    assert [line.label for line in lines] == ["Python", "Packages", "Memory", "Disk", "Device"]
    assert all(isinstance(line, Line) and line.detail for line in lines)
    assert hardware.choose_device().reason in lines[-1].detail


def test_a_line_starts_with_ok_or_fail():
    assert str(Line("Disk", True, "5 GiB")).split() == ["OK", "Disk", "5", "GiB"]
    assert str(Line("Disk", False, "full")).split() == ["FAIL", "Disk", "full"]


def test_too_little_memory_fails_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(hardware, "memory_gib", lambda: (2.0, 0.4))
    line = hardware._memory()
    assert not line.ok
    assert "0.4 of 2.0 GiB" in line.detail
    assert "close other programs" in line.detail


def test_a_system_that_does_not_tell_its_memory_passes(monkeypatch):
    monkeypatch.setattr(hardware, "memory_gib", lambda: None)
    assert hardware._memory().ok


def test_a_full_disk_fails_and_names_the_variable(monkeypatch, own_home):
    monkeypatch.setattr(hardware.shutil, "disk_usage", lambda folder: Usage(GIB, GIB, 1000))
    line = hardware._disk()
    assert not line.ok
    assert "LLAMA_COURSE_HOME" in line.detail


def test_the_disk_is_looked_at_where_the_home_will_be(monkeypatch, own_home):
    asked = []
    monkeypatch.setattr(hardware.shutil, "disk_usage", lambda folder: asked.append(folder) or Usage(0, 0, GIB))
    line = hardware._disk()
    assert line.ok
    assert asked == [own_home.parent]
    assert str(paths.home()) in line.detail


@pytest.mark.parametrize(("missing", "ok"), [("xllamacpp", True), ("jupyterlab", True), ("torch", False)])
def test_a_missing_package_fails_only_where_the_course_cannot_do_without(monkeypatch, missing, ok):
    def look_up(name):
        if name == missing:
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(hardware.importlib.metadata, "version", look_up)
    line = hardware._packages()
    assert line.ok is ok
    assert f"missing: {missing}" in line.detail


def test_package_versions_are_those_installed():
    assert f"torch {version('torch')}" in hardware._packages().detail


def test_the_report_shows_the_home_folder_as_a_tilde(monkeypatch):
    monkeypatch.delenv("LLAMA_COURSE_HOME", raising=False)
    disk = next(line for line in hardware.report() if line.label == "Disk")
    assert disk.detail.endswith("for ~/.llama-course") and str(Path.home()) not in disk.detail


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps it")
def test_what_was_freed_goes_back_to_the_computer():
    pieces = [b"x" * 100_000 for _ in range(2_000)]  # 200 MB; the last one keeps the heap from shrinking
    del pieces[:-1]
    before = psutil.Process().memory_info().rss
    hardware.return_freed_memory()
    assert psutil.Process().memory_info().rss < before - 100 * 2**20


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda name: SimpleNamespace())
    hardware.return_freed_memory()
