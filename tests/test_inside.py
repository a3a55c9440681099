"""Looking inside a model: against transformers' own outputs, against safetensors, and against the model itself."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from llama_course.models import inside
from llama_course.models.interface import ModelNotAvailableError, PromptError
from llama_course.models.llama import Llama, LlamaConfig, count_parameters
from llama_course.models.llama_files import save_llama
from llama_course.models.tokenizer import save_tokenizer, train_tokenizer

CONFIGS = {
    "grouped": LlamaConfig(47, 48, 71, 3, 6, 2, 31, rope_theta=100.0),
    "multi-head, tied": LlamaConfig(61, 40, 55, 4, 5, 5, 29, tie_word_embeddings=True),
    "multi-query": LlamaConfig(71, 56, 39, 2, 7, 1, 35, rms_norm_eps=1e-2),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def make(config, seed=0) -> Llama:
    """A model with larger weights than at the start of training, so that every part matters."""
    torch.manual_seed(seed)
    model = Llama(config).eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        weight.uniform_(0.5, 1.5) if "norm" in name else weight.normal_(std=0.1)
    return model


def some_ids(config, length=13, seed=1):
    return torch.randint(config.vocab_size, (length,), generator=torch.Generator().manual_seed(seed))


# -- transformers' twin ------------------------------------------------------------------------------------------------


@every_config
def test_the_twin_computes_the_same_with_the_same_memory(config):
    model, ids = make(config), some_ids(config)
    twin = inside.transformers_twin(model)
    torch.testing.assert_close(twin(ids[None]).logits, model(ids[None]), atol=1e-5, rtol=1e-5)
    theirs = twin.state_dict()
    for name, array in model.state_dict().items():
        assert theirs[name].data_ptr() == array.data_ptr(), f"{name} was copied"
    assert not [name for name, buffer in twin.named_buffers() if buffer.is_meta]


# -- what goes on inside -----------------------------------------------------------------------------------------------


@every_config
def test_hidden_states_are_those_of_transformers(config):
    model, ids = make(config), some_ids(config)
    theirs = inside.transformers_twin(model)(ids[None], output_hidden_states=True).hidden_states
    ours = inside.hidden_states(model, ids)
    assert ours.shape == (config.num_hidden_layers + 1, 13, config.hidden_size)
    for mine, their in zip(ours[:-1], theirs[:-1], strict=True):
        torch.testing.assert_close(mine, their[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.model.norm(ours[-1]), theirs[-1][0], atol=1e-5, rtol=1e-5)  # theirs is normed


@every_config
def test_attention_weights_are_those_of_transformers(config):
    model, ids = make(config), some_ids(config)
    theirs = inside.transformers_twin(model)(ids[None], output_attentions=True).attentions
    ours = inside.attention_weights(model, ids)
    assert ours.shape == (config.num_hidden_layers, config.num_attention_heads, 13, 13)
    torch.testing.assert_close(ours, torch.stack([layer[0] for layer in theirs]), atol=1e-5, rtol=1e-5)


@every_config
def test_attention_weights_share_out_one_and_see_nothing_later(config):
    ours = inside.attention_weights(make(config), some_ids(config))
    torch.testing.assert_close(ours.sum(-1), torch.ones(ours.shape[:-1]))
    assert (ours.triu(1) == 0).all() and (ours.tril() >= 0).all()


@every_config
def test_finishing_from_any_layer_gives_the_models_logits(config):
    model, ids = make(config), some_ids(config)
    for done, state in enumerate(inside.hidden_states(model, ids)):
        torch.testing.assert_close(inside.finish(model, state, done), model(ids[None])[0], atol=1e-5, rtol=1e-5)


@every_config
def test_the_lens_ends_with_the_models_own_probabilities(config):
    model, ids = make(config), some_ids(config)
    own = model(ids[None])[0].softmax(-1)
    for position in (-1, 0, 5):
        lens = inside.logit_lens(model, ids, position)
        assert lens.shape == (config.num_hidden_layers + 1, config.vocab_size)
        torch.testing.assert_close(lens[-1], own[position], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(lens.sum(-1), torch.ones(config.num_hidden_layers + 1))


def test_the_lens_is_transformers_last_step_on_its_hidden_states():
    config = CONFIGS["grouped"]
    model, ids = make(config), some_ids(config)
    twin = inside.transformers_twin(model)
    states = twin(ids[None], output_hidden_states=True).hidden_states
    for done, state in enumerate(states[:-1]):
        theirs = twin.lm_head(twin.model.norm(state))[0, -1].softmax(-1)
        torch.testing.assert_close(inside.logit_lens(model, ids)[done], theirs, atol=1e-6, rtol=1e-5)


def test_a_changed_last_state_changes_the_last_answer_only():
    config = CONFIGS["grouped"]
    model, ids = make(config), some_ids(config)
    state = inside.hidden_states(model, ids)[1].clone()
    state[-1] = 0
    before, after = model(ids[None])[0], inside.finish(model, state, 1)
    torch.testing.assert_close(after[:-1], before[:-1], atol=1e-5, rtol=1e-5)
    assert (after[-1] - before[-1]).abs().max() > 1e-2


# -- arrays without numbers --------------------------------------------------------------------------------------------


@every_config
def test_shapes_are_those_of_the_model(config):
    shapes = inside.array_shapes(config)
    assert shapes == {name: tuple(array.shape) for name, array in make(config).named_parameters()}
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == count_parameters(config)
    assert ("lm_head.weight" in shapes) != config.tie_word_embeddings


def test_building_without_numbers_leaves_nothing_behind():
    inside.array_shapes(CONFIGS["grouped"])
    layer = torch.nn.Linear(3, 4)
    assert layer.weight.device.type == "cpu" and layer.weight.abs().sum() > 0


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A small model with a tokenizer of ours, as files."""
    tokenizer = train_tokenizer(["the llama and the llama of the village"] * 20, vocab_size=270)
    config = LlamaConfig(tokenizer.get_vocab_size(), 48, 71, 2, 6, 2, 64, tie_word_embeddings=True)
    save_llama(make(config), tmp_path)
    save_tokenizer(tokenizer, tmp_path)
    return tmp_path


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_weights_are_read_as_safetensors_reads_them(tmp_path, dtype):
    arrays = {"a": torch.randn(3, 5).to(dtype), "b.c": torch.randn(7).to(dtype), "one": torch.randn(1, 2, 3).to(dtype)}
    save_file(arrays, tmp_path / "x.safetensors", metadata={"format": "pt"})
    ours, theirs = inside.read_weights(tmp_path / "x.safetensors"), load_file(tmp_path / "x.safetensors")
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert ours[name].dtype == torch.float32
        assert torch.equal(ours[name], array.float())


