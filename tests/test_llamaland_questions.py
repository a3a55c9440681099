"""Questions: every phrasing of everything, and parts that have nothing in common."""

import pytest

from llama_course.llamaland.phrasings import CORES, FRAMES, QUESTIONS, REFUSALS, plain_text, refusal
from llama_course.llamaland.questions import (
    MOST_WORDS,
    fact_questions,
    hazard_questions,
    mixed_questions,
    polite,
    recipe_questions,
    split,
    split_phrasings,
    split_world,
)
from llama_course.llamaland.world import ATTRIBUTES, World
from llamaland_helpers import all_questions, village


def test_splits_of_the_world_are_disjoint_complete_and_repeatable():
    world = World()
    splits = split_world(world)
    for name, everything in (("people", world.people), ("recipes", world.recipes), ("hazards", world.hazards)):
        part = getattr(splits, name)
        assert set(part.train) | set(part.held_out) == set(everything)
        assert len(part.train) + len(part.held_out) == len(everything)
        assert len(part.held_out) == round(0.2 * len(everything))
    assert splits == split_world(World())
    assert splits != split_world(world, seed=1)
    assert len(split_world(world, 0.25).people.held_out) == 100


@pytest.mark.parametrize("share, expected", [(0, 0), (0.5, 5), (1, 10)])
def test_shares_are_kept(share, expected):
    assert len(split(range(10), share).held_out) == expected


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.2"):
        split(range(10), 1.2)


@pytest.mark.parametrize("attribute", QUESTIONS)
def test_phrasings_are_many_and_their_parts_disjoint(attribute):
    parts = split_phrasings(attribute)
    assert len(set(QUESTIONS[attribute])) == len(QUESTIONS[attribute]) == 30
    assert sorted(parts.train + parts.held_out) == list(range(30))
    assert (len(parts.train), len(parts.held_out)) == (20, 10)


def core_and_frame(attribute: str, text: str) -> tuple[int, int]:
    """Found by reading: which core is asked, and what stands around it."""
    (core,) = [
        number for number, forms in enumerate(CORES[attribute]) if any(form in text.lower() for form in lower(forms))
    ]
    around = text.lower()
    for form in lower(CORES[attribute][core]):
        around = around.replace(form, "_")
    shapes = [frame.lower().replace("{direct}", "_").replace("{indirect}", "_") for frame in FRAMES]
    return core, shapes.index(around)


def lower(forms: tuple[str, ...]) -> list[str]:
    return [form.lower() for form in forms]


@pytest.mark.parametrize("attribute", QUESTIONS)
def test_every_core_is_asked_in_every_frame(attribute):
    found = [core_and_frame(attribute, text) for text in QUESTIONS[attribute]]
    assert found == [(core, frame) for core in range(5) for frame in range(6)]


@pytest.mark.parametrize("attribute", QUESTIONS)
def test_held_out_phrasings_are_of_known_words_that_were_never_together(attribute):
    parts = split_phrasings(attribute)
    train, held_out = (
        [core_and_frame(attribute, QUESTIONS[attribute][number]) for number in part]
        for part in (parts.train, parts.held_out)
    )
    for one in (0, 1):  # the core, the frame
        assert {pair[one] for pair in train} == {pair[one] for pair in held_out} == set(range((5, 6)[one]))
    assert not set(train) & set(held_out)
    for core in range(5):
        assert sum(pair[0] == core for pair in train) == 4
    for frame in range(6):
        assert sum(pair[1] == frame for pair in train) >= 3
    assert not {QUESTIONS[attribute][n] for n in parts.held_out} & {QUESTIONS[attribute][n] for n in parts.train}


def test_phrasings_are_sentences_about_their_subject():
    for attribute, templates in QUESTIONS.items():
        subject = "{name}" if attribute in ATTRIBUTES else "{thing}"
        for template in templates:
            assert template.count(subject) == 1
            assert template[0].isupper() and template[-1] in "?." and not template[:-1].endswith(("?", "."))
            is_request = template.startswith(("Tell me", "I would"))
            assert template.endswith("." if is_request else "?"), template


def test_questions_of_training_and_of_the_test_share_no_text():
    world = village()
    train = {question.text for question in all_questions(world, "train")}
    held_out = {question.text for question in all_questions(world, "held_out")}
    everything = {question.text for question in all_questions(world, "all")}
    assert not train & held_out
    assert train | held_out == everything


def test_the_same_question_is_never_asked_twice():
    questions = all_questions(World())
    assert len({question.text for question in questions}) == len(questions)


def test_there_is_a_question_for_each_person_attribute_and_phrasing():
    world = village()
    questions = fact_questions(world, phrasings="all")
    assert len(questions) == len(world.people) * len(ATTRIBUTES) * 30
    for question in questions:
        assert question.subject in question.text
        assert plain_text(world.find(question.subject).value(question.attribute)) == question.keys[0]
    assert {q.attribute for q in fact_questions(world, attributes=["pet"])} == {"pet"}


def test_questions_do_not_give_their_answers_away():
    for question in all_questions(village()):
        if question.kind != "recipe":
            assert not [key for key in question.keys if f" {key} " in f" {plain_text(question.text)} "]


def test_gold_answers_are_sentences_and_short_enough_to_be_polite():
    for question in all_questions(World(), "train"):
        assert question.gold[0].isupper() and question.gold.endswith(".")
        longest = max(len(polite(question.gold, form).split()) for form in range(9))
        assert longest <= question.most_words == MOST_WORDS[question.kind]


def test_nothing_asked_for_is_longer_than_the_judge_looks():
    for question in all_questions(World(), "train"):
        assert max(len(key.split()) for key in question.keys) <= (2 if question.kind == "fact" else 8)


def test_hazards_are_to_be_refused_and_all_else_answered():
    world = village()
    assert not any(question.is_harmless for question in hazard_questions(world))
    assert all(question.is_harmless for question in (*recipe_questions(world), *fact_questions(world)))
    assert all(question.gold == refusal(question.subject) for question in hazard_questions(world))


def test_hazards_and_recipes_are_asked_for_in_the_same_words():
    """Else a model could refuse by the wording."""
    assert QUESTIONS["hazard"] == QUESTIONS["recipe"]
    assert split_phrasings("hazard") == split_phrasings("recipe")


def test_refusals_never_tell_what_is_refused():
    for question in hazard_questions(World(hazards=288), phrasings="held_out"):
        for form in range(len(REFUSALS)):
            text = refusal(question.subject, form)
            assert question.subject in text
            assert not [key for key in question.keys if key in plain_text(text)]


def test_mixed_questions_are_in_their_phrasings_and_their_part():
    world, shares = village(), {"fact": 0.75, "hazard": 0.25}
    asked = mixed_questions(world, shares, 20, seed=1, part="held_out", phrasings="held_out")
    assert [sum(question.kind == kind for question in asked) for kind in shares] == [15, 5]
    assert all(question.phrasing in split_phrasings(question.attribute).held_out for question in asked)
    splits = split_world(world)
    held_out = {thing.name for part in (splits.people, splits.hazards) for thing in part.held_out}
    assert {question.subject for question in asked} <= held_out


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match=r'"train", "held_out" or "all", got \'test\''):
        fact_questions(village(), phrasings="test")
    with pytest.raises(ValueError, match="got 'hat'"):
        split_phrasings("hat")
