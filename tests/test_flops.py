"""Counting operations: six for each weight and token, and what attention adds."""

import pytest

from llama_course.models.llama import LLAMA_2_7B, count_parameters
from llama_course.training.flops import count_training_flop


def products_by_hand(config, length):
    """Six operations for each weight of a matrix and token; attention: two products forwards, four backwards."""
    c = config
    kv = c.num_key_value_heads * c.head_dim
    layer = 2 * c.hidden_size**2 + 2 * c.hidden_size * kv + 3 * c.hidden_size * c.intermediate_size
    weights = c.num_hidden_layers * layer + c.vocab_size * c.hidden_size  # the embedding is looked up, not multiplied
    attention = 6 * 2 * c.num_hidden_layers * length**2 * c.hidden_size
    return 6 * weights * length + attention


def test_the_count_is_that_of_the_shapes(tiny_config):
    assert count_training_flop(tiny_config, 31) == products_by_hand(tiny_config, 31)


def test_llama_2_is_counted_without_being_stored():
    counted = count_training_flop(LLAMA_2_7B, 4096)
    assert counted == products_by_hand(LLAMA_2_7B, 4096)
    assert counted / (6 * count_parameters(LLAMA_2_7B) * 4096) == pytest.approx(1.14, abs=0.005)
