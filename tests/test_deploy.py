"""The files for hubs, Binder and containers: well-formed, and true to what the project is."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import installed
from llama_course import cli, paths
from llama_course.models.catalog import CATALOG, DEFAULT_MODEL

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "teaching" / "deploy"
DOCKERFILE = DEPLOY / "zero-to-jupyterhub" / "Dockerfile"
VALUES = DEPLOY / "zero-to-jupyterhub" / "values.yaml"
TLJH = DEPLOY / "littlest-jupyterhub.py"
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
BINDER = ROOT / ".binder"
FILES = [DOCKERFILE, VALUES, TLJH, DEVCONTAINER, DEPLOY / "README.md", *sorted(BINDER.iterdir())]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VARIABLES = {paths.HOME_VARIABLE, paths.PROGRESS_VARIABLE}


def text(path):
    return path.read_text(encoding="utf-8")


def instructions():
    """The instructions of the Dockerfile as (word, rest), lines joined."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text(DOCKERFILE), flags=re.M)).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def commands_of(source):
    """The words after ``llama-course`` in every command of a text; ``-t llama-course`` names an image."""
    found = re.findall(r"(?<!-t )(?<![\w/.-])(?:\.venv/bin/)?llama-course ([a-z-]+(?: [\w./-]+)?)", source)
    return [words.split() for words in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_extras_commands_models_and_variables_are_the_projects(path):
    source = text(path)
    for extras in re.findall(r"\.\[([\w,]+)\]", source):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), path.name
    parser = cli._parser()
    for words in commands_of(source):
        known = parser._subparsers._group_actions[0].choices
        assert words[0] in known, f"{path.name}: llama-course {' '.join(words)}"
        assert words[0] != "fetch" or words[1] in CATALOG
    assert set(re.findall(r"LLAMA_COURSE_[A-Z]+", source)) <= VARIABLES
    assert set(re.findall(r"llama_course-(\d[\w.]*\d)-py3", source)) <= {PROJECT["version"]}


def test_the_texts_name_commands_at_all():
    found = [words[0] for path in FILES for words in commands_of(text(path))]
    assert {"fetch", "notebooks", "links", "set-repository"} <= set(found)


def test_the_links_of_the_guide_lead_to_files_and_places_that_are_there():
    source = text(DEPLOY / "README.md")
    places = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", source, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", source):
        if target.startswith("#"):
            assert target[1:] in places, target
        elif not target.startswith("https://"):
            assert (DEPLOY / target).exists(), target


def test_no_file_names_a_repository_of_the_course():
    for path in FILES:
        assert not re.search(r"github\.com/|mybinder\.org/v2", text(path)), path.name


# -- the image -----------------------------------------------------------------------------------------------------


def test_the_image_has_a_python_that_the_course_supports():
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim-bookworm", dict(instructions())["FROM"])
    lowest = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert tuple(map(int, version.groups())) >= tuple(map(int, lowest.groups()))


def test_the_image_copies_all_that_the_wheel_is_made_of():
    copied = {word for name, rest in instructions() if name == "COPY" for word in rest.split()[:-1]}
    assert copied == {*installed.SOURCES, *installed.FOLDERS, "constraints.txt"}
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("path", [DOCKERFILE, DEPLOY / "README.md"], ids=lambda path: path.name)
def test_where_a_system_may_lack_the_library_of_llama_cpp_it_is_installed(path):
    """xllamacpp's wheels for Linux use the system's libgomp; small images and servers come without it."""
    assert re.search(r"apt-get install --yes .*\blibgomp1\b", text(path))


def test_the_image_ends_as_a_user_without_rights_with_the_hubs_server():
    last = dict(instructions())
    assert last["USER"] == "jovyan"
    assert json.loads(last["CMD"]) == ["jupyterhub-singleuser"]
    assert last["WORKDIR"] == "/home/jovyan"


def test_the_images_line_of_python_is_one_that_runs():
    """It names what the library has, and it is the same in the guide."""
    (line,) = set(re.findall(r'python -c "([^"]+)"', text(DOCKERFILE) + text(DEPLOY / "README.md")))
    (statement, _) = ast.parse(line).body
    from llama_course.models import inside

    assert statement.module == "llama_course.models.inside"
    assert callable(getattr(inside, statement.names[0].name))


def test_a_progress_file_with_a_tilde_is_in_the_learners_home(monkeypatch, tmp_path):
    (setting,) = [rest for name, rest in instructions() if name == "ENV" and "PROGRESS" in rest]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(*setting.split("=", 1))
    assert paths.progress_file() == tmp_path / ".llama-course" / "progress.json"


# -- Kubernetes ----------------------------------------------------------------------------------------------------

CHART = {  # the parts of the chart's own schema that are used here
    "singleuser": {"image", "defaultUrl", "lifecycleHooks", "memory", "cpu", "storage", "extraEnv"},
    "cull": {"enabled", "timeout"},
    "hub": {"config"},
}


