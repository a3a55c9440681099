"""GGUF to safetensors, against transformers' own reading of GGUF and against llama.cpp running the same file."""

import errno
import json
import shutil
import threading

import numpy as np
import pytest
from safetensors.numpy import load_file

from llama_course.models import convert
from llama_course.models.convert import converted_model, half_split_layout, hugging_face_name
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.loading import load_model
from tiny_gguf import CONTEXT, INTERMEDIATE_SIZE, LAYERS, ROPE_THETA, VOCABULARY, write_tiny_gguf

SHAPES = {
    "grouped queries, untied": {"heads": 4, "key_value_heads": 2, "head_dim": 6, "tied": False},
    "grouped queries, tied": {"heads": 6, "key_value_heads": 3, "head_dim": 4, "tied": True},
    "one head each, tied": {"heads": 3, "key_value_heads": 3, "head_dim": 8, "tied": True},
}
TEXTS = ["xab", "q#1 ab é", "llamas hum"]


def quietly(gguf):
    return converted_model(gguf, say=lambda line: None)


def interleaved_layout(weight, heads):
    """Hugging Face's row order to Meta's and GGUF's: row i and row i + head_dim/2 of a head become neighbours."""
    head_dim = weight.shape[0] // heads
    order = [
        head * head_dim + half * head_dim // 2 + i
        for head in range(heads)
        for i in range(head_dim // 2)
        for half in (0, 1)
    ]
    return weight[order]


@pytest.fixture(scope="module", params=SHAPES, ids=SHAPES)
def tiny(request, tmp_path_factory):
    """A made-up GGUF file of each kind, with its sizes and its weights."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    sizes = SHAPES[request.param]
    return path, sizes, write_tiny_gguf(path, **sizes)


@pytest.mark.parametrize(("heads", "head_dim"), [(1, 2), (3, 4), (5, 8)])
def test_half_split_undoes_interleaving(heads, head_dim):
    weight = np.arange(heads * head_dim * 7).reshape(heads * head_dim, 7)
    assert np.array_equal(half_split_layout(interleaved_layout(weight, heads), heads), weight)


def test_half_split_on_one_head_of_four_rows():
    assert half_split_layout(np.array([[0], [10], [1], [11]]), heads=1).ravel().tolist() == [0, 1, 10, 11]


def test_names_follow_hugging_face():
    assert hugging_face_name("blk.3.attn_q.weight") == "model.layers.3.self_attn.q_proj.weight"
    assert hugging_face_name("blk.12.ffn_down.weight") == "model.layers.12.mlp.down_proj.weight"
    assert hugging_face_name("token_embd.weight") == "model.embed_tokens.weight"


def test_weights_equal_those_that_transformers_reads_from_the_gguf(tiny):
    from transformers import AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    path, _, _ = tiny
    folder = quietly(path)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    theirs = load_gguf_checkpoint(str(path), return_tensors=True, model_to_load=model)["tensors"]
    ours = load_file(folder / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert np.array_equal(weight.astype(np.float32), theirs[name].float().numpy()), name


def test_the_config_says_what_the_gguf_says(tiny):
    from transformers import AutoModelForCausalLM

    path, sizes, _ = tiny
    config = AutoModelForCausalLM.from_pretrained(quietly(path), local_files_only=True).config
    assert config.hidden_size == sizes["heads"] * sizes["head_dim"]
    assert config.intermediate_size == INTERMEDIATE_SIZE
    assert config.num_hidden_layers == LAYERS
    assert config.num_attention_heads == sizes["heads"]
    assert config.num_key_value_heads == sizes["key_value_heads"]
    assert config.max_position_embeddings == CONTEXT
    assert config.vocab_size == VOCABULARY
    assert config.rms_norm_eps == 1e-6
    assert config.rope_parameters["rope_theta"] == ROPE_THETA
    assert config.tie_word_embeddings is sizes["tied"]
    assert (config.bos_token_id, config.eos_token_id) == (1, 2)


def test_the_converted_model_predicts_what_llama_cpp_predicts_from_the_gguf(tiny):
    path, _, _ = tiny
    models = [load_model(path, backend, max_context_tokens=CONTEXT) for backend in ("llama.cpp", "transformers")]
    for text in TEXTS:
        ids = [[token.id for token in model.tokenize(text)] for model in models]
        assert ids[0] == ids[1]
        table = np.zeros((2, VOCABULARY))
        for row, model in zip(table, models, strict=True):
            for entry in model.next_token_probabilities(text, VOCABULARY):
                row[entry.token.id] = entry.probability
        assert np.allclose(table[0], table[1], atol=0.02)  # llama.cpp keeps keys and values in 16 bits
        assert table[0].max() > 0.2  # so the comparison is not one of flat distributions
    for model in models:
        model.close()


def test_a_second_call_converts_nothing(tmp_path, monkeypatch):
    write_tiny_gguf(tmp_path / "tiny.gguf")
    folder = quietly(tmp_path / "tiny.gguf")
    monkeypatch.setattr(convert, "_convert", None)
    monkeypatch.setattr(convert.files, "lock", None)  # not even the lock is needed: the folder may be read-only
    assert quietly(tmp_path / "tiny.gguf") == folder


@pytest.mark.parametrize("damage", ["cut short", "tampered with", "weights gone", "record gone", "record garbled"])
def test_a_damaged_folder_is_made_again(tmp_path, damage):
    write_tiny_gguf(tmp_path / "tiny.gguf")
    folder = quietly(tmp_path / "tiny.gguf")
    weights, record = folder / "model.safetensors", folder / "converted.json"
    good = weights.read_bytes()
    {
        "cut short": lambda: weights.write_bytes(good[:-10]),
        "tampered with": lambda: weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1])),
        "weights gone": weights.unlink,
        "record gone": record.unlink,
        "record garbled": lambda: record.write_text("{", encoding="utf-8"),
    }[damage]()
    told = []
    assert converted_model(tmp_path / "tiny.gguf", say=told.append) == folder
    assert weights.read_bytes() == good
    assert "Converting tiny.gguf" in told[0]


def test_another_gguf_in_the_same_folder_gets_its_own_conversion(tmp_path):
    for number, name in enumerate(("one", "two")):
        write_tiny_gguf(tmp_path / f"{name}.gguf", seed=number)
    one, two = quietly(tmp_path / "one.gguf"), quietly(tmp_path / "two.gguf")
    assert (one / "model.safetensors").read_bytes() != (two / "model.safetensors").read_bytes()


def test_a_gguf_that_was_replaced_is_converted_anew(tmp_path):
    write_tiny_gguf(tmp_path / "tiny.gguf", seed=0)
    before = (quietly(tmp_path / "tiny.gguf") / "model.safetensors").read_bytes()
    write_tiny_gguf(tmp_path / "tiny.gguf", seed=1)
    assert (quietly(tmp_path / "tiny.gguf") / "model.safetensors").read_bytes() != before


def test_an_interrupted_conversion_leaves_nothing_and_the_next_one_works(tmp_path, monkeypatch):
    write_tiny_gguf(tmp_path / "tiny.gguf")
    real = convert._convert

    def interrupted(gguf, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(convert, "_convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quietly(tmp_path / "tiny.gguf")
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.gguf", ".convert-lock"}
    monkeypatch.setattr(convert, "_convert", real)
    (tmp_path / ".converting-killed").mkdir()  # what a killed process would leave
    quietly(tmp_path / "tiny.gguf")
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.gguf", ".convert-lock", "tiny-safetensors"}


def test_a_full_disk_is_explained(tmp_path, monkeypatch):
    write_tiny_gguf(tmp_path / "tiny.gguf")

    def full(gguf, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(convert, "_convert", full)
    with pytest.raises(ModelNotAvailableError, match=r"Could not write .*tiny-safetensors: the disk is full"):
        quietly(tmp_path / "tiny.gguf")


def test_what_is_no_gguf_of_a_llama_is_explained(tmp_path):
    (tmp_path / "junk.gguf").write_bytes(b"this is no model" * 100)
    with pytest.raises(ModelNotAvailableError, match=r"junk\.gguf cannot be read as the GGUF file of a Llama model"):
        quietly(tmp_path / "junk.gguf")


def test_two_at_once_convert_once(tmp_path, monkeypatch):
    write_tiny_gguf(tmp_path / "tiny.gguf")
    done = quietly(tmp_path / "tiny.gguf")
    shutil.move(done, tmp_path / "made before")
    calls = []

    def slowly(gguf, folder):
        calls.append(gguf)
        threading.Event().wait(0.2)
        shutil.copytree(tmp_path / "made before", folder, dirs_exist_ok=True)

    monkeypatch.setattr(convert, "_convert", slowly)
    threads = [threading.Thread(target=quietly, args=(tmp_path / "tiny.gguf",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert json.loads((done / "config.json").read_text(encoding="utf-8"))["model_type"] == "llama"
