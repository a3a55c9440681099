"""Our Llama against transformers' LlamaForCausalLM, against the published sizes, and against itself."""

import dataclasses
import errno
import json
import os

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from llama_course.models import sampling
from llama_course.models.llama import (
    LLAMA_2_7B,
    LLAMA_2_13B,
    LLAMA_2_70B,
    KVCache,
    Llama,
    LlamaConfig,
    LlamaModel,
    count_parameters,
    half_split_layout,
    interleaved_layout,
    rope_tables,
    rotate,
    rotate_interleaved,
    sample,
)
from llama_course.models.llama_files import config_from_dict, config_to_dict, load_llama, read_rope_theta, save_llama

# (vocab, hidden, intermediate, layers, heads, KV heads, context, eps, theta, tied): no two sizes of a row are equal
ROWS = {
    "multi-head, untied": (53, 24, 41, 2, 3, 3, 37, 1e-5, 10_000.0, False),
    "multi-head, tied": (61, 40, 55, 3, 5, 5, 29, 1e-6, 500.0, True),
    "grouped, untied": (47, 48, 71, 3, 6, 2, 31, 1e-3, 100.0, False),
    "grouped, tied": (67, 32, 45, 2, 4, 2, 43, 1e-5, 100_000.0, True),
    "grouped, three to one, deep": (59, 36, 50, 5, 9, 3, 33, 1e-5, 10_000.0, False),
    "multi-query, untied": (71, 56, 39, 2, 7, 1, 35, 1e-2, 50.0, False),
    "multi-query, tied": (43, 20, 70, 4, 5, 1, 39, 1e-5, 10_000.0, True),
    "one head": (41, 18, 27, 3, 1, 1, 30, 1e-5, 10.0, False),
    "one layer": (73, 64, 30, 1, 8, 4, 34, 1e-5, 1e6, True),
}
NAMES = (
    "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads "
    "max_position_embeddings rms_norm_eps rope_theta tie_word_embeddings"
).split()
CONFIGS = {name: LlamaConfig(**dict(zip(NAMES, row, strict=True)), eos_token_id=None) for name, row in ROWS.items()}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def make(config, seed=0) -> Llama:
    """A model with larger weights than at the start of training, so that every part matters."""
    torch.manual_seed(seed)
    model = Llama(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.uniform_(0.5, 1.5)
            else:
                weight.normal_(std=0.1)
    return model


def transformers_twin(model):
    """transformers' model with the same weights, through the state dict as it is."""
    from transformers import LlamaConfig as TheirConfig
    from transformers import LlamaForCausalLM

    sizes = dataclasses.asdict(model.config)
    rope = {"rope_type": "default", "rope_theta": sizes.pop("rope_theta")}
    twin = LlamaForCausalLM(TheirConfig(**sizes, rope_parameters=rope)).eval()
    twin.load_state_dict(model.state_dict())
    return twin


def tokens(config, batch=3, length=17, seed=1):
    return torch.randint(config.vocab_size, (batch, length), generator=torch.Generator().manual_seed(seed))


# -- equal to transformers ---------------------------------------------------------------------------------------------


@every_config
def test_logits_equal_those_of_transformers(config):
    model, ids = make(config), tokens(config)
    with torch.no_grad():
        ours, theirs = model(ids), transformers_twin(model)(ids).logits
    assert ours.shape == (3, 17, config.vocab_size)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@every_config
def test_gradients_equal_those_of_transformers(config):
    model, ids = make(config), tokens(config)
    twin = transformers_twin(model)
    for logits in (model(ids), twin(ids).logits):
        F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    theirs = dict(twin.named_parameters())
    assert theirs.keys() == dict(model.named_parameters()).keys()
    for name, weight in model.named_parameters():
        assert weight.grad.abs().max() > 1e-4, f"{name} does not take part"
        torch.testing.assert_close(weight.grad, theirs[name].grad, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_follow_transformers_as_well(tiny_config, dtype):
    model = make(tiny_config).to(dtype)
    twin, ids = transformers_twin(model).to(dtype), tokens(tiny_config)
    with torch.no_grad():
        ours, theirs = model(ids).float(), twin(ids).logits.float()
    assert (ours - theirs).abs().mean() < 0.01 * theirs.abs().mean()


@every_config
def test_greedy_tokens_equal_those_of_transformers_generate(config):
    model, ids = make(config), tokens(config, batch=1, length=5)
    theirs = transformers_twin(model).generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False
    )
    assert model.generate(ids, 20, temperature=0).tolist() == theirs.tolist()


def test_it_starts_like_transformers(tiny_config):
    config = dataclasses.replace(tiny_config, hidden_size=192, intermediate_size=400, vocab_size=900)
    torch.manual_seed(0)
    for name, weight in Llama(config).named_parameters():
        if "norm" in name:
            assert (weight == 1).all()
        else:
            assert abs(weight.mean()) < 5e-4 and abs(weight.std() - 0.02) < 5e-4, name


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "published"),
    [(LLAMA_2_7B, 6_738_415_616), (LLAMA_2_13B, 13_015_864_320), (LLAMA_2_70B, 68_976_648_192)],
)
def test_parameter_counts_are_those_of_llama_2(config, published):
    assert count_parameters(config) == published


