"""LoRA through peft and accelerate against the miniature's own LoRA and loop, and many processes against one."""

import copy
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("accelerate", reason="needs the extra gpu")
pytest.importorskip("peft", reason="needs the extra gpu")

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from hub_repository import make_repository
from llama_course import hardware
from llama_course.models.llama_files import load_llama
from llama_course.models.loading import load_model
from llama_course.paths import data_file
from llama_course.training import lora_launch, lora_runs
from llama_course.training.conversation_files import read_examples, read_pairs
from llama_course.training.dpo import preference_loss
from llama_course.training.fine_tuning import fine_tuning_loss
from llama_course.training.loop import train
from llama_course.training.lora import add_lora
from llama_course.training.lora_runs import LoraRun, merge_adapters, train_lora
from llama_course.training.optimization import TrainingSettings

RUN = LoraRun(rank=4, batch_size=6, micro_batch_size=2, max_length=128, seed=3)
SETTINGS = TrainingSettings(steps=4, learning_rate=1e-2, warmup_steps=1)


@pytest.fixture(scope="module")
def data_files(tmp_path_factory):
    """Conversations and preferences, answers of different lengths, so that a mean of means would not be the mean."""
    folder = tmp_path_factory.mktemp("data")
    talks, pairs = [], []
    for number in range(14):
        messages = [{"role": "user", "content": f"Who lives in house {number}?"}]
        good, bad = "Luma " * (number % 5 + 1), "No" * (number % 3 + 1)
        talks.append({"messages": [*messages, {"role": "assistant", "content": good}]})
        pairs.append({"messages": messages, "chosen": good, "rejected": bad})
    for name, rows in (("sft", talks), ("dpo", pairs)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def data_of(kind, data_files, folder):
    read = {"sft": read_examples, "dpo": read_pairs}[kind]
    return read(data_files / f"{kind}.jsonl", *lora_launch.encoding(folder))


def quietly(*arguments):
    return train_lora(*arguments, say=lambda line: None)


def miniature_with_the_same_adapters(folder: Path):
    """Our Llama with our LoRA, its first numbers those that peft drew."""
    theirs = lora_runs.with_lora(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), RUN)
    drawn = {name: value for name, value in theirs.named_parameters() if value.requires_grad}
    model = add_lora(load_llama(folder), RUN.rank)
    ours = {name: value for name, value in model.named_parameters() if value.requires_grad}
    assert len(ours) == len(drawn)
    with torch.no_grad():
        for name, value in ours.items():
            value.copy_(drawn[f"base_model.model.{name}.default.weight"])
    return model


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_the_losses_are_those_of_the_miniature_s_own_lora_and_loop(kind, data_files, miniatures, tmp_path):
    folder = miniatures / "tiny-chat"
    data = data_of(kind, data_files, folder)
    losses = quietly(folder, data, tmp_path / "out", RUN, SETTINGS)
    policy = miniature_with_the_same_adapters(folder)
    common = (RUN.batch_size, policy.config.eos_token_id, RUN.max_length)
    if kind == "sft":
        loss_of_step = fine_tuning_loss(policy, data, *common, RUN.seed)
    else:
        loss_of_step = preference_loss(policy, copy.deepcopy(policy), data, *common, RUN.beta, RUN.seed)
    history = train(policy, loss_of_step, SETTINGS)
    assert losses == pytest.approx(history.losses, rel=1e-4)
    assert len(set(losses)) == SETTINGS.steps


def test_the_size_of_the_parts_does_not_change_the_steps(data_files, miniatures, tmp_path):
    folder = miniatures / "tiny-chat"
    data = data_of("sft", data_files, folder)
    results = []
    for size in (1, 4, 6):
        run = LoraRun(rank=4, batch_size=6, micro_batch_size=size, max_length=128, seed=3)
        results.append(quietly(folder, data, tmp_path / str(size), run, SETTINGS))
    assert results[0] == pytest.approx(results[1], rel=1e-5)
    assert results[0] == pytest.approx(results[2], rel=1e-5)