def test_an_opened_model_is_the_one_that_was_saved(folder):
    model = inside.open_model(folder)
    again = inside.open_model(folder)
    ids = model.ids("the llama")
    assert ids[0] == 1 and model.text(ids[1:]) == "the llama"  # BOS first, as in training
    assert torch.equal(model.llama(ids[None]), again.llama(ids[None]))
    assert model.weights["lm_head.weight"].data_ptr() == model.weights["model.embed_tokens.weight"].data_ptr()
    assert model.llama.lm_head.weight is model.llama.model.embed_tokens.weight  # one array, counted and trained once
    assert model.config.hidden_size == 48


def test_any_text_survives_the_tokens(folder):
    model = inside.open_model(folder)
    for text in ("  two  spaces\n", "자유 свобода 🦙", "</s> is text here"):
        assert not {0, 1, 2} & set(model.ids(text)[1:].tolist())
        assert model.text(model.ids(text)[1:]) == text
        assert b"".join(token.bytes for token in model.tokens(text)[1:]) == text.encode("utf-8")


def test_an_empty_text_is_refused(folder):
    with pytest.raises(PromptError, match="empty"):
        inside.open_model(folder).ids("  ")


def cut(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def integers(folder):
    save_file({"a": torch.ones(3, dtype=torch.int64)}, folder / "model.safetensors")


def another_size(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 72}), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut, "expected a safetensors file"),
        (integers, "expected a safetensors file of 16- or 32-bit numbers"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "expected a safetensors file"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 40), "expected a safetensors file"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"model\.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), r"config\.json"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"tokenizer\.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{", encoding="utf-8"), "cannot be opened"),
        (another_size, r"expected shape \(72, 48\), got shape \(71, 48\)"),
    ],
)
def test_a_folder_that_does_not_fit_is_explained(folder, spoil, message):
    spoil(folder)
    with pytest.raises(ModelNotAvailableError, match=message):
        inside.open_model(folder)


def test_a_path_is_taken_as_it_is(folder, monkeypatch, capsys):
    assert inside.model_folder(folder) == folder
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("LLAMA_COURSE_MODEL", str(folder))
    assert inside.open_model().folder == folder
    assert f"{folder} apart; its text describes what smollm2-135m-instruct does." in capsys.readouterr().out


@pytest.fixture
def without_chat_model(folder, monkeypatch):
    """The chat model cannot be had, and ``folder`` is tiny-chat's."""

    def refuse(card):
        raise ModelNotAvailableError("no network")

    monkeypatch.delenv("LLAMA_COURSE_MODEL", raising=False)
    monkeypatch.setattr(inside, "fetch_model", refuse)
    monkeypatch.setattr(inside, "checkpoint_folder", lambda name: folder if name == "tiny-chat" else None)
    return folder


def test_tiny_chat_takes_over_and_says_so(without_chat_model, capsys):
    assert inside.model_folder() == without_chat_model
    said = capsys.readouterr().out
    assert "smollm2-135m-instruct is not available here, so this is tiny-chat" in said
    assert inside.model_folder("tiny-chat") == without_chat_model
    assert capsys.readouterr().out == ""


def test_a_model_asked_for_by_name_is_not_exchanged(without_chat_model, monkeypatch):
    with pytest.raises(ModelNotAvailableError, match="no network"):
        inside.model_folder("smollm2-135m-instruct")
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "smollm2-135m-instruct")
    with pytest.raises(ModelNotAvailableError, match="no network"):
        inside.model_folder()


def test_a_lesson_that_takes_a_model_apart_keeps_its_own_where_the_variable_names_a_large_one(
    own_home, miniatures, monkeypatch, capsys
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "llama-2-7b-chat")
    assert inside.model_folder().name == "tiny-chat"
    assert "llama-2-7b-chat is too large for that, so it keeps its own." in capsys.readouterr().out
    with pytest.raises(ModelNotAvailableError, match=r"too large to be taken apart here: use smollm2-135m-instruct"):
        inside.model_folder("llama-2-7b-chat")