def test_a_tied_matrix_is_counted_once(tiny_config):
    tied = dataclasses.replace(tiny_config, tie_word_embeddings=True)
    saved = tiny_config.vocab_size * tiny_config.hidden_size
    assert count_parameters(tiny_config) - count_parameters(tied) == saved


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_attention_heads": 5}, r"hidden_size / num_attention_heads: .*got 24 / 5"),
        ({"num_attention_heads": 8, "num_key_value_heads": 8}, "even whole number, got 24 / 8"),
        ({"num_key_value_heads": 3}, "expected a divisor of the 4 attention heads, got 3"),
        ({"vocab_size": 0}, "vocab_size: expected a whole number of 1 or more, got 0"),
        ({"hidden_size": "24"}, "hidden_size: expected a whole number of 1 or more, got '24'"),
    ],
)
def test_impossible_sizes_are_refused(tiny_config, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(tiny_config, **change)


# -- RoPE --------------------------------------------------------------------------------------------------------------


def test_the_layouts_are_permutations_of_each_other():
    weight = torch.arange(3 * 8 * 5).reshape(3 * 8, 5)
    assert torch.equal(half_split_layout(interleaved_layout(weight, 3), 3), weight)
    assert torch.equal(interleaved_layout(half_split_layout(weight, 3), 3), weight)
    assert interleaved_layout(torch.tensor([[0], [1], [10], [11]]), 1).flatten().tolist() == [0, 10, 1, 11]


def test_the_layout_is_that_of_the_converter():
    from llama_course.models import convert

    weight = torch.randn(3 * 8, 5)
    assert torch.equal(half_split_layout(weight, 3), torch.from_numpy(convert.half_split_layout(weight.numpy(), 3)))


def test_attention_scores_are_the_same_in_both_layouts(tiny_config):
    """Turning in one layout, then q · k, is turning in the other with the rows of q_proj and k_proj reordered."""
    cos, sin = (table[:7] for table in rope_tables(tiny_config))  # (7, head_dim/2) each
    x, q_proj, k_proj = torch.randn(7, 11), torch.randn(tiny_config.head_dim, 11), torch.randn(tiny_config.head_dim, 11)
    both = torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)
    halves = rotate(x @ q_proj.T, *both) @ rotate(x @ k_proj.T, *both).T
    q_proj, k_proj = interleaved_layout(q_proj, 1), interleaved_layout(k_proj, 1)
    neighbours = rotate_interleaved(x @ q_proj.T, cos, sin) @ rotate_interleaved(x @ k_proj.T, cos, sin).T
    torch.testing.assert_close(halves, neighbours, atol=1e-5, rtol=1e-5)


def test_interleaved_rope_is_multiplication_of_complex_numbers(tiny_config):
    """As in Meta's own model.py: pairs are complex numbers, multiplied by exp(i · angle)."""
    cos, sin = rope_tables(tiny_config)
    x = torch.randn(2, tiny_config.max_position_embeddings, tiny_config.head_dim)
    turned = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.complex(cos, sin)
    torch.testing.assert_close(rotate_interleaved(x, cos, sin), torch.view_as_real(turned).flatten(-2))


