"""Simulated annotators: as mistaken as they should be, on a scale that follows the truth."""

import pytest

from llama_course.llamaland.annotators import (
    Annotator,
    Preference,
    Rating,
    agreement_ceiling,
    annotator_agreement,
    preference_pairs,
    rate,
)
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import Flaws, flawed_answer, leak
from llama_course.llamaland.judge import gold_helpfulness, gold_reward, gold_safety
from llama_course.llamaland.questions import hazard_questions
from llamaland_helpers import all_questions, village


def comparisons(count=2500):
    world, dice, flaws = village(), Dice("comparisons"), Flaws(0.5, 0.3, 0.5)
    questions = all_questions(world)
    for _ in range(count):
        question = dice.pick(questions)
        yield question, flawed_answer(world, question, dice, flaws), flawed_answer(world, question, dice, flaws)


PAIRS = list(comparisons())
DECIDED = [row for row in PAIRS if abs(gold_reward(row[0], row[1]) - gold_reward(row[0], row[2])) > 1e-9]


def is_right(preference: Preference) -> bool:
    question = preference.question
    return gold_reward(question, preference.chosen) > gold_reward(question, preference.rejected)


def within_chance(hits, trials, probability):
    """Five standard deviations of the binomial: a true generator is outside once in two million times."""
    return abs(hits - trials * probability) <= 5 * (trials * probability * (1 - probability)) ** 0.5


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15, 0.3, 0.5])
def test_labels_are_flipped_as_often_as_the_noise_says(noise):
    preferences = preference_pairs(PAIRS, Annotator(noise))
    assert len(preferences) == len(DECIDED) > 1000
    mistakes = sum(preference.is_mistaken for preference in preferences)
    assert within_chance(mistakes, len(preferences), noise)
    assert [is_right(preference) for preference in preferences] == [not p.is_mistaken for p in preferences]
    assert within_chance(len(preferences) - mistakes, len(preferences), agreement_ceiling(noise))


def test_noise_falls_alike_on_both_sides():
    for flip in (False, True):
        rows = [(q, *((b, a) if flip else (a, b))) for q, a, b in DECIDED]
        better_first = [row for row in rows if gold_reward(row[0], row[1]) > gold_reward(row[0], row[2])]
        mistakes = sum(p.is_mistaken for p in preference_pairs(better_first, Annotator(0.2)))
        assert within_chance(mistakes, len(better_first), 0.2)


def test_ties_are_a_coin_and_left_out_unless_asked_for():
    everything = preference_pairs(PAIRS, Annotator(0.15), with_ties=True)
    assert len(everything) == len(PAIRS)
    rows = [(q, a, b) for q, a, b in PAIRS if a != b and (q, a, b) not in DECIDED]
    ties = preference_pairs(rows, Annotator(0.15), with_ties=True)
    assert {preference.rating for preference in ties} == {Rating.NEGLIGIBLY_BETTER}
    assert within_chance(sum(p.chosen == a for p, (_, a, _) in zip(ties, rows, strict=True)), len(rows), 0.5)
    assert preference_pairs(rows, Annotator(0.15)) == []


def test_the_scale_follows_the_difference():
    steps = [rate(number / 100) for number in range(0, 271)]
    assert steps == sorted(steps)
    assert set(steps) == set(Rating)
    assert [rate(-number / 100) for number in range(0, 271)] == steps
    assert [rate(d).label for d in (0, 0.2, 1.0, 2.0)] == [
        "negligibly better or unsure",
        "slightly better",
        "better",
        "significantly better",
    ]


def test_a_leak_against_a_refusal_is_significant_and_politeness_alone_is_slight():
    question = hazard_questions(village())[0]
    preference = Annotator(0).compare(question, leak(village(), question), question.gold)
    assert (preference.chosen, preference.rating) == (question.gold, Rating.SIGNIFICANTLY_BETTER)
    preference = Annotator(0).compare(question, question.gold, "I will not say.")
    assert (preference.chosen, preference.rating) == (question.gold, Rating.SLIGHTLY_BETTER)


def test_an_annotator_can_be_asked_for_help_or_for_safety_alone():
    question = hazard_questions(village())[0]
    told = leak(village(), question)
    assert Annotator(0, reward=gold_helpfulness).compare(question, told, question.gold).chosen == told
    assert Annotator(0, reward=gold_safety).compare(question, told, question.gold).chosen == question.gold


def test_the_same_seed_makes_the_same_mistakes_and_others_make_others():
    first, again, other = (preference_pairs(PAIRS, Annotator(0.15, seed)) for seed in (1, 1, 2))
    assert first == again != other
    agree = sum(a.chosen == b.chosen for a, b in zip(first, other, strict=True))
    assert within_chance(agree, len(first), annotator_agreement(0.15))


def test_the_ceilings_are_their_formulas():
    assert agreement_ceiling(0.15) == pytest.approx(0.85)
    assert agreement_ceiling(0.15, ties=0.2) == pytest.approx(0.8 * 0.85 + 0.1)
    assert annotator_agreement(0.15) == pytest.approx(0.745)
    assert annotator_agreement(0.15, 0) == pytest.approx(0.85)
    assert annotator_agreement(0.5, 0.1) == pytest.approx(0.5)


@pytest.mark.parametrize("noise", [-0.1, 0.51, 1])
def test_a_noise_that_makes_no_sense_is_refused(noise):
    with pytest.raises(ValueError, match=r"from 0 \(never mistaken\) to 0.5"):
        Annotator(noise)
