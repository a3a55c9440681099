"""Fine-tune Llama 2 with LoRA on one GPU or many: the losses, data and optimizer of the miniature, at scale.

``accelerate launch`` starts one process for each GPU; each holds the frozen model and learns from its share of every
batch, and their gradients are added up.  The steps are those that one process with the whole batch would take.

Left out: models that do not fit on one GPU (a 70B), packing of several examples into a sequence, and going on with a
run that was interrupted.  Needs the extra ``gpu``: accelerate, peft and, for 4-bit, bitsandbytes.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from llama_course import files, hardware
from llama_course.models.tokenizer import CHAT_TEMPLATE
from llama_course.models.transformers_backend import nf4
from llama_course.training.dpo import sequence_log_probs
from llama_course.training.fine_tuning import Example, batch_of, shuffled_batch
from llama_course.training.losses import dpo_loss, next_token_loss
from llama_course.training.optimization import TrainingSettings, learning_rate_at, make_optimizer
from llama_course.training.reward_models import Pair, longest, padded

CHECKPOINTING = {"use_reentrant": False}  # the other kind does not bear several processes


@dataclass(frozen=True)
class LoraRun:
    """What is trained and on how much at a time; the optimizer's settings are in :class:`TrainingSettings`."""

    rank: int = 16
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    batch_size: int = 64  # over all processes, as for SFT of Llama 2
    micro_batch_size: int = 4  # that a process computes at once; smaller needs less memory and gives the same steps
    max_length: int = 1024  # tokens of the longest example
    bits: int = 16  # of the frozen weights: 16, or 4 (QLoRA); a CPU always computes with 32
    beta: float = 0.1  # of DPO
    seed: int = 0

    def __post_init__(self):
        if self.bits not in (16, 4):
            raise ValueError(f"bits must be 16 or 4, got {self.bits!r}.")
        if min(self.rank, self.batch_size, self.micro_batch_size, self.max_length) < 1:
            raise ValueError(f"rank, sizes and lengths must be 1 or more, got {self}.")


class Logits(nn.Module):
    """A model of transformers as the losses of the course want it: token ids (B, T) to logits (B, T, V), float32."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        """Padding on the right needs no mask: no token sees what comes after it."""
        return self.model(input_ids, use_cache=False).logits.float()


def open_base(folder: Path, run: LoraRun, device: hardware.Device, process: int = 0) -> nn.Module:
    """The frozen model of ``folder`` on this process's GPU; with 4 bits made ready for training by peft."""
    from transformers import AutoModelForCausalLM

    options: dict = {"dtype": getattr(torch, device.dtype), "local_files_only": True, "use_safetensors": True}
    if device.name == "cuda":
        options["device_map"] = {"": process}
    if run.bits == 4:
        options |= {"quantization_config": nf4(device.dtype), "device_map": options.get("device_map", {"": "cpu"})}
    model = AutoModelForCausalLM.from_pretrained(folder, **options)
    if run.bits == 4:
        from peft import prepare_model_for_kbit_training

        return prepare_model_for_kbit_training(model, device.name == "cuda", CHECKPOINTING)
    if device.name == "cuda":  # trades a third more time for a small part of the memory
        model.gradient_checkpointing_enable(CHECKPOINTING)
        model.enable_input_require_grads()
    return model


