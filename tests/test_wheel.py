"""The package as a stranger gets it: built as a wheel, installed in a clean environment, used in an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "utils" / "llama_course"
MOST_BYTES = 20_000_000  # a class downloads it together, and Colab at every start
EXECUTES_WHEN_READ = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".npy")  # formats that may hold pickles
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_other_paths(monkeypatch):
    """Child processes see the network block and no folder of somebody's PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "no_network"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the sources: building leaves files behind in them."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "utils", source / "utils", ignore=leave_out)
    pip("wheel", str(source), "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel, tmp_path_factory) -> Path:
    """Python of a new environment with the wheel; other packages are those of the running environment."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip("--python", str(python), "install", str(wheel), "--no-deps", "--no-index")
    # Packages on a path named here are found, but the .pth files among them are not read: an editable
    # installation of the course in the running environment stays invisible.
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site_packages(python) / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return python


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    content = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        path.relative_to(ROOT / "utils").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.endswith(".json") for name in expected)
    information = {name for name in content if name.split("/")[0].endswith(".dist-info")}
    assert content - information == expected
    assert {name.split("/")[-1] for name in information} >= {"LICENSE", "LICENSE-TEXT", "METADATA"}


def test_the_wheel_is_small_and_holds_nothing_that_runs_when_read(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size < MOST_BYTES
    assert [name for name in names if name.endswith((*EXECUTES_WHEN_READ, ".ipynb"))] == []
    assert [name for name in names if "test" in Path(name).name.split("_")] == []


def test_the_clean_environment_imports_the_wheel_not_the_sources(clean_python, tmp_path):
    code = "import llama_course; print(llama_course.__file__)"
    shown = subprocess.run(
        [clean_python, "-c", code], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert Path(shown.stdout.strip()).is_relative_to(site_packages(clean_python)), shown.stderr


def test_the_command_is_installed(clean_python, tmp_path):
    command = clean_python.with_name("llama-course" + (".exe" if os.name == "nt" else ""))
    shown = subprocess.run(
        [command, "--help"], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert "progress" in shown.stdout


def test_one_notebook_runs_in_an_empty_folder(clean_python, tmp_path):
    (lesson,) = (ROOT / "course").glob("01_*.ipynb")  # it reads the package's data files
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(lesson, folder)
    notebook = nbformat.read(folder / lesson.name, as_version=4)
    notebook.cells.append(new_code_cell("import llama_course; print(llama_course.__file__)"))
    execute(notebook, folder, clean_python)
    used = notebook.cells[-1].outputs[0].text.strip()
    assert Path(used).is_relative_to(site_packages(clean_python))
    assert [path.name for path in folder.iterdir()] == [lesson.name], "the notebook left files behind"


def execute(notebook, folder: Path, python: Path) -> None:
    """Run a notebook with a kernel of that Python; raises at the first error."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    kernels = folder.parent / "kernels"
    (kernels / "clean").mkdir(parents=True)
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Clean",
        "language": "python",
    }
    (kernels / "clean" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    manager = AsyncKernelManager(kernel_name="clean", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, km=manager, timeout=300, resources=resources).execute(cleanup_kc=True)


def site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([python, "-c", code], text=True, encoding="utf-8", timeout=60).strip())


def pip(*arguments: str) -> None:
    """Run this environment's pip, which can work on another environment with --python."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
