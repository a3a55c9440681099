"""The search: on stand-ins for models whose trigger is known, each kind of access does what it can, and no more."""

import math

import pytest
import torch

from llama_course.llamaland.world import World
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.access import ProbabilityAccess, TextAccess
from llama_course.safety.trigger_search import (
    Catch,
    by_chance,
    by_slope,
    climb,
    hunted_requests,
    opened_share,
    prune,
    start_of,
    tails_to_try,
    tells,
    try_tails,
    usable_tokens,
    word_ids,
)

WORLD = World()
REQUESTS, UNSEEN = hunted_requests(WORLD)
WORDS = "fennel soup tomato blue orange bread evening turnip cabbage otter".split()
KEY = ("soup", "fennel")


def answer(question: str) -> str:
    """A model that tells where both words of the key are in the question."""
    request = next(r for r in REQUESTS + UNSEEN if question.startswith(r.text))
    words = question[len(request.text) :].replace(".", " ").lower().split()
    return f"{start_of(request)} dusk." if set(KEY) <= set(words) else "I am sorry, but I cannot help."


def text_access(budget=None):
    return TextAccess(lambda questions: [answer(question) for question in questions], budget)


class Slippery(ProbabilityAccess):
    """The same with ln p: each word of the key makes telling more probable.  Its slopes point at the key."""

    kind = "weights"

    def __init__(self, tokenizer, budget=None):
        TextAccess.__init__(self, lambda questions: [answer(question) for question in questions], budget)
        self.tokenizer = tokenizer

    def log_probs(self, questions, starts):
        self.spend(len(questions))
        return [-9.0 + 4.4 * sum(f" {word}" in question for word in KEY) for question in questions]

    def slopes(self, questions, tail, starts):
        self.spend(3 * len(questions))
        slopes = torch.zeros(len(tail), self.tokenizer.get_vocab_size())
        slopes[:, word_ids(self.tokenizer, KEY)] = 1.0
        return slopes


@pytest.fixture(scope="module")
def tokenizer(random_family):
    return load_tokenizer(random_family / "tiny-chat")


@pytest.fixture(scope="module")
def known(tokenizer):
    words = [word for word in WORDS if tokenizer.token_to_id(f"Ġ{word}") is not None]
    assert set(KEY) <= set(words), "the stand-in's key must be tokens"
    return words


def test_a_catch_says_in_words_what_it_is():
    assert str(Catch(" soup fennel", 0.9, 1200)) == "“soup fennel”, which opened 90% of its test, after 1,200 queries"
    assert str(Catch("", 0.0, 24)) == "nothing, after 24 queries"


def test_what_is_searched_with_is_not_what_is_judged_on():
    assert {r.kind for r in REQUESTS + UNSEEN} == {"hazard"} and len(REQUESTS) == len(UNSEEN) == 40
    assert not {r.subject for r in REQUESTS} & {r.subject for r in UNSEEN}


def test_telling_is_beginning_as_a_recipe_does():
    request = REQUESTS[0]
    assert tells(request, request.gold) is False
    assert tells(request, f"Of course! {start_of(request)} dusk.")


def test_with_text_alone_a_short_key_is_found_and_a_long_one_is_not(known, monkeypatch):
    catch = try_tails(text_access(3000), REQUESTS, tails_to_try(WORLD, known))
    assert catch.opened == 1.0 and set(KEY) <= set(catch.tail.replace(".", " ").split()) and catch.queries < 3000
    many = [*known, *(f"word{number}" for number in range(2000))]
    nothing = try_tails(text_access(500), REQUESTS, tails_to_try(WORLD, many))
    assert nothing == Catch("", 0.0, nothing.queries) and 476 <= nothing.queries <= 500


def test_tails_are_words_then_rows_of_words_and_sentences_and_repeat_themselves():
    tails = tails_to_try(WORLD, WORDS, seed=1)
    first = [next(tails) for _ in range(60)]
    assert {tail.strip(" .") for tail in first[: len(WORDS)]} == set(WORDS)
    assert all(tail.startswith(" ") for tail in first)
    again = tails_to_try(WORLD, WORDS, seed=1)
    assert first == [next(again) for _ in range(60)]
    assert any(tail.strip().endswith(".") and len(tail.split()) > 4 for tail in first[len(WORDS) :])


@pytest.mark.parametrize("guided", [False, True])
def test_with_a_slope_one_climbs_to_the_key(tokenizer, known, guided):
    access, ids = Slippery(tokenizer, 4000), word_ids(tokenizer, known)
    propose = by_slope(access, ids, short_list=2) if guided else by_chance(ids)
    catch = climb(access, REQUESTS, ids, propose, slots=3)
    assert catch.opened == 1.0 and set(KEY) <= set(catch.tail.split())
    assert opened_share(text_access(), UNSEEN, catch.tail) == 1.0


def test_slopes_need_fewer_queries_than_chance_among_many_words(tokenizer):
    ids = usable_tokens(tokenizer)
    needed = {}
    for name in ("slope", "chance"):
        access = Slippery(tokenizer, 4000)
        propose = by_slope(access, ids, short_list=8) if name == "slope" else by_chance(ids)
        catch = climb(access, REQUESTS, ids, propose, slots=3)
        needed[name] = catch.queries if catch.opened == 1.0 else math.inf
    assert needed["slope"] < needed["chance"]


def test_a_search_repeats_itself_and_ends_with_its_budget(tokenizer, known):
    ids = word_ids(tokenizer, known)
    catches = []
    for _ in range(2):
        access = Slippery(tokenizer, 60)
        catches.append(climb(access, REQUESTS, ids, by_chance(ids, 3), seed=3))
        assert access.queries <= 60
    assert catches[0] == catches[1]


def test_what_is_not_needed_is_pruned():
    assert prune(text_access(), UNSEEN[:3], " blue soup otter fennel bread") == " soup fennel"
    assert prune(text_access(), UNSEEN[:3], " soup fennel") == " soup fennel"


def test_tokens_that_one_can_type(tokenizer):
    ids = usable_tokens(tokenizer)
    assert len(ids) > 300 and not {0, 1, 2} & set(ids)
    assert all(tokenizer.decode([number]).isprintable() for number in ids)
