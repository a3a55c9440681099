"""Sums on the back of an envelope: against arrays of the library's model, and published sizes."""

import dataclasses

import pytest

from llama_course.models.catalog import find_card
from llama_course.models.envelope import (
    BITS_PER_WEIGHT,
    Memory,
    cache_bytes_per_token,
    read_bytes,
    serving_memory,
    speed_limit,
    users_that_fit,
    weights_bytes,
)
from llama_course.models.llama import KVCache, Llama
from llama_course.models.sizes import GIB, SHAPES, Shape

SMALL = Shape(24, 40, 3, 4, 2, 53)
SEVEN, SEVENTY = SHAPES["llama-2-7b"], SHAPES["llama-2-70b"]


def test_what_is_counted_are_the_arrays_of_the_model(tiny_config):
    config = dataclasses.replace(tiny_config, num_key_value_heads=2)
    llama = Llama(config)
    shape = Shape(
        config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.num_attention_heads, 2,
        config.vocab_size, config.tie_word_embeddings,
    )  # fmt: skip
    assert weights_bytes(shape, 32) == sum(weight.nbytes for weight in llama.parameters())
    cache = KVCache(llama, 1, 10)
    assert 10 * cache_bytes_per_token(shape, 32) == sum(kept.nbytes for kept in cache.keys + cache.values)


def test_of_an_embedding_that_is_only_looked_up_one_row_is_read():
    tied = dataclasses.replace(SMALL, tie_word_embeddings=True)
    assert read_bytes(tied, 8) == tied.parameters
    assert read_bytes(SMALL, 8) == SMALL.parameters - 52 * 24


def test_the_published_sizes_of_llama_2():
    """Parameters times two, and the known caches of 512 and 320 KiB a token."""
    assert weights_bytes(SEVEN) == 2 * find_card("llama-2-7b").parameters == 13_476_831_232
    assert cache_bytes_per_token(SEVEN) == 512 * 1024 and cache_bytes_per_token(SEVENTY) == 320 * 1024
    need = serving_memory(SEVEN, 4.5, context_tokens=4096, users=3)
    assert need.cache_bytes == 3 * 2 * GIB and need.weights_bytes == 6_738_415_616 * 4.5 / 8
    assert str(need) == "3.53 GiB for the weights, 6.00 GiB for the cache, 9.53 GiB in all"


def test_users_fit_until_one_more_would_not():
    users = users_that_fit(SEVEN, 24, 4.5, context_tokens=4096)
    need = [serving_memory(SEVEN, 4.5, users=count).total_gib for count in (users, users + 1)]
    assert users == 10 and need[0] <= 24 < need[1]
    assert users_that_fit(SEVENTY, 24) == 0
    assert users_that_fit(SEVEN, 24, 4.5, cache_bits=8) == 20


def test_the_rule_of_thumb_for_cards():
    """Bandwidth over bytes of weights: 24 tokens a second on a T4, 148 on an A100; the embedding is not read."""
    assert speed_limit(SEVEN, 320).for_each == pytest.approx(320e9 / 13.48e9, rel=0.03)
    assert speed_limit(SEVEN, 2, 8).step_s == read_bytes(SEVEN, 8) / 2e9 < weights_bytes(SEVEN, 8) / 2e9
    assert speed_limit(SEVEN, 2000).for_each == pytest.approx(2000e9 / 13.48e9, rel=0.03)


def test_users_share_the_reading_of_the_weights_but_not_of_the_cache():
    one, many = (speed_limit(SEVEN, 1000, users=users) for users in (1, 8))
    assert many.for_each == one.for_each and many.in_all == pytest.approx(8 * one.for_each)
    long = speed_limit(SEVEN, 1000, users=8, context_tokens=4096)
    assert long.step_s == pytest.approx(many.step_s + 8 * 2 * GIB / 1e12)


def test_bits_as_files_have_them():
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    for name, kind in (("8 bits", "Q8_0"), ("4 bits", "Q4_0")):
        count, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
        assert BITS_PER_WEIGHT[name] == 8 * size / count
    assert BITS_PER_WEIGHT["2 bits"] == 2 + 16 / 32  # in the same way: a float16 scale for 32
    assert Memory(GIB, GIB).total_gib == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: weights_bytes(SMALL, 0),
        lambda: cache_bytes_per_token(SMALL, -1),
        lambda: serving_memory(SMALL, users=0),
        lambda: serving_memory(SMALL, context_tokens=-4),
        lambda: users_that_fit(SMALL, float("inf")),
        lambda: speed_limit(SMALL, 0),
        lambda: speed_limit(SMALL, float("nan")),
        lambda: speed_limit(SMALL, 1, context_tokens=-1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ValueError, match="expected"):
        call()
