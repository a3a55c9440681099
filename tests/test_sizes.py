"""Memory worked out from sizes: against torch's own count, bitsandbytes' own scales, the catalog."""

import importlib.util
import json

import pytest

from hub_repository import SIZES, make_repository
from llama_course.models import sizes
from llama_course.models.catalog import CATALOG
from llama_course.models.sizes import GIB, SHAPES, Shape, memory_need, shape_in, shape_of, weight_bytes

SMALL = Shape(24, 41, 3, 4, 2, 53)  # no two sizes alike


def test_the_shapes_give_the_parameter_counts_of_the_catalog():
    named = [name for name in CATALOG if shape_of(name)]
    assert len(named) == 7
    assert all(shape_of(name).parameters == CATALOG[name].parameters for name in named)
    assert shape_of("smollm2-135m-instruct") is None


@pytest.mark.parametrize("tied", [False, True])
def test_weights_and_parts_equal_those_of_transformers(tied):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=24, intermediate_size=41, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=53, tie_word_embeddings=tied,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    shape = Shape(24, 41, 3, 4, 2, 53, tied)
    assert shape.parameters == model.num_parameters()
    linear = [module.weight.numel() for module in model.model.modules() if isinstance(module, torch.nn.Linear)]
    assert shape.block_weights == sum(linear)
    for bits, dtype in ((32, torch.float32), (16, torch.bfloat16)):
        assert weight_bytes(shape, bits) == model.to(dtype).get_memory_footprint(return_buffers=False)


def test_the_cache_equals_that_of_transformers():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=24, intermediate_size=41, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=53,
    )  # fmt: skip
    with torch.no_grad():
        cache = LlamaForCausalLM(config).bfloat16()(torch.ones(1, 17, dtype=int)).past_key_values
    numbers = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert memory_need(SMALL, 16, 17).cache_gib * GIB == numbers


@pytest.mark.parametrize(
    ("name", "context", "cache_gib"),
    [("llama-2-7b", 4096, 2.0), ("llama-2-13b", 4096, 3.125), ("llama-2-70b", 4096, 1.25)],
)
def test_the_cache_of_llama_2_is_the_known_one(name, context, cache_gib):
    assert memory_need(SHAPES[name], 16, context).cache_gib == cache_gib


def test_four_bits_leave_embedding_and_head_in_sixteen():
    shape = SHAPES["llama-2-7b"]
    scales = shape.block_weights / 64 * (1 + 4 / 256)  # a byte for each 64 weights, four for each 256 of those bytes
    assert weight_bytes(shape, 4) == shape.block_weights / 2 + scales + 2 * shape.other_weights
    assert 3.5 < weight_bytes(shape, 4) / GIB < 3.7


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra gpu: bitsandbytes")
def test_four_bits_are_what_bitsandbytes_makes_of_a_model(tmp_path):
    from transformers import AutoModelForCausalLM

    from llama_course.hardware import Device, Fit
    from llama_course.models.transformers_backend import placed

    make_repository(tmp_path, hidden_size=512, intermediate_size=1408, num_attention_heads=8, num_key_value_heads=4)
    options = placed(Fit(Device("cpu", "bfloat16", ""), 4, 0.1, 1.0))
    model = AutoModelForCausalLM.from_pretrained(tmp_path, **options)
    packed = [module for module in model.modules() if type(module).__name__ == "Linear4bit"]
    states = [module.weight.quant_state for module in packed]
    assert {(state.quant_type, state.nested, state.blocksize) for state in states} == {("nf4", True, 64)}
    scales = sum(state.absmax.nbytes + state.state2.absmax.nbytes for state in states)
    taken = model.get_memory_footprint(return_buffers=False) + scales
    assert taken == pytest.approx(weight_bytes(shape_in(tmp_path), 4), rel=0.002)


def test_more_bits_and_more_tokens_need_more():
    shape = SHAPES["llama-2-13b"]
    totals = [memory_need(shape, bits, 2048).total_gib for bits in sizes.BITS]
    assert totals == sorted(totals, reverse=True)
    assert memory_need(shape, 4, 4096).total_gib > memory_need(shape, 4, 1024).total_gib
    need = memory_need(shape, 16, 100)
    assert need.total_gib == need.weights_gib + need.cache_gib + need.working_gib


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match=r"bits must be one of 32, 16, 4, got 8"):
        weight_bytes(SMALL, 8)


def test_a_folder_s_sizes_are_read_from_its_config(tmp_path):
    make_repository(tmp_path)
    shape = shape_in(tmp_path)
    assert (shape.hidden_size, shape.num_key_value_heads) == (SIZES["hidden_size"], SIZES["num_key_value_heads"])


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "mistral"}, {"hidden_size": "big"}, {"num_attention_heads": None}, {"vocab_size": -1},
        {"quantization_config": {"bits": 4}},
    ],
)  # fmt: skip
def test_what_is_no_plain_llama_has_no_shape(tmp_path, change):
    config = {"model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8}
    config |= {"num_hidden_layers": 1, "num_attention_heads": 2}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert shape_in(tmp_path).num_key_value_heads == 2
    (tmp_path / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    assert shape_in(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_type": "llama"}'])
def test_a_damaged_or_missing_config_has_no_shape(tmp_path, content):
    assert shape_in(tmp_path) is None
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    assert shape_in(tmp_path) is None