# -- the cache and generation ------------------------------------------------------------------------------------------


@every_config
@pytest.mark.parametrize("chunks", [[17], [1] * 17, [5, 1, 1, 7, 3]], ids=str)
@torch.no_grad()
def test_cached_decode_equals_full_forward(config, chunks):
    model, ids = make(config), tokens(config)
    cache = KVCache(model, batch_size=3, max_tokens=17)
    parts = [model(part, cache) for part in ids.split(chunks, dim=1)]
    assert cache.length == 17
    torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_no_token_sees_a_later_one(tiny_config):
    model, ids = make(tiny_config), tokens(tiny_config)
    changed = ids.clone()
    changed[:, 9] = (changed[:, 9] + 1) % tiny_config.vocab_size
    before, after = model(ids), model(changed)
    assert torch.equal(before[:, :9], after[:, :9])
    assert (before[:, 9:] != after[:, 9:]).any(-1).all()


def test_generated_tokens_are_handed_out_and_can_be_stopped(tiny_config):
    model, ids, seen = make(tiny_config), tokens(tiny_config, length=4), []

    def on_token(new_ids):
        seen.append(new_ids.tolist())
        return len(seen) < 3

    out = model.generate(ids, 10, seed=5, on_token=on_token)
    assert out.shape == (3, 4 + 3)
    assert out[:, 4:].T.tolist() == seen
    assert model.generate(ids, 0).tolist() == ids.tolist()


def test_a_seed_repeats_the_draw(tiny_config):
    model, ids = make(tiny_config), tokens(tiny_config, length=4)
    first, again, other = (model.generate(ids, 12, seed=seed).tolist() for seed in (5, 5, 6))
    assert first == again != other
    assert model.generate(ids, 12, seed=torch.Generator().manual_seed(5)).tolist() == first


def test_a_text_ends_at_its_end_token_and_the_others_go_on(tiny_config):
    model, ids = make(tiny_config), tokens(tiny_config, length=4)
    free = model.generate(ids, 12, temperature=0, eos_token_id=())[:, 4:].tolist()
    end = free[0][2]
    out = model.generate(ids, 12, temperature=0, eos_token_id=(end,))[:, 4:].tolist()
    length = len(out[0])
    for row, expected in zip(out, free, strict=True):
        stop = expected.index(end) if end in expected else 11
        assert row == (expected[: stop + 1] + [end] * 12)[:length]
    assert out[0][free[0].index(end) :] == [end] * (length - free[0].index(end))
    own = Llama(dataclasses.replace(tiny_config, eos_token_id=(end, 0))).eval()
    own.load_state_dict(model.state_dict())
    first = own.generate(ids[:1], 12, temperature=0)[0, 4:].tolist()
    stop = min(free[0].index(token) for token in (end, 0) if token in free[0])
    assert first == free[0][: stop + 1]


def test_generated_tokens_can_be_trained_on(tiny_config):
    model = make(tiny_config)
    model(model.generate(tokens(tiny_config, length=4), 3, seed=0)).sum().backward()
    assert model.lm_head.weight.grad is not None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_p", [0.3, 0.8, 1.0])
def test_draws_follow_temperature_and_top_p(temperature, top_p):
    logits = torch.randn(7, generator=torch.Generator().manual_seed(3)) * 1.5
    expected = sampling.apply_temperature(torch.softmax(logits.double(), -1).numpy(), temperature)
    expected = torch.tensor(sampling.keep_top_p(expected, top_p))
    draws = sample(logits.expand(40_000, 7), temperature, top_p, torch.Generator().manual_seed(0))
    shares = torch.bincount(draws, minlength=7) / 40_000
    assert shares[expected == 0].sum() == 0
    torch.testing.assert_close(shares.double(), expected, atol=0.012, rtol=0)


