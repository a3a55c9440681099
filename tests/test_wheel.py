"""The package as a stranger gets it: built as a wheel, installed in a clean environment, used in an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from installed import borrowed, build_wheel, copy_sources, execute, new_environment, pip, site_packages
from llama_course.hand_out import KINDS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "utils" / "llama_course"
MOST_BYTES = 25_000_000  # a class downloads it together, and Colab at every start
EXECUTES_WHEN_READ = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".npy")  # formats that may hold pickles
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_other_paths(monkeypatch):
    """Child processes see the network block and no folder of somebody's PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "no_network"))


@pytest.fixture(scope="module")
def clean_python(wheel, tmp_path_factory) -> Path:
    """Python of a new environment with the wheel; other packages are those of the running environment."""
    python = new_environment(tmp_path_factory.mktemp("clean") / "venv")
    pip("--python", str(python), "install", str(wheel), "--no-deps", "--no-index")
    # Packages on a path named here are found, but the .pth files among them are not read: an editable
    # installation of the course in the running environment stays invisible.
    (site_packages(python) / "borrowed.pth").write_text("\n".join(borrowed()), encoding="utf-8")
    return python


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    content = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        path.relative_to(ROOT / "utils").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.endswith(".json") for name in expected)
    notebooks = {
        f"llama_course/data/notebooks/{kind}/{path.name}" for kind in KINDS for path in ROOT.glob(f"{kind}/*.ipynb")
    }
    assert len(notebooks) >= 30
    expected |= notebooks
    information = {name for name in content if name.split("/")[0].endswith(".dist-info")}
    assert content - information == expected
    assert {name.split("/")[-1] for name in information} >= {"LICENSE", "LICENSE-TEXT", "METADATA"}


def test_the_wheel_is_small_and_holds_nothing_that_runs_when_read(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size < MOST_BYTES
    assert [name for name in names if name.endswith(EXECUTES_WHEN_READ)] == []
    assert [name for name in names if "test" in Path(name).name.split("_")] == []


def test_a_wheel_made_from_the_source_archive_has_the_same_notebooks(wheel, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), "."]
    done = subprocess.run(
        command, cwd=copy_sources(source), capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    again = build_wheel(archive, tmp_path)
    first, second = zipfile.ZipFile(wheel), zipfile.ZipFile(again)
    assert sorted(first.namelist()) == sorted(second.namelist())
    notebooks = [name for name in first.namelist() if name.endswith(".ipynb")]
    assert [name for name in notebooks if first.read(name) != second.read(name)] == []


def test_a_source_folder_without_its_notebooks_is_not_built(tmp_path):
    copy_sources(tmp_path)
    shutil.rmtree(tmp_path / "solutions")
    with pytest.raises(AssertionError, match="with the notebooks should lie beside"):
        build_wheel(tmp_path, tmp_path)


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


def test_the_installed_package_alone_lays_out_the_course(clean_python, tmp_path):
    command = [clean_python, "-m", "llama_course", "notebooks", "mine"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert shown.returncode == 0, shown.stderr
    for kind in KINDS:
        laid = {path.name: path.read_bytes() for path in (tmp_path / "mine" / kind).glob("*.ipynb")}
        assert laid == {path.name: path.read_bytes() for path in (ROOT / kind).glob("*.ipynb")}


def test_one_notebook_runs_in_an_empty_folder(clean_python, tmp_path):
    (lesson,) = (ROOT / "course").glob("01_*.ipynb")  # it reads the package's data files
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(lesson, folder)
    notebook = nbformat.read(folder / lesson.name, as_version=4)
    notebook.cells.append(new_code_cell("import llama_course; print(llama_course.__file__)"))
    execute(notebook, folder, clean_python)
    used = "".join(output.text for output in notebook.cells[-1].outputs).strip()
    assert Path(used).is_relative_to(site_packages(clean_python))
    assert [path.name for path in folder.iterdir()] == [lesson.name], "the notebook left files behind"
