"""Quantisation: against sums done by hand, bounds that follow from the definition, and models that stay one model."""

import dataclasses

import pytest
import torch

from llama_course.models.embedded import checkpoint_folder
from llama_course.models.llama import Llama
from llama_course.models.llama_files import load_llama, save_llama
from llama_course.models.quantization import (
    ROW,
    QuantizedLinear,
    load_rounded,
    most_steps,
    pack_4_bits,
    quantize,
    relative_error,
    round_model,
    rounded,
    rounded_weights,
    unpack_4_bits,
)

BITS = range(2, 9)
GROUPS = (None, ROW, 1, 5, 7, 64)


@pytest.fixture
def weight():
    return torch.randn(6, 21, generator=torch.Generator().manual_seed(3))


def test_a_worked_example():
    made = quantize(torch.tensor([[1.0, -3.5, 0.4, 0.0], [0.7, 0.35, 0.2, -0.1]]), 4)
    assert made.codes.tolist() == [[[2, -7, 1, 0]], [[7, 4, 2, -1]]]  # steps of 0.5 and of 0.1
    assert made.scales.flatten().tolist() == pytest.approx([0.5, 0.1], rel=1e-3)
    assert made.dequantize().tolist()[0] == [1.0, -3.5, 0.5, 0.0]


def test_one_scale_for_all_is_that_of_the_largest_number():
    made = quantize(torch.tensor([[7.0, 1.0], [0.4, -0.6]]), 4, None)
    assert made.scales.shape == (1, 1, 1) and made.codes.flatten().tolist() == [7, 1, 0, -1]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("group_size", GROUPS)
def test_shapes_codes_and_the_bound_on_the_error(weight, bits, group_size):
    made = quantize(weight, bits, group_size)
    rows, groups, width = made.codes.shape
    assert rows == 6 and groups == {None: 1, ROW: 1, 1: 21, 5: 5, 7: 3, 64: 1}[group_size]
    assert made.codes.dtype == torch.int8 and made.codes.abs().max() <= most_steps(bits)
    written_out = made.dequantize()
    assert written_out.shape == weight.shape and written_out.dtype == torch.float32
    step = made.scales.expand(rows, groups, width).flatten(1)[:, :21]
    # half a step, and what rounding the scale itself to a float16 adds to the largest numbers
    assert ((written_out - weight).abs() <= step * (0.5 + most_steps(bits) * 2**-11) + 1e-7).all()


@pytest.mark.parametrize("group_size", [None, ROW, 7])
def test_more_bits_and_smaller_groups_never_lose_more(group_size):
    weight = torch.randn(64, 210, generator=torch.Generator().manual_seed(1))
    weight[3, 5] = 20.0  # one number far out
    errors = [relative_error(weight, rounded(weight, bits, group_size)) for bits in BITS]
    assert errors == sorted(errors, reverse=True)
    by_group = [relative_error(weight, rounded(weight, 4, size)) for size in (None, ROW, 70, 7, 1)]
    assert by_group == sorted(by_group, reverse=True)
    assert by_group[0] > 3 * by_group[2]  # the one number made the steps of all others too large


def test_quantising_twice_is_quantising_once(weight):
    once = rounded(weight, 4, 7)
    assert torch.allclose(rounded(once, 4, 7), once, rtol=1e-3)


def test_zeros_and_numbers_too_small_stay_finite():
    for value in (0.0, 1e-12):
        assert rounded(torch.full((2, 8), value), 4, 4).abs().max() <= 1e-12
    assert rounded(torch.full((2, 8), 1e6), 2, 4).unique().tolist() == [65504.0]  # a float16 scale has an end


def test_bits_per_weight_count_the_scales():
    assert quantize(torch.ones(8, 64), 4, 32).bits_per_weight == 4.5  # GGUF's Q4_0
    assert quantize(torch.ones(8, 64), 8, 32).bits_per_weight == 8.5
    assert quantize(torch.ones(8, 64), 4, None).bits_per_weight == 4 + 16 / 512
    assert quantize(torch.ones(8, 64), 4, 32).file_bytes == 8 * 64 * 4.5 / 8


@pytest.mark.parametrize("bits", [1, 9, 4.0, True, "4", None])
def test_impossible_bits_are_refused(weight, bits):
    with pytest.raises(ValueError, match="bits: expected a whole number from 2 to 8"):
        quantize(weight, bits)


@pytest.mark.parametrize("group_size", [0, -3, 2.5, True, "tensor"])
def test_impossible_groups_are_refused(weight, group_size):
    with pytest.raises(ValueError, match="group_size: expected"):
        rounded(weight, 4, group_size)


