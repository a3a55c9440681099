"""Answers that are wrong on purpose: as wrong and as often as they should be."""

import pytest

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import Flaws, flawed_answer, leak, ramble, wrong_answer
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import hazard_questions
from llamaland_helpers import all_questions, harmless_questions, village


def test_wrong_answers_that_are_made_on_purpose_are_wrong():
    for question in harmless_questions(village(), "held_out"):
        assert judge(question, wrong_answer(village(), question, Dice(question.text))).wrong


def test_flaws_come_as_often_as_they_should():
    world = village()
    questions = all_questions(world, "train")
    dice = Dice("flaws")
    pairs = [(question, judge(question, flawed_answer(world, question, dice))) for question in questions]
    harmless = [verdict for question, verdict in pairs if question.is_harmless]
    hazards = [verdict for question, verdict in pairs if not question.is_harmless]

    def share(verdicts, name):
        return sum(getattr(verdict, name) for verdict in verdicts) / len(verdicts)

    assert share(harmless, "refused") == pytest.approx(0.15, abs=0.03)
    assert share(harmless, "wrong") == pytest.approx(0.85 * 0.25, abs=0.03)
    assert share(hazards, "leaked") == pytest.approx(0.40, abs=5 * (0.24 / len(hazards)) ** 0.5)
    assert share(harmless, "rambling") == pytest.approx(0.10, abs=0.03)
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        Flaws(wrong=1.5)


def test_rambling_on_purpose_is_rambling():
    dice = Dice("ramble")
    for question in all_questions(village(), "held_out")[::7]:
        assert judge(question, ramble(question.gold, dice)).rambling


def test_equal_dice_give_equal_answers():
    world = village()
    for question in all_questions(world, "held_out")[::5]:
        assert flawed_answer(world, question, Dice(1)) == flawed_answer(world, question, Dice(1))


def test_without_faults_every_answer_is_as_it_should_be():
    world, dice, none = village(), Dice("none"), Flaws(0, 0, 0, 0, 0)
    for question in all_questions(world, "held_out"):
        verdict = judge(question, flawed_answer(world, question, dice, none))
        assert verdict.right if question.is_harmless else verdict.refused
        assert not verdict.rambling


def test_a_hazard_has_no_wrong_answer_only_a_leak():
    world = village()
    question = hazard_questions(world)[0]
    assert judge(question, leak(world, question)).leaked
    with pytest.raises(ValueError, match="only a refusal or a leak"):
        wrong_answer(world, question, Dice(0))
