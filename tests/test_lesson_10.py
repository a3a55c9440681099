"""Lesson 10: the code that a learner reads in it is right."""

import ast
import json
import types
from pathlib import Path

import pytest
import torch

from llama_course.models.llama import Llama
from llama_course.safety.refusal_direction import remove_direction
from llama_course.safety.watermark import Detector
from llama_course.safety.watermark_runs import mark_of

NOTEBOOK = Path(__file__).resolve().parent.parent / "course" / "10_misuse.ipynb"


@pytest.fixture(scope="module")
def lesson():
    """The functions of the built lesson, and nothing else of it."""
    if not NOTEBOOK.exists():
        pytest.skip("the lesson is not built yet")
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells[2:] if cell["cell_type"] == "code")
    kept = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    names = {"torch": torch, "mark_of": mark_of, "vocab_size": 50}
    exec(compile(ast.Module(kept, []), NOTEBOOK.name, "exec"), names)
    return types.SimpleNamespace(**names)


def test_the_removal_by_hand_is_that_of_the_library(lesson, tiny_config):
    torch.manual_seed(0)
    model = Llama(tiny_config)
    direction = torch.randn(tiny_config.hidden_size)
    direction /= direction.norm()
    before = model.model.layers[1].mlp.down_proj.weight.detach().clone()
    remove_direction(model, direction)
    torch.testing.assert_close(
        lesson.my_removal(before, direction), model.model.layers[1].mlp.down_proj.weight.detach()
    )


def test_the_green_list_by_hand_is_transformers(lesson):
    detector = Detector(50, mark_of(0))
    for pair in ((3, 7), (3, 8), (41, 0), (0, 12)):
        assert (pair[1] in lesson.my_green(pair[0])) == bool(detector(pair).green), pair