def test_what_is_no_matrix_of_finite_numbers_is_refused(weight):
    for wrong in (weight[0], weight.long(), weight[None]):
        with pytest.raises(ValueError, match="expected a matrix of floating-point numbers"):
            quantize(wrong, 4)
    weight[2, 2] = float("nan")
    for group_size in GROUPS:
        with pytest.raises(ValueError, match="finite"):
            quantize(weight, 4, group_size)


def test_rounding_in_parts_is_rounding_at_once(monkeypatch, weight):
    whole = {size: quantize(weight, 3, size).dequantize() for size in GROUPS}
    monkeypatch.setattr("llama_course.models.quantization.ROWS_AT_ONCE", 4)
    assert all(torch.equal(rounded(weight, 3, size), whole[size]) for size in GROUPS)
    assert rounded(weight.half(), 3, 7).dtype == torch.float16


def test_four_bits_come_back_from_half_a_byte():
    codes = torch.arange(-8, 8, dtype=torch.int8).view(2, 8)
    packed = pack_4_bits(codes)
    assert packed.shape == (2, 4) and packed.dtype == torch.uint8 and packed[0, 0] == 0x10
    assert torch.equal(unpack_4_bits(packed), codes)
    for wrong in (codes[:, :3], codes * 2):
        with pytest.raises(ValueError, match="even number of codes"):
            pack_4_bits(wrong)


@pytest.mark.parametrize(("bits", "group_size"), [(4, 8), (8, 8), (8, None), (4, ROW)])
def test_a_quantised_layer_multiplies_with_the_rounded_matrix_and_keeps_less(bits, group_size):
    weight, x = torch.randn(12, 32), torch.randn(2, 5, 32)
    layer = QuantizedLinear(weight, bits, group_size)
    assert torch.allclose(layer(x), x @ rounded(weight, bits, group_size).T, atol=1e-5)
    assert layer.memory_bytes == pytest.approx(quantize(weight, bits, group_size).file_bytes)
    assert layer.memory_bytes < weight.nbytes * (bits + 3) / 32 and not list(layer.parameters())


def test_a_layer_of_three_bits_is_refused():
    with pytest.raises(ValueError, match="expected 4 or 8"):
        QuantizedLinear(torch.ones(2, 4), 3)


# -- whole models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [False, True])
def test_a_rounded_model_has_rounded_matrices_and_leaves_the_first_alone(tiny_config, tied):
    llama = Llama(dataclasses.replace(tiny_config, tie_word_embeddings=tied)).eval()
    llama.model.norm.weight.data += 0.123
    before = {name: weight.clone() for name, weight in llama.state_dict().items()}
    ids = torch.randint(0, tiny_config.vocab_size, (2, 7))
    other = round_model(llama, 4, 8, keep=("o_proj",))
    for name, weight in other.state_dict().items():
        stays = weight.dim() == 1 or "o_proj" in name
        assert torch.equal(weight, before[name] if stays else rounded(before[name], 4, 8)), name
    assert (other.lm_head.weight is other.model.embed_tokens.weight) == tied
    assert all(torch.equal(weight, before[name]) for name, weight in llama.state_dict().items())
    with torch.no_grad():
        assert torch.isfinite(other(ids)).all() and not torch.equal(other(ids), llama(ids))
        assert torch.allclose(round_model(llama, 8, 1)(ids), llama(ids), atol=1e-2)  # a scale for each number


def test_a_shared_matrix_is_rounded_once(tiny_config):
    llama = Llama(dataclasses.replace(tiny_config, tie_word_embeddings=True))
    made = rounded_weights(llama.state_dict(), 4)
    assert made["lm_head.weight"] is made["model.embed_tokens.weight"]


def test_loading_rounded_weights_is_loading_and_rounding(tiny_config, tmp_path):
    llama = Llama(dataclasses.replace(tiny_config, tie_word_embeddings=True)).eval()
    save_llama(llama, tmp_path)
    model = load_llama(tmp_path)
    address = model.lm_head.weight.data_ptr()
    assert load_rounded(model, tmp_path, 3, 8, keep=["q_proj"]) is model
    expected = round_model(llama, 3, 8, keep=["q_proj"]).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in model.state_dict().items())
    load_rounded(model, tmp_path, None)
    assert all(torch.equal(weight, llama.state_dict()[name]) for name, weight in model.state_dict().items())
    assert model.lm_head.weight.data_ptr() == address == model.model.embed_tokens.weight.data_ptr()


def test_the_miniature_in_eight_bits_says_the_same():
    llama = load_llama(checkpoint_folder("tiny-base"))
    ids = torch.tensor([[1, 300, 301, 302, 303]])
    with torch.no_grad():
        exact, close = (model(ids).log_softmax(-1) for model in (llama, round_model(llama, 8, 32)))
    assert (exact - close).abs().max() < 0.3
