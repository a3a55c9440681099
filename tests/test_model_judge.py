"""A model as the judge: judges whose habits are known, the cases, and what was recorded."""

import json
import math
import re
import types

import pytest

from fakes import FakeModel
from llama_course.evaluation import judging_cases, model_judge
from llama_course.evaluation.judging_cases import cases_for, make_cases
from llama_course.evaluation.model_judge import EXPERIMENTS, Case, Judged, Opinion, lengthened, opinions, own_answers
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import fact_questions
from llamaland_helpers import village


class Judge(FakeModel):
    """Its preference for A, in nats, is a function of both answers."""

    def __init__(self, lead, **more):
        super().__init__(max_context_tokens=4_000, **more)
        self.lead, self.read = lead, []

    def _given_log_probs(self, tokens, first):
        text = b"".join(token.bytes for token in tokens).decode()
        self.read.append(text)
        a, b = re.search(r"Answer A: (.*?)\n+Answer B: (.*?)\n", text, re.DOTALL).groups()
        assert text[-2:] in (" A", " B"), "asked for something else"
        probability = 1 / (1 + math.exp(-self.lead(a, b)))
        each = math.log(probability if text.endswith("A") else 1 - probability)
        return [each, *[0.0] * (len(tokens) - first - 1)]


CASES = [Case("Who?", "true", "false"), Case("Where?", "here it is", "no"), Case("Why?", "x", "yy")]


@pytest.mark.parametrize("wording", model_judge.WORDINGS)
def test_a_judge_who_looks_at_places_is_found_out(wording):
    cases = [Case("Who?", "one", "two", wording=wording)] * 4
    said = opinions(Judge(lambda a, b: 2.0), cases)
    assert all(one.changed and one.named_first == 1 for one in said)
    assert all(one.ours == pytest.approx(0.5) for one in said)
    assert model_judge.changed(said).value == model_judge.named_first(said).value == 1
    last = opinions(Judge(lambda a, b: -2.0), cases)
    assert all(one.changed and one.named_first == 0 for one in last)


def test_a_judge_of_lengths_stays_with_the_longer_answer():
    said = opinions(Judge(lambda a, b: float(len(a) - len(b))), CASES)
    assert [one.changed for one in said] == [False] * 3
    assert [one.ours > 0.5 for one in said] == [False, True, False]
    assert model_judge.preferred(said).value == pytest.approx(1 / 3)
    assert [one.named_first for one in said] == [0.5] * 3


def test_a_small_preference_is_seen_behind_a_large_love_of_places():
    said = opinions(Judge(lambda a, b: 3.0 + 0.2 * (len(a) - len(b))), CASES[1:2])
    assert said[0].changed and said[0].ours > 0.5


def test_the_same_answer_twice_is_worth_the_same():
    (one,) = opinions(Judge(lambda a, b: 1.0), [Case("Who?", "same", "same")])
    assert one.as_a + one.as_b == pytest.approx(1)


def test_the_truth_is_shown_only_where_it_is_given():
    reader = Judge(lambda a, b: 0.0)
    opinions(reader, [Case("Who?", "a", "b"), Case("Who?", "a", "b", "It is a.")])
    assert ["What is true: It is a." in text for text in reader.read] == [False] * 4 + [True] * 4


def test_great_certainty_does_no_harm():
    (one,) = opinions(Judge(lambda a, b: 30.0), CASES[:1])
    assert one.as_a == pytest.approx(1) and one.as_b == pytest.approx(0, abs=1e-9)


def test_words_that_say_nothing_make_an_answer_longer_and_no_less_true():
    question = fact_questions(village())[0]
    for words in (0, 30):
        longer = lengthened(question.gold, words)
        assert longer.startswith(question.gold + " ") and judge(question, longer).right
    assert len(lengthened(question.gold, 30).split()) >= 30 > len(lengthened(question.gold).split())


def test_own_answers_end_where_a_sentence_does():
    model = FakeModel(["One. Two!\nThr", "no end", " \n "])
    assert own_answers(model, ["a?", "b?", "c?"], max_new_tokens=50) == ["One. Two!", "no end", "…"]


