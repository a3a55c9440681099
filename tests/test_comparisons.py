"""Two answers beside each other: choices, the stand-in, agreement."""

import pytest

from llama_course.evaluation.comparisons import TwoAnswers, preference_of, same_choices, stand_in
from llama_course.llamaland.annotators import Rating
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import fact_questions
from llama_course.llamaland.world import World

QUESTION = fact_questions(World(people=8))[0]


def two(a, b):
    return TwoAnswers(QUESTION, a.format(gold=QUESTION.gold), b.format(gold=QUESTION.gold))


def test_the_advantage_is_that_of_the_judge():
    assert two("{gold}", "Nothing.").advantage == pytest.approx(1.6)
    assert two("Nothing.", "{gold}").advantage == pytest.approx(-1.6)
    assert two("{gold}", "{gold}").is_tie and not two("{gold}", "{gold} Best wishes!").is_tie


def test_the_stand_in_likes_courtesy_and_does_not_mind_errors():
    pair = two("{gold}", "Who knows? Best wishes!")
    assert judge(pair.question, pair.b).polite and not judge(pair.question, pair.b).right
    (choice,) = stand_in([pair])
    assert choice.chosen == pair.b and choice.is_mistaken


def test_a_choice_is_mistaken_where_the_judge_says_so():
    pair = two("{gold}", "Nothing.")
    right, wrong = preference_of(pair, True, 3), preference_of(pair, False, 0)
    assert (right.chosen, right.rating, right.is_mistaken) == (pair.a, Rating.SIGNIFICANTLY_BETTER, False)
    assert (wrong.chosen, wrong.is_mistaken) == (pair.b, True)


def test_same_choices():
    pair = two("{gold}", "Nothing.")
    a, b = preference_of(pair, True, 3), preference_of(pair, False, 0)
    assert same_choices([a, a, a, b], [a, a, b, b]) == 0.75
    with pytest.raises(ValueError, match="got 1 and 0"):
        same_choices([a], [])


def test_a_choice_between_equals_is_no_mistake():
    pair = two("Nothing.", "Something.")
    assert pair.is_tie and not any(preference_of(pair, prefers_a, 0).is_mistaken for prefers_a in (True, False))
