"""LoRA through peft and accelerate against the miniature's own LoRA and loop, and many processes against one."""

import copy
import importlib.util
import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
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


def history_in(folder: Path) -> dict:
    return json.loads((folder / "history.json").read_text(encoding="utf-8"))


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
    trained = [value for value in policy.parameters() if value.requires_grad]
    gradients = torch.autograd.grad(loss_of_step(0), trained)
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
    history = train(policy, loss_of_step, SETTINGS)
    assert losses == pytest.approx(history.losses, rel=1e-4)
    assert len(set(losses)) == SETTINGS.steps
    written = history_in(tmp_path / "out")
    assert written["losses"] == losses
    assert written["gradient_norms"][0] == pytest.approx(norm, rel=1e-3)
    assert len(written["gradient_norms"]) == SETTINGS.steps


def test_the_size_of_the_parts_does_not_change_the_steps(data_files, miniatures, tmp_path):
    folder = miniatures / "tiny-chat"
    data = data_of("sft", data_files, folder)
    for size in (1, 4, 6):
        run = LoraRun(rank=4, batch_size=6, micro_batch_size=size, max_length=128, seed=3)
        quietly(folder, data, tmp_path / str(size), run, SETTINGS)
    histories = [history_in(tmp_path / str(size)) for size in (1, 4, 6)]
    for name, tolerance in (("losses", 1e-5), ("gradient_norms", 1e-3)):
        for other in histories[1:]:
            assert other[name] == pytest.approx(histories[0][name], rel=tolerance)


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
    history = history_in(tmp_path / "two")
    folder = miniatures / "tiny-chat"
    settings = TrainingSettings(SETTINGS.steps, SETTINGS.learning_rate, 1, weight_decay=0.0)
    losses = quietly(folder, data_of(kind, data_files, folder), tmp_path / "one", RUN, settings)
    assert history["processes"] == 2
    assert history["losses"] == pytest.approx(losses, rel=1e-4)
    # AdamW would hide gradients that are all too small by the same factor
    assert history["gradient_norms"] == pytest.approx(history_in(tmp_path / "one")["gradient_norms"], rel=1e-3)
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


def test_a_merged_model_speaks_the_format_that_its_adapters_learned(data_files, tmp_path):
    folder = make_repository(tmp_path / "base")  # with a chat format of its own, as TinyLlama; Llama 2's base has none
    data = data_of("sft", data_files, folder)
    run = LoraRun(rank=4, batch_size=2, micro_batch_size=2, max_length=250)
    quietly(folder, data, tmp_path / "adapters", run, TrainingSettings(steps=1, learning_rate=1e-3, warmup_steps=1))
    merge_adapters(folder, tmp_path / "adapters", tmp_path / "merged")
    model = load_model(tmp_path / "merged")
    question = json.loads((data_files / "sft.jsonl").read_text(encoding="utf-8").splitlines()[0])["messages"][:1]
    assert model._chat_ids(question) == list(data[0].prompt_ids)


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
        (["merge", "--model", "tiny-chat", "--adapters", str(tmp_path), *common], "adapter_config.json is missing"),
    ):  # fmt: skip
        assert lora_launch.main(arguments) == 1
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error


def test_a_card_that_is_too_small_for_training_is_a_sentence_too(capsys, monkeypatch, data_files, miniatures, tmp_path):
    def fail(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    for name in ("train_lora", "merge_adapters"):
        monkeypatch.setattr(lora_launch, name, fail)
    common = ["--model", "tiny-chat", "--output", str(tmp_path / "out")]
    assert lora_launch.main(["sft", "--data", str(data_files / "sft.jsonl"), *common]) == 1
    assert "memory ran out. Try a smaller --micro-batch-size" in capsys.readouterr().err
    assert lora_launch.main(["merge", "--adapters", "x", *common]) == 1
    assert capsys.readouterr().err.startswith("merge: memory ran out. The main memory must hold the whole model")


@pytest.mark.parametrize("bits", [16, 4])
def test_on_a_card_activations_are_computed_again_in_the_way_that_several_processes_bear(monkeypatch, tmp_path, bits):
    import peft
    from transformers import AutoModelForCausalLM

    told = {}

    class Model:
        def gradient_checkpointing_enable(self, options):
            told["options"] = options

        def enable_input_require_grads(self):
            pass

    def load(folder, **options):
        told.update(place=options["device_map"], packed="quantization_config" in options)
        return Model()

    def prepare(model, use_gradient_checkpointing, options):
        told["options"] = options if use_gradient_checkpointing else None
        return model

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    monkeypatch.setattr(peft, "prepare_model_for_kbit_training", prepare)
    monkeypatch.setattr(lora_runs, "nf4", lambda dtype: "nf4")
    lora_runs.open_base(tmp_path, LoraRun(bits=bits), hardware.Device("cuda", "bfloat16", "A100"), process=3)
    assert told == {"place": {"": 3}, "packed": bits == 4, "options": {"use_reentrant": False}}


def test_an_overflow_of_float16_is_no_number_in_the_history(monkeypatch, data_files, miniatures, tmp_path):
    import accelerate

    norms = iter([math.inf, math.nan, 1.5])
    monkeypatch.setattr(accelerate.Accelerator, "clip_grad_norm_", lambda *arguments: torch.tensor(next(norms)))
    folder = miniatures / "tiny-chat"
    settings = TrainingSettings(steps=3, learning_rate=1e-3, warmup_steps=1)
    quietly(folder, data_of("sft", data_files, folder), tmp_path, RUN, settings)
    assert history_in(tmp_path)["gradient_norms"] == [None, None, 1.5]


def test_a_missing_package_is_named_with_the_command(capsys, monkeypatch, data_files, miniatures, tmp_path):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    data, output = str(data_files / "sft.jsonl"), str(tmp_path / "out")
    assert lora_launch.main(["sft", "--model", "tiny-chat", "--data", data, "--output", output]) == 1
    assert "`pip install accelerate peft bitsandbytes`" in capsys.readouterr().err
