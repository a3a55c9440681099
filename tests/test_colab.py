"""The course on a look-alike of Colab: one notebook in an empty folder, nothing of the course installed.

pip, IPython and the kernel are real; ``google.colab`` is a stand-in, and so are packages whose versions matter to pip.
With ``LLAMA_COURSE_COLAB_VERSIONS`` (see tests/colab/README.md) the packages around the kernel are Colab's own
versions, and every lesson is run; with ``LLAMA_COURSE_COLAB_PYTHON`` one lesson is run on another Python, for which
PyTorch need not be there.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import installed
from authoring.first_cell import first_cell
from authoring.masters import find_targets
from authoring.publishing import publish_notebook
from llama_course.repository import Repository

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = os.environ.get("LLAMA_COURSE_COLAB_VERSIONS")
PYTHON = os.environ.get("LLAMA_COURSE_COLAB_PYTHON")
HEAVY = {  # what Colab shipped in August 2026 of what only the models need
    "torch": "2.11.0",
    "transformers": "5.15.0",
    "tokenizers": "0.22.2",
    "huggingface_hub": "1.27.0",
    "safetensors": "0.8.0",
    "gguf": "0.17.1",
    "xllamacpp": "2026.10.1",
}
NOT_ON_COLAB = ("jupyterlab-", "bitsandbytes", "nbval")
TARGETS = find_targets(ROOT)
LESSONS = [target for target in TARGETS if target.kind != "exercises"] if VERSIONS else []
WHERE_IT_IS = "import llama_course, google.colab; print(llama_course.__file__)"
SECONDS = 300
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Colab runs Linux; the look-alike uses links"),
]


class Colab:
    """A new virtual machine: an environment with the packages that Colab has, and an empty folder."""

    def __init__(self, folder: Path, without: tuple[str, ...] = (), python: str | None = None):
        if PYTHON and not python:
            pytest.skip("the versions are those for another Python")
        self.home = folder / "content"
        self.home.mkdir(parents=True)
        self.index = folder / "index"  # what pip would find on the network
        self.index.mkdir()
        self.python = installed.new_environment(folder / "python", *filter(None, [python]))
        only = ("pip",) if python else ("",)  # pip runs on every Python
        self.packages = installed.lend_packages(self.python, folder / "packages", (*NOT_ON_COLAB, *without), only)
        first = [str(Path(VERSIONS).resolve())] if VERSIONS else []
        self.environment = {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "no_network"), *first, str(ROOT / "tests" / "colab")]),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "0",
            "COLAB_RELEASE_TAG": "release-colab-look-alike",
            "LLAMA_COURSE_PROGRESS": str(folder / "progress.json"),
        }

    def run(self, cells: list[str], **options) -> list[str]:
        """What each cell of a new notebook prints, followed by its error, if any, in a word and a sentence."""
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        self.execute(notebook, **options)
        shown = []
        for cell in notebook.cells:
            shown.append(printed(cell))
            shown += [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
        return shown

    def execute(self, notebook, **options) -> None:
        installed.execute(notebook, self.home, self.python, self.environment, **options)

    def versions(self) -> dict[str, str]:
        """What pip says is installed."""
        command = [self.python, "-m", "pip", "list", "--format=json"]
        environment = {**os.environ, **self.environment}
        shown = subprocess.check_output(command, env=environment, text=True, encoding="utf-8", timeout=SECONDS)
        return {package["name"]: package["version"] for package in json.loads(shown)}


def printed(cell) -> str:
    """What a cell printed; a busy kernel sends it in pieces."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


@pytest.fixture
def colab(tmp_path):
    """A function that gives a new virtual machine, without some packages."""
    return lambda *without: Colab(tmp_path / "machine", without)


@pytest.fixture(scope="module")
def ready(tmp_path_factory, wheel):
    """A virtual machine on which a first cell has installed the uploaded wheel."""
    machine = Colab(tmp_path_factory.mktemp("colab"))
    shutil.copy(wheel, machine.home)
    machine.run([first_cell("00", None)])
    return machine


def test_the_first_cell_installs_an_uploaded_wheel(colab, wheel):
    machine = colab()
    before = machine.versions()
    assert "llama-course" not in before
    shutil.copy(wheel, machine.home)
    *_, where = machine.run([first_cell("02", None), WHERE_IT_IS])
    assert Path(where.strip()).is_relative_to(installed.site_packages(machine.python))
    after = machine.versions()
    assert {name: after[name] for name in before} == before, "something that Colab ships was replaced"
    assert set(after) - set(before) == {"llama-course"}


def test_without_a_wheel_it_says_what_to_do_and_stops(colab, wheel):
    machine = colab()
    *_, error = machine.run([first_cell("02", None)], allow_errors=True)
    assert error == "AssertionError: Upload the course's wheel, llama_course-….whl, then run this cell again."
    assert list(machine.home.iterdir()) == []
    shutil.copy(wheel, machine.home / f"{wheel.stem} (1).whl")  # as browsers name a second download
    shown = "\n".join(machine.run([first_cell("02", None)], allow_errors=True))
    assert re.search(r"\(1\)\.whl is not a (valid|supported) wheel", shown), shown


