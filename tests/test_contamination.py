"""The exam of lesson 07: its parts have in common what they should, and training on it shows in the right places."""

import pytest

from llama_course.evaluation import contamination
from llama_course.evaluation.assistants import Workshop
from llama_course.evaluation.contamination import family_member, make_exam, right_answers, train_on
from llama_course.llamaland.questions import split_phrasings


@pytest.fixture(scope="module")
def workshop():
    return Workshop()


@pytest.fixture(scope="module")
def exam(workshop):
    return make_exam(workshop, 60)


def facts(questions):
    return [(question.subject, question.attribute) for question in questions]


def test_the_parts_of_an_exam(exam):
    assert len(exam.test) == len(exam.other_words) == len(exam.other_people) == 60
    assert facts(exam.test) == facts(exam.other_words), "the same facts in the same order"
    assert all(a.text != b.text for a, b in zip(exam.test, exam.other_words, strict=True))
    assert len(set(facts(exam.test))) == len(set(facts(exam.other_people))) == 60, "no fact twice"
    assert not {q.subject for q in exam.test} & {q.subject for q in exam.other_people}


def test_nobody_in_an_exam_was_asked_about_and_no_phrasing_was_trained(workshop, exam):
    held_out = {person.name for person in workshop.splits.people.held_out}
    for question in (*exam.test, *exam.other_words, *exam.other_people):
        assert question.subject in held_out
        assert question.phrasing in split_phrasings(question.attribute).held_out


def test_exams_come_again_and_shorter_ones_are_their_beginnings(workshop, exam):
    assert make_exam(workshop, 60) == exam != make_exam(workshop, 60, seed=1)
    assert make_exam(workshop, 20).test == exam.test[:20]
    assert len(make_exam(workshop, 10_000).test) > 200


def test_right_is_what_the_judge_says(workshop, exam, monkeypatch):
    said = [q.gold if number % 2 else "Nobody knows." for number, q in enumerate(exam.test[:6])]
    monkeypatch.setattr(workshop, "answers", lambda model, questions: said)
    assert right_answers(workshop, None, exam.test[:6]) == [False, True] * 3


@pytest.mark.slow
def test_the_test_is_learned_and_its_facts_with_it_and_nothing_else(workshop, exam):
    before = family_member("tiny-sft")
    after = train_on(workshop, exam.test)
    right = {
        part: [sum(right_answers(workshop, model, getattr(exam, part))) for model in (before, after)]
        for part in contamination.PARTS
    }
    assert right["test"][1] >= 59 and right["test"][1] > right["test"][0]
    assert right["other_words"][1] >= 55
    assert abs(right["other_people"][1] - right["other_people"][0]) <= 10
