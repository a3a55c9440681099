"""Saying where the course is published: badges, first cells and links of a copy of the course."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from authoring import publishing
from authoring.first_cell import first_cell
from authoring.notebook import EVERYWHERE
from llama_course import cli
from llama_course.repository import Repository, published

SCHOOL = Repository("some-school", "unboxing-llama-2", "spring")
PLACES = [*EVERYWHERE, "authoring"]
FILES = ["README.md", "utils/llama_course/data/repository.json"]


@pytest.fixture
def copy(tmp_path, project_root):
    """A copy of what names the repository, and of the tools."""
    root = tmp_path / "copy"
    leave_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for place in PLACES:
        shutil.copytree(project_root / place, root / place, ignore=leave_out)
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project_root / name, root / name)
    publishing.set_repository(root, None)  # whatever this copy of the course has
    return root


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def notebooks(root):
    return [path for kind in EVERYWHERE for path in sorted((root / kind).glob("*.ipynb"))]


def changed(before, after):
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def test_every_notebook_gets_its_own_badge_and_first_cell_and_nothing_else_changes(copy):
    before = {path: nbformat.read(path, as_version=4) for path in notebooks(copy)}
    publishing.set_repository(copy, SCHOOL)
    assert len(before) >= 30
    for path, old in before.items():
        new = nbformat.read(path, as_version=4)
        badges = re.findall(r"\]\((https://colab[^)]*)\)", "\n".join(cell.source for cell in new.cells))
        assert badges == [SCHOOL.colab(f"{path.parent.name}/{path.name}")]
        assert new.cells[1].source == first_cell(path.stem[:2], SCHOOL)
        assert new.cells[2:] == old.cells[2:]
        assert new.cells[1].get("outputs") == old.cells[1].get("outputs")


def test_it_can_be_taken_back_to_the_last_byte(copy):
    before = contents(copy)
    publishing.set_repository(copy, SCHOOL)
    assert changed(before, contents(copy)) == {*FILES, *(p.relative_to(copy).as_posix() for p in notebooks(copy))}
    assert publishing.set_repository(copy, SCHOOL) == []
    publishing.set_repository(copy, Repository("another", "course"))
    publishing.set_repository(copy, None)
    assert changed(before, contents(copy)) == set()


@pytest.mark.slow
def test_the_builder_agrees_to_the_last_byte(copy, project_root):
    """The copy's own builder, which reads the copy's own address."""
    package = copy / "utils" / "llama_course"
    shutil.rmtree(package)
    leave_out = shutil.ignore_patterns("__pycache__", "checkpoints")
    shutil.copytree(project_root / "utils" / "llama_course", package, ignore=leave_out)
    publishing.set_repository(copy, SCHOOL)
    for tool, said in (("build.py", "All notebooks are up to date."), ("lint.py", " 0 errors")):
        command = [sys.executable, f"authoring/{tool}", *(["--check"] if tool == "build.py" else [])]
        environment = {**os.environ, "PYTHONPATH": str(copy / "utils")}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, encoding="utf-8")
        assert said in done.stdout, done.stdout + done.stderr


def test_a_notebook_that_somebody_edited_stays_one_that_has_to_be_built(copy):
    path = copy / "course" / "00_welcome.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][3:] = [dict(cell, source=["edited"]) for cell in notebook["cells"][3:]]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    publishing.set_repository(copy, SCHOOL)
    cells = json.loads(path.read_text(encoding="utf-8"))
    assert cells["metadata"]["llama_course"]["source_sha256"] != publishing.code_hash(cells["cells"])


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("course/02_predicting_text.ipynb", lambda text: text[:100]),
        ("exercises/02_predicting_text.ipynb", lambda text: text.replace('"first-cell"', '"other"')),
        ("solutions/02_predicting_text.ipynb", lambda text: "[]"),
        ("README.md", lambda text: text.replace(publishing.END, "")),
    ],
)
def test_a_file_that_is_not_the_courses_stops_it_before_anything_is_written(copy, name, spoil, capsys):
    path = copy / name
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    before = contents(copy)
    assert publishing.main([str(SCHOOL)], copy) == 1
    assert name.split("/")[-1] in capsys.readouterr().err
    assert changed(before, contents(copy)) == set()


def test_an_interruption_is_mended_by_the_same_command(copy, monkeypatch):
    write, written = publishing.write_atomically, []

    def interrupted(path, text):
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "The disk is full")
        write(path, text)

    monkeypatch.setattr(publishing, "write_atomically", interrupted)
    assert publishing.main([str(SCHOOL)], copy) == 1
    monkeypatch.setattr(publishing, "write_atomically", write)
    assert json.loads((copy / publishing.ADDRESS).read_text(encoding="utf-8"))["repository"] is None
    assert publishing.main([str(SCHOOL)], copy) == 0
    assert all(b"some-school/unboxing-llama-2" in path.read_bytes() for path in notebooks(copy))


def test_a_folder_that_is_not_the_course_is_refused(tmp_path, capsys):
    assert publishing.main(["a/b"], tmp_path) == 1
    assert "is no copy of the course" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_finds_the_copy_it_stands_in_and_prints_the_links(copy, project_root, monkeypatch, capfd):
    for name in ("repository.py", "paths.py", "files.py", "__init__.py"):
        shutil.copy(project_root / "utils" / "llama_course" / name, copy / "utils" / "llama_course" / name)
    monkeypatch.chdir(copy / "course")
    assert cli.main(["set-repository", "https://github.com/some-school/llama", "--branch", "spring"]) == 0
    out = capfd.readouterr().out
    assert "published at https://github.com/some-school/llama, branch spring" in out
    assert "https://mybinder.org/v2/gh/some-school/llama/spring" in out
    assert json.loads((copy / publishing.ADDRESS).read_text(encoding="utf-8")) == {
        "repository": "some-school/llama",
        "branch": "spring",
    }
    assert cli.main(["set-repository", "OWNER/NAME"]) == 1
    assert "stand for your own" in capfd.readouterr().err


def test_the_command_needs_a_copy_of_the_course(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["set-repository", "a/b"]) == 1
    assert "is not in a copy of the course" in capsys.readouterr().err


def test_readme_and_notebooks_of_this_copy_name_the_repository_it_has(project_root):
    """Whatever is set here: no badge without a repository, and no other one's."""
    repository = published()
    for path in [*notebooks(project_root), project_root / "README.md"]:
        found = re.findall(
            r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob", path.read_text(encoding="utf-8")
        )
        assert set(found) == ({str(repository)} if repository else set()), path.name
