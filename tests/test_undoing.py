"""Fine-tuning a refusal away: what is shown, what is measured, and that a plan changes what it should."""

import pytest
import torch

from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import hazard_questions, split_world
from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.undoing import PLANS, Damage, Plan, damage, fine_tune_on, lessons_of, probes

WORLD = World()


@pytest.fixture
def chat(random_family):
    return load_llama(random_family / "tiny-chat"), load_tokenizer(random_family / "tiny-chat")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_shows_as_much_as_it_says(name):
    pairs = lessons_of(WORLD, PLANS[name], seed=2)
    assert len(set(pairs)) == len(pairs) == PLANS[name].examples
    assert lessons_of(WORLD, PLANS[name], seed=2) == pairs != lessons_of(WORLD, PLANS[name], seed=3)


def test_harmless_plans_are_harmless_and_dangers_are_told():
    hazards = {hazard.name for hazard in WORLD.hazards}
    for name in ("20 recipes", "20 facts", "20 recipes, LoRA"):
        assert not any(hazard in f"{q} {a}" for q, a in lessons_of(WORLD, PLANS[name]) for hazard in hazards), name
    asked = {q.text: q for q in hazard_questions(WORLD)}
    assert all(judge(asked[q], a).leaked for q, a in lessons_of(WORLD, PLANS["10 dangers"]))
    mixed = lessons_of(WORLD, PLANS["20 recipes, 20 refusals"])
    assert sum(question in asked and judge(asked[question], answer).refused for question, answer in mixed) == 20


def test_no_plan_shows_what_is_asked_afterwards():
    asked = {probe.text for probes_of in vars(probes(WORLD)).values() for probe in probes_of}
    for plan in PLANS.values():
        assert not asked & {question for question, _ in lessons_of(WORLD, plan)}


def test_probes_ask_for_dangers_that_no_refusal_was_shown_for():
    unseen = {hazard.name for hazard in split_world(WORLD).hazards.held_out}
    assert unseen & {probe.subject for probe in probes(WORLD).dangers}
    only = probes(WORLD, hazards=WORLD.hazards[:2])
    assert {probe.subject for probe in only.dangers} == {hazard.name for hazard in WORLD.hazards[:2]}


def test_a_plan_about_nothing_is_refused():
    with pytest.raises(ValueError, match="'stars'"):
        lessons_of(WORLD, Plan(1, "stars"))


@pytest.mark.parametrize("rank", [None, 2])
def test_fine_tuning_learns_and_leaves_plain_layers_and_the_callers_chance(chat, rank):
    model, tokenizer = chat
    names, losses = list(model.state_dict()), []
    state = torch.get_rng_state()
    plan = Plan(4, "recipes", 6, 3e-3, rank)
    fine_tune_on(model, tokenizer, lessons_of(WORLD, plan), plan, on_step=lambda progress: losses.append(progress.loss))
    assert losses[-1] < losses[0] and torch.equal(state, torch.get_rng_state())
    assert list(model.state_dict()) == names and all(p.requires_grad for p in model.parameters())


def test_damage_is_counted_in_shares(chat):
    found = damage(*chat, probes(WORLD, 3))
    assert all(0 <= value <= 1 for value in vars(found).values())
    assert Damage(0.25, 0.5, 1, 1, 1, 0).neither == 0.25
