"""Perplexity against closed forms and its definition."""

import math

import pytest

from llama_course.evaluation.perplexity import bits_per_byte, perplexity
from llama_course.models.interface import Token, TokenLogProbability


@pytest.mark.parametrize("k", [1, 2, 7, 32_000])
def test_hesitating_between_k_tokens_gives_perplexity_k(k):
    assert perplexity([-math.log(k)] * 5) == pytest.approx(k)


def test_perplexity_is_the_inverse_geometric_mean_of_the_probabilities():
    probabilities = [0.5, 0.1, 0.8]
    expected = (0.5 * 0.1 * 0.8) ** (-1 / 3)
    assert perplexity(math.log(p) for p in probabilities) == pytest.approx(expected)


def test_the_first_token_which_nothing_precedes_is_left_out():
    assert perplexity([None, math.log(0.25)]) == pytest.approx(4)


def test_it_takes_what_a_model_returns(fake_model):
    assert perplexity(fake_model.log_probabilities("hello")) == pytest.approx(256)


def test_a_certain_model_has_perplexity_1_in_spite_of_rounding():
    assert perplexity([0.0, 1e-9]) == pytest.approx(1)


@pytest.mark.parametrize("nothing", [[], [None], [TokenLogProbability(Token(1, "a", b"a"), None)]])
def test_a_text_of_one_token_has_no_perplexity(nothing):
    with pytest.raises(ValueError, match="two tokens or more"):
        perplexity(nothing)


def test_probabilities_instead_of_logarithms_are_noticed():
    with pytest.raises(ValueError, match="Did you pass probabilities"):
        perplexity([0.5, 0.25])


# -- bits a byte -------------------------------------------------------------------------------------------------------


def scored(*pieces):
    """Tokens with a log-probability each, None for those that are not scored."""
    return [TokenLogProbability(Token(n, t, t.encode()), lp) for n, (t, lp) in enumerate(pieces)]


def test_a_model_that_knows_nothing_needs_eight_bits_for_a_byte(fake_model):
    assert bits_per_byte(fake_model.log_probabilities("hello")) == pytest.approx(8)


def test_the_same_surprise_in_larger_tokens_is_the_same_a_byte_and_another_perplexity():
    small = scored(("x", None), ("ab", math.log(1 / 4)), ("cd", math.log(1 / 4)))
    large = scored(("x", None), ("abcd", math.log(1 / 16)))
    assert bits_per_byte(small) == pytest.approx(bits_per_byte(large)) == pytest.approx(1)
    assert (perplexity(small), perplexity(large)) == pytest.approx((4, 16))


def test_bytes_are_counted_and_not_characters():
    assert bits_per_byte(scored(("x", None), ("é", math.log(1 / 16)))) == pytest.approx(2)


def test_a_text_of_one_token_has_no_bits_a_byte():
    with pytest.raises(ValueError, match="two tokens or more"):
        bits_per_byte(scored(("x", None)))