@pytest.mark.parametrize(("temperature", "top_p"), [(-1, 1.0), (float("nan"), 1.0), (1.0, 0.0), (1.0, 1.5)])
def test_impossible_settings_are_refused(temperature, top_p):
    with pytest.raises(ValueError, match="expected temperature >= 0 and 0 < top_p <= 1"):
        sample(torch.zeros(1, 3), temperature, top_p)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_text_longer_than_the_context_is_refused_with_both_lengths(tiny_config):
    model = make(tiny_config)
    too_long = f"expected at most {tiny_config.max_position_embeddings} tokens, .* got {{}}"
    context = tiny_config.max_position_embeddings
    assert model(tokens(tiny_config, length=context)).shape[1] == context
    with pytest.raises(ValueError, match=too_long.format(context + 1)):
        model(tokens(tiny_config, length=context + 1))
    with pytest.raises(ValueError, match=too_long.format(context + 2)):
        model.generate(tokens(tiny_config, length=context - 3), 5)


def test_a_full_cache_is_refused_with_both_lengths(tiny_config):
    model = make(tiny_config)
    cache = KVCache(model, 3, 8)
    with pytest.raises(ValueError, match="expected at most 8 tokens, for which this cache was made, got 9"):
        model(tokens(tiny_config, length=9), cache)


def test_tokens_of_another_tokenizer_are_refused(tiny_config):
    ids = torch.tensor([[3, tiny_config.vocab_size]])
    with pytest.raises(ValueError, match=r"expected token ids from 0 to 52, got 3 to 53: .*another tokenizer"):
        make(tiny_config)(ids)


@pytest.mark.parametrize(("length", "new"), [(0, 3), (3, -1)])
def test_nothing_to_continue_is_refused(tiny_config, length, new):
    with pytest.raises(ValueError, match=f"expected a prompt and .* got {length} and {new}"):
        make(tiny_config).generate(torch.zeros(1, length, dtype=torch.long), new)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tiny_config, tmp_path):
    """A model and the folder it was saved in."""
    model = make(tiny_config)
    save_llama(model, tmp_path / "model")
    return model, tmp_path / "model"


@every_config
def test_what_we_save_transformers_reads_and_the_other_way_round(config, tmp_path):
    from transformers import LlamaForCausalLM

    model, ids = make(config), tokens(config)
    save_llama(model, tmp_path / "ours")
    theirs, info = LlamaForCausalLM.from_pretrained(tmp_path / "ours", output_loading_info=True, local_files_only=True)
    assert not any(info.values())
    theirs.save_pretrained(tmp_path / "theirs")
    assert "rope_parameters" in json.loads((tmp_path / "theirs" / "config.json").read_text(encoding="utf-8"))
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids).logits, model(ids), atol=1e-5, rtol=1e-5)
        for folder in ("ours", "theirs"):
            again = load_llama(tmp_path / folder)
            assert again.config == config
            assert torch.equal(again(ids), model(ids))
            assert sum(weight.numel() for weight in again.parameters()) == count_parameters(config)


def test_a_loaded_model_can_be_trained_and_saved_over_itself(saved):
    model, folder = saved
    again = load_llama(folder)
    again(tokens(model.config)).sum().backward()
    with torch.no_grad():
        again.model.norm.weight += 1
    save_llama(again, folder)
    torch.testing.assert_close(load_llama(folder).model.norm.weight, model.model.norm.weight + 1)


def test_a_loaded_model_needs_its_file_no_longer(saved):
    """A mapped file could not be replaced on Windows, and here it would change the model under our hands."""
    model, folder = saved
    again = load_llama(folder)
    with open(folder / "model.safetensors", "r+b") as file:
        file.write(bytes((folder / "model.safetensors").stat().st_size))
    assert torch.equal(again.lm_head.weight, model.lm_head.weight)


def test_it_loads_as_another_dtype_and_from_parts(saved):
    model, folder = saved
    weights = list(load_file(folder / "model.safetensors").items())
    save_file(dict(weights[:5]), folder / "model-00001-of-00002.safetensors")
    save_file(dict(weights[5:]), folder / "model-00002-of-00002.safetensors")
    (folder / "model.safetensors").unlink()
    half = load_llama(folder, torch.float16)
    assert {weight.dtype for weight in half.parameters()} == {torch.float16}
    torch.testing.assert_close(half.float().lm_head.weight, model.lm_head.weight, atol=1e-3, rtol=1e-3)


