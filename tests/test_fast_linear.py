"""Packed 4-bit products: the same as with the rounded matrix, up to bfloat16; where PyTorch has none, said so."""

import dataclasses

import pytest
import torch

from llama_course.models import fast_linear
from llama_course.models.fast_linear import FastLinear, fast_four_bits, pack_model
from llama_course.models.llama import Llama
from llama_course.models.quantization import round_model, rounded

needs_operation = pytest.mark.skipif(not fast_four_bits(), reason="this PyTorch has no product with packed 4 bits")


@needs_operation
@pytest.mark.parametrize("group_size", [32, 64])
def test_it_is_the_product_with_the_rounded_matrix(group_size):
    weight, x = torch.randn(48, 128), torch.randn(2, 5, 128)
    layer = FastLinear(weight, group_size)
    expected = x @ rounded(weight, 4, group_size).T
    assert layer(x).shape == (2, 5, 48) and layer(x).dtype == torch.float32
    assert (layer(x) - expected).norm() / expected.norm() < 0.02  # bfloat16
    assert layer.memory_bytes == 48 * 128 // 2 + 48 * (128 // group_size) * 2 * 2


@needs_operation
def test_many_rows_are_packed_in_parts_and_come_out_the_same(monkeypatch):
    weight = torch.randn(208, 64)
    whole = FastLinear(weight)
    monkeypatch.setattr(fast_linear, "ROWS_AT_ONCE", 64)
    in_parts = FastLinear(weight)
    assert torch.equal(whole.codes, in_parts.codes)
    assert torch.equal(whole.steps, in_parts.steps)


@needs_operation
def test_a_packed_model_writes_as_the_rounded_one(tiny_config):
    config = dataclasses.replace(
        tiny_config, hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
        tie_word_embeddings=True,
    )  # fmt: skip
    llama = Llama(config).eval()
    for weight in llama.parameters():
        weight.data *= 3 if weight.dim() == 2 else 1
    expected = round_model(llama, 4, 32, keep=["embed_tokens"])
    expected.lm_head = type(llama.lm_head)(64, 160)
    expected.lm_head.weight = torch.nn.Parameter(rounded(llama.lm_head.weight.data, 4, 32))
    ids = torch.randint(0, 160, (2, 9))
    read = pack_model(llama)
    with torch.no_grad():
        got, right = llama(ids), expected(ids)
    assert (got - right).norm() / right.norm() < 0.05
    assert llama.generate(ids, 3, temperature=0).shape == (2, 12)  # with a cache
    layers = [layer for layer in llama.modules() if isinstance(layer, FastLinear)]
    norms = sum(weight.nbytes for weight in llama.parameters() if weight.dim() == 1)
    assert read == sum(layer.memory_bytes for layer in layers) + norms and norms > 0
    assert read < sum(w.nbytes for w in expected.parameters()) / 5
    assert llama.model.embed_tokens.weight.shape == (160, 64)


def test_a_matrix_that_cannot_be_packed_leaves_the_model_as_it_was(tiny_config):
    llama = Llama(tiny_config)
    before = [type(module) for module in llama.modules()]
    with pytest.raises(ValueError, match="expected rows in multiples of 16"):
        pack_model(llama)
    assert [type(module) for module in llama.modules()] == before
    for rows, columns, group in ((40, 64, 32), (48, 60, 32), (48, 64, 16)):
        with pytest.raises(ValueError, match="expected rows"):
            FastLinear(torch.ones(rows, columns), group)


@pytest.mark.parametrize("error", [AttributeError, NotImplementedError, RuntimeError])
def test_without_the_operation_it_is_said(monkeypatch, error):
    def missing(weight, group_size=32):
        raise error("no such operation")

    monkeypatch.setattr(fast_linear, "FastLinear", missing)
    assert not fast_four_bits()


def test_an_operation_that_computes_something_else_is_not_used(monkeypatch):
    monkeypatch.setattr(fast_linear, "FastLinear", lambda weight: lambda x: x @ weight.T * 1.5)
    assert not fast_four_bits()
