"""Fixtures that several test modules use.  The network block and the progress file are in the root's conftest."""

from pathlib import Path

import pytest

from fakes import FakeModel

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project_root() -> Path:
    """The folder with pyproject.toml."""
    return ROOT


@pytest.fixture
def fake_model() -> FakeModel:
    """A chat model without weights: uniform probabilities, scripted replies."""
    return FakeModel()


@pytest.fixture
def own_home(tmp_path, monkeypatch) -> Path:
    """An empty course home, without models and without progress, for this test and its child processes."""
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    return tmp_path / "home"


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
