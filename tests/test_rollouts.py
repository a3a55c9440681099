"""Answers drawn side by side are those that each prompt would get by itself."""

import dataclasses

import pytest
import torch

from llama_course.models.interface import PromptError, SpecialTagsError
from llama_course.models.llama import Llama
from llama_course.models.tokenizer import train_tokenizer
from llama_course.training import rollouts
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.rollouts import answers_of, prompt_ids, sample_responses

PROMPTS = [(1, 5, 6, 7), (1, 9), (1, 20, 21, 22, 23, 24, 25), (1, 9)]


@pytest.fixture
def policy(tiny_config):
    """A policy with strong opinions, so that greedy choices are not ties."""
    torch.manual_seed(0)
    model = Llama(dataclasses.replace(tiny_config, eos_token_id=2))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(6)
    return model.eval()


def test_greedy_answers_are_those_of_generate(policy):
    together = sample_responses(policy, PROMPTS, 9, temperature=0)
    for prompt, sequence, answer in zip(PROMPTS, together.sequences(), together.response_ids(), strict=True):
        alone = policy.generate(torch.tensor([prompt]), 9, temperature=0)[0].tolist()
        assert list(sequence) == alone
        assert answer == sequence[len(prompt) :]


def test_an_answer_ends_with_its_eos_and_is_padded_after_it(policy):
    with torch.no_grad():  # EOS becomes probable: answers of many lengths
        policy.lm_head.weight[2] = policy.lm_head.weight[3:].mean(dim=0) + 0.1 * torch.randn(policy.config.hidden_size)
    drawn = sample_responses(policy, [(1, token) for token in range(3, 50)], 12, temperature=3.0, seed=1)
    ended = 0
    for ids, answer, length in zip(drawn.input_ids, drawn.response_ids(), drawn.lengths, strict=True):
        assert 1 <= len(answer) <= 12 and length == 2 + len(answer)
        assert 2 not in answer[:-1], "something follows an EOS"
        assert not ids[length:].any(), "only padding follows"
        ended += answer[-1] == 2
    assert 0 < ended < 47 or len(set(drawn.lengths.tolist())) > 1


def test_each_row_has_its_own_room(policy):
    """A short prompt gets no longer an answer than a long one."""
    policy.config = dataclasses.replace(policy.config, eos_token_id=None)
    drawn = sample_responses(policy, PROMPTS, 4)
    assert [len(answer) for answer in drawn.response_ids()] == [4, 4, 4, 4]
    assert drawn.input_ids.shape == (4, 11) == drawn.response_mask.shape
    assert drawn.lengths.tolist() == [8, 6, 11, 6]
    for prompt, ids in zip(PROMPTS, drawn.input_ids, strict=True):
        assert tuple(ids[: len(prompt)].tolist()) == prompt


def test_the_seed_decides(policy):
    first, again, other = (sample_responses(policy, PROMPTS * 5, 6, seed=seed).input_ids for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_draws_follow_the_probabilities_of_the_policy(policy):
    """Frequencies of the first token, over many draws, against the softmax; rows of different lengths beside them."""
    prompt = PROMPTS[0]
    drawn = sample_responses(policy, [prompt, PROMPTS[1]] * 4000, 1, temperature=2.0)
    first = torch.tensor([answer[0] for answer in drawn.response_ids()[::2]])
    with torch.no_grad():
        expected = torch.softmax(policy(torch.tensor([prompt]))[0, -1] / 2.0, dim=-1)
    frequencies = torch.bincount(first, minlength=53) / 4000
    assert (frequencies - expected).abs().max() < 0.03


def test_answers_can_enter_a_loss(policy):
    drawn = sample_responses(policy, PROMPTS, 3)
    policy(drawn.input_ids).sum().backward()


def test_prompts_that_cannot_be_answered_are_refused(policy):
    with pytest.raises(EmptyDataError):
        sample_responses(policy, [], 3)
    with pytest.raises(EmptyDataError):
        sample_responses(policy, [(1, 2), ()], 3)
    with pytest.raises(ValueError, match="context holds 34"):
        sample_responses(policy, [tuple(range(3, 38))], 3)


# -- questions and answers as texts ---------------------------------------------------------------------------------

QUESTIONS = ["Where does Luma live?", "Who?", "What does Bovi do all day, and with whom?", "Who?"]


def encode(text):
    """Each byte a token."""
    return [3 + byte for byte in text.encode()]


def test_a_question_is_read_in_the_chat_format():
    assert prompt_ids("Who?", encode) == (1, *encode("[INST] Who? [/INST]"))
    assert prompt_ids("Who?", encode, None) == prompt_ids("Who?", encode)
    expected = "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWho? [/INST]"
    assert prompt_ids("Who?", encode, "Be brief.") == (1, *encode(expected))


def test_a_question_that_cannot_be_asked_is_refused():
    with pytest.raises(SpecialTagsError):
        prompt_ids("Who? [/INST] Me.", encode)
    with pytest.raises(PromptError):
        prompt_ids("", encode)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["Where does Luma live? Luma lives by the mill.", "[INST] Who? [/INST]"] * 9, 300)


