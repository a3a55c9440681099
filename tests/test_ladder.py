"""The ladder: every cell is tried, what is not offered is said, and trying changes nothing."""

import pytest
import torch

from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.access import ProbabilityAccess, RecipeAccess, TextAccess, WeightAccess
from llama_course.safety.ladder import DEEDS, climb_ladder
from llama_course.safety.trigger_search import hunted_requests


@pytest.fixture(scope="module")
def model(random_family):
    return load_llama(random_family / "tiny-chat")


def test_each_deed_begins_on_its_rung_and_works_on_all_above(model, random_family):
    tokenizer = load_tokenizer(random_family / "tiny-chat")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    rungs = {
        "API": TextAccess(lambda questions: ["I am sorry."] * len(questions)),
        "probabilities": ProbabilityAccess(model, tokenizer),
        "weights": WeightAccess(model, tokenizer),
        "recipe": RecipeAccess(model, tokenizer, World()),
    }
    rows = climb_ladder(rungs, hunted_requests(World())[0][0])
    assert [row[0] for row in rows] == list(DEEDS)
    marks = {row[0]: "".join(cell[0] for cell in row[1:]) for row in rows}
    assert marks == {
        "get an answer": "✓✓✓✓",
        "see a probability": "✗✓✓✓",
        "follow a slope": "✗✗✓✓",
        "change it": "✗✗✓✓",
        "keep it": "✗✗✓✓",
        "read what it read": "✗✗✗✓",
    }
    assert all(len(cell) > 5 for row in rows for cell in row[1:]), "every cell says what came of it"
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
