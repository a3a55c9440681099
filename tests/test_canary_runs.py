"""Recorded canaries: the function at its smallest, the script, and that the file bears out what lesson 11 says."""

import json

import pytest

from llama_course import paths
from llama_course.safety import canary_runs
from llama_course.safety.canary_runs import (
    BASE,
    FILE,
    RECORDED_SEEDS,
    SIZES,
    CanaryRun,
    mean_over,
    of_size,
    recorded_canaries,
    run_canaries,
)
from test_benchmarks import benchmark

script = benchmark("canaries")
WHOLE = len(RECORDED_SEEDS) * (len((BASE, *SIZES)) + 2)  # two of the sizes also without copies


def is_recorded() -> bool:
    path = paths.data_file(FILE)
    return path.exists() and len(recorded_canaries(path)) >= WHOLE


recorded = pytest.mark.skipif(not is_recorded(), reason="not all is recorded: run python benchmarks/canaries.py")


def row(size=64, seed=0, bits=(1.0, 2.0), deduplicated=False):
    return CanaryRun(size, 1000, seed, deduplicated, 6, dict(zip((0, 8), bits, strict=True)), {0: 0.0, 8: 0.5}, 1.0)


@pytest.mark.parametrize(("size", "deduplicated"), [(16, False), (BASE, True)])
def test_a_run_measures_every_group(miniatures, size, deduplicated):
    run = run_canaries(size, 3, deduplicated=deduplicated, small=True)
    assert (run.hidden_size, run.seed, run.deduplicated, run.epochs) == (size, 3, deduplicated, 1)
    assert list(run.bits) == list(run.extracted) == [0, 1, 2, 4, 8, 16, 32, 64]
    assert -1 <= run.rank_correlation <= 1 and run.parameters > 1_000


def test_runs_are_chosen_by_size_and_averaged():
    runs = [row(), row(seed=1, bits=(3.0, 6.0)), row(16), row(deduplicated=True)]
    assert [run.seed for run in of_size(runs, 64)] == [0, 1]
    assert mean_over(of_size(runs, 64), "bits") == {0: 2.0, 8: 4.0}
    assert row().rank_correlation == pytest.approx(1) and row(bits=(2.0, 1.0)).rank_correlation == pytest.approx(-1)
    with pytest.raises(ValueError, match="no run of size 32, deduplicated False"):
        of_size(runs, 32)


def test_an_interrupted_recording_goes_on(tmp_path, miniatures, monkeypatch):
    done, path = [], tmp_path / "canaries.json"

    def run(size, seed, *, deduplicated, small):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((size, seed, deduplicated))
        return row(size, seed, deduplicated=deduplicated)

    monkeypatch.setattr(script, "run_canaries", run)
    monkeypatch.setattr(script.torch, "set_num_threads", lambda threads: None)
    arguments = ["--threads", "1", "--seeds", "0", "--sizes", "0", "16", "128", "--file", str(path)]
    with pytest.raises(KeyboardInterrupt):
        script.main(arguments)
    assert len(recorded_canaries(path)) == 3
    done.clear()
    script.main(arguments)
    assert done == [(128, 0, False), (128, 0, True)] or done == [(128, 0, True)]
    found = recorded_canaries(path)
    assert len(found) == 5 and found[0].bits == {0: 1.0, 8: 2.0}
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "epochs": 99}), encoding="utf-8")
    with pytest.raises(SystemExit, match="another tiny-base or of another text"):
        script.main(arguments)


@recorded
def test_the_file_is_of_this_text():
    data = json.loads(paths.data_file(FILE).read_text(encoding="utf-8"))
    assert (data["documents"], data["epochs"], data["small"]) == (canary_runs.DOCUMENTS, canary_runs.EPOCHS, False)


@recorded
@pytest.mark.parametrize("size", [BASE, *SIZES[2:]])
def test_exposure_grows_with_repetitions(size):
    """In smaller models hardly anything is remembered, and the order of the groups is chance."""
    runs = of_size(recorded_canaries(), size)
    assert {run.seed for run in runs} <= set(RECORDED_SEEDS)
    correlations = sorted(run.rank_correlation for run in runs)
    assert correlations[len(correlations) // 2] >= 0.9, correlations


@recorded
def test_larger_models_remember_more_and_without_copies_little_is_left():
    runs = recorded_canaries()
    by_size = [mean_over(of_size(runs, size), "bits")[64] for size in SIZES]
    assert by_size[-1] > by_size[0] + 3, by_size
    for size in (BASE, SIZES[-1]):
        once = mean_over(of_size(runs, size, deduplicated=True), "bits")[64]
        assert once < mean_over(of_size(runs, size), "bits")[64] - 3
