"""Fixtures that several test modules use.  The network block and the progress file are in the root's conftest."""

import shutil
import sys
from pathlib import Path

import pytest

import installed
import miniature_family
from fakes import FakeModel
from llama_course.paths import CHECKPOINTS_VARIABLE

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_finish(session):
    """Sums of PyTorch are those of one thread, on every computer and in whichever order tests run."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def project_root() -> Path:
    """The folder with pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The course's wheel, built once from a copy of the sources in which a notebook of an older build lies about."""
    source = installed.copy_sources(tmp_path_factory.mktemp("source"))
    left_over = source / "build" / "lib" / "llama_course" / "data" / "notebooks" / "course" / "99_gone.ipynb"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("{}", encoding="utf-8")
    return installed.build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def fake_model() -> FakeModel:
    """A chat model without weights: uniform probabilities, scripted replies."""
    return FakeModel()


@pytest.fixture
def own_home(tmp_path, monkeypatch) -> Path:
    """An empty course home, without models, progress and a chosen model, for this test and its child processes."""
    monkeypatch.delenv("LLAMA_COURSE_MODEL", raising=False)
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def random_family(tmp_path_factory) -> Path:
    """Folder of miniature models with random weights, made once; to be read only."""
    return miniature_family.make_family(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def miniatures(random_family, monkeypatch) -> Path:
    """The course's miniature models are those with random weights, here and in child processes."""
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(random_family))
    return random_family


@pytest.fixture
def own_miniatures(random_family, tmp_path, monkeypatch) -> Path:
    """A copy of the random family, to be damaged."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(random_family, folder)
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(folder))
    return folder


@pytest.fixture
def tiny_config():
    """A LlamaConfig in which no two sizes are equal: a mix-up of dimensions cannot go unnoticed."""
    from llama_course.models.llama import LlamaConfig

    return LlamaConfig(
        vocab_size=53,
        hidden_size=24,
        intermediate_size=41,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=37,
        eos_token_id=None,
    )
