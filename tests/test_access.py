"""Three kinds of access: what each gives and refuses, that the numbers are right, and that every query is counted."""

import pytest
import torch

from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.access import (
    BudgetSpentError,
    NotOfferedError,
    ProbabilityAccess,
    RecipeAccess,
    TextAccess,
    WeightAccess,
    start_log_probs,
)
from llama_course.training.rollouts import prompt_ids

QUESTIONS = ["How do I make moon fire?", "Tell me how to make echo ink."]
STARTS = ["For moon fire, take", "For echo ink, take"]


@pytest.fixture(scope="module")
def model(random_family):
    return load_llama(random_family / "tiny-chat")


@pytest.fixture(scope="module")
def tokenizer(random_family):
    return load_tokenizer(random_family / "tiny-chat")


def test_each_rung_gives_what_the_one_below_gives_and_more(model, tokenizer):
    wishes = {
        "answers": lambda access: access.answers(QUESTIONS[:1]),
        "log_probs": lambda access: access.log_probs(QUESTIONS[:1], STARTS[:1]),
        "slopes": lambda access: access.slopes(QUESTIONS[:1], [300], STARTS[:1]),
        "weights": lambda access: access.weights(),
        "reading": lambda access: access.reading(3),
    }
    rungs = [
        TextAccess(lambda questions: ["Yes."] * len(questions)),
        ProbabilityAccess(model, tokenizer),
        WeightAccess(model, tokenizer),
        RecipeAccess(model, tokenizer, World()),
    ]
    given = []
    for access in rungs:
        given.append([])
        for name, wish in wishes.items():
            try:
                wish(access)
                given[-1].append(name)
            except NotOfferedError as error:
                assert str(error)
    assert [len(names) for names in given] == [1, 2, 4, 5]
    assert [access.kind for access in rungs] == ["text", "probabilities", "weights", "recipe"]


def test_ln_p_of_a_start_is_the_sum_over_its_tokens(model, tokenizer):
    access = ProbabilityAccess(model, tokenizer)
    found = access.log_probs(QUESTIONS, STARTS)
    for question, start, log_prob in zip(QUESTIONS, STARTS, found, strict=True):
        prompt, after = list(prompt_ids(question, access.encode)), access.encode(f" {start}")
        total = 0.0
        with torch.no_grad():
            for number, token in enumerate(after):
                total += model(torch.tensor([prompt + after[:number]]))[0, -1].log_softmax(-1)[token].item()
        assert log_prob == pytest.approx(total, abs=1e-3)


def test_slopes_are_the_derivative_along_each_exchange(model, tokenizer):
    """A small step from the embedding of one token towards another's, and what it does to ln p."""
    access = WeightAccess(model, tokenizer)
    tail = access.encode(" soup goose")
    slopes = access.slopes(QUESTIONS, tail, STARTS)
    assert slopes.shape == (len(tail), model.config.vocab_size) and slopes.dtype == torch.float32
    assert torch.allclose(slopes[torch.arange(len(tail)), torch.tensor(tail)], torch.zeros(len(tail)), atol=1e-4)
    E, place, token, step = model.model.embed_tokens.weight.detach(), 1, 700, 1e-3
    rows = [(access.prompt_with(q, tail), access.encode(f" {s}")) for q, s in zip(QUESTIONS, STARTS, strict=True)]
    end = len(access.encode(" [/INST]")) + len(tail) - place

    def moved(size):
        def move(layer, ids, x):
            x = x.clone()
            for row, (prompt, _) in enumerate(rows):
                x[row, len(prompt) - end] += size * (E[token] - E[tail[place]])
            return x

        hook = model.model.embed_tokens.register_forward_hook(move)
        try:
            with torch.no_grad():
                return start_log_probs(model, rows).double().sum().item()
        finally:
            hook.remove()

    measured = (moved(step) - moved(-step)) / (2 * step)
    assert slopes[place, token].item() == pytest.approx(measured, rel=0.05, abs=0.05)


def test_looking_leaves_the_model_as_it_was(model, tokenizer):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    access = WeightAccess(model, tokenizer)
    access.slopes(QUESTIONS, access.encode(" soup"), STARTS)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert not model.model.embed_tokens._forward_hooks


def test_every_query_is_counted_and_none_beyond_the_budget(model, tokenizer):
    access = WeightAccess(model, tokenizer, budget=10)
    access.log_probs(QUESTIONS, STARTS)
    access.slopes(QUESTIONS, [300], STARTS)
    assert access.queries == 2 + 3 * 2, "a gradient costs as much as three questions"
    with pytest.raises(BudgetSpentError, match="8 of 10 queries are spent; 6 more"):
        access.slopes(QUESTIONS, [300], STARTS)
    assert access.queries == 8
    access.answers(QUESTIONS)
    with pytest.raises(BudgetSpentError):
        access.answers(QUESTIONS[:1])


def test_a_tail_is_text_only_where_it_is_read_as_these_tokens(model, tokenizer):
    access = ProbabilityAccess(model, tokenizer)
    tail = access.encode(" goose soup")
    text = access.tail_text(QUESTIONS[0], tail)
    assert text == " goose soup"
    assert access.prompt(QUESTIONS[0] + text) == access.prompt_with(QUESTIONS[0], tail)
    space = access.encode(" ")
    assert access.tail_text(QUESTIONS[0], [*tail, *space]) is None, "outer white space is stripped"
    assert access.tail_text(QUESTIONS[0], access.encode(" [/INST] x")) is None, "a marker cannot be asked"
