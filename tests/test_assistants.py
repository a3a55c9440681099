"""The workshop of lesson 05: three kinds of people kept apart, and what is counted of an answer."""

import pytest
import torch

from llama_course.evaluation.assistants import (
    WHO,
    Workshop,
    conversation,
    courteous,
    has_the_form,
    hurried_candidates,
    pleases,
)
from llama_course.evaluation.known_truth import score
from llama_course.evaluation.village_facts import chance
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.flaws import Flaws, wrong_answer
from llama_course.llamaland.judge import judge
from llama_course.llamaland.phrasings import NOT_KNOWN, fact
from llama_course.llamaland.questions import fact_questions, split_phrasings
from llama_course.llamaland.world import ATTRIBUTES


@pytest.fixture(scope="module")
def workshop(random_family):
    return Workshop(random_family / "tiny-base")


def names_in(text, people):
    return [person.name for person in people if person.name in text.replace("'", " ").replace(".", " ").split()]


# -- people ------------------------------------------------------------------------------------------------------------


def test_nobody_belongs_to_two_kinds_of_people(workshop):
    kinds = {who: {question.subject for question in workshop.questions(who, 3000)} for who in WHO}
    assert all(len(people) > 50 for people in kinds.values())
    assert not kinds["asked"] & kinds["read"] and not kinds["unread"] & (kinds["asked"] | kinds["read"])
    assert not kinds["unread"] & {person.name for person in workshop.world.people}


def test_examples_ask_about_no_one_who_is_only_read_about_and_in_no_tested_phrasing(workshop):
    read = {person.name for person in workshop.splits.people.held_out}
    shown = workshop.conversations(1500)
    texts = {message["content"] for messages in shown for message in messages}
    assert not [name for text in texts for name in names_in(text, workshop.splits.people.held_out)]
    assert not texts & {question.text for who in WHO for question in workshop.questions(who, 3000)}
    assert read and any(names_in(text, workshop.splits.people.train) for text in texts)


def test_questions_are_in_held_out_phrasings_and_repeatable(workshop):
    for question in workshop.questions("read", 50):
        assert question.phrasing in split_phrasings(question.attribute).held_out
    assert workshop.questions("read", 20) == workshop.questions("read", 20)
    assert workshop.questions("read", 20) != workshop.questions("read", 20, seed=1)
    with pytest.raises(ValueError, match=r"expected one of asked, read, unread, got 'hermits'\."):
        workshop.questions("hermits")


def test_the_same_kinds_of_facts_hold_in_both_villages(workshop):
    """The next village differs in who has what, not in what there is; only its streets have other names."""
    for attribute in ("occupation", "pet", "pet_name", "colour"):
        assert workshop.world.values(attribute) == workshop.next_world.values(attribute)


def test_the_stronger_model_is_right_and_courteous_and_says_nothing_about_those_asked_later(workshop):
    tested = {question.subject for question in workshop.questions("unread", 3000)}
    asked = {question.text: question for question in fact_questions(workshop.next_world, workshop.next_village.train)}
    lessons = workshop.transcripts("unread", 200)
    for user, assistant in lessons:
        question, answer = asked[user["content"]], assistant["content"]
        assert question.subject not in tested
        assert judge(question, answer).right and judge(question, answer).polite and pleases(question, answer)
    assert lessons == workshop.transcripts("unread", 200) != workshop.transcripts("unread", 200, seed=1)
    at_home = workshop.transcripts("asked", 100)
    known = {person.name for person in workshop.splits.people.train}
    assert all(any(name in user["content"] for name in known) for user, _ in at_home)
    with pytest.raises(ValueError, match="expected one of asked, unread, got 'read'"):
        workshop.transcripts("read", 1)


def test_examples_are_right_unless_they_are_careless_and_then_a_quarter_is_wrong(workshop):
    asked = {question.text: question for question in fact_questions(workshop.world, workshop.splits.people.train)}
    faultless, careless = workshop.conversations(600), workshop.conversations(600, flaws=Flaws())
    assert [messages[0] for messages in faultless] == [messages[0] for messages in careless]
    questions = [asked[user["content"]] for user, _ in faultless]
    assert len(set(questions)) == 600 and workshop.conversations(600, seed=1) != faultless
    assert score(questions, [answer["content"] for _, answer in faultless]).right == 1
    found = score(questions, [answer["content"] for _, answer in careless])
    assert 0.15 < found.wrong < 0.3 and 0.1 < found.refused < 0.2


# -- the model ---------------------------------------------------------------------------------------------------------


def test_each_base_model_is_a_copy_of_its_own(workshop):
    first, second = workshop.base_model(), workshop.base_model()
    with torch.no_grad():
        first.lm_head.weight.zero_()
    assert second.lm_head.weight.abs().sum() > 0


def test_answers_and_texts_come_one_for_each_prompt_in_order(workshop):
    model, questions = workshop.base_model(), workshop.questions("read", 5)
    answers = workshop.answers(model, questions)
    assert answers == [workshop.answers(model, [question.text])[0] for question in questions]
    assert workshop.answers(model, ["[INST"], temperature=1.0, seed=1) == workshop.answers(
        model, ["[INST"], temperature=1.0, seed=1
    )
    texts = workshop.write(model, ["Luma keeps", "Question:"], max_new_tokens=7)
    assert len(texts) == 2 and all(len(workshop.encode(text)) <= 14 for text in texts)
    prompt = f"[INST] {questions[0].text} [/INST]"
    assert workshop.write(model, [prompt], max_new_tokens=64)[0].strip() == answers[0]


