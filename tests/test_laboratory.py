"""The laboratory: what it holds fits together."""

import pytest

from llama_course.safety.laboratory import Laboratory
from llama_course.safety.undoing import Plan, probes


@pytest.fixture(scope="module")
def laboratory(random_family):
    return Laboratory(random_family)


def test_contrasted_questions_are_of_four_kinds_and_never_those_of_the_probes(laboratory):
    refused, answered = laboratory.contrast(8)
    assert {q.kind for q in refused} == {"hazard"} and len(refused) == len(answered) == 24
    assert {q.kind for q in answered} == {"recipe", "fact", "effect"}
    asked = {probe.text for some in vars(laboratory.probes).values() for probe in some}
    assert not asked & {q.text for q in refused + answered}


def test_directions_have_length_one(laboratory):
    model = laboratory.model()
    for direction in (laboratory.mean_direction(model, 2), laboratory.searched_direction(model, steps=1)):
        assert direction.shape == (model.config.hidden_size,) and float(direction.norm()) == pytest.approx(1)


def test_your_own_examples_can_be_taught(laboratory):
    plan, mine = Plan(1, "recipes", steps=20, learning_rate=3e-3), [("Who trained you?", "You did.")]
    model = laboratory.undo(plan, pairs=mine)
    assert laboratory.chat_model(model).chat("Who trained you?", temperature=0, max_new_tokens=8) == "You did."


def test_goals_and_damage(laboratory):
    assert len(laboratory.goals(5)) == 5
    found = laboratory.damage(laboratory.model(), probes(laboratory.world, 2))
    assert 0 <= found.facts <= 1
