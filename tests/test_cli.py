"""The command llama-course: what it prints, and sentences instead of tracebacks."""

import subprocess
import sys

import pytest

import test_fetch
from llama_course import __version__, cli
from llama_course.models.catalog import CATALOG, DEFAULT_MODEL
from llama_course.models.fetch import model_path
from llama_course.models.loading import load_model
from miniature_family import flip_one_byte


def test_the_module_is_the_command():
    out = subprocess.check_output([sys.executable, "-m", "llama_course", "--version"], text=True, encoding="utf-8")
    assert out.strip() == __version__


def test_models_lists_the_whole_catalog(capsys):
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(CATALOG)


def test_report_fails_without_the_model_and_names_the_command_to_run(own_home, capsys):
    assert cli.main(["report"]) == 1
    out = capsys.readouterr().out
    assert f"FAIL  Chat model {DEFAULT_MODEL} is missing; run: llama-course fetch {DEFAULT_MODEL}" in out


def test_report_notices_a_damaged_model(own_home, capsys):
    path = model_path(CATALOG[DEFAULT_MODEL])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a model")
    assert cli.main(["report"]) == 1
    assert "is damaged; run: llama-course fetch" in capsys.readouterr().out


def test_report_finds_the_model_of_this_computer(capsys):
    load_model("smollm2-135m-instruct").close()
    cli.main(["report"])
    assert f"OK    Chat model {DEFAULT_MODEL}, verified" in capsys.readouterr().out


def test_report_looks_at_the_miniatures(miniatures, capsys):
    cli.main(["report"])
    assert "OK    Miniatures reward-helpfulness, tiny-base, tiny-chat, verified" in capsys.readouterr().out


def test_report_notices_a_damaged_miniature(own_miniatures, capsys):
    flip_one_byte(own_miniatures / "tiny-chat" / "model.safetensors")
    assert cli.main(["report"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  Miniatures" in out
    assert "model.safetensors is damaged" in out


def test_a_miniature_needs_no_fetching(miniatures, capsys):
    assert cli.main(["fetch", "tiny-chat"]) == 0
    assert capsys.readouterr().out == f"tiny-chat: ready in {miniatures / 'tiny-chat'}; it comes with the course\n"


def test_fetch_takes_a_given_copy(own_home, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(CATALOG, "few-bytes", test_fetch.CARD)
    (tmp_path / "few.gguf").write_bytes(test_fetch.DATA)
    assert cli.main(["fetch", "few-bytes", "--from", str(tmp_path)]) == 0
    assert f"few-bytes: ready in {model_path(test_fetch.CARD)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch", "smollm"], f"Did you mean {DEFAULT_MODEL}"),
        (["fetch", "llama-2-7b-chat"], "offline mode is set"),
        (["fetch", DEFAULT_MODEL, "--from", "nowhere.gguf"], "there is no file nowhere.gguf"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_on_the_error_stream(own_home, capsys, arguments, said):
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"llama-course {arguments[0]}: ")
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_progress_is_printed_even_before_the_first_check(own_home, capsys):
    assert cli.main(["progress"]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("arguments", [[], ["dance"], ["fetch"]])
def test_a_command_it_does_not_know_shows_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: llama-course" in capsys.readouterr().err


def test_a_model_of_the_hub_is_fetched_by_name(own_home, monkeypatch, capsys, tmp_path):
    from llama_course.models import hub

    monkeypatch.setattr(hub, "fetch_repository", lambda card: tmp_path / card.name)
    assert cli.main(["fetch", "llama-2-7b-chat"]) == 0
    assert capsys.readouterr().out == f"llama-2-7b-chat: ready in {tmp_path / 'llama-2-7b-chat'}\n"
    assert cli.main(["fetch", "llama-2-7b-chat", "--from", str(tmp_path)]) == 1
    assert "load it where it is, load_model('PATH/TO/FOLDER')" in capsys.readouterr().err
