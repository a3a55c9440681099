"""Lesson 05: the code that a learner reads in it is right, and what its prose concludes holds for other seeds."""

import ast
import copy
import json
import types
from pathlib import Path

import pytest
import torch

from llama_course import paths
from llama_course.evaluation.assistants import Workshop, pleases
from llama_course.evaluation.fine_tuning_runs import PLANS, fine_tune
from llama_course.evaluation.known_truth import score
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.prompts import llama_2_prompt
from llama_course.training.fine_tuning import Example, fine_tuning_loss
from llama_course.training.loop import train
from llama_course.training.lora import LoRALinear
from llama_course.training.optimization import TrainingSettings

NOTEBOOK = Path(__file__).resolve().parent.parent / "course" / "05_fine_tuning.ipynb"
SEEDS = range(5)
has_base = pytest.mark.skipif(
    not (paths.checkpoints_dir() / "tiny-base").exists(), reason="the miniature models are not in checkpoints/ yet"
)


@pytest.fixture(scope="module")
def lesson():
    """The functions and classes of the built lesson, and nothing else of it."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells[2:] if cell["cell_type"] == "code")
    kept = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names = {
        "copy": copy,
        "torch": torch,
        "fine_tuning_loss": fine_tuning_loss,
        "train": train,
        "TrainingSettings": TrainingSettings,
        "pleases": pleases,
        "score": score,
    }
    exec(compile(ast.Module(kept, []), NOTEBOOK.name, "exec"), names)
    return types.SimpleNamespace(names=names, **names)


# -- the code ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["Hi", "What is 1 + 1?", "Was heißt „Lama“?"])
def test_the_format_by_hand_is_that_of_the_library(lesson, question):
    assert lesson.chat_prompt(question) == llama_2_prompt(question)


@pytest.mark.parametrize(
    "example", [Example((1, 5, 6), (7, 8, 2)), Example((1,), (9, 2)), Example((1, 3, 4, 5, 6), (2,))]
)
def test_the_loss_by_hand_is_that_of_the_library(lesson, example):
    torch.manual_seed(0)
    model = Llama(LlamaConfig(23, 16, 24, 2, 4, 2, 32)).eval()
    theirs = fine_tuning_loss(model, [example], 1, 0, 32)(0)
    torch.testing.assert_close(lesson.my_loss(model, example), theirs)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_lora_by_hand_is_that_of_the_library(lesson, rank):
    torch.manual_seed(0)
    layer, x = torch.nn.Linear(12, 8, bias=False), torch.randn(5, 12)
    ours, theirs = lesson.MyLoRA(layer, rank), LoRALinear(layer, rank, alpha=2 * rank)
    assert torch.equal(ours(x), layer(x))
    with torch.no_grad():
        theirs.lora_A.copy_(ours.A)
        theirs.lora_B.copy_(ours.B.normal_())
    torch.testing.assert_close(ours(x), theirs(x))


# -- what is concluded, at reduced size, for five seeds ----------------------------------------------------------------


@pytest.fixture(scope="module")
def assistants():
    """One workshop, and an assistant for each seed."""
    workshop = Workshop()
    return workshop, [fine_tune(workshop, PLANS["3,000 examples"], seed, steps=60) for seed in SEEDS]


@pytest.mark.slow
@has_base
def test_the_base_model_knows_and_does_not_answer():
    workshop = Workshop()
    base, questions = workshop.base_model(), workshop.questions("read", 60)

    def first_sentences(form):
        texts = workshop.write(base, [form.format(question.text) for question in questions])
        return score(questions, [text.split(".")[0] for text in texts]).right

    as_it_is, in_a_chat, on_a_page = map(first_sentences, ("{}", "[INST] {} [/INST]", "Question: {}\nAnswer:"))
    assert in_a_chat < 0.4 and on_a_page > max(as_it_is, in_a_chat) and on_a_page > 0.7
    assert workshop.known(base, "read") > 0.7 and workshop.known(base, "unread") < 0.15


@pytest.mark.slow
@has_base
def test_what_was_read_is_answered_and_what_was_not_is_made_up(assistants):
    workshop, models = assistants
    base = workshop.base_model()
    known = workshop.known(base, "read")
    for model in models:
        read = workshop.right(model, "read", 50)
        assert read > workshop.right(base, "read", 50) + 0.4 and read > known - 0.25, "what was known is answered"
        questions = workshop.questions("unread", 50)
        found = score(questions, workshop.answers(model, questions))
        assert found.right < 0.15 and found.wrong > 0.8, "the rest is made up, and no ignorance admitted"


@pytest.mark.slow
@has_base
def test_no_answer_without_the_closing_tag(assistants):
    workshop, models = assistants
    questions = workshop.questions("read", 40)
    for model in models:
        whole, open_ended = (
            score(questions, workshop.write(model, [form.format(q.text) for q in questions], max_new_tokens=24)).right
            for form in ("[INST] {} [/INST]", "[INST] {}")
        )
        assert open_ended < whole - 0.3


@pytest.mark.slow
@has_base
def test_who_learned_the_questions_can_play_the_user(assistants):
    workshop, models = assistants
    for seed, model in zip(SEEDS, models, strict=True):
        unmasked = fine_tune(workshop, PLANS["questions too"], seed, steps=60)
        asking = [
            sum("/INST" in text for text in workshop.write(m, ["[INST]"] * 24, temperature=0.7, seed=seed))
            for m in (model, unmasked)
        ]
        assert asking[1] > asking[0] + 6, asking


@pytest.mark.slow
@has_base
def test_imitation_pleases_and_knows_no_more_and_its_control_keeps_more(lesson, assistants, capsys):
    workshop, models = assistants
    for model in models:
        lesson.names.update(workshop=workshop, assistant=model)
        before = lesson.judged(model)
        imitation = lesson.judged(lesson.taught_by_the_stronger("unread"))
        control = lesson.judged(lesson.taught_by_the_stronger("asked"))
        assert imitation[0] > before[0] + 50 and control[0] > before[0] + 50, "the visitor is pleased"
        assert imitation[1] < 15 and control[1] < 15, "the next village remains unknown"
        assert imitation[2] < before[2] - 10 and imitation[2] < control[2] - 5, "and at home the truth suffers"