@pytest.fixture
def workshop():
    """Of the small village, with a miniature that is right in every second answer."""
    world = village()
    asked = fact_questions(world, phrasings="held_out")

    def answers(model, questions):
        return [q.gold if number % 2 else "Nobody knows." for number, q in enumerate(questions)]

    return types.SimpleNamespace(world=world, questions=lambda who, count, seed: asked[:count], answers=answers)


def test_cases_of_all_experiments(workshop, monkeypatch):
    monkeypatch.setattr(judging_cases, "family_member", lambda name: None)
    cases = cases_for(FakeModel(["It is mine, I think, and nobody else has ever seen it."]), workshop, 5)
    assert list(cases) == list(EXPERIMENTS)
    assert {len(own) for own in cases.values()} == {5}
    questions = {q.text: q for q in fact_questions(workshop.world, phrasings="held_out")}
    for case in cases["truth"]:
        question = questions[case.question]
        assert judge(question, case.ours).right and judge(question, case.theirs).wrong
    assert all(case.ours == case.theirs for case in cases["same"])
    assert all(case.truth for case in cases["told"])
    assert {name for name, own in cases.items() if own[0].wording != Case("", "", "").wording} == {"reworded"}
    assert all(case.ours.startswith(case.theirs) and case.ours != case.theirs for case in cases["length"])
    for own, long in zip(cases["own"], cases["own, as long"], strict=True):
        assert own.ours == long.ours and own.theirs != long.theirs
        assert len(long.theirs.split()) >= len(long.ours.split())


def test_a_right_answer_is_made_as_long_as_the_judges_own(workshop):
    pairs, own = [(q, q.gold) for q in fact_questions(workshop.world)[:2]], ["so " * 25, "so " * 35]
    cases = make_cases(workshop, pairs, own, ["own, as long"])["own, as long"]
    assert [len(case.theirs.split()) >= count for case, count in zip(cases, (25, 35), strict=True)] == [True, True]


def test_questions_and_false_answers_follow_the_seed_and_the_judge_answers_only_where_it_must(workshop, monkeypatch):
    monkeypatch.setattr(judging_cases, "family_member", lambda name: None)
    asked = fact_questions(workshop.world, phrasings="held_out")
    workshop.questions = lambda who, count, seed: asked[seed : seed + count]
    workshop.answers = lambda model, questions: [q.gold for q in questions]
    for seed in (0, 7):
        made = cases_for(None, workshop, 6, ["truth"], seed)["truth"]  # there is no judge that could answer
        assert [case.question for case in made] == [q.text for q in asked[seed : seed + 6]]
        assert made == make_cases(workshop, [(q, q.gold) for q in asked[seed : seed + 6]], (), ["truth"], seed)["truth"]
    pairs = [(q, q.gold) for q in asked[:6]]
    one, other = (make_cases(workshop, pairs, (), ["truth"], seed)["truth"] for seed in (1, 2))
    assert [case.ours for case in one] == [case.ours for case in other]
    assert [case.theirs for case in one] != [case.theirs for case in other]


def test_cases_need_known_experiments_and_own_answers(workshop):
    pairs = [(q, q.gold) for q in fact_questions(workshop.world)[:2]]
    assert list(make_cases(workshop, pairs, (), ["truth"])) == ["truth"]
    with pytest.raises(ValueError, match=r"expected experiments of .* got taste"):
        make_cases(workshop, pairs, (), ["taste"])
    with pytest.raises(ValueError, match="own answers for each of 2 pairs, got 0"):
        make_cases(workshop, pairs, (), ["own"])


def test_what_is_judged_survives_its_file(tmp_path):
    rows = [Judged("truth", CASES[0], Opinion(0.75, 0.25)), Judged("told", Case("q", "a", "b", "t", "better"),
                                                                   Opinion(0.5, 0.125))]  # fmt: skip
    path = tmp_path / "judging.json"
    path.write_text(json.dumps({"cases": [row.as_row() for row in rows]}), encoding="utf-8")
    found = model_judge.recorded_judging(path)
    assert found["truth"] == rows[:1] and found["told"] == rows[1:] and found["own"] == []


def test_every_experiment_was_recorded_on_the_same_questions():
    found = model_judge.recorded_judging()
    asked = {name: [row.case.question for row in rows] for name, rows in found.items()}
    assert all(questions == asked["truth"] for questions in asked.values())
    assert len(asked["truth"]) >= 100, "run: python benchmarks/judging.py"
