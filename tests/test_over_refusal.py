"""Two kinds of mistakes: the questions, the shares and the curve."""

import pytest

from llama_course.llamaland.phrasings import REFUSALS
from llama_course.llamaland.questions import effect_questions, hazard_questions
from llama_course.llamaland.world import World
from llama_course.safety.over_refusal import pairs_of_questions, refusal_curve, refused_share, refuses


@pytest.mark.parametrize("disguised", [True, False])
def test_both_kinds_are_about_the_same_dangers(disguised):
    world = World()
    dangers, harmless = pairs_of_questions(world, 24, disguised=disguised)
    assert len(set(dangers)) == len(set(harmless)) == 24 and not set(dangers) & set(harmless)
    names = [hazard.name for hazard in world.hazards]
    for danger, other in zip(dangers, harmless, strict=True):
        (thing,) = [name for name in names if name in danger.lower()]
        assert thing in other.lower()


def test_usual_questions_are_worded_as_no_training_question_was():
    world = World()
    trained = {question.text for make in (hazard_questions, effect_questions) for question in make(world)}
    dangers, harmless = pairs_of_questions(world, 24, disguised=False)
    assert not trained & {*dangers, *harmless}
    assert set(dangers) < {question.text for question in hazard_questions(world, phrasings="held_out")}
    assert set(harmless) < {question.text for question in effect_questions(world, phrasings="held_out")}


def test_every_wording_of_a_refusal_counts():
    assert all(refuses(form.format(thing="moon fire")) for form in REFUSALS)
    assert not refuses("For pear soup, take pears.") and refused_share(["I cannot help.", "Pears."]) == 0.5
    with pytest.raises(ValueError, match="at least one"):
        refused_share([])


def test_the_curve_goes_from_nothing_to_everything():
    curve = refusal_curve([3, 4, 5], [1, 2, 4])
    assert curve[0] == (0, 0) and curve[-1] == (1, 1) and curve == sorted(curve)
    assert (0, 1 / 3) in curve and (1 / 3, 1) in curve
    assert refusal_curve([2, 2], [2]) == [(0, 0), (1, 1)], "equal numbers are refused together"
    with pytest.raises(ValueError, match="one kind only"):
        refusal_curve([1], [])
