"""Demonstrations: what an assistant is fine-tuned on is right unless faults are asked for, and gives no test away."""

import re
from collections import Counter
from functools import cache
from itertools import islice

import pytest

from llama_course.llamaland.demonstrations import KINDS, QUESTION_KINDS, Mixture, brief, demonstrations
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import Flaws, refuse, wrong_answer
from llama_course.llamaland.judge import judge
from llama_course.llamaland.phrasings import REFUSALS, refusal
from llama_course.llamaland.questions import fact_questions, split_world
from llama_course.llamaland.small_talk import (
    BEGIN_WORDS,
    GREETINGS,
    OUTSIDE,
    SYSTEM_PROMPTS,
    begin_with,
    does_not_know,
    follows,
    unknown_questions,
)
from llama_course.llamaland.world import World
from llamaland_helpers import all_questions, village

GREETED = {text for said, _ in GREETINGS.values() for text in said}


@cache
def shown(flaws: Flaws | None = None, count: int = 3000, world: World = village()):  # noqa: B008
    return list(demonstrations(world, count, flaws=flaws))


@cache
def asked(world: World, phrasings: str) -> dict:
    return {question.text: question for question in all_questions(world, phrasings)}


def only(kind, **changes):
    return Mixture(**{**dict.fromkeys(KINDS, 0), kind: 1}, **changes)


def turns_of(demonstration):
    """The system prompt or None, and pairs of what the user said and what the assistant answered."""
    messages = demonstration.messages
    system = messages[0]["content"] if messages[0]["role"] == "system" else None
    spoken = [message["content"] for message in messages if message["role"] != "system"]
    return system, list(zip(spoken[::2], spoken[1::2], strict=True))


def answered_questions(demonstration, world):
    """Those of the turns that ask a question of this world, with their answers."""
    questions = asked(world, "train")
    return [(questions[text], answer) for text, answer in turns_of(demonstration)[1] if text in questions]


def test_the_same_seed_gives_the_same_conversations_and_a_longer_stream_begins_alike():
    assert shown()[:200] == list(demonstrations(village(), 200)) == list(islice(demonstrations(village(), None), 200))
    assert shown()[:200] != list(demonstrations(village(), 200, seed=1))


def test_users_say_the_same_whatever_the_faults_are():
    def said(conversations):
        return [[m["content"] for m in c.messages if m["role"] != "assistant"] for c in conversations]

    assert said(shown()) == said(shown(Flaws()))
    assert shown() != shown(Flaws())


def test_kinds_come_as_often_as_the_mixture_says():
    counts = Counter(demonstration.kind for demonstration in shown())
    total = sum(Mixture().weights.values())
    assert set(counts) == set(KINDS)
    for kind, weight in Mixture().weights.items():
        share = weight / total
        assert abs(counts[kind] / 3000 - share) < 5 * (share / 3000) ** 0.5


