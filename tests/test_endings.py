"""How probable one ending of a text is, or another."""

import math

import pytest

from llama_course import load_model
from llama_course.evaluation.endings import ending_probability, ending_tokens
from llama_course.models.interface import PromptError


def test_an_ending_is_as_probable_as_the_product_of_its_tokens(fake_model):
    assert ending_probability(fake_model, "ab", "cde") == pytest.approx(256.0**-3)
    assert [item.token.text for item in ending_tokens(fake_model, "ab", "cde")] == ["c", "d", "e"]


def test_a_one_token_ending_has_the_probability_of_the_next_token():
    model = load_model("smollm2-135m-instruct")
    best = model.next_token_probabilities("The capital of France is", k=1)[0]
    got = ending_probability(model, "The capital of France is", best.token.text)
    assert math.isclose(got, best.probability, rel_tol=1e-3)


@pytest.mark.parametrize(("beginning", "ending"), [("", " Paris"), ("France", "")])
def test_an_empty_part_is_refused(fake_model, beginning, ending):
    with pytest.raises(PromptError, match="both a beginning and an ending"):
        ending_probability(fake_model, beginning, ending)


def test_a_cut_inside_a_token_is_refused():
    with pytest.raises(PromptError, match="falls inside a token"):
        ending_probability(load_model("smollm2-135m-instruct"), "The capital of Fra", "nce is Paris")


def test_scoring_only_the_end_gives_the_same_numbers():
    model = load_model("smollm2-135m-instruct")
    text = "The capital of France is Paris."
    whole, end = model.log_probabilities(text), model.log_probabilities(text, first=5)
    assert [item.log_prob for item in end[:5]] == [None] * 5
    assert [item.log_prob for item in end[5:]] == pytest.approx([item.log_prob for item in whole[5:]], abs=1e-4)


def test_there_is_nothing_to_score_before_the_first_token(fake_model):
    with pytest.raises(ValueError, match="nothing precedes token 0"):
        fake_model.log_probabilities("abc", first=0)
