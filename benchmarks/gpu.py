"""What a graphics card does with a model of Llama 2's sizes: memory, loading, writing speed, training.

    python benchmarks/gpu.py                          # an NVIDIA card of 24 GB or more; 14 GB of disk, some minutes
    python benchmarks/gpu.py --sizes tinyllama-1.1b   # one of 6 GB
    python benchmarks/gpu.py --write                  # and record: gpu.json, and the table in README.md

The weights are random, so nothing is downloaded and nobody's permission is asked: memory and speed do not depend on
what a model says.  The model is written in the format of the hub and opened by ``load_model``, as Llama 2 would be.
Without a card it runs on the CPU, where the memory that the model takes is not measured.
"""

import argparse
import dataclasses
import datetime
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from llama_course import hardware
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.loading import load_model
from llama_course.models.sizes import GIB, SHAPES, Shape, memory_need, weight_bytes
from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.ppo import PPO, PPOSettings
from llama_course.training.reward_models import RewardModel

ROOT = Path(__file__).resolve().parent.parent
RESULTS, README = ROOT / "benchmarks" / "gpu.json", ROOT / "benchmarks" / "README.md"
START, END = "<!-- gpu: written by benchmarks/gpu.py -->", "<!-- end of gpu -->"
RUNS, NEW_TOKENS, PROMPT_TOKENS = 5, 64, 32
MINIATURE = LlamaConfig(
    vocab_size=1024, hidden_size=160, intermediate_size=448, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=True, eos_token_id=None,
)  # fmt: skip
TOKENS_PER_STEP = 4096
PPO_SETTINGS = PPOSettings()