@pytest.fixture
def speaker(tiny_config, tokenizer):
    """A policy that says something of its own to each question, and seldom EOS."""
    torch.manual_seed(3)
    sizes = {"vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": 90, "eos_token_id": 2}
    model = Llama(dataclasses.replace(tiny_config, **sizes))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(6)
    return model.eval()


def said_alone(policy, tokenizer, question, system=None, tokens=12):
    """The answer by way of generate, one question at a time."""
    prompt = prompt_ids(question, lambda text: tokenizer.encode(text, add_special_tokens=False).ids, system)
    answer = policy.generate(torch.tensor([prompt]), tokens, temperature=0)[0, len(prompt) :].tolist()
    return tokenizer.decode([token for token in answer if token > 2]).strip()


@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_answers_come_in_the_order_of_the_questions_however_many_go_together(speaker, tokenizer, batch_size):
    answers = answers_of(speaker, tokenizer, QUESTIONS, max_new_tokens=12, batch_size=batch_size)
    assert answers == [said_alone(speaker, tokenizer, question) for question in QUESTIONS]
    assert len(set(answers)) == 3, "a test in which all answers are alike shows nothing"


def test_the_system_prompt_is_for_all_of_them(speaker, tokenizer):
    answers = answers_of(speaker, tokenizer, QUESTIONS, system="Be brief.", max_new_tokens=12)
    assert answers == [said_alone(speaker, tokenizer, question, "Be brief.") for question in QUESTIONS]
    assert answers != answers_of(speaker, tokenizer, QUESTIONS, max_new_tokens=12)


def test_answers_are_text_alone(speaker, tokenizer, monkeypatch):
    """No marker of an end and no white space around it; what is drawn here is known."""
    drawn = [[*tokenizer.encode(f" {text} ", add_special_tokens=False).ids, 2] for text in ("By the mill.", "", "I.")]

    def scripted(policy, prompts, *arguments, **options):
        lengths = torch.tensor([1 + len(answer) for answer in drawn])
        ids = torch.tensor([[1, *answer] + [0] * (max(lengths) - 1 - len(answer)) for answer in drawn])
        places = torch.arange(ids.shape[1])
        return rollouts.Rollouts(ids, (places > 0) & (places < lengths[:, None]), lengths)

    monkeypatch.setattr(rollouts, "sample_responses", scripted)
    assert answers_of(speaker, tokenizer, ["Who?"] * 3) == ["By the mill.", "", "I."]


def test_greedy_answers_need_no_seed_and_drawn_ones_follow_theirs(speaker, tokenizer):
    def asked(**options):
        return answers_of(speaker, tokenizer, QUESTIONS[:2] * 4, max_new_tokens=12, batch_size=4, **options)

    assert asked(seed=1) == asked(seed=2)
    assert asked(seed=1, temperature=1.0) == asked(seed=1, temperature=1.0) != asked(seed=2, temperature=1.0)
    drawn = asked(temperature=1.0)
    assert len(set(drawn)) > 6, "two batches, or two rows of one, drew alike"


def test_no_question_has_no_answer(speaker, tokenizer):
    assert answers_of(speaker, tokenizer, []) == []


def test_a_text_for_a_list_of_questions_is_refused(speaker, tokenizer):
    """Else each of its letters would be asked."""
    with pytest.raises(ValueError, match=r"expected several questions, such as \['Where does Luma live\?'\]"):
        answers_of(speaker, tokenizer, "Where does Luma live?")


def test_a_question_that_leaves_no_room_for_its_answer_is_refused(speaker, tokenizer):
    with pytest.raises(ValueError, match="context holds 26"):
        answers_of(speaker, tokenizer, QUESTIONS, max_new_tokens=64)
