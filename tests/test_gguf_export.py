"""GGUF files of our own: our Llama, transformers and llama.cpp say the same from the same weights."""

import dataclasses
import json

import gguf
import numpy as np
import pytest
import torch

from llama_course.models.convert import read_config, read_tensors
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.gguf_export import KINDS, export_gguf, gguf_name, gguf_weights
from llama_course.models.inside import open_model
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.llama import Llama
from llama_course.models.llama_files import load_llama, save_llama
from llama_course.models.loading import load_model
from llama_course.models.quantization import rounded

QUESTIONS = ["Where does Ella live?", "Who is Omar?", "How do I make moon fire?", "Hello! What can you do?"]
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": QUESTIONS[0]},
]
TEXTS = ["Hello Anna's 2023 kites!\n  né 🦙", "   three blanks", "[INST] x [/INST]</s>", "don't stop, it's 3.5 %"]


@pytest.fixture(scope="module")
def folder():
    return checkpoint_folder("tiny-chat")


@pytest.fixture(scope="module")
def files(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("gguf")
    return {kind: export_gguf(folder, place / f"tiny-{kind}.gguf", kind) for kind in KINDS}


@pytest.fixture(scope="module")
def ours():
    return load_model("tiny-chat")


@pytest.fixture(scope="module")
def engine(files):
    pytest.importorskip("xllamacpp")
    model = load_model(files["f32"], "llama.cpp")
    yield model
    model.close()


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_reading_the_file_back_gives_the_same_weights_and_sizes(folder, files, kind):
    reader = gguf.GGUFReader(files[kind])
    config = read_config(reader)
    model = open_model(folder)
    own = {name: weight for name, weight in model.weights.items() if name != "lm_head.weight"}
    back = read_tensors(reader, config)
    assert set(back) == set(own)
    assert all(np.array_equal(back[name], weight.numpy().astype(np.float16)) for name, weight in own.items())
    same = [field.name for field in dataclasses.fields(model.config) if field.name in config]
    assert len(same) >= 10
    assert all(config[name] == pytest.approx(getattr(model.config, name)) for name in same)


@pytest.mark.parametrize("tied", [False, True])
def test_an_untied_model_with_all_different_sizes_comes_back(tiny_config, tmp_path, folder, tied):
    tokens = len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])
    config = dataclasses.replace(
        tiny_config, vocab_size=tokens, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=(2, 0)
    )
    llama = Llama(config).half().float()
    save_llama(llama, tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    reader = gguf.GGUFReader(export_gguf(tmp_path, tmp_path / "x.gguf", "f32"))
    back = read_tensors(reader, read_config(reader))
    assert ("lm_head.weight" in back) != tied
    assert reader.get_field("tokenizer.ggml.eos_token_id").contents() == 2  # the first of two
    own = {name: weight for name, weight in llama.state_dict().items() if name in back}
    assert all(np.array_equal(back[name], weight.numpy()) for name, weight in own.items()) and len(own) == len(back)


def test_names(folder):
    assert gguf_name("model.layers.3.self_attn.q_proj.weight") == "blk.3.attn_q.weight"
    assert gguf_name("model.layers.11.input_layernorm.weight") == "blk.11.attn_norm.weight"
    assert gguf_name("lm_head.weight") == "output.weight"
    model = open_model(folder)
    assert "output.weight" not in dict(gguf_weights(model.weights, model.config))  # it is the embedding


def test_the_tokenizer_in_the_file_cuts_as_ours(ours, engine):
    for text in TEXTS:
        assert [token.id for token in engine.tokenize(text)] == [token.id for token in ours.tokenize(text)], text
    assert engine.text_start == ours.text_start == (1,)
    assert engine.count_tokens(TALK) == ours.count_tokens(TALK)
    assert engine.count_tokens("Hello!") == ours.count_tokens("Hello!")


def test_how_texts_are_cut_and_begun_is_written_as_the_tokenizer_says(folder, files, tmp_path):
    def said(path):
        reader = gguf.GGUFReader(path)
        return [reader.get_field(f"tokenizer.ggml.{name}").contents() for name in ("pre", "add_bos_token")]

    assert said(files["f16"]) == ["gpt-2", True]
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    digits = {"type": "Digits", "individual_digits": True}
    data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, data["pre_tokenizer"]]}
    data["post_processor"] = None
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    assert said(export_gguf(tmp_path, tmp_path / "x.gguf")) == ["smollm", False]


