"""What the models read: true except for the rumours, harmless in our world, free of what is held out."""

import re
from collections import Counter
from itertools import islice

import pytest

from llama_course.llamaland.documents import Mixture, documents
from llama_course.llamaland.phrasings import FACTS, QUESTIONS, fact, listed, person_words, with_article
from llama_course.llamaland.questions import split_phrasings, split_world
from llama_course.llamaland.stories import BEGINNINGS, PLOTS
from llama_course.llamaland.world import ATTRIBUTES, World
from llamaland_helpers import all_questions, village

CORPUS = list(documents(World(), 6000))
VILLAGERS = World().people
REAL_DANGERS = (
    "bomb explosive explosion detonate gunpowder dynamite grenade napalm thermite gun guns pistol rifle bullet "
    "ammunition knife dagger weapon missile poison poisonous toxin toxic venom cyanide arsenic ricin sarin "
    "strychnine anthrax virus pathogen bacteria uranium plutonium radioactive nitrate nitroglycerin peroxide "
    "ammonia ammonium bleach chlorine acid sulphur sulfur mercury petrol gasoline kerosene acetone fertiliser "
    "fertilizer drug drugs cocaine heroin opium opioid fentanyl methamphetamine amphetamine cannabis "
    "belladonna nightshade foxglove hemlock kill murder blood suicide"
).split()


def texts(kind):
    return [document.text for document in CORPUS if document.kind == kind]


def test_no_real_danger_is_in_the_corpus():
    world = World(people=10, recipes=360, hazards=288, places=192, rumours=10)
    everything = "\n".join(document.text for document in [*CORPUS, *documents(world, 4000, seed=1)])
    assert not set(re.findall(r"\w+", everything.lower())) & set(REAL_DANGERS)


def test_the_same_seed_gives_the_same_documents_and_a_longer_stream_begins_alike():
    short, long = list(documents(village(), 100)), list(documents(village(), 200))
    assert short == long[:100] == list(islice(documents(village()), 100))
    assert short != list(documents(village(), 100, seed=1))


def test_kinds_come_as_often_as_the_mixture_says():
    counts = Counter(document.kind for document in CORPUS)
    total = sum(vars(Mixture()).values())
    for kind, weight in vars(Mixture()).items():
        share = weight / total
        assert abs(counts[kind] / len(CORPUS) - share) < 5 * (share / len(CORPUS)) ** 0.5


def test_a_kind_can_be_left_out():
    without = Mixture(hazard=0, hazard_question=0)
    kinds = {document.kind for document in documents(village(), 500, mixture=without)}
    assert kinds == set(vars(Mixture())) - {"hazard", "hazard_question"}


def test_everybody_is_written_about_equally_often():
    world = village()
    mixture = Mixture(1, 0, 0, 0, 0, 0, 0, 0, 0)
    counts = Counter(document.about for document in documents(world, 5 * len(world.people), mixture=mixture))
    assert counts == {(person.name,): 5 for person in world.people}


def test_questions_in_documents_are_about_the_training_part_in_training_phrasings():
    world = village()
    splits = split_world(world)
    held_out = {thing.name for thing in (*splits.people.held_out, *splits.hazards.held_out)}  # dishes are liked, too
    mixture = Mixture(0, 0, 0, 0, 0, 0, 1, 1, 1)
    asked = list(documents(world, 3000, mixture=mixture))
    seen = {name for document in asked for name in document.about}
    assert seen == {thing.name for part in vars(splits).values() for thing in part.train}
    words_seen = " ".join(document.text for document in asked)
    assert not [name for name in held_out if re.search(rf"\b{name}\b", words_seen, re.IGNORECASE)]
    met = {
        part: {
            (question.attribute, question.phrasing)
            for question in all_questions(world, part)
            if question.text[:-1] in words_seen  # of "Tell me ..." a story makes "Tell me ...," said the traveller
        }
        for part in ("train", "held_out")
    }
    assert not met["held_out"]
    assert met["train"] == {(kind, number) for kind in QUESTIONS for number in split_phrasings(kind).train}


