"""The course as a stranger has it: a wheel, environments to install it into, and notebooks run there."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "LICENSE-TEXT")
FOLDERS = ("utils", "course", "exercises", "solutions")


def copy_sources(target: Path) -> Path:
    """A copy of all that the wheel is made of: building leaves files behind in it."""
    for name in SOURCES:
        shutil.copy(ROOT / name, target)
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", ".ipynb_checkpoints")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=leave_out)
    return target


def build_wheel(source: Path, target: Path) -> Path:
    """The wheel of a folder with the sources, or of an archive of them."""
    pip("wheel", str(source), "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(target))
    (built,) = target.glob("llama_course-*.whl")
    return built


def pip(*arguments: str) -> None:
    """Run this environment's pip, which can work on another environment with --python."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def new_environment(folder: Path, python: str = sys.executable) -> Path:
    """Python of a new environment without any package."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([python, "-c", code], text=True, encoding="utf-8", timeout=60).strip())


def borrowed() -> list[str]:
    """Folders of the packages of the running environment."""
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def lend_packages(python: Path, folder: Path, without: tuple[str, ...] = (), only: tuple[str, ...] = ("",)) -> Path:
    """Give an environment the packages of this one, as links in ``folder``, the course and those ``without`` left out.

    Args:
        python: of the environment.
        folder: new folder for the links.
        without: starts of names of files and folders in site-packages, such as ``gguf``.
        only: likewise; by default all others.
    """
    folder.mkdir()
    hidden = ("llama_course", "__editable__", "distutils-precedence", "_virtualenv", *without)
    for place in borrowed():
        for path in Path(place).iterdir():
            if path.name.startswith(only) and not path.name.startswith(hidden) and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)
    (site_packages(python) / "lent.pth").write_text(f"{folder}\n", encoding="utf-8")
    return folder


def stand_in(folder: Path, name: str, version: str) -> None:
    """Metadata of a package in a folder of packages: what pip sees of it."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (place / "INSTALLER").write_text("tests\n", encoding="utf-8")
    (place / "RECORD").write_text("", encoding="utf-8")


def stand_in_wheel(folder: Path, name: str, version: str, module: str) -> Path:
    """A wheel with one module that says its version, for pip to find."""
    information = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{module}.py", f"__version__ = {version!r}\n")
        wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files = [f"{module}.py", *(f"{information}/{part}" for part in ("METADATA", "WHEEL", "RECORD"))]
        wheel.writestr(f"{information}/RECORD", "".join(f"{name},,\n" for name in files))
    return path


def execute(notebook, folder: Path, python: Path, environment: dict[str, str] | None = None, **options) -> None:
    """Run a notebook with a kernel of that Python; raises at the first error unless errors are allowed."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    kernels = folder.parent / "kernels"
    (kernels / "clean").mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Clean",
        "language": "python",
        "env": environment or {},
    }
    (kernels / "clean" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    manager = AsyncKernelManager(kernel_name="clean", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, km=manager, timeout=300, resources=resources, **options).execute(cleanup_kc=True)
