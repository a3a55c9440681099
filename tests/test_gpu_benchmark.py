"""The benchmark for graphics cards, tried on the CPU with a small shape; what is recorded stands in the README."""

import json

import pytest
import torch

from llama_course.models.sizes import Shape
from llama_course.training.ppo import PPOSettings
from pretend_card import CARD, pretended_card, put_on_card
from test_benchmarks import ROOT, benchmark

SMALL = Shape(128, 352, 2, 4, 2, 512)
gpu = benchmark("gpu")


@pytest.fixture(autouse=True)
def few_runs(monkeypatch):
    monkeypatch.setattr(gpu, "RUNS", 2)
    monkeypatch.setattr(gpu, "NEW_TOKENS", 4)
    monkeypatch.setattr(gpu, "TOKENS_PER_STEP", 512)
    monkeypatch.setattr(gpu, "PPO_SETTINGS", PPOSettings(prompts=4, max_new_tokens=3))


def test_a_random_model_is_loaded_and_writes_in_each_format(capsys, own_home, monkeypatch):
    monkeypatch.setattr(gpu, "reading_speed_gb_per_s", lambda device: 1.0)
    rows = gpu.large_model(SMALL, [32, 16], 64, "cpu")
    assert [row["what"] for row in rows] == [
        "32-bit: loading, warm disk",
        "32-bit: writing one text",
        "16-bit: loading, warm disk",
        "16-bit: writing one text",
    ]
    assert all(row["median"] > 0 for row in rows)
    assert len(rows[1]["values"]) == 2
    assert rows[3]["expected"] == pytest.approx(1e9 / gpu.read_for_a_token(SMALL, 16), rel=1e-3)
    assert "loading it in 16-bit" in capsys.readouterr().out


def test_the_model_on_disk_has_these_sizes_in_16_bits(tmp_path):
    folder = gpu.write_random_model(SMALL, tmp_path / "model", 64, "cpu")
    stored = (folder / "model.safetensors").stat().st_size
    assert 0 < stored - 2 * SMALL.parameters < 10_000  # and a table of contents
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["num_key_value_heads"] == 2


def test_a_token_reads_all_weights_but_the_embedding():
    assert gpu.read_for_a_token(SMALL, 16) == 2 * (SMALL.parameters - 512 * 128)


def test_the_speed_of_reading_is_that_of_the_numbers_read(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: float(next(ticks)))  # each sum takes a second
    assert gpu.reading_speed_gb_per_s("cpu", 4_000_000) == pytest.approx(0.004)


def test_training_is_compared_with_the_cpu():
    pretraining, ppo = gpu.training("cpu")
    assert (pretraining["what"], pretraining["unit"]) == ("training a miniature, cpu", "tokens/s")
    assert (ppo["what"], ppo["unit"]) == ("an iteration of PPO, cpu", "s")
    assert len(pretraining["values"]) == len(ppo["values"]) == 2 and ppo["median"] > 0


def test_an_iteration_of_ppo_trains_on_the_device_it_is_asked_for(monkeypatch):
    put = torch.nn.Module.to
    monkeypatch.setattr(torch.nn.Module, "to", lambda model, place: put_on_card(model) if place == CARD else put(model))
    with pretended_card(monkeypatch):
        assert gpu.ppo_iteration(CARD)() > 0


def test_only_a_card_s_figures_are_recorded(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu.py", "--write"])
    monkeypatch.setattr(gpu.hardware, "choose_device", lambda: gpu.hardware.Device("cpu", "float32", "no card"))
    monkeypatch.setattr(gpu, "large_model", lambda *sizes: pytest.fail("measured before it was refused"))
    with pytest.raises(SystemExit):
        gpu.main()
    assert "only the figures of a graphics card are recorded" in capsys.readouterr().err


def test_the_readme_has_what_was_recorded_or_says_that_nothing_was():
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    if gpu.RESULTS.exists():
        assert gpu.table(json.loads(gpu.RESULTS.read_text(encoding="utf-8"))) in readme
    else:
        assert "Not recorded yet" in readme.split(gpu.START)[1].split(gpu.END)[0]


def test_the_table_has_the_share_of_the_estimate():
    rows = [gpu.row("weights", "GiB", [13.0], 12.5), gpu.row("writing", "tokens/s", [40.0, 50.0, 42.0])]
    made = gpu.table({"rows": rows, "machine": "a card", "date": "2026-01-01", "command": "python benchmarks/gpu.py"})
    assert "| weights | 13 GiB | 1 run | 12.5: 104% |" in made
    assert "| writing | 42 tokens/s | 40 to 50, 3 runs |  |" in made
