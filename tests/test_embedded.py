"""The models that come with the course: found by name, whole or refused with what to do."""

import json
from pathlib import Path

import pytest

import llama_course
from llama_course import files, paths
from llama_course.models.catalog import CATALOG, UnknownModelError
from llama_course.models.embedded import HASHES, checkpoint_folder, checkpoint_names, write_hashes
from llama_course.models.interface import ModelNotAvailableError
from miniature_family import NAMES, flip_one_byte

SHIPPED = Path(llama_course.__file__).parent / "checkpoints"
MOST_BYTES = 20_000_000  # the wheel is downloaded by a class together
HOW = r"git checkout -- utils/llama_course/checkpoints.*install the course again"


def test_every_model_of_the_family_has_its_folder(miniatures):
    assert checkpoint_names() == sorted(NAMES)
    for name in NAMES:
        folder = checkpoint_folder(name)
        assert folder == miniatures / name
        files_there = {file.name for file in folder.iterdir()}
        assert files_there == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_a_model_without_a_card_is_found_by_its_folder(miniatures):
    assert "reward-helpfulness" not in CATALOG
    assert (checkpoint_folder("reward-helpfulness") / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["tiny-caht", "", "..", "tiny-chat/config.json", HASHES])
def test_an_unknown_name_is_answered_with_those_there_are(miniatures, name):
    with pytest.raises(UnknownModelError, match=f"There is no {name!r} in .*There are: {', '.join(sorted(NAMES))}"):
        checkpoint_folder(name)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_a_missing_file_is_named(own_miniatures, file):
    (own_miniatures / "tiny-chat" / file).unlink()
    with pytest.raises(ModelNotAvailableError, match=rf"tiny-chat.{file} is missing.*{HOW}"):
        checkpoint_folder("tiny-chat")
    checkpoint_folder("tiny-base")  # the others are still whole


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_with_one_bit_changed_is_named(own_miniatures, file):
    flip_one_byte(own_miniatures / "tiny-chat" / file)
    with pytest.raises(ModelNotAvailableError, match=rf"tiny-chat.{file} is damaged.*{HOW}"):
        checkpoint_folder("tiny-chat")
    checkpoint_folder("tiny-base")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", None])
def test_a_list_of_hashes_that_cannot_be_read_is_explained(own_miniatures, content):
    (own_miniatures / HASHES).unlink()
    if content is not None:
        (own_miniatures / HASHES).write_bytes(content)
    for ask in (checkpoint_names, lambda: checkpoint_folder("tiny-chat")):
        with pytest.raises(ModelNotAvailableError, match=rf"{HASHES} is (missing|damaged).*{HOW}"):
            ask()


def test_a_family_that_is_not_there_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.CHECKPOINTS_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(ModelNotAvailableError, match=r"hashes\.json is missing"):
        checkpoint_folder("tiny-chat")


def test_the_list_names_every_file_of_every_model(tmp_path):
    for name in ("tiny-a/config.json", "tiny-a/model.safetensors", "reward-b/config.json"):
        files.write_atomically(tmp_path / name, name)
    files.write_atomically(tmp_path / "tiny-a/.hidden", "not part of it")
    files.write_atomically(tmp_path / "notes.txt", "not a model")
    path = write_hashes(tmp_path)
    listed = json.loads(path.read_text(encoding="utf-8"))
    assert list(listed) == ["reward-b/config.json", "tiny-a/config.json", "tiny-a/model.safetensors"]
    assert all(listed[name] == files.sha256(tmp_path / name) for name in listed)
    before = path.read_bytes()
    assert write_hashes(tmp_path).read_bytes() == before


def test_an_empty_folder_has_nothing_to_list(tmp_path):
    with pytest.raises(ValueError, match="expected a folder for each model, got no file"):
        write_hashes(tmp_path)


def test_what_is_shipped_is_whole_listed_and_small(monkeypatch):
    monkeypatch.delenv(paths.CHECKPOINTS_VARIABLE, raising=False)
    assert {name for name, card in CATALOG.items() if card.source.embedded} <= set(checkpoint_names())
    for name in checkpoint_names():
        checkpoint_folder(name)
    listed = json.loads((SHIPPED / HASHES).read_text(encoding="utf-8"))
    there = {file.relative_to(SHIPPED).as_posix() for file in SHIPPED.rglob("*") if file.is_file()}
    assert there == {HASHES, "scores.json", *listed}
    assert sum((SHIPPED / file).stat().st_size for file in there) < MOST_BYTES


@pytest.mark.parametrize("name", [name for name, card in CATALOG.items() if card.source.embedded])
def test_a_shipped_model_is_what_its_card_says(name, monkeypatch):
    from llama_course.models.llama_files import load_llama

    monkeypatch.delenv(paths.CHECKPOINTS_VARIABLE, raising=False)
    model = load_llama(checkpoint_folder(name))
    assert sum(weight.numel() for weight in model.parameters()) == CATALOG[name].parameters
    assert model.config.max_position_embeddings == CATALOG[name].max_context_tokens
