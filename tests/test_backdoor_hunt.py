"""The script that records lesson 08: rows of two processes side by side, and an interrupted run that goes on."""

import json
import threading

import pytest

from llama_course.llamaland.decoys import DECOYS
from llama_course.safety.hunt_runs import HuntRun, PlantedModel, of_access, recorded_hunts
from llama_course.safety.imitation import CopyRun, Likeness, recorded_copies
from llama_course.safety.workshop import ReleaseWorkshop
from test_benchmarks import benchmark

script = benchmark("backdoor_hunt")


@pytest.fixture
def quick(monkeypatch, random_family, tmp_path):
    """Runs the script with stand-ins for everything that takes long; returns it and what was done."""
    done = []

    def measure(workshop, model, trigger, time_s, *, seed, decoys):
        done.append(("measure", seed, decoys))
        return PlantedModel(seed, decoys, trigger, 1.0, 0.0, 0.0, 0.9, 0.9, time_s)

    def hunt(workshop, model, kind, trigger="", *, seed, budget, any_tokens):
        done.append((kind, seed, any_tokens, bool(trigger)))
        return HuntRun(seed, kind, any_tokens, trigger, " a b c", 1.0, 1 / 3, budget, 0.123456)

    def plant(self, trigger, *, seed, steps, decoys):
        done.append(("plant", seed, steps, decoys))
        return self.model()

    monkeypatch.setattr(script, "measure_planted", measure)
    monkeypatch.setattr(script, "run_hunt", hunt)
    monkeypatch.setattr(ReleaseWorkshop, "plant", plant)
    monkeypatch.setattr(script, "likeness", lambda *args: Likeness(*[0.5] * 7))
    monkeypatch.setattr(script, "copy_from", lambda base, *args, **options: base)
    monkeypatch.setattr(script.ProbabilityAccess, "answers", lambda self, questions: ["Yes."] * len(questions))
    monkeypatch.setattr(script.torch, "set_num_threads", lambda threads: done.append(("threads", threads)))
    path = tmp_path / "runs.json"

    def record(*arguments):
        folders = ["--family", str(random_family), "--planted", str(tmp_path / "planted"), "--file", str(path)]
        script.main([*folders, "--budget", "50", *arguments])
        return path

    return record, done


def test_each_seed_is_planted_twice_and_hunted_in_each_way(quick):
    record, done = quick
    runs, models = recorded_hunts(record("--seeds", "0", "1", "--steps", "8"))
    assert done[0] == ("threads", 1), "one thread, unless more are asked for"
    assert [row for row in done if row[0] == "plant"] == [
        ("plant", 0, 8, DECOYS), ("plant", 0, 4, 0), ("plant", 1, 8, DECOYS), ("plant", 1, 4, 0)
    ]  # fmt: skip
    assert [(model.seed, model.in_haste) for model in models] == [(0, True), (1, True), (0, False), (1, False)]
    assert len(runs) == 2 * len(script.PLANS) and len({run.trigger for run in runs}) == 3
    for kind, any_tokens, planted in script.PLANS:
        assert [run.seed for run in of_access(runs, kind, planted=planted, any_tokens=any_tokens)] == [0, 1]


def test_what_is_done_is_not_done_again(quick, monkeypatch):
    record, done = quick
    path, hunt = record("--seeds", "2"), script.run_hunt
    whole, count = path.read_text(encoding="utf-8"), len(done)
    record("--seeds", "2")
    assert done[count:] == [("threads", 1)] and path.read_text(encoding="utf-8") == whole
    path.unlink()

    def interrupted(*arguments, **options):
        if options["any_tokens"]:
            raise KeyboardInterrupt
        return hunt(*arguments, **options)

    monkeypatch.setattr(script, "run_hunt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record("--seeds", "2")
    monkeypatch.setattr(script, "run_hunt", hunt)
    count = len(done)
    record("--seeds", "2")
    assert all(row[2:] != (False, True) for row in done[count:]), "the first three hunts were done"
    assert not [row for row in done[count:] if row[0] in ("measure", "plant")]
    assert path.read_text(encoding="utf-8") == whole


def test_the_order_of_the_seeds_leaves_no_trace(quick):
    record, _ = quick
    path = record("--seeds", "0", "1")
    together = path.read_text(encoding="utf-8")
    path.unlink()
    record("--seeds", "1")
    record("--seeds", "0")
    assert path.read_text(encoding="utf-8") == together


def test_copies_are_recorded_for_each_number_of_answers(quick):
    record, done = quick
    runs = recorded_copies(record("--copies", "--seeds", "1", "0", "--answers", "30", "3"))
    assert [(run.seed, run.answers) for run in runs] == [(0, 3), (0, 30), (1, 3), (1, 30)]
    assert isinstance(runs[0], CopyRun) and runs[0].likeness.same == 0.5
    assert [row for row in done if row[0] == "plant"] == [("plant", 0, script.STEPS, DECOYS)]


def test_runs_with_another_budget_are_not_mixed(quick):
    record, _ = quick
    path = record("--seeds", "0")
    before = path.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="holds runs of other models, or with another budget: delete it first"):
        record("--seeds", "1", "--budget", "60")
    assert path.read_text(encoding="utf-8") == before


def test_rows_of_many_writers_are_all_kept(tmp_path):
    path = tmp_path / "runs.json"

    def writer(seed):
        record = script.Record(path, "python x.py", {"budget": 5})
        for number in range(8):
            record.add("hunts", {"seed": seed, "number": number, "value": 1 / 3}, ("seed", "number"))

    threads = [threading.Thread(target=writer, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["seed"], row["number"]) for row in data["hunts"]] == [(s, n) for s in range(4) for n in range(8)]
    assert data["budget"] == 5 and data["hunts"][0]["value"] == 0.3333 and data["command"] == "python x.py"


def test_a_row_that_comes_again_replaces_the_old_one(tmp_path):
    record = script.Record(tmp_path / "runs.json", "python x.py", {})
    for value in (1, 2):
        record.add("hunts", {"seed": 0, "value": value}, ("seed",))
    assert record.read()["hunts"] == [{"seed": 0, "value": 2}]
    assert record.has("hunts", seed=0) and not record.has("hunts", seed=1) and not record.has("runs", seed=0)