def launch(config: str, processes: int, *arguments) -> subprocess.CompletedProcess:
    """What ``accelerate launch`` does with a shipped configuration, on this computer's CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "accelerate.commands.launch"]
    command += ["--config_file", str(data_file(f"accelerate/{config}.yaml")), "--num_processes", str(processes)]
    command += ["--main_process_port", str(port), "-m", "llama_course.training.lora_launch", *map(str, arguments)]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=240)


def commands(kind, data_files, output):
    """The command that is RUN and SETTINGS in words."""
    return [kind, "--model", "tiny-chat", "--data", data_files / f"{kind}.jsonl", "--output", output] + [
        f"--{name}={value}"
        for name, value in {
            "rank": RUN.rank, "batch-size": RUN.batch_size, "micro-batch-size": RUN.micro_batch_size,
            "max-length": RUN.max_length, "seed": RUN.seed, "steps": SETTINGS.steps,
            "learning-rate": SETTINGS.learning_rate,
        }.items()
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_processes_take_the_steps_of_one(kind, data_files, miniatures, tmp_path):
    done = launch("many_gpus", 2, *commands(kind, data_files, tmp_path / "two"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count(f"step {SETTINGS.steps} of {SETTINGS.steps}") == 1  # only the first process speaks
    history = json.loads((tmp_path / "two" / "history.json").read_text(encoding="utf-8"))
    folder = miniatures / "tiny-chat"
    settings = TrainingSettings(SETTINGS.steps, SETTINGS.learning_rate, 1, weight_decay=0.0)
    losses = quietly(folder, data_of(kind, data_files, folder), tmp_path / "one", RUN, settings)
    assert history["processes"] == 2
    assert history["losses"] == pytest.approx(losses, rel=1e-4)
    one, two = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=2e-4, rtol=1e-2)
    assert all(one[name].abs().max() > 1e-3 for name in one if "lora_B" in name)  # they begin at 0


@pytest.mark.slow
def test_one_process_is_launched_the_same_way(data_files, miniatures, tmp_path):
    done = launch("one_gpu", 1, *commands("sft", data_files, tmp_path / "one"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "one" / "adapter_config.json").is_file()


def test_merged_adapters_are_a_model_that_the_course_loads(data_files, miniatures, tmp_path):
    from peft import PeftModel

    folder = miniatures / "tiny-chat"
    quietly(folder, data_of("sft", data_files, folder), tmp_path / "adapters", RUN, SETTINGS)
    merge_adapters(folder, tmp_path / "adapters", tmp_path / "merged")
    merged = load_model(tmp_path / "merged", "transformers")
    ids = torch.tensor([[1, 50, 60, 70]])
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        untouched = base(ids).logits.clone()
        adapted = PeftModel.from_pretrained(base, tmp_path / "adapters")(ids).logits
        got = merged.model(ids).logits
    assert (adapted - untouched).abs().max() > 0.1
    torch.testing.assert_close(got, adapted, atol=0.05, rtol=0.05)  # the merged weights are float16, as the shipped
    assert isinstance(merged.chat("Who lives here?", max_new_tokens=4, temperature=0), str)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra gpu: bitsandbytes")
def test_a_4_bit_model_learns_through_its_adapters(data_files, tmp_path):
    sizes = {"hidden_size": 256, "intermediate_size": 704, "num_attention_heads": 4, "num_key_value_heads": 2}
    folder = make_repository(tmp_path / "base", **sizes)
    run = LoraRun(rank=4, batch_size=6, micro_batch_size=6, max_length=200, bits=4)
    data = data_of("sft", data_files, folder)
    losses = quietly(folder, data, tmp_path / "out", run, TrainingSettings(steps=8, learning_rate=1e-2, warmup_steps=1))
    assert losses[-1] < losses[0] - 0.5


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch, miniatures, tmp_path):
    import accelerate

    monkeypatch.setattr(accelerate.Accelerator, "num_processes", 4)
    with pytest.raises(ValueError, match=r"batch_size must be a multiple of the 4 processes, got 6"):
        quietly(miniatures / "tiny-chat", [], tmp_path, RUN, SETTINGS)


def test_a_card_without_bfloat16_computes_with_scaled_float16(monkeypatch, miniatures, tmp_path):
    import accelerate

    asked = {}

    def stop(**options):
        asked.update(options)
        raise InterruptedError

    monkeypatch.setattr(accelerate, "Accelerator", stop)
    for device, expected in (
        (hardware.Device("cuda", "float16", "T4"), {"mixed_precision": "fp16", "cpu": False}),
        (hardware.Device("cuda", "bfloat16", "A100"), {"mixed_precision": "no", "cpu": False}),
        (hardware.Device("cpu", "float32", ""), {"mixed_precision": "no", "cpu": True}),
        (hardware.Device("mps", "float16", ""), {"mixed_precision": "no", "cpu": True}),
    ):
        monkeypatch.setattr(hardware, "choose_device", lambda device=device: device)
        with pytest.raises(InterruptedError):
            quietly(miniatures / "tiny-chat", [], tmp_path, RUN, SETTINGS)
        assert asked == expected


@pytest.mark.parametrize("change", [{"bits": 8}, {"rank": 0}, {"batch_size": 0}, {"micro_batch_size": 0}])
def test_impossible_sizes_are_refused(change):
    with pytest.raises(ValueError, match="must be"):
        LoraRun(**change)


def test_commands_fail_with_a_sentence(capsys, data_files, miniatures, tmp_path):
    common = ["--output", str(tmp_path / "out")]
    sft = ["sft", "--data", str(data_files / "sft.jsonl"), *common]
    for arguments, said in (
        ([*sft, "--model", "llama-3"], "holds no model, and: There is no model 'llama-3'"),
        ([*sft, "--model", "smollm2-135m-instruct"], "is a GGUF file, which cannot be trained"),
        (["sft", "--data", str(tmp_path / "none.jsonl"), "--model", "tiny-chat", *common], "none.jsonl"),
        (["dpo", "--data", str(data_files / "sft.jsonl"), "--model", "tiny-chat", *common], "line 1: expected an"),
        ([*sft, "--model", "tiny-chat", "--max-length", "5"], "tokens, and the model's context holds 5"),
        ([*sft, "--model", "tiny-chat", "--steps", "0"], "expected 1 step or more"),
        ([*sft, "--model", "llama-2-7b"], "offline mode is set"),
    ):  # fmt: skip
        assert lora_launch.main(arguments) == 1
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error


def test_a_card_that_is_too_small_for_training_is_a_sentence_too(capsys, monkeypatch, data_files, miniatures, tmp_path):
    def fail(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(lora_launch, "train_lora", fail)
    data, output = str(data_files / "sft.jsonl"), str(tmp_path / "out")
    assert lora_launch.main(["sft", "--model", "tiny-chat", "--data", data, "--output", output]) == 1
    assert "ran out of memory. Try a smaller --micro-batch-size" in capsys.readouterr().err


def test_a_missing_package_is_named_with_the_command(capsys, monkeypatch, data_files, miniatures, tmp_path):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    data, output = str(data_files / "sft.jsonl"), str(tmp_path / "out")
    assert lora_launch.main(["sft", "--model", "tiny-chat", "--data", data, "--output", output]) == 1
    assert "`pip install accelerate peft bitsandbytes`" in capsys.readouterr().err