def test_what_is_missing_is_added_and_what_is_there_is_not_made_newer(colab, wheel):
    machine = colab("gguf", "ipywidgets", "jupyterlab_widgets", "widgetsnbextension")
    installed.stand_in(machine.packages, "ipywidgets", "7.7.1")
    installed.stand_in_wheel(machine.index, "ipywidgets", "8.1.9", "ipywidgets")
    installed.stand_in_wheel(machine.index, "gguf", "0.17.1", "gguf")
    shutil.copy(wheel, machine.home)
    before = machine.versions()
    machine.run([first_cell("02", None)])
    after = machine.versions()
    assert {name: after[name] for name in set(after) - set(before)} == {
        "llama-course": after["llama-course"],
        "gguf": "0.17.1",
    }
    assert after["ipywidgets"] == before["ipywidgets"] == "7.7.1"


def test_where_colab_does_not_fit_it_fails_and_replaces_nothing(colab, wheel):
    machine = colab("transformers")
    installed.stand_in(machine.packages, "transformers", "4.57.1")
    installed.stand_in_wheel(machine.index, "transformers", "5.15.0", "transformers")
    shutil.copy(wheel, machine.home)
    before = machine.versions()
    shown = "\n".join(machine.run([first_cell("02", None)], allow_errors=True))
    assert "package versions have conflicting dependencies" in shown
    assert "ModuleNotFoundError: No module named 'llama_course'" in shown
    assert machine.versions() == before


def test_with_a_repository_it_asks_there_unless_a_wheel_was_uploaded(colab, wheel):
    machine = colab()
    cell = first_cell("02", Repository("some-school", "llama"))
    shown = "\n".join(machine.run([cell], allow_errors=True))  # the tests have no network
    assert "url: /some-school/llama/archive/refs/heads/main.zip" in shown
    assert "host='github.com'" in shown
    assert "llama-course" not in machine.versions()
    shutil.copy(wheel, machine.home)
    assert "Lesson 02 · llama-course" in machine.run([cell])[-1]


def test_the_first_cell_of_every_notebook_runs(ready):
    notebooks = [nbformat.read(target.path, as_version=4) for target in TARGETS]
    cells = [next(cell.source for cell in notebook.cells if cell.cell_type == "code") for notebook in notebooks]
    shown = "".join(ready.run(cells))
    for target in TARGETS:
        assert shown.count(f"Lesson {target.lesson} ·") == sum(other.lesson == target.lesson for other in TARGETS)


def test_one_notebook_of_a_fork_runs_alone_in_an_empty_folder(colab, wheel):
    """Lesson 01 reads the package's data, shows quizzes and needs no model."""
    machine = colab()
    (lesson,) = (ROOT / "course").glob("01_*.ipynb")
    (machine.home / lesson.name).write_text(
        publish_notebook(lesson, Repository("some-school", "llama")), encoding="utf-8"
    )
    shutil.copy(wheel, machine.home)
    notebook = nbformat.read(machine.home / lesson.name, as_version=4)
    notebook.cells.append(new_code_cell(WHERE_IT_IS))
    machine.execute(notebook)
    where = printed(notebook.cells[-1]).strip()
    assert Path(where).is_relative_to(installed.site_packages(machine.python))
    assert {path.name for path in machine.home.iterdir()} == {lesson.name, wheel.name, "present.txt"}


@pytest.mark.skipif(not VERSIONS, reason="needs Colab's versions; tests/colab/README.md says how to get them")
@pytest.mark.parametrize("target", LESSONS, ids=lambda target: getattr(target, "name", None))
def test_every_lesson_runs_with_the_versions_of_colab(ready, target):
    notebook = nbformat.read(target.path, as_version=4)
    notebook.cells.append(
        new_code_cell("import ipywidgets, IPython; print(ipywidgets.__version__, IPython.__version__)")
    )
    ready.execute(notebook)
    assert printed(notebook.cells[-1]).split() == ["7.7.1", "7.34.0"]


@pytest.mark.skipif(not (PYTHON and VERSIONS), reason="needs another Python; tests/colab/README.md says how")
def test_the_first_cell_and_a_lesson_run_on_another_python(tmp_path, wheel):
    machine = Colab(tmp_path / "machine", python=PYTHON)
    for name, version in HEAVY.items():
        installed.stand_in(machine.packages, name, version)
    (lesson,) = (ROOT / "course").glob("01_*.ipynb")
    shutil.copy(wheel, machine.home)
    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells.append(
        new_code_cell("import platform, ipywidgets; print(platform.python_version(), ipywidgets.__version__)")
    )
    before = machine.versions()
    machine.execute(notebook)
    after = machine.versions()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"llama-course"}
    assert printed(notebook.cells[-1]).split()[1] == "7.7.1"
