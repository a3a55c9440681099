"""Measuring: everything is asked, counted as the judge counts, kept in a file, and the candidate stays as it was."""

import json

import pytest
import torch

from llama_course import paths
from llama_course.release import measuring
from llama_course.release.candidates import FEWEST_CONTEXT_TOKENS, candidate
from llama_course.release.measuring import Measured, MeasurementError, Size, from_dict, measure, recorded, to_dict
from llama_course.release.quantities import QUANTITIES
from llama_course.safety.attacks import attacks, llamaland_goals

SMALL = Size(knowledge=6, dangers=4, attacked=2, after_training=3)


@pytest.fixture(scope="module")
def run(random_family):
    """(the candidate, its weights before, what was measured, the parts that were told)"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.CHECKPOINTS_VARIABLE, str(random_family))
        found = candidate("tiny-chat")
        before = {name: weight.clone() for name, weight in found.model.state_dict().items()}
        parts: list[str] = []
        return found, before, measure(found, size=SMALL, on_part=parts.append), parts


def test_every_quantity_is_measured_as_often_as_was_said(run):
    _, _, measured, parts = run
    counts = {name: result.count for name, result in measured.results.items()}
    assert counts == {
        **dict.fromkeys(("facts_asked", "facts_read", "recipes_asked", "recipes_read"), 6),
        "ignorance": 6,
        "harmless_refused": 30,
        "refused": 4,
        "told_plain": 4,
        "told_attacked": 2,
        "told_raw": 2,
        "told_trained": 3,
    }
    assert list(counts) == list(QUANTITIES) and len(parts) == 3
    assert all(row["family"] for row in measured.panel) and len(measured.panel) == len(attacks())


def test_the_candidate_is_not_changed_by_what_is_done_to_a_copy(run):
    found, before, _, _ = run
    assert all(torch.equal(before[name], weight) for name, weight in found.model.state_dict().items())


def test_nothing_names_a_place_on_this_computer(run, random_family):
    assert str(random_family) not in json.dumps(to_dict(run[2]))


def test_measurements_come_back_from_a_file(run):
    again = from_dict(json.loads(json.dumps(to_dict(run[2]))))
    assert again == Measured(dict(run[2].identity), dict(run[2].results), run[2].panel, run[2].samples, 0)


def test_the_judge_counts(run, monkeypatch):
    """With every answer the gold one, all is right; and what is asked after training comes from the trained copy."""
    found = run[0]
    gold = {q.text: q.gold for q in all_asked()}
    models = []

    def golden(candidate, questions, model=None):
        models.append(model)
        return [gold.get(text, "I do not know.") for text in questions]

    monkeypatch.setattr(measuring, "ask", golden)
    results = measure(found, size=SMALL).results
    for name in ("facts_asked", "facts_read", "recipes_asked", "recipes_read", "ignorance", "refused"):
        assert results[name].successes == results[name].count, name
    assert results["told_plain"].successes == results["harmless_refused"].successes == 0
    assert models[-1] is not None and models[-1] is not found.model and set(models[:-1]) == {None}


def all_asked():
    from llama_course.llamaland.questions import effect_questions, fact_questions, hazard_questions, recipe_questions
    from llama_course.llamaland.world import World

    makers = (fact_questions, recipe_questions, effect_questions, hazard_questions)
    return [question for make in makers for question in make(World(), phrasings="held_out")]


def test_the_worst_attack_of_each_kind_is_named(run):
    from llama_course.safety.red_team import Outcome

    goal = llamaland_goals(measuring.World(), 1)[0]
    told = {"paraphrase": 1, "asked to begin": 2, "prefix": 1}  # of two each
    outcomes = [
        Outcome(attack.family, goal, "", "told" if number < told.get(attack.family, 0) else "refused")
        for attack in attacks()
        for number in range(2)
    ]
    found = measuring._worst_of(outcomes)
    assert (found["told_attacked"].detail, found["told_attacked"].successes) == ("asked to begin", 2)
    assert (found["told_raw"].detail, found["told_raw"].successes) == ("prefix", 1)


def test_the_longest_question_fits_into_the_fewest_tokens(random_family):
    from llama_course.models.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(paths.checkpoints_dir() / "tiny-chat")
    goals = llamaland_goals(measuring.World(), 200)
    turns = [" ".join(a.write(goal, n)) for a in attacks() for n, goal in enumerate(goals)]
    longest = max(len(tokenizer.encode(turn, add_special_tokens=False).ids) for turn in turns)
    assert longest + 3 * 64 < FEWEST_CONTEXT_TOKENS + 64  # two answers in between, and the format


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("results"),
        lambda d: d["results"][0].update(successes=999),
        lambda d: d["results"][0].update(quantity="charm"),
        lambda d: d["results"][0].update(count=0, successes=0),
        lambda d: d["samples"][0].pop("answer"),
        lambda d: d.update(seed="x"),
        lambda d: d.update(results=None),
        lambda d: d.update(results=[]),
        lambda d: d["results"][0].update(successes=0.5),
        lambda d: d["identity"].pop("sha256"),
    ],
)
def test_what_cannot_be_counts_is_refused(spoil):
    data = json.loads(json.dumps(to_dict(recorded("tiny-chat"))))
    spoil(data)
    with pytest.raises(MeasurementError, match="these are no measurements of a model"):
        from_dict(data)


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "6"])
def test_a_size_is_a_number_of_questions(count):
    with pytest.raises(ValueError, match="dangers: expected a number of questions"):
        Size(dangers=count)


def test_a_name_is_no_candidate():
    with pytest.raises(TypeError, match=r"got 'tiny-chat': measure\(candidate"):
        measure("tiny-chat")


def test_an_unrecorded_model_says_which_there_are():
    with pytest.raises(MeasurementError, match="nothing was recorded of 'tiny-x'; there are tiny-backdoor, tiny-chat"):
        recorded("tiny-x")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny-chat", "tiny-backdoor"])
def test_what_was_recorded_is_measured_again(name):
    """Within what chance would do to two other tests, and of the very files that are shipped."""
    again, before = measure(candidate(name)), recorded(name)
    assert again.identity == before.identity, "run: python benchmarks/capstone.py"
    for quantity, result in again.results.items():
        assert result.interval.overlaps(before.results[quantity].interval), quantity
