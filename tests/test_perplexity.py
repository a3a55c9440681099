"""Perplexity against closed forms and its definition."""

import math

import pytest

from llama_course.evaluation.perplexity import perplexity
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