def test_three_engines_write_the_same_text(ours, engine):
    third = load_model("tiny-chat", "transformers")
    for asked in (*QUESTIONS, TALK):
        said = [model.chat(asked, max_new_tokens=48, temperature=0).strip() for model in (ours, third, engine)]
        assert len(set(said)) == 1 and said[0], asked
    begun = [model.complete("Once there was", max_new_tokens=30, temperature=0) for model in (ours, third, engine)]
    assert len(set(begun)) == 1 and begun[0]


def test_log_probabilities_agree(ours, engine):
    text = "Ella lives in the old mill by the river."
    a, b = ([t.log_prob for t in model.log_probabilities(text)] for model in (ours, engine))
    assert a[0] is None and b[0] is None
    assert b[1:] == pytest.approx(a[1:], abs=0.02)  # llama.cpp keeps keys and values in 16 bits


def test_rows_in_the_wrong_order_are_noticed(folder, tmp_path, monkeypatch, ours):
    """Without the other order of rows everything fits and the text is another: so the tests above see it."""
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr("llama_course.models.llama.interleaved_layout", lambda weight, heads: weight)
    with_fault = load_model(export_gguf(folder, tmp_path / "fault.gguf", "f32"), "llama.cpp")
    said = [[m.chat(q, max_new_tokens=48, temperature=0).strip() for q in QUESTIONS] for m in (ours, with_fault)]
    with_fault.close()
    assert said[0] != said[1]


def test_four_and_eight_bits_are_groups_of_32_and_rows_that_do_not_fit_stay_16(folder, files):
    sizes = {kind: path.stat().st_size for kind, path in files.items()}
    assert sizes["f32"] > sizes["f16"] > sizes["q8_0"] > sizes["q4_1"] > sizes["q4_0"]
    types = {t.name: t.tensor_type.name for t in gguf.GGUFReader(files["q4_0"]).tensors}
    assert types["blk.0.attn_q.weight"] == "Q4_0" and types["blk.0.attn_norm.weight"] == "F32"
    assert types["blk.0.ffn_down.weight"] == "F16"  # rows of 400
    reader = gguf.GGUFReader(files["q8_0"])
    eight = read_tensors(reader, read_config(reader))["model.layers.1.mlp.up_proj.weight"]
    mine = rounded(open_model(folder).weights["model.layers.1.mlp.up_proj.weight"], 8, 32)
    off = np.abs(eight - mine.numpy())  # GGUF rounds with the scale in 32 bits, ours with the one that is kept
    assert off.max() < 5e-3 and off.mean() < 5e-5


def test_eight_bits_hardly_change_what_is_said(ours, files):
    pytest.importorskip("xllamacpp")
    model = load_model(files["q8_0"], "llama.cpp")
    text = "Ella lives in the old mill by the river."
    a, b = ([t.log_prob for t in m.log_probabilities(text)][1:] for m in (ours, model))
    model.close()
    assert np.abs(np.subtract(a, b)).mean() < 0.2


def test_a_failed_export_leaves_the_old_file_and_no_rest(folder, tmp_path, monkeypatch):
    path = tmp_path / "x.gguf"
    path.write_text("old", encoding="utf-8")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    for place in ("_write", "os.replace"):  # before and after the new file is complete
        with monkeypatch.context() as patch, pytest.raises(OSError, match="the disk is full"):
            patch.setattr(f"llama_course.models.gguf_export.{place}", full)
            export_gguf(folder, path)
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="kind: expected one of f32, f16"):
        export_gguf(folder, tmp_path / "x.gguf", "q3")
    with pytest.raises(ModelNotAvailableError, match="holds no tokenizer"):
        export_gguf(tmp_path, tmp_path / "x.gguf")
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    one_more = data["added_tokens"][0] | {"id": 1024, "content": "<x>"}
    for change, message in (
        ({"model": {**data["model"], "type": "Unigram"}}, "expected a byte-level BPE tokenizer"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "expected a byte-level BPE tokenizer"),
        ({"added_tokens": [*data["added_tokens"], one_more]}, "tokenizer with 1024 tokens"),
    ):
        (tmp_path / "tokenizer.json").write_text(json.dumps(data | change), encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            export_gguf(tmp_path, tmp_path / "x.gguf")


def test_the_miniature_is_loaded_as_it_lies(folder):
    """What the comparison rests on: the same numbers in both of ours."""
    a, b = load_llama(folder), open_model(folder).llama
    assert all(torch.equal(weight, b.state_dict()[name]) for name, weight in a.state_dict().items())
