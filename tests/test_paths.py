"""Where the course keeps its files."""

from pathlib import Path

import pytest

from llama_course import paths


def test_home_is_a_folder_in_the_user_s_own_home_by_default(monkeypatch):
    monkeypatch.delenv("LLAMA_COURSE_HOME", raising=False)
    assert paths.home() == Path.home() / ".llama-course"


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_HOME", "")
    assert paths.home() == Path.home() / ".llama-course"


def test_the_variable_moves_models_and_progress_together(monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    assert paths.models_dir() == tmp_path / "models"
    assert paths.progress_file() == tmp_path / "progress.json"


def test_a_tilde_in_the_variable_is_the_user_s_home(monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_HOME", "~/llamas")
    assert paths.home() == Path.home() / "llamas"


def test_progress_can_be_kept_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_COURSE_PROGRESS", str(tmp_path / "mine.json"))
    assert paths.progress_file() == tmp_path / "mine.json"
    assert paths.own_dir() == tmp_path


def test_asking_for_a_path_creates_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "new"))
    paths.home(), paths.models_dir(), paths.progress_file()
    assert not (tmp_path / "new").exists()


def test_the_miniatures_come_with_the_package_or_are_a_family_of_one_s_own(monkeypatch, tmp_path):
    monkeypatch.delenv("LLAMA_COURSE_CHECKPOINTS", raising=False)
    assert paths.checkpoints_dir() == Path(paths.__file__).parent / "checkpoints"
    monkeypatch.setenv("LLAMA_COURSE_CHECKPOINTS", str(tmp_path / "mine"))
    assert paths.checkpoints_dir() == tmp_path / "mine"


def test_data_files_come_with_the_package():
    assert paths.data_file("models/llama_2_tokens.json").read_text(encoding="utf-8").startswith("{")


def test_a_missing_data_file_is_named_in_the_error():
    with pytest.raises(FileNotFoundError, match=r"no data file 'quizzes/99\.json'"):
        paths.data_file("quizzes/99.json")


def test_a_folder_is_no_data_file():
    with pytest.raises(FileNotFoundError, match="no data file 'models'"):
        paths.data_file("models")