def main() -> None:
    """Measure, print, and with --write keep the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", choices=SHAPES, default="llama-2-7b")
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 4])
    parser.add_argument("--context", type=int, default=4096, help="tokens of the longest conversation")
    parser.add_argument("--write", action="store_true", help="update gpu.json and the README")
    options = parser.parse_args()
    device = hardware.choose_device()
    if options.write and device.name != "cuda":
        parser.error(f"only the figures of a graphics card are recorded, and this computer has none ({device}).")
    print(device, flush=True)
    rows = large_model(SHAPES[options.sizes], options.bits, options.context, device.name)
    rows += training(device.name)
    for row in rows:
        print(" | ".join(cells(row)), flush=True)
    if options.write:
        from run import machine

        data = {
            "machine": f"{torch.cuda.get_device_name()}; {machine()}",
            "date": datetime.date.today().isoformat(),
            "command": f"python benchmarks/gpu.py --sizes {options.sizes} --context {options.context}",
            "rows": rows,
        }
        RESULTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        before, rest = README.read_text(encoding="utf-8").split(START)
        README.write_text(f"{before}{table(data)}{rest.split(END)[1]}", encoding="utf-8")


# -- a model of Llama 2's sizes ----------------------------------------------------------------------------------------


def large_model(shape: Shape, bits: list[int], context_tokens: int, device: str) -> list[dict]:
    """Rows on a random model of these sizes, for each number of bits a weight."""
    with tempfile.TemporaryDirectory() as place:
        folder = write_random_model(shape, Path(place) / "model", context_tokens, device)
        return [row for one in bits for row in opened(folder, shape, one, context_tokens, device)]


def write_random_model(shape: Shape, folder: Path, context_tokens: int, device: str) -> Path:
    """A Llama with random 16-bit weights and a tokenizer of single characters, in the format of the hub."""
    from tokenizers import Tokenizer, models
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
    from transformers import LlamaConfig as HubConfig

    torch.manual_seed(0)
    config = HubConfig(**dataclasses.asdict(shape), max_position_embeddings=context_tokens)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
    model.save_pretrained(folder)
    letters = {character: number for number, character in enumerate("_abcdefghijklmnopqrstuvwxyz .?")}
    tokenizer = Tokenizer(models.BPE(letters, [], unk_token="_"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="_", eos_token="_").save_pretrained(folder)
    del model
    free_memory(device)
    return folder


def opened(folder: Path, shape: Shape, bits: int, context_tokens: int, device: str) -> list[dict]:
    """Load in this format, read a full context, write; memory beside the estimate, speed beside the limit."""
    before = used_gib(device)
    began = time.perf_counter()
    model = load_model(folder, bits=bits, max_context_tokens=context_tokens)
    loading_s = time.perf_counter() - began
    estimate = memory_need(shape, bits, context_tokens)
    rows = [row(f"{bits}-bit: loading, warm disk", "s", [loading_s])]
    if device == "cuda":
        rows.append(row(f"{bits}-bit: weights", "GiB", [used_gib(device) - before], estimate.weights_gib))
        torch.cuda.reset_peak_memory_stats()
        read(model.model, context_tokens, device)
        peak = torch.cuda.max_memory_allocated() / GIB - before
        rows.append(row(f"{bits}-bit: peak while a full context is read", "GiB", [peak], estimate.total_gib))
    speeds = [writing_speed(model.model, device) for _ in range(RUNS)]
    limit = reading_speed_gb_per_s(device) * 1e9 / read_for_a_token(shape, bits)
    rows.append(row(f"{bits}-bit: writing one text", "tokens/s", speeds, limit))
    model.close()
    del model
    free_memory(device)
    return rows


@torch.no_grad()
def read(net, tokens: int, device: str):
    """Read so many tokens at once, with logits for each, as scoring a text does."""
    return net(torch.ones(1, tokens, dtype=torch.int64, device=device), use_cache=True)


@torch.no_grad()
def writing_speed(net, device: str) -> float:
    """Tokens a second, one after the other, after a short prompt; reading the prompt is not counted."""
    output = read(net, PROMPT_TOKENS, device)
    began = time.perf_counter()
    for _ in range(NEW_TOKENS):
        best = output.logits[:, -1:].argmax(-1)  # (1, 1)
        output = net(best, past_key_values=output.past_key_values, use_cache=True)
        best.item()  # waits for the card
    return NEW_TOKENS / (time.perf_counter() - began)


def read_for_a_token(shape: Shape, bits: int) -> float:
    """Bytes of weights read for one token: all but the embedding, of which it takes one row."""
    embedding = 0 if shape.tie_word_embeddings else shape.vocab_size * shape.hidden_size
    return weight_bytes(shape, bits) - embedding * (4 if bits == 32 else 2)


def reading_speed_gb_per_s(device: str, read_bytes: int = 2**30) -> float:
    """10⁹ bytes a second that the device reads from its own memory, at its best: a long sum."""
    numbers = torch.ones(read_bytes // 4, device=device)
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        numbers.sum().item()
        times.append(time.perf_counter() - began)
    return numbers.nbytes / min(times) / 1e9


# -- the miniature -----------------------------------------------------------------------------------------------------


def training(device: str) -> list[dict]:
    """Pretraining and PPO of a miniature on this device and, beside it, on the CPU; by turns."""
    places = ["cpu"] if device == "cpu" else ["cpu", device]
    pretraining = by_turns({place: training_steps(place) for place in places})
    ppo = by_turns({place: ppo_iteration(place) for place in places})
    return [row(f"training a miniature, {place}", "tokens/s", pretraining[place]) for place in places] + [
        row(f"an iteration of PPO, {place}", "s", ppo[place]) for place in places
    ]


def by_turns(measures: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """What each gives, after a first time that does not count."""
    found: dict[str, list[float]] = {place: [] for place in measures}
    for number in range(RUNS + 1):
        for place, measure in measures.items():
            value = measure()
            if number:
                found[place].append(value)
    return found


def training_steps(device: str, steps: int = 4):
    """A function that trains for some steps on random tokens and returns tokens a second."""
    torch.manual_seed(0)
    model = Llama(MINIATURE).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    length = MINIATURE.max_position_embeddings
    ids = torch.randint(MINIATURE.vocab_size, (TOKENS_PER_STEP // length, length + 1)).to(device)

    def run() -> float:
        began = time.perf_counter()
        for _ in range(steps):
            loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # waits for the card
        return steps * TOKENS_PER_STEP / (time.perf_counter() - began)

    return run


def ppo_iteration(device: str):
    """A function that draws answers, scores them with a reward model, takes two steps, and returns the seconds."""
    torch.manual_seed(0)
    policy, reference = (Llama(MINIATURE).to(device) for _ in range(2))
    rewards = RewardModel(Llama(MINIATURE).model, MINIATURE.hidden_size).to(device)
    prompts = [(1, *range(number, number + 20)) for number in range(3, 300)]
    settings = TrainingSettings(steps=PPO_SETTINGS.epochs, learning_rate=1e-4, warmup_steps=0)

    @torch.no_grad()
    def reward_of(numbers, drawn):
        return rewards(drawn.input_ids, drawn.lengths)

    def run() -> float:
        began = time.perf_counter()
        train(policy, PPO(policy, reference, prompts, reward_of, PPO_SETTINGS), settings)  # .item() waits for the card
        return time.perf_counter() - began

    return run


# -- results -----------------------------------------------------------------------------------------------------------


def used_gib(device: str) -> float:
    """What PyTorch has in use on a card."""
    return torch.cuda.memory_allocated() / GIB if device == "cuda" else 0.0


def free_memory(device: str) -> None:
    """Make room for the next model."""
    import gc

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def row(what: str, unit: str, values: list[float], expected: float | None = None) -> dict:
    """A measured quantity, and what the estimate or the limit had said."""
    rounded = [float(f"{value:.4g}") for value in values]
    return {
        "what": what,
        "unit": unit,
        "median": statistics.median(rounded),
        "values": rounded,
        "expected": None if expected is None else float(f"{expected:.4g}"),
    }


def cells(row: dict) -> tuple[str, ...]:
    """What, measured, all runs, and what the estimate or the limit had said with the ratio to it."""
    several = f"{min(row['values']):g} to {max(row['values']):g}, {len(row['values'])} runs"
    expected = row["expected"]
    said = "" if expected is None else f"{expected:g}: {row['median'] / expected:.0%}"
    return row["what"], f"{row['median']:g} {row['unit']}", several if len(row["values"]) > 1 else "1 run", said


def table(data: dict) -> str:
    """The recorded rows as they stand in the README, marks included."""
    head = "| what | median | runs | estimate or limit, and the share of it |\n|---|---|---|---|"
    rows = ["| " + " | ".join(cells(one)) + " |" for one in data["rows"]]
    return "\n".join([START, head, *rows, "", f"{data['machine']}, {data['date']}: `{data['command']}`.", END])


if __name__ == "__main__":
    main()