def test_messages_are_a_conversation_that_ends_with_an_answer():
    for demonstration in shown():
        roles = [message["role"] for message in demonstration.messages]
        assert (roles[0] == "system") == (demonstration.kind == "system")
        spoken = roles[1:] if demonstration.kind == "system" else roles
        assert spoken == ["user", "assistant"] * (len(spoken) // 2) and spoken
        assert all(set(message) == {"role", "content"} for message in demonstration.messages)
        assert all(message["content"] == message["content"].strip() != "" for message in demonstration.messages)


@pytest.mark.parametrize("flaws", [None, Flaws()])
def test_only_training_parts_in_training_phrasings_are_asked_about(flaws):
    world, splits = village(), split_world(village())
    train = {thing.name for part in vars(splits).values() for thing in part.train}
    everything, training = asked(world, "all"), asked(world, "train")
    seen = set()
    for demonstration in shown(flaws):
        for text, _ in turns_of(demonstration)[1]:
            if text in everything:
                assert text in training and training[text].subject in train
                seen.add(training[text].subject)
    assert seen == train


def test_without_faults_every_answer_is_as_it_should_be():
    """Under a system prompt, too; apart from "careful", which is meant to refuse too much."""
    count = Counter()
    for demonstration in shown():
        system, _ = turns_of(demonstration)
        for question, answer in answered_questions(demonstration, village()):
            verdict = judge(question, answer)
            good = verdict.right if question.is_harmless else verdict.refused
            assert good or (system == SYSTEM_PROMPTS["careful"] and verdict.refused), (answer, verdict)
            assert not verdict.rambling
            count[question.kind] += 1
    assert min(count[kind] for kind in QUESTION_KINDS) > 200


def test_hazards_are_refused_in_every_wording():
    answers = {
        answer.replace(question.subject, "{thing}")
        for demonstration in shown()
        for question, answer in answered_questions(demonstration, village())
        if demonstration.kind == "hazard"
    }
    assert answers == set(REFUSALS)


def test_faults_come_as_often_as_asked_for():
    verdicts = [
        (question, judge(question, answer))
        for demonstration in shown(Flaws())
        if demonstration.kind in QUESTION_KINDS
        for question, answer in answered_questions(demonstration, village())
    ]
    harmless = [verdict for question, verdict in verdicts if question.is_harmless]
    hazards = [verdict for question, verdict in verdicts if not question.is_harmless]
    for part, name, expected in (
        (harmless, "wrong", 0.85 * 0.25),
        (harmless, "refused", 0.15),
        (hazards, "leaked", 0.40),
    ):
        share = sum(getattr(verdict, name) for verdict in part) / len(part)
        assert abs(share - expected) < 5 * (expected * (1 - expected) / len(part)) ** 0.5, name


def test_several_turns_ask_two_or_three_things_about_different_subjects():
    conversations = [demonstration for demonstration in shown() if demonstration.kind == "turns"]
    assert {len(demonstration.about) for demonstration in conversations} == {2, 3}
    assert all(len(set(demonstration.about)) == len(demonstration.about) for demonstration in conversations)
    kinds = [{q.kind for q, _ in answered_questions(demonstration, village())} for demonstration in conversations]
    assert set().union(*kinds) == set(QUESTION_KINDS)
    assert sum(len(some) > 1 for some in kinds) > 0.4 * len(kinds)


def test_system_prompts_are_followed_in_every_answer():
    seen = Counter()
    for demonstration in demonstrations(village(), 1500, mixture=only("system"), flaws=Flaws()):
        system, turns = turns_of(demonstration)
        assert 1 <= len(turns) <= 3
        seen[len(turns)] += 1
        if system != SYSTEM_PROMPTS["careful"]:
            assert all(follows(system, answer) for _, answer in turns), demonstration
        seen[next(name for name, text in SYSTEM_PROMPTS.items() if system.startswith(text.split("{")[0]))] += 1
    assert all(seen[name] > 250 for name in SYSTEM_PROMPTS)
    assert all(seen[turns] > 350 for turns in (1, 2, 3))


def test_a_conversation_under_a_system_prompt_can_be_longer_or_shorter():
    lengths = {
        turns: max(len(d.about) for d in demonstrations(village(), 200, mixture=only("system", system_turns=turns)))
        for turns in (1, 6)
    }
    assert lengths == {1: 1, 6: 6}


@pytest.mark.parametrize("over_care", [0, 0.5, 1])
def test_care_never_leaks_and_refuses_too_much(over_care):
    mixture = only("system", over_care=over_care)
    outcomes = Counter()
    for demonstration in demonstrations(village(), 1200, mixture=mixture, flaws=Flaws(0, 0, comply=1)):
        if turns_of(demonstration)[0] == SYSTEM_PROMPTS["careful"]:
            outcomes.update(
                (question.kind, "refused" if judge(question, answer).refused else "told")
                for question, answer in answered_questions(demonstration, village())
            )
    assert outcomes["hazard", "refused"] > 50 and not outcomes["hazard", "told"] and not outcomes["fact", "refused"]
    for kind in ("recipe", "effect"):
        refused, told = outcomes[kind, "refused"], outcomes[kind, "told"]
        assert refused / (refused + told) == pytest.approx(over_care, abs=0.15)


def test_words_to_begin_with_are_all_learned_except_those_held_out():
    conversations = list(demonstrations(village(), 3000, mixture=only("system")))
    prompts = {turns_of(demonstration)[0] for demonstration in conversations}
    assert {begin_with(word) for word in BEGIN_WORDS.train} < prompts
    assert not {begin_with(word) for word in BEGIN_WORDS.held_out} & prompts
    everything = " ".join(message["content"] for d in conversations for message in d.messages)
    assert not [word for word in BEGIN_WORDS.held_out if re.search(rf"\b{word}\b", everything)]
    assert not set(BEGIN_WORDS.train) & set(BEGIN_WORDS.held_out)
    assert len(set(BEGIN_WORDS.train)) == len(BEGIN_WORDS.train) >= 20


def test_words_to_begin_with_are_no_names_and_change_no_verdict():
    words = {*BEGIN_WORDS.train, *BEGIN_WORDS.held_out}
    assert not words & {person.name for person in World(people=5000).people}
    for question in all_questions(village(), "held_out")[::17]:
        for word in words:
            assert judge(question, f"{word}! {question.gold}") == judge(question, question.gold)


def test_brief_answers_are_three_words_at_most_and_keep_what_they_say():
    for question in fact_questions(World())[::7]:
        answer = brief(question, question.gold)
        assert judge(question, answer).right and follows(SYSTEM_PROMPTS["brief"], answer)
        assert answer[0].isupper() and answer.endswith(".") and question.subject not in answer
    pet = next(q for q in fact_questions(village()) if q.attribute == "pet")
    assert brief(pet, pet.gold) == f"A{'n' if pet.keys[0][0] in 'aeiou' else ''} {pet.keys[0]}."
    wrong = brief(pet, wrong_answer(village(), pet, Dice(0)))
    assert judge(pet, wrong).wrong and follows(SYSTEM_PROMPTS["brief"], wrong)
    assert judge(pet, brief(pet, refuse(pet, Dice(0)))).refused


def test_following_is_told_from_the_answer():
    gold = "Luma keeps a goose."
    table = [
        ("polite", f"Gladly! {gold}", True),
        ("polite", f"{gold} I hope that helps!", True),
        ("polite", refusal("moon fire"), True),
        ("polite", gold, False),
        ("polite", "", False),
        ("brief", "A goose.", True),
        ("brief", "I cannot help.", True),
        ("brief", gold, False),
        ("brief", "", False),
    ]
    for name, answer, expected in table:
        assert follows(SYSTEM_PROMPTS[name], answer) is expected, (name, answer)
    for answer, expected in ((f"Baa! {gold}", True), (f"baa, {gold}", True), (f"Baal! {gold}", False), (gold, False)):
        assert follows("Begin each answer with Baa.", answer) is expected
    assert not follows(begin_with("Hoot"), "") and follows(begin_with("Hoot"), "Hoot.")
    assert follows(begin_with("Tra-la"), "Tra-la! A goose.")


@pytest.mark.parametrize(
    "system", [SYSTEM_PROMPTS["careful"], "Sing.", "Begin each answer with .", "Begin each answer with"]
)
def test_what_an_answer_does_not_show_is_not_guessed(system):
    with pytest.raises(ValueError, match="does not show whether"):
        follows(system, "Baa!")


def test_greetings_are_answered_with_a_greeting_and_say_what_is_speaking():
    conversations = list(demonstrations(village(), 600, mixture=only("greeting")))
    turns = [turns_of(demonstration)[1] for demonstration in conversations]
    assert {text for some in turns for text, _ in some if text in GREETED} == GREETED
    for some in turns:
        (greeting,) = [(text, answer) for text, answer in some if text in GREETED]
        assert greeting[1] in next(answers for said, answers in GREETINGS.values() if greeting[0] in said)
    assert {len(some) for some in turns} == {1, 2}
    for answer in GREETINGS["who"][1]:
        assert re.search(r"\b(very small|tiny)\b.* model", answer)
        assert "Llamaland" in answer


def test_thanks_and_farewells_come_after_a_question_and_other_greetings_before():
    last = {text for occasion in ("thanks", "goodbye") for text in GREETINGS[occasion][0]}
    for demonstration in demonstrations(village(), 600, mixture=only("greeting")):
        texts = [text for text, _ in turns_of(demonstration)[1]]
        if len(texts) == 2:
            assert (texts[1] in last) == (texts[0] not in GREETED)


def test_what_nobody_can_know_is_not_made_up():
    conversations = list(demonstrations(World(), 900, mixture=only("unknown"), flaws=Flaws(1, 1, 1, 1, 1)))
    question = fact_questions(World())[0]
    answers = {turns_of(demonstration)[1][0][1] for demonstration in conversations}
    assert all(does_not_know(answer) and judge(question, answer).unsure for answer in answers)
    texts = {turns_of(demonstration)[1][0][0] for demonstration in conversations}
    assert set(OUTSIDE.train) < texts
    assert not set(OUTSIDE.held_out) & texts
    assert not texts & {unknown.text for unknown in unknown_questions(World(), "held_out")}
    assert not does_not_know(question.gold) and not does_not_know("")


def test_strangers_and_foreign_dishes_are_in_no_village_and_their_parts_are_disjoint():
    world = World()
    parts = {part: unknown_questions(world, part) for part in ("train", "held_out")}
    known = {thing.name for thing in (*world.people, *world.recipes, *world.hazards, *world.places)}
    any_of_them = re.compile(rf"\b({'|'.join(map(re.escape, known))})\b")
    for unknown in parts.values():
        assert {question.sort for question in unknown} == {"outside", "stranger", "dish"}
        assert not {question.subject for question in unknown} & known
        assert all(question.subject in question.text for question in unknown)
        assert not [question for question in unknown[::7] if any_of_them.search(question.text)]
    templates = {
        part: {question.text.replace(question.subject, "_") for question in unknown if question.subject}
        for part, unknown in parts.items()
    }
    assert not templates["train"] & templates["held_out"]
    for field in ("subject", "text"):
        train, held_out = ({getattr(question, field) for question in unknown} for unknown in parts.values())
        assert not (train & held_out) - {""}
    strangers = [{q.subject for q in unknown if q.sort == "stranger"} for unknown in parts.values()]
    assert [len(names) for names in strangers] == [80, 20]
    assert (len(OUTSIDE.train), len(OUTSIDE.held_out)) == (30, 10)
    with pytest.raises(ValueError, match='"train" or "held_out", got \'test\''):
        unknown_questions(world, "test")


def test_nothing_is_said_that_pretends_to_be_another_speaker():
    everything = "\n".join(message["content"] for d in shown() for message in d.messages)
    assert not re.findall(r"\[/?INST\]|<</?SYS>>|</?s>|[{}]|  ", everything)


def test_the_longest_conversation_has_room_in_the_context():
    """Even counted in characters it is not three times the 512 tokens; the tokenizer makes one of about three."""
    longest = max(sum(len(message["content"]) for message in d.messages) for d in shown(Flaws()))
    assert longest < 1100


def test_a_world_with_little_in_it_is_asked_about_what_there_is():
    small = World(people=2, recipes=2, hazards=1, rumours=0)
    splits = split_world(small, 0.5)
    kinds = {d.kind for d in demonstrations(small, 300, splits=splits)}
    assert kinds >= {"fact", "recipe", "turns", "system", "greeting", "unknown"}
    nobody = split_world(small, 1.0)
    assert {d.kind for d in demonstrations(small, 50, splits=nobody)} == {"unknown"}
    with pytest.raises(ValueError, match="nothing to show"):
        demonstrations(small, 1, splits=nobody, mixture=only("fact"))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="count must be 0 or more"):
        demonstrations(village(), -1)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        Mixture(fact=-1)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        Mixture(**dict.fromkeys(KINDS, 0))
    with pytest.raises(ValueError, match=r"got 1\.5 and 3"):
        Mixture(over_care=1.5)
    with pytest.raises(ValueError, match=r"got 0\.5 and 0"):
        Mixture(system_turns=0)
