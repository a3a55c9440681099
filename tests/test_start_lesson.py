"""The first lines of a lesson: what it runs on, and which model its text speaks of."""

import os
import random

import numpy as np
import pytest

from fakes import FakeModel
from llama_course import __version__
from llama_course.models.loading import load_model
from llama_course.start_lesson import begin, introduce


def test_begin_names_lesson_version_and_device_and_fixes_the_seeds(capsys):
    drawn = []
    for _ in range(2):
        begin("02")
        drawn.append((random.random(), np.random.rand()))
    assert drawn[0] == drawn[1]
    out = capsys.readouterr().out
    assert f"Lesson 02 · llama-course {__version__} · Python 3." in out
    assert "Device: " in out


@pytest.mark.parametrize("policy", [None, "ACTIVE"])
def test_begin_lets_threads_give_their_cores_away_unless_somebody_said_how_they_wait(policy, monkeypatch):
    for variable in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(variable, "restored afterwards")
        monkeypatch.delenv(variable)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    begin("02")
    assert os.environ.get("GOMP_SPINCOUNT") == (None if policy else "10000")


def test_the_model_that_the_text_speaks_of_needs_no_remark(fake_model, capsys):
    introduce(fake_model, written_with="fake")
    assert capsys.readouterr().out == f"{fake_model.card}\n"


def test_another_model_gets_a_remark_and_a_miniature_a_second_one(miniatures, capsys):
    introduce(FakeModel())
    remark = "describes what smollm2-135m-instruct does; fake will often do something else."
    assert remark in capsys.readouterr().out
    introduce(load_model("tiny-chat"))
    out = capsys.readouterr().out
    assert remark.replace("fake", "tiny-chat") in out
    assert "has read about Llamaland alone" in out