def test_the_values_are_those_that_the_chart_knows():
    values = yaml.safe_load(text(VALUES))
    assert {key: set(value) for key, value in values.items()} == CHART
    user = values["singleuser"]
    assert user["image"]["tag"] == PROJECT["version"]
    assert all(isinstance(value, str) for value in user["extraEnv"].values()), "an environment holds texts"
    assert set(user["memory"]) == set(user["cpu"]) == {"guarantee", "limit"}


def test_each_start_lays_out_the_notebooks_where_the_page_opens():
    user = yaml.safe_load(text(VALUES))["singleuser"]
    *shell, line = user["lifecycleHooks"]["postStart"]["exec"]["command"]
    program, command, folder, *whatever_happens = line.split()
    assert (program, command) == (next(iter(PROJECT["scripts"])), "notebooks")
    assert (shell, whatever_happens) == (["sh", "-c"], ["||", "true"]), "a hook that fails ends the learner's server"
    opened = user["defaultUrl"].removeprefix("/lab/tree/")
    assert opened.split("/")[0] == Path(folder).name
    assert (ROOT / opened.split("/", 1)[1]).is_file()
    assert Path(folder).parent.as_posix() == dict(instructions())["WORKDIR"]


def test_nobody_signs_in_who_is_not_on_the_list():
    config = yaml.safe_load(text(VALUES))["hub"]["config"]
    assert config["JupyterHub"]["authenticator_class"] != "dummy"
    assert config["FirstUseAuthenticator"]["create_users"] is False
    assert config["Authenticator"]["allowed_users"]


def test_what_has_to_be_changed_is_marked():
    marked = [line.split(":")[0].strip() for line in text(VALUES).splitlines() if "# CHANGE" in line]
    assert marked == ["name", "admin_users", "allowed_users"]
    assert "registry.example.org" in text(VALUES)


# -- The Littlest JupyterHub ---------------------------------------------------------------------------------------


def test_the_hubs_file_adds_to_the_environment_and_keeps_what_is_there():
    traitlets = pytest.importorskip("traitlets.config")
    for before in ({}, {"A": "1"}):
        config = traitlets.Config({"Spawner": {"environment": before}} if before else {})
        exec(compile(text(TLJH), TLJH.name, "exec"), {"get_config": lambda config=config: config})
        environment = config.Spawner.environment
        environment = environment if isinstance(environment, dict) else environment.get_value({})
        assert environment == before | {
            paths.HOME_VARIABLE: "/srv/llama-course",
            paths.PROGRESS_VARIABLE: "~/.llama-course/progress.json",
            "HF_HUB_OFFLINE": "1",
        }


# -- Binder and the container --------------------------------------------------------------------------------------


def test_binders_python_is_one_that_the_course_supports():
    major, minor = re.fullmatch(r"python-(\d+)\.(\d+)\n", text(BINDER / "runtime.txt")).groups()
    assert (int(major), int(minor)) >= (3, 11)


def test_binders_last_step_is_a_program_of_the_shell():
    step = BINDER / "postBuild"
    assert text(step).startswith("#!/usr/bin/env bash\n")
    if os.name != "nt":
        assert os.access(step, os.X_OK), "git keeps the mark: git update-index --chmod=+x .binder/postBuild"
        subprocess.run(["bash", "-n", str(step)], check=True)
    assert f"llama-course fetch {DEFAULT_MODEL}" in text(step)


@pytest.mark.slow
def test_pip_reads_binders_list_as_the_course_with_its_versions(tmp_path):
    """As Binder does it, in the folder of the repository; nothing is installed."""
    installed.copy_sources(tmp_path)
    shutil.copytree(BINDER, tmp_path / ".binder")
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--no-build-isolation",
        "--ignore-installed",
    ]
    report = [*command, "--no-index", "--quiet", "--report", "report.json", "-r", ".binder/requirements.txt"]
    done = subprocess.run(report, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (item,) = json.loads(text(tmp_path / "report.json"))["install"]
    assert item["metadata"]["name"] == PROJECT["name"]
    (tmp_path / "constraints.txt").unlink()
    done = subprocess.run(report, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert "constraints.txt" in done.stderr, "the versions are not those of the project"


def test_the_container_installs_the_course_it_lies_in():
    container = json.loads(text(DEVCONTAINER))
    assert set(container) == {
        "name",
        "image",
        "hostRequirements",
        "containerEnv",
        "postCreateCommand",
        "customizations",
    }
    version = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.(\d+)-bookworm", container["image"])
    assert int(version[1]) >= 11
    install, fetch = (shlex.split(part) for part in container["postCreateCommand"].split("&&"))
    assert install[:6] == ["python", "-m", "pip", "install", "-e", ".[lab]"]
    assert (ROOT / install[install.index("-c") + 1]).is_file()
    assert fetch == ["python", "-m", "llama_course", "fetch", DEFAULT_MODEL], "scripts may lie outside PATH"
    assert all((ROOT / name).is_file() for name in container["customizations"]["codespaces"]["openFiles"])
    assert all(re.fullmatch(r"\d+gb", container["hostRequirements"][what]) for what in ("memory", "storage"))
