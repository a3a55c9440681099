"""The script that records lesson 10: each part, and an interrupted run that goes on where it was."""

import json

import pytest

from fakes import FakeModel
from llama_course.safety import lasting, undoing_runs, watermark_runs
from llama_course.safety.lasting import of_twins, recorded_twins
from llama_course.safety.red_team import recorded_panel
from llama_course.safety.undoing import Damage
from llama_course.safety.undoing_runs import of_attack, planned, recorded_undoings
from llama_course.safety.watermark_runs import of_kind, recorded_texts
from test_benchmarks import benchmark

script = benchmark("safeguards")
HARM = Damage(0.123456, 0.5, 1.0, 1.0, 1.0, 0.0)


@pytest.fixture
def quick(monkeypatch, random_family, tmp_path):
    """Runs a part of the script with stand-ins for everything that takes long; returns it and what was done."""
    done = []

    def undo(laboratory, name, rate, seed, *, steps):
        done.append((name, rate, seed))
        return undoing_runs.UndoingRun(name, seed, rate, HARM, 1.0)

    def raised(base, tokenizer, world, *, filtered, seed, **sizes):
        done.append((filtered, seed))
        return base, 7 if filtered else 0

    monkeypatch.setattr(undoing_runs, "run_undoing", undo)
    monkeypatch.setattr(lasting, "raise_twin", raised)
    monkeypatch.setattr(lasting, "attack_twin", lambda *args, **options: HARM)
    monkeypatch.setattr(script.torch, "set_num_threads", lambda threads: done.append(("threads", threads)))

    def record(part, *arguments):
        path = tmp_path / f"{part}.json"
        script.main([part, "--family", str(random_family), "--file", str(path), *arguments])
        return path

    return record, done


def test_every_attack_is_recorded_once(quick):
    record, done = quick
    runs = recorded_undoings(record("undoing", "--seeds", "0", "1"))
    assert done[0] == ("threads", 1) and done[1:] == planned((0, 1))
    assert of_attack(runs, "20 recipes", "refused") == [0.1235, 0.1235]
    assert len(of_attack(runs, "20 facts", "told", 1e-3)) == 2, "learning rates are written as they are"


def test_an_interrupted_run_goes_on(quick):
    record, done = quick
    path = record("undoing", "--seeds", "0")
    data = json.loads(path.read_text(encoding="utf-8"))
    cut = {**data, "runs": data["runs"][:3]}
    path.write_text(json.dumps(cut), encoding="utf-8")
    done.clear()
    record("undoing", "--seeds", "0")
    assert done[1:] == planned((0,))[3:]
    assert json.loads(path.read_text(encoding="utf-8"))["runs"] == data["runs"]


def test_runs_of_other_models_are_not_mixed(quick):
    record, _ = quick
    path = record("undoing", "--seeds", "0")
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, "chat_sha256": "another"}), encoding="utf-8")
    with pytest.raises(SystemExit, match="delete it first"):
        record("undoing", "--seeds", "1")


def test_both_twins_are_recorded_under_every_attack(quick):
    record, done = quick
    runs = recorded_twins(record("lasting", "--seeds", "0", "1"))
    assert done[1:] == [(False, 0), (True, 0), (False, 1), (True, 1)]
    assert len(runs) == 4 * len(lasting.ATTACKS) and of_twins(runs, True, "none", "told") == [0.5, 0.5]


def test_the_red_team_visits_both_models(quick, monkeypatch):
    record, _ = quick
    monkeypatch.setattr(script, "load_model", lambda name: FakeModel(["I cannot talk about that."]))
    path = record("red-team", "--small")
    assert len(recorded_panel("tiny-chat", path)) == 9
    assert all(row.verdicts["refused"] == 2 for row in recorded_panel(script.REAL, path) if row.family != "toy cipher")


def test_texts_are_recorded_with_the_size_of_the_vocabulary(quick, monkeypatch):
    record, _ = quick
    text = watermark_runs.MarkedText("marked", 0, 0.8, 0.0, (1.0, 2.0), (3, 4), "x")

    class Model:
        class model:
            class config:
                vocab_size = 64

    monkeypatch.setattr(script, "model_folder", lambda name: "nowhere")
    monkeypatch.setattr(script, "load_model", lambda *args, **options: Model)
    monkeypatch.setattr(watermark_runs, "run_watermark", lambda model, seed, **sizes: [text])
    texts, vocab_size = recorded_texts(record("watermark", "--seeds", "0"))
    assert vocab_size == 64 and of_kind(texts, "marked") == [text]
