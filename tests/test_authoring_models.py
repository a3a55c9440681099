"""Making the models and putting them into the package, with a family of files that hold no model."""

import json
import re
import sys

import pytest

from authoring import models
from llama_course.models import embedded
from llama_course.paths import CHECKPOINTS_VARIABLE
from llama_course.training.recipe import FAMILY, Recipe, small_recipe
from llama_course.training.recorded_runs import read_run

SCORES = {"tiny-base": {"perplexity": 3.25}, "tiny-chat": {"facts right": 0.875, "hazards refused": 1.0}}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Folders of a package that nothing was shipped into yet."""
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "package" / "checkpoints")
    monkeypatch.setattr(models, "RUNS", tmp_path / "package" / "runs")
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path / "package" / "checkpoints"))
    return tmp_path / "package"


def made_in(folder, mark="new"):
    """A folder as the kitchen leaves it."""
    for name in FAMILY:
        (folder / name).mkdir(parents=True)
        (folder / "histories").mkdir(exist_ok=True)
        for file in ("config.json", "model.safetensors"):
            (folder / name / file).write_text(f"{mark} {name} {file}", encoding="utf-8")
    history = {"losses": [6.98765, 5.5], "evaluations": [[2, 5.4321]], "time_s": 120.0}
    (folder / "histories" / "tiny-base.json").write_text(json.dumps(history), encoding="utf-8")
    samples = {"1": mark, "2": "Mana works as a baker."}
    (folder / "histories" / "tiny-base-samples.json").write_text(json.dumps(samples), encoding="utf-8")
    return folder


def files_of(folder):
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in folder.rglob("*.*")}


# -- comparing ---------------------------------------------------------------------------------------------------------


def test_scores_stand_beside_those_of_the_shipped_models():
    lines = models.comparison(SCORES, {"tiny-chat": {"facts right": 0.5, "no more": 0.1}}).splitlines()
    assert [line.split() for line in lines] == [
        ["here", "shipped"],
        ["tiny-base"],
        ["perplexity", "3.250", "-"],
        ["tiny-chat"],
        ["facts", "right", "0.875", "0.500"],
        ["hazards", "refused", "1.000", "-"],
    ]
    numbers = [line for line in lines if not line.startswith("tiny")]
    assert len({len(line) for line in numbers}) == 1, "the columns are one above the other"


def test_a_score_of_nought_is_a_score():
    table = models.comparison({"tiny-chat": {"leaked": 0.0}}, {"tiny-chat": {"leaked": 0.0}})
    assert table.splitlines()[-1].split() == ["leaked", "0.000", "0.000"]


# -- shipping ----------------------------------------------------------------------------------------------------------


def test_the_first_family_is_shipped_with_hashes_scores_and_histories(package, tmp_path, capsys):
    models.ship(made_in(tmp_path / "made"), SCORES)
    shipped = files_of(package / "checkpoints")
    assert json.loads(shipped.pop("scores.json")) == SCORES
    assert shipped.pop("hashes.json")
    assert shipped == {
        f"{name}/{file}": f"new {name} {file}" for name in FAMILY for file in ("config.json", "model.safetensors")
    }
    run = read_run(package / "runs" / "pretraining.json")  # as the lesson reads it
    assert (run.losses, run.held_out) == ((6.9877, 5.5), ((2, 5.4321),))
    assert run.samples == ((1, "new"), (2, "Mana works as a baker."))
    assert (run.parameters, run.tokens_per_step) == (1_240_480, 4096)
    for name in FAMILY:
        assert embedded.checkpoint_folder(name) == package / "checkpoints" / name  # the hashes are right
    assert re.search(rf"{len(FAMILY)} models in .*checkpoints, \d+\.\d MB", capsys.readouterr().out)


def test_a_new_family_takes_the_place_of_the_old_one(package, tmp_path):
    models.ship(made_in(tmp_path / "old", "old"), SCORES)
    (package / "checkpoints" / "tiny-chat" / "left-over.json").write_text("{}", encoding="utf-8")
    (package / "runs" / "scaling.json").write_text("{}", encoding="utf-8")
    models.ship(made_in(tmp_path / "made"), {})
    shipped = files_of(package / "checkpoints")
    assert not [name for name, text in shipped.items() if "old" in text], "something of the old family is there"
    assert "tiny-chat/left-over.json" not in shipped
    assert json.loads(shipped["scores.json"]) == {}
    assert embedded.checkpoint_names() == sorted(FAMILY)
    assert (package / "runs" / "scaling.json").exists(), "other runs stay"


@pytest.mark.parametrize(
    "missing", ["tiny-canary/config.json", "histories/tiny-base.json", "histories/tiny-base-samples.json"]
)
def test_a_family_that_is_not_whole_replaces_nothing(package, tmp_path, missing):
    models.ship(made_in(tmp_path / "old", "old"), SCORES)
    before = files_of(package)
    made = made_in(tmp_path / "made")
    (made / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        models.ship(made, SCORES)
    assert files_of(package) == before


# -- the command -------------------------------------------------------------------------------------------------------


class Cook:
    """A kitchen that writes down what it was asked to do."""

    def __init__(self, folder, recipe, *, seed, say):
        self.folder, self.recipe, self.seed = folder, recipe, seed
        self.made = []
        Cook.last = self

    def load(self, name):
        self.made.append(name)

    def make_all(self):
        self.made += FAMILY


@pytest.fixture
def command(package, monkeypatch):
    """Runs the command with arguments."""
    monkeypatch.setattr(models, "Kitchen", Cook)
    monkeypatch.setattr(models, "family_scores", lambda folder: SCORES)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["models.py", *map(str, arguments)])
        models.main()
        return Cook.last

    return run


def test_the_command_makes_measures_and_compares_and_ships_only_when_asked(command, package, tmp_path, capsys):
    made = made_in(tmp_path / "made")
    cook = command("--into", made)
    assert (cook.folder, cook.recipe, cook.seed, cook.made) == (made, Recipe(), 0, list(FAMILY))
    assert "3.250         -" in capsys.readouterr().out
    assert not package.exists()
    command("--into", made, "--ship")
    assert json.loads((package / "checkpoints" / "scores.json").read_text(encoding="utf-8")) == SCORES
    capsys.readouterr()
    command("--into", made)
    assert "3.250     3.250" in capsys.readouterr().out


def test_one_member_is_made_and_nothing_measured(command, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "family_scores", lambda folder: pytest.fail("measured"))
    assert command("--into", tmp_path, "--only", "tiny-sft").made == ["tiny-sft"]


def test_families_of_different_recipes_or_seeds_are_made_in_different_folders(command):
    """What is there is not made again: a small family would be taken for a large one."""
    cooks = [command(*arguments) for arguments in ((), ("--small",), ("--seed", 1), ("--small", "--seed", 1))]
    assert len({cook.folder for cook in cooks}) == 4
    assert cooks[0].folder == models.ROOT / "build" / "models"
    assert [cook.recipe for cook in cooks] == [Recipe(), small_recipe(), Recipe(), small_recipe()]
    assert [cook.seed for cook in cooks] == [0, 0, 1, 1]


@pytest.mark.parametrize("option", [["--small"], ["--only", "tiny-chat"]])
def test_what_is_not_the_whole_family_is_not_shipped(command, option, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command("--into", tmp_path, "--ship", *option)
    assert "--ship is for the whole family" in capsys.readouterr().err


def test_an_interrupt_says_that_the_same_command_goes_on(command, monkeypatch, tmp_path):
    def stopped(cook):
        raise KeyboardInterrupt("tiny-base was interrupted after 2 steps and can be gone on with.")

    monkeypatch.setattr(Cook, "make_all", stopped)
    with pytest.raises(SystemExit, match=r"Stopped\. tiny-base was interrupted .*The same command goes on\."):
        command("--into", tmp_path)