def with_lora(base: nn.Module, run: LoraRun) -> nn.Module:
    """``base`` with fresh adapters, their scale twice the rank as in ``training.lora``; nothing else is trained."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(run.seed)  # the same adapters in every process
    names = list(run.targets)
    return get_peft_model(base, LoraConfig(r=run.rank, lora_alpha=2 * run.rank, target_modules=names, lora_dropout=0.0))


def fine_tuning_loss_of(run: LoraRun, pad_token_id: int) -> Callable:
    """Loss of some examples, the mean over their answer tokens; as in ``training.fine_tuning``."""

    def loss_of(logits: nn.Module, policy: nn.Module, examples: Sequence[Example], device) -> Tensor:
        input_ids, labels = (tensor.to(device) for tensor in batch_of(examples, pad_token_id, run.max_length))
        return next_token_loss(logits(input_ids), labels)

    return loss_of


def preference_loss_of(run: LoraRun, pad_token_id: int) -> Callable:
    """Loss of some pairs, the mean over them; as in ``training.dpo``, the reference being the model without LoRA."""

    def loss_of(logits: nn.Module, policy: nn.Module, pairs: Sequence[Pair], device) -> Tensor:
        sequences = [pair.chosen_ids for pair in pairs] + [pair.rejected_ids for pair in pairs]
        input_ids, lengths = padded(sequences, pad_token_id, run.max_length, device)
        ours = sequence_log_probs(logits, input_ids, lengths).chunk(2)  # chosen, rejected: (N,) each
        with torch.no_grad(), policy.disable_adapter():
            theirs = sequence_log_probs(Logits(policy), input_ids, lengths).chunk(2)
        return dpo_loss(*ours, *theirs, run.beta)

    return loss_of


def train_lora(
    folder: str | Path,
    data: Sequence[Example] | Sequence[Pair],
    output: str | Path,
    run: LoraRun,
    settings: TrainingSettings,
    say: Callable[[str], None] = print,
) -> list[float]:
    """Train adapters for the model of ``folder`` and write them to ``output``; started in every process alike.

    Args:
        folder: the base or chat model, in the Hugging Face format, with its tokenizer.
        data: examples for supervised fine-tuning, or pairs for DPO.
        output: folder of the adapters (adapter_model.safetensors, adapter_config.json) and of history.json, with the
            losses and the norms of the gradients before they are clipped (null where float16 overflowed).
        run, settings: sizes, and how the optimizer goes.
        say: told the loss, in the first process only.

    Returns:
        The loss of each step, in nats, over the whole batch.

    Raises:
        ValueError: the batch cannot be shared out evenly, or an example is too long.
        EmptyDataError: no data.
    """
    from accelerate import Accelerator

    device = hardware.choose_device()
    if device.name == "mps":  # not tried on Apple's GPU
        device = hardware.Device("cpu", "float32", "LoRA runs use NVIDIA cards or the CPU")
    accelerator = Accelerator(mixed_precision="fp16" if device.dtype == "float16" else "no", cpu=device.name == "cpu")
    world = accelerator.num_processes
    if run.batch_size % world:
        raise ValueError(f"batch_size must be a multiple of the {world} processes, got {run.batch_size}.")
    policy = with_lora(open_base(Path(folder), run, device, accelerator.local_process_index), run)
    config = policy.config
    pad_token_id = config.pad_token_id if config.pad_token_id is not None else config.eos_token_id
    learns_pairs = bool(data) and isinstance(data[0], Pair)
    loss_of = (preference_loss_of if learns_pairs else fine_tuning_loss_of)(run, pad_token_id)
    logits, optimizer = accelerator.prepare(Logits(policy), make_optimizer(policy, settings))
    policy.train()
    losses: list[float] = []
    norms: list[float | None] = []
    for step in range(settings.steps):
        batch = shuffled_batch(data, run.batch_size, run.seed, step, longest if learns_pairs else _length)
        mine = batch[accelerator.process_index :: world]
        parts = [mine[at : at + run.micro_batch_size] for at in range(0, len(mine), run.micro_batch_size)]
        weights = [sum(1 if learns_pairs else len(one.answer_ids) for one in part) for part in parts]
        weight = accelerator.reduce(torch.tensor(float(sum(weights)), device=accelerator.device), "sum").item()
        total = torch.zeros((), device=accelerator.device)
        for part, own_weight in zip(parts, weights, strict=True):
            with nullcontext() if part is parts[-1] else accelerator.no_sync(logits):  # gradients travel once a step
                share = loss_of(logits, policy, part, accelerator.device) * own_weight / weight
                accelerator.backward(share * world)  # the processes' gradients are averaged, not added
                total += share.detach()
        trained = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        norm = accelerator.clip_grad_norm_(trained, settings.max_grad_norm).item()
        norms.append(norm if math.isfinite(norm) else None)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, settings)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(accelerator.reduce(total, "sum").item())
        if accelerator.is_main_process:
            say(f"step {step + 1:,} of {settings.steps:,}, loss {losses[-1]:.4f}")
    if accelerator.is_main_process:
        policy.save_pretrained(output)
        history = {"losses": losses, "gradient_norms": norms, "processes": world}
        history |= {"run": asdict(run), "settings": asdict(settings)}
        files.write_atomically(Path(output) / "history.json", json.dumps(history, indent=2) + "\n")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return losses


def _length(example: Example) -> int:
    return len(example.prompt_ids) + len(example.answer_ids)


def merge_adapters(folder: str | Path, adapters: str | Path, output: str | Path) -> None:
    """Write the model of ``folder`` with the adapters worked into its weights, for ``load_model('PATH')``.

    Its tokenizer gets Llama 2's chat format, which the adapters learned; a base model has none, others another.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not (Path(adapters) / "adapter_config.json").is_file():  # peft would look for the folder's name on the hub
        raise FileNotFoundError(f"{adapters} holds no adapters: adapter_config.json is missing.")
    base = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", local_files_only=True, use_safetensors=True)
    PeftModel.from_pretrained(base, adapters).merge_and_unload().save_pretrained(output)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(output)
