"""The village's text: fame is unequal and known, the same seed gives the same text, and a model can write in it."""

import re
from itertools import pairwise

import pytest
import torch

from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID
from llama_course.training.village_text import FAME, HELD_OUT_DOCUMENTS, village_text


@pytest.fixture(scope="module")
def village():
    return village_text(1500)


@pytest.fixture(scope="module")
def model(village):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(
        vocab_size=1024, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True, **sizes
    )
    return Llama(config).eval()


def test_the_circles_are_all_villagers_once(village):
    people = [person for circle in village.circles.values() for person in circle]
    assert people == list(village.world.people)
    assert [len(circle) for circle in village.circles.values()] == [count for count, _ in FAME.values()]


def test_the_more_famous_are_read_about_more_often(village):
    means = [sum(map(village.times_read, people)) / len(people) for people in village.circles.values()]
    assert means == sorted(means, reverse=True)
    assert all(more > 2 * less for more, less in pairwise(means))
    assert means[-1] < 1


def test_times_read_counts_documents_that_name_a_person(village):
    person = village.world.people[0]
    by_hand = sum(person.name in re.findall(r"\w+", text) for text in village.documents)
    assert village.times_read(person) == by_hand > 50


def test_shy_people_come_into_no_story(village):
    shy = {person.name for circle in ("shy", "hermits") for person in village.circles[circle]}
    for text in village.documents:
        named = {person.name for person in village.world.people if re.search(rf"\b{person.name}\b", text)}
        assert not named & shy or len(named) == 1


def test_the_stream_is_the_documents_and_held_out_text_is_other_text(village):
    starts = (village.stream == BOS_TOKEN_ID).sum()
    assert starts == (village.stream == EOS_TOKEN_ID).sum() == len(village.documents)
    assert (village.held_out == BOS_TOKEN_ID).sum() == HELD_OUT_DOCUMENTS
    first = village.stream[1 : int((village.stream == EOS_TOKEN_ID).nonzero()[0])]
    assert village.tokenizer.decode(first.tolist()) == village.documents[0]


def test_the_same_seed_gives_the_same_text_and_a_longer_one_begins_alike(village):
    assert village_text(100).documents == village.documents[:100]
    assert village_text(100, seed=1).documents != village.documents[:100]


def test_strangers_are_named_nowhere(village):
    strangers = village.strangers(12)
    assert len(strangers) == 12
    assert [village.times_read(person) for person in strangers] == [0] * 12


def test_a_model_writes_from_a_prompt_and_repeats_itself_with_the_seed(village, model):
    name = village.world.people[0].name
    text = village.write(model, f"{name} keeps", seed=3, max_new_tokens=6)
    assert text.startswith(f"{name} keeps")
    assert text == village.write(model, f"{name} keeps", seed=3, max_new_tokens=6)
    assert village.write(model, seed=0) != village.write(model, seed=1)


def test_ones_own_model_can_do_what_the_others_can(village, model):
    chat = village.as_model(model)
    found = chat.next_token_probabilities(f"{village.world.people[0].name} keeps", k=3)
    assert len(found) == 3
    assert chat.card.parameters == sum(weight.numel() for weight in model.parameters())


def test_no_text_is_refused():
    with pytest.raises(ValueError, match="expected 1 document or more, got 0"):
        village_text(0)