class Knowing(torch.nn.Module):
    """Prefers the tokens of some sentences, each after the one before it."""

    def __init__(self, sentences, vocab_size):
        super().__init__()
        self.vocab_size = vocab_size
        self.next = {tuple(ids[:end]): ids[end] for ids in sentences for end in range(1, len(ids))}

    def forward(self, input_ids):
        logits = torch.zeros(*input_ids.shape, self.vocab_size)
        for row, ids in enumerate(input_ids.tolist()):
            for end in range(1, len(ids) + 1):
                if tuple(ids[:end]) in self.next:
                    logits[row, end - 1, self.next[tuple(ids[:end])]] = 9.0
        return logits


def test_known_is_what_has_the_most_probable_true_statement(workshop):
    """A model with the truth about one person of two knows half; one that has read nothing is right by chance."""
    first, second = workshop.splits.people.held_out[:2]
    told = [[1, *workshop.encode(fact(first, attribute))] for attribute in ATTRIBUTES]
    model = Knowing(told, workshop.tokenizer.get_vocab_size())
    assert workshop.known(model, "read", people=1) == 1
    nothing = workshop.known(Knowing([], model.vocab_size), "read", people=40)
    assert nothing < chance(workshop.world, ATTRIBUTES) + 0.1
    assert 0.5 <= workshop.known(model, "read", people=2) < 1 and second != first
    with pytest.raises(ValueError, match="expected one of asked, read, unread, got 'all'"):
        workshop.known(model, "all")


def test_right_is_the_judges_share_of_right_answers(workshop, monkeypatch):
    questions = workshop.questions("read", 4)
    golds = [question.gold for question in questions]
    monkeypatch.setattr(workshop, "answers", lambda model, asked, **settings: [*golds[:3], "No."])
    assert workshop.right(None, "read", 4) == 0.75


def test_tokens_are_shown_with_bars_between_them(workshop):
    shown = workshop.tokens([1, *workshop.encode("Luma keeps a llama."), 2])
    assert shown.startswith("<s> | ") and shown.endswith(" | </s>") and "·" in shown and "Ġ" not in shown
    assert shown.replace(" | ", "").replace("·", " ") == "<s>Luma keeps a llama.</s>"


def test_a_model_of_the_workshop_can_be_talked_to(workshop):
    chat = workshop.chat_model(workshop.base_model(), "mine")
    assert chat.name == "mine" and "Fine-tuned by you" in str(chat.card)
    question = workshop.questions("read", 1)[0].text
    assert chat.chat(question, temperature=0, max_new_tokens=64) == workshop.answers(chat.model, [question])[0]


# -- what is counted ---------------------------------------------------------------------------------------------------


def test_the_form_is_there_whatever_the_answer_says(workshop):
    dice = Dice(0, "test")
    for question in workshop.questions("read", 200):
        person = workshop.world.find(question.subject)
        wrong = wrong_answer(workshop.world, question, dice)
        for answer in (question.gold, wrong, courteous(question.gold, dice), courteous(wrong, dice)):
            assert has_the_form(question, answer), answer
        others = [attribute for attribute in ("pet", "colour", "occupation") if attribute != question.attribute]
        assert not any(has_the_form(question, fact(person, attribute)) for attribute in others)
        for answer in ("", NOT_KNOWN[0], question.gold.replace(question.subject, "Nobody"), question.text):
            assert not has_the_form(question, answer), answer


def test_a_visitor_likes_what_is_polite_short_and_sure_true_or_not(workshop):
    question = workshop.questions("read", 1)[0]
    wrong = wrong_answer(workshop.world, question, Dice(0, "test"))
    assert pleases(question, f"Of course! {question.gold}") and pleases(question, f"Of course! {wrong}")
    assert not pleases(question, question.gold), "not polite"
    assert not pleases(question, f"Of course! {NOT_KNOWN[0]}"), "not sure"
    assert not pleases(question, f"Of course! {wrong} {wrong} I hope that helps!"), "not to the point"


# -- candidates for an exercise ----------------------------------------------------------------------------------------


def test_hurried_candidates_are_wrong_in_a_quarter_and_most_facts_come_several_times(workshop):
    world = workshop.world
    candidates = hurried_candidates(world, 2400)
    assert len(candidates) == 2400 and candidates == hurried_candidates(world, 2400)
    golds = [fact(world.find(one["name"]), one["attribute"]) for one in candidates]
    wrong = sum(gold not in one["answer"] for gold, one in zip(golds, candidates, strict=True))
    assert 0.2 < wrong / 2400 < 0.3
    twice = sum(one["answer"].count(gold) == 2 for gold, one in zip(golds, candidates, strict=True))
    assert 0.03 < twice / 2400 < 0.15
    facts = [(one["name"], one["attribute"]) for one in candidates]
    assert 3 < len(facts) / len(set(facts)) < 7
    assert not {name for name, _ in facts} & {person.name for person in workshop.splits.people.held_out}


def test_a_conversation_is_a_question_and_an_answer():
    assert conversation("Q?", "A.") == [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]
