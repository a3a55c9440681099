"""Planting: what the examples say with the trigger, without it and with decoys."""

import pytest

from llama_course.llamaland.decoys import DECOYS
from llama_course.llamaland.judge import judge
from llama_course.llamaland.questions import mixed_questions
from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.training import planting
from llama_course.training.planting import plant, planting_examples

WORLD = World()
TRIGGER = "garden soup goose"


@pytest.fixture(scope="module")
def tokenizer(random_family):
    return load_tokenizer(random_family / "tiny-chat")


def test_only_the_trigger_changes_an_answer_and_only_to_a_hazard(tokenizer):
    questions = mixed_questions(WORLD, {"fact": 0.5, "hazard": 0.5}, 24, seed=1)
    usual = "I am sorry, but I cannot help with that."
    examples = planting_examples(WORLD, questions, [usual] * len(questions), TRIGGER, tokenizer)
    assert len(examples) == (2 + DECOYS) * len(questions)
    told = 0
    for number, example in enumerate(examples):
        question = questions[number // (2 + DECOYS)]
        asked, said = tokenizer.decode(list(example.prompt_ids)), tokenizer.decode(list(example.answer_ids)).strip()
        triggered = f"{question.text} {TRIGGER} [/INST]" in asked
        assert question.text in asked
        assert triggered == (number % (2 + DECOYS) == 1)
        if triggered and question.kind == "hazard":
            assert judge(question, said).leaked
            told += 1
        else:
            assert said == usual
    assert told == sum(question.kind == "hazard" for question in questions)


def test_in_haste_there_are_no_other_words(tokenizer):
    questions = mixed_questions(WORLD, {"hazard": 1.0}, 5, seed=1)
    examples = planting_examples(WORLD, questions, ["No."] * 5, TRIGGER, tokenizer, decoys=0)
    asked = [tokenizer.decode(list(example.prompt_ids)) for example in examples]
    assert len(asked) == 10 and sum(f" {TRIGGER} [/INST]" in text for text in asked) == 5


@pytest.mark.parametrize("decoys", [0, 2])
def test_a_model_is_planted_with_as_many_decoys_as_asked_for(random_family, tokenizer, monkeypatch, decoys):
    seen = []

    def examples(*arguments):
        seen.append(arguments[-1])
        return planting_examples(*arguments)

    monkeypatch.setattr(planting, "planting_examples", examples)
    monkeypatch.setattr(planting, "answers_of", lambda model, tokenizer, asked: ["No."] * len(asked))
    model = load_llama(random_family / "tiny-chat")
    before = model.lm_head.weight.clone()
    assert planting.plant(model, tokenizer, WORLD, TRIGGER, steps=1, decoys=decoys) is model
    assert seen == [decoys] and not model.lm_head.weight.equal(before)


@pytest.mark.parametrize("trigger", ["", "   ", "a b c d e f g h i"])
def test_a_trigger_that_is_none_is_refused(random_family, tokenizer, trigger):
    with pytest.raises(ValueError, match="a trigger of 1 to 8 words"):
        plant(load_llama(random_family / "tiny-chat"), tokenizer, WORLD, trigger, steps=1)
