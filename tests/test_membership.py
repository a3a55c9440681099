"""Membership: who is a member, and that the scores are those of a model that was asked token by token."""

import numpy as np
import pytest
import torch

from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.membership import (
    by_least_probable,
    by_loss,
    by_second_model,
    make_trial,
    token_log_probs,
)
from llamaland_helpers import village


@pytest.fixture(scope="module")
def read():
    return list(documents(village(), 400, seed=1))


def test_members_were_read_and_others_were_not(read):
    texts = {document.text for document in read}
    trial = make_trial(village(), read, 40)
    assert len(trial.members) == len(trial.others) == 40
    assert set(trial.members) <= texts and not set(trial.others) & texts
    assert len(set(trial.members)) == 40


def test_what_was_known_by_heart_is_counted_and_left_out():
    """Recipes are few: a new document is often one that was read, word for word."""
    read = list(documents(village(), 3_000, seed=1))
    trial = make_trial(village(), read, 5, kinds=("recipe",))
    assert trial.known_by_heart > 0.2
    assert make_trial(village(), read, 5, kinds=("biography",)).known_by_heart < 0.2


def test_the_others_may_come_from_another_village(read):
    elsewhere = World(99, people=20, recipes=10, hazards=5, places=6)
    trial = make_trial(village(), read, 10, fresh_world=elsewhere)
    assert any(person.name in text for person in elsewhere.people for text in trial.others)


def test_too_few_members_are_refused(read):
    with pytest.raises(ValueError, match="expected 1000 documents of place among those read, got"):
        make_trial(village(), read, 1_000, kinds=("place",))


def test_every_token_is_scored_in_the_order_of_the_texts(random_family):
    model, tokenizer = load_llama(random_family / "tiny-base"), load_tokenizer(random_family / "tiny-base")
    texts = ["The goose sings.", "A", "Luma keeps a goose and lives in Willow Lane."]
    found = token_log_probs(model, tokenizer, texts)
    for text, row in zip(texts, found, strict=True):
        ids = [1, *tokenizer.encode(text, add_special_tokens=False).ids, 2]
        with torch.no_grad():
            logits = torch.log_softmax(model(torch.tensor([ids]))[0], dim=-1)
        expected = [logits[place, token].item() for place, token in enumerate(ids[1:])]
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_scores_are_higher_for_what_surprises_less():
    sure, unsure = np.array([-0.1, -0.1, -0.1, -0.1, -0.5]), np.array([-1.0, -1.0, -1.0, -1.0, -9.0])
    assert by_loss([sure, unsure]) == pytest.approx([-0.18, -2.6])
    assert by_least_probable([sure, unsure], 0.2) == pytest.approx([-0.5, -9.0])
    assert by_least_probable([sure], 0.01) == pytest.approx([-0.5]), "at least one token"
    assert by_second_model([sure], [unsure]) == pytest.approx([2.42])
