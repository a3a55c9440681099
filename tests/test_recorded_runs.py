"""Recorded training runs: their form, and what is read off them."""

import json

import pytest

from llama_course import paths
from llama_course.training.recorded_runs import (
    RecordedRun,
    RunDataError,
    gain_per_doubling,
    read_run,
    recorded_pretraining,
    share_of_gain,
)


def data(**changes):
    return {
        "model": "tiny-base",
        "parameters": 1000,
        "tokens_per_step": 64,
        "losses": [4.0 - 0.01 * step for step in range(200)],
        "held_out": [[100, 3.1], [200, 2.1]],
        "samples": [[1, "x <b>"], [200, "Rotto keeps an owl."]],
        **changes,
    }


def write(tmp_path, rows):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_a_run_comes_back_as_it_was_recorded(tmp_path):
    run = read_run(write(tmp_path, data()))
    assert run.tokens == 200 * 64
    assert run.loss_on_held_out() == [(6400, 3.1), (12800, 2.1)]
    assert run.samples[0] == (1, "x <b>")


def test_the_loss_while_reading_is_averaged_over_the_last_tenth(tmp_path):
    run = read_run(write(tmp_path, data(held_out=[])))
    points = run.loss_while_reading()
    assert points[-1] == (200 * 64, pytest.approx(sum(run.losses[180:]) / 20))
    assert points[0] == (64, run.losses[0])
    tokens = [at for at, _ in points]
    assert tokens == sorted(set(tokens)) and 100 * 64 in tokens


def test_the_share_of_the_gain_is_that_of_the_first_part():
    points = [(10, 5.0), (100, 2.0), (1000, 1.0)]
    assert share_of_gain(points, 0.1) == 0.75
    assert share_of_gain(points, 1) == 1
    with pytest.raises(ValueError, match="first 0%"):
        share_of_gain(points, 0.001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": []}, "losses above 0, at least one"),
        ({"losses": [1.0, float("nan")]}, "losses above 0"),
        ({"held_out": [[1, -1.0]]}, "losses above 0"),
        ({"held_out": [[200, 1.0], [100, 1.0]]}, "rising steps up to 200"),
        ({"samples": [[201, "late"]]}, "rising steps up to 200"),
        ({"tokens_per_step": "many"}, "ValueError"),
    ],
)
def test_a_faulty_recording_is_explained(tmp_path, changes, message):
    with pytest.raises(RunDataError, match=message):
        read_run(write(tmp_path, data(**changes)))


def test_a_missing_part_is_named(tmp_path):
    rows = data()
    del rows["model"]
    with pytest.raises(RunDataError, match="KeyError: 'model'"):
        read_run(write(tmp_path, rows))


def test_the_gain_of_each_doubling_is_counted_back_from_the_end():
    points = [(100, 5.0), (200, 4.0), (400, 3.5), (800, 3.25)]
    assert gain_per_doubling(points) == [(200, 1.0), (400, 0.5), (800, 0.25)]
    odd = [(90, 6.0), (400, 3.5), (800, 3.25)]
    gains = gain_per_doubling(odd)
    assert [end for end, _ in gains] == [200, 400, 800] and gains[-1][1] == 0.25


def test_the_course_has_a_recorded_run_that_learned():
    run = recorded_pretraining()
    assert isinstance(run, RecordedRun) and paths.data_file("runs/pretraining.json").exists()
    points = run.loss_while_reading()
    assert len(run.losses) >= 500 and len(run.samples) >= 3
    assert share_of_gain(points, 0.1) > 0.8, "most of the fall comes early"
    gains = [gain for _, gain in gain_per_doubling(points)]
    assert len(gains) >= 8 and min(gains[-5:]) > 0, "and still each doubling helps"
    assert max(gains[-2:]) < max(gains) / 5
    reading = dict(points)
    last = run.loss_on_held_out()[-1]
    assert reading[last[0]] == pytest.approx(last[1], abs=0.05), "text that is read once is as good as held-out text"