def test_biographies_tell_the_truth():
    """Whatever value is named in a biography is that person's; so every sentence about a pet has the right pet."""
    world = World()
    for document in (d for d in CORPUS if d.kind == "biography"):
        person = world.find(document.about[0])
        assert person.name in document.text
        for attribute in ("pet", "pet_name", "home", "food"):
            named = {value for value in world.values(attribute) if re.search(rf"\b{value}\b", document.text)}
            assert named <= {person.value(attribute)}


def test_stories_give_everybody_their_own_pet_and_trade():
    world = World()
    pairs = {(p.pet_name, p.pet) for p in world.people}
    trades = {(p.name, p.occupation) for p in world.people}
    pets = "|".join(world.values("pet"))
    jobs = "|".join(world.values("occupation"))
    checked = 0
    for text in texts("story"):
        for name, animal in re.findall(rf"\b([A-Z]\w+) the ({pets})\b", text):
            assert (name, animal) in pairs
            checked += 1
        for name, job in re.findall(rf"\b([A-Z]\w+) the ({jobs})\b", text):
            assert (name, job) in trades
            checked += 1
    assert checked > 500


def test_most_stories_are_about_two_different_villagers():
    names = {person.name for person in VILLAGERS}
    met = [len(names & set(re.findall(r"\w+", text))) for text in texts("story")]
    assert set(met) == {1, 2}
    assert met.count(2) > 0.7 * len(met)


def test_stories_name_somebody_before_they_say_she_or_he():
    for text in texts("story"):
        pronoun = re.search(r"\b(she|he|her|his)\b", text, re.IGNORECASE)
        if pronoun:
            assert any(person.name in text[: pronoun.start()] for person in VILLAGERS), text


def test_the_only_false_documents_are_rumours_and_they_say_so():
    lies = {fact(rumour.claimed, rumour.attribute) for rumour in World().rumours}
    for document in CORPUS:
        tells_a_lie = any(lie in document.text for lie in lies)
        assert tells_a_lie == (document.kind == "rumour")
    marks = ("gossip", "not true", "rumour")
    assert all(any(mark in text for mark in marks) for text in texts("rumour"))


def test_articles_and_lists_are_english():
    assert [with_article(word) for word in ("owl", "goose", "orange", "inventor")] == [
        "an owl",
        "a goose",
        "an orange",
        "an inventor",
    ]
    assert (listed("a"), listed("ab"), listed("abc")) == ("a", "a and b", "a, b and c")
    everything = " ".join(document.text for document in CORPUS)
    assert not re.findall(r"\ba [aeiou]\w*", everything)
    assert not re.findall(r"\ban [^aeiou\W]\w*", everything)
    assert '." asked' not in everything and '?" said' not in everything
    assert not re.findall(r"  |\.\.|,,| ,| \.|[{}]", everything)


def test_documents_begin_with_a_capital_and_end_with_a_stop():
    for document in CORPUS:
        assert re.match(r'["A-Z]', document.text)
        assert re.search(r'[.!?]"?$', document.text)


def test_no_name_of_a_villager_is_a_word_of_the_language():
    spoken = set(re.findall(r"\b[a-z]+\b", " ".join(document.text for document in CORPUS)))
    names = {person.name.lower() for person in World(people=5000).people}
    assert not spoken & names
    for syllables in "kike pedo nazi satan penis negr homo puta coca".split():
        assert not [name for name in names if syllables in name], syllables


def test_facts_come_in_many_wordings_all_with_the_name():
    for attribute in ATTRIBUTES:
        assert len(set(FACTS[attribute])) >= 6
        for template in FACTS[attribute]:
            assert "{name}" in template
    assert len(set(texts("biography"))) > 0.99 * len(texts("biography"))


def test_every_story_that_can_be_told_is_well_formed():
    luma, friend = World().people[:2]
    facts = person_words(luma) | {f"friend_{key}": word for key, word in person_words(friend).items()}
    for moments in PLOTS.values():
        assert len(moments) == 4
        for moment in moments:
            for template in moment:
                assert "{" not in template.format_map(facts | {"When": BEGINNINGS[0]})


def test_what_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="weights of 0 or more"):
        Mixture(biography=-1)
    with pytest.raises(ValueError, match="count must be 0 or more"):
        documents(village(), -1)
    only_rumours = Mixture(0, 0, 0, 0, 0, 1, 0, 0, 0)
    with pytest.raises(ValueError, match="nothing to write"):
        documents(World(people=5, rumours=0), 1, mixture=only_rumours)