def change_tensors(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


Q_PROJ = "model.layers.1.self_attn.q_proj.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop(Q_PROJ), rf"{Q_PROJ}: expected shape \(24, 24\), got none\. .*not of one model"),
        (lambda w: w.update({Q_PROJ: torch.ones(6, 24)}), rf"{Q_PROJ}: expected shape \(24, 24\), got shape \(6, 24\)"),
        (lambda w: w.update(bias=torch.ones(7)), r"tensor bias: expected none, got shape \(7,\)"),
        (
            lambda w: w.update({"model.embed_tokens.weight": torch.ones(50, 24)}),
            r"embed_tokens\.weight: expected shape \(53, 24\), got shape \(50, 24\).* vocabulary of 53.*tokenizer",
        ),
    ],
    ids=["missing", "other shape", "unknown", "other vocabulary"],
)
def test_a_checkpoint_of_another_shape_is_refused(saved, change, message):
    _, folder = saved
    change_tensors(folder, change)
    with pytest.raises(ValueError, match=message):
        load_llama(folder)


def test_files_that_are_not_there_or_broken_are_named(saved):
    _, folder = saved
    (folder / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"model\.safetensors: expected a safetensors file"):
        load_llama(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected model\.safetensors, got no such file"):
        load_llama(folder)
    for text in ("{", "[1]"):
        (folder / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"config\.json: "):
            load_llama(folder)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError):
        load_llama(folder)


def test_when_the_disk_is_full_the_old_model_stays(saved, monkeypatch):
    model, folder = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full"):
        save_llama(make(model.config, seed=9), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("data", "theta"),
    [
        ({"rope_theta": 500.0}, 500.0),
        ({"rope_parameters": {"rope_theta": 700.0, "rope_type": "default"}}, 700.0),
        ({"rope_parameters": {"rope_type": "default"}, "rope_theta": 300.0}, 300.0),
        ({"rope_theta": 900.0, "rope_scaling": None}, 900.0),
        ({}, 10_000.0),
    ],
)
def test_rope_theta_is_read_from_files_of_transformers_4_and_5(data, theta):
    assert read_rope_theta(data) == theta


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mistral"}, "model_type: expected 'llama', .* got 'mistral'"),
        ({"attention_bias": True}, "attention_bias: expected False, .* got True"),
        ({"hidden_act": "gelu"}, "hidden_act: expected 'silu', .* got 'gelu'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_type: expected 'default', .* got 'linear'"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1.0}}, "got 'llama3'"),
        ({"head_dim": 7}, "head_dim: expected .* = 6, got 7"),
        ({"vocab_size": None, "hidden_size": None}, "expected vocab_size, hidden_size, got a config without"),
    ],
)
def test_a_config_of_another_architecture_is_refused(tiny_config, change, message):
    with pytest.raises(ValueError, match=message):
        config_from_dict(config_to_dict(tiny_config) | change)


def test_configs_of_older_files_are_understood(tiny_config):
    data = config_to_dict(tiny_config) | {"eos_token_id": [2, 5], "head_dim": 6}
    assert config_from_dict(data) == dataclasses.replace(tiny_config, eos_token_id=(2, 5))
    del data["num_key_value_heads"]
    assert config_from_dict(data).num_key_value_heads == tiny_config.num_attention_heads


# -- a real model ------------------------------------------------------------------------------------------------------


def test_smollm2_loads_and_writes_the_same_greedy_text():
    from llama_course.models.convert import converted_model
    from llama_course.models.fetch import fetch_model
    from llama_course.models.loading import load_model

    theirs = load_model("smollm2-135m-instruct", backend="transformers")
    ours = load_llama(converted_model(fetch_model(theirs.card), say=lambda line: None))
    assert count_parameters(ours.config) == 134_515_008
    ids = theirs.tokenizer("The llama is an animal that", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = theirs.model.float().generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False, pad_token_id=0
        )
        torch.testing.assert_close(ours(ids), theirs.model(ids).logits, atol=1e-3, rtol=1e-4)
    theirs.close()
    assert ours.generate(ids, 10, temperature=0).tolist() == expected.tolist()


def test_the_body_returns_hidden_states(tiny_config):
    assert LlamaModel(tiny_config)(tokens(tiny_config)).shape == (3, 17, tiny_config.hidden_size)
