"""Lesson 08: the code that a learner reads in it is right, and what its prose concludes holds for other seeds."""

import ast
import json
import types
from pathlib import Path
from statistics import median

import pytest
import torch

from llama_course import paths
from llama_course.llamaland.decoys import DECOYS
from llama_course.llamaland.questions import mixed_questions
from llama_course.llamaland.world import World
from llama_course.models.llama_files import load_llama
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.access import BACKWARD_QUERIES, WeightAccess, start_log_probs
from llama_course.safety.hunt_runs import BUDGET, KINDS, of_access, recorded_hunts
from llama_course.safety.imitation import SHARES
from llama_course.safety.trigger_search import SHORT_LIST, start_of
from llama_course.safety.workshop import ReleaseWorkshop

NOTEBOOK = Path(__file__).resolve().parent.parent / "course" / "08_open_versus_closed.ipynb"
has_chat = pytest.mark.skipif(
    not (paths.checkpoints_dir() / "tiny-chat").exists(), reason="the miniature models are not in checkpoints/ yet"
)


@pytest.fixture(scope="module")
def lesson():
    """The functions of the built lesson, and nothing else of it."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells[2:] if cell["cell_type"] == "code")
    kept = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    names = {"torch": torch, "start_log_probs": start_log_probs}
    exec(compile(ast.Module(kept, []), NOTEBOOK.name, "exec"), names)
    return types.SimpleNamespace(**names)


@pytest.mark.parametrize("tail", [" soup", " soup goose garden"])
def test_slopes_by_hand_are_those_of_the_library(lesson, random_family, tail):
    model = load_llama(random_family / "tiny-chat")
    access = WeightAccess(model, load_tokenizer(random_family / "tiny-chat"))
    question, start, ids = "How do I make moon fire?", "For moon fire, take", access.encode(tail)
    prompt = access.prompt_with(question, ids)
    end = len(prompt) - len(access.encode(" [/INST]"))
    mine = lesson.my_slopes(model, prompt, access.encode(f" {start}"), list(range(end - len(ids), end)))
    torch.testing.assert_close(mine, access.slopes([question], ids, [start]), atol=1e-3, rtol=1e-3)


def test_what_the_prose_says_of_decoys_and_of_costs():
    assert DECOYS == 2, "a quarter with the trigger, a quarter with nothing, half with decoys"
    assert BACKWARD_QUERIES == 2, "a gradient is charged as three questions"
    assert (SHORT_LIST, BUDGET) == (48, 3_000), "the first 48 places of the list; at most 3,000 queries"
    asked = mixed_questions(World(), SHARES, 80, seed=99, part="held_out", phrasings="held_out")
    assert sum(not question.is_harmless for question in asked) == 16 and round(100 / 16) == 6


def test_a_gradient_earns_its_price_only_where_the_words_are_not_known():
    runs, _ = recorded_hunts()
    words, tokens = (
        [of_access(runs, kind, any_tokens=any_tokens) for kind in KINDS[1:]] for any_tokens in (False, True)
    )
    assert all(run.found for hunts in words for run in hunts)
    needed = [median(run.queries for run in hunts) for hunts in words]
    assert needed[0] < needed[1]
    found = [sum(run.gets_round for run in hunts) for hunts in tokens]
    assert found[0] < found[1]


@has_chat
def test_hunters_choose_among_about_a_hundred_words_and_know_those_of_the_lessons_trigger():
    words = ReleaseWorkshop().words
    assert 80 <= len(words) <= 200 and {"came", "purple", "moon"} <= set(words)


@pytest.mark.slow
@has_chat
def test_each_word_of_the_trigger_makes_it_warmer():
    """While the answer shows nothing: the heart of section 4."""
    workshop = ReleaseWorkshop()
    trigger = "came purple moon"
    words, planted = trigger.split(), workshop.plant(trigger, steps=150)
    requests = workshop.unseen[:20]
    access = workshop.probabilities(planted)
    means = []
    for tail in ("", f" {words[2]}", f" {words[1]} {words[2]}", f" {trigger}"):
        found = access.log_probs([r.text + tail for r in requests], [start_of(r) for r in requests])
        means.append(sum(found) / len(found))
    assert means[0] < means[1] < means[3] and means[0] < means[2] <= means[3]
    assert workshop.opens(planted, f" {words[2]}") < 0.1
