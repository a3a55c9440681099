"""The commands that ``accelerate launch -m llama_course.training.lora_launch`` runs: sft, dpo, merge."""

import argparse
import sys
from pathlib import Path

from llama_course.models.catalog import UnknownModelError, find_card
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.transformers_backend import is_out_of_memory
from llama_course.training.conversation_files import read_examples, read_pairs
from llama_course.training.lora_runs import LoraRun, merge_adapters, train_lora
from llama_course.training.optimization import TrainingSettings

_TRY = "Try a smaller --micro-batch-size (the steps stay the same) or --max-length, or --bits 4."
SMALLER = {
    "sft": _TRY,
    "dpo": _TRY,
    "merge": "The main memory must hold the whole model in 16 bits: close other programs.",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code, and prints a sentence instead of a traceback for expected failures."""
    options = parser().parse_args(arguments)
    try:
        folder = model_folder(options.model)
        if options.command == "merge":
            merge_adapters(folder, options.adapters, options.output)
            return 0
        run = LoraRun(
            rank=options.rank,
            batch_size=options.batch_size,
            micro_batch_size=options.micro_batch_size,
            max_length=options.max_length,
            bits=options.bits,
            seed=options.seed,
        )
        steps, warmup = options.steps, min(options.steps, max(1, options.steps // 30))
        settings = TrainingSettings(steps, options.learning_rate, warmup, weight_decay=0.0)
        read = read_examples if options.command == "sft" else read_pairs
        train_lora(folder, read(options.data, *encoding(folder)), options.output, run, settings, _say)
    except ImportError as error:
        print(f"{error}. Install what is missing with `pip install accelerate peft bitsandbytes`.", file=sys.stderr)
        return 1
    except (ValueError, RuntimeError, OSError, MemoryError) as error:
        said = f"memory ran out. {SMALLER[options.command]}" if is_out_of_memory(error) else error
        print(f"{options.command}: {said}", file=sys.stderr)
        return 1
    return 0


def model_folder(name: str) -> Path:
    """The folder of a model: a path, or a name of the catalog, which is fetched."""
    from llama_course.models.embedded import checkpoint_folder
    from llama_course.models.hub import fetch_repository

    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return path
    try:
        card = find_card(name)
    except UnknownModelError as error:
        raise UnknownModelError(f"{path} holds no model, and: {error}") from error
    if card.source.embedded:
        return checkpoint_folder(card.name)
    if card.source.file is not None:
        raise ModelNotAvailableError(f"{card.name} is a GGUF file, which cannot be trained.")
    return fetch_repository(card)  # processes that ask at the same time wait for the first


def encoding(folder: Path):
    """How the tokenizer of ``folder`` cuts a text, nothing added, and its ids of BOS and EOS."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def encode(text: str) -> list[int]:  # split_special_tokens cuts the markers of the chat format like ordinary text
        return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]

    return encode, tokenizer.bos_token_id, tokenizer.eos_token_id


def _say(line: str) -> None:
    print(line, flush=True)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    whole = argparse.ArgumentParser(prog="lora_launch", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    for name, text in (("sft", "learn the answers of conversations"), ("dpo", "learn from preferences")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--data", required=True, type=Path, help="JSON lines; see training/conversation_files.py")
        command.add_argument("--steps", type=int, default=200)
        command.add_argument("--learning-rate", type=float, default=2e-4 if name == "sft" else 2e-5)
        for option, default in (("rank", 16), ("batch-size", 64), ("micro-batch-size", 4), ("max-length", 1024)):
            command.add_argument(f"--{option}", type=int, default=default)
        command.add_argument("--bits", type=int, default=16, choices=(16, 4), help="of the frozen weights")
        command.add_argument("--seed", type=int, default=0)
    merge = commands.add_parser("merge", help="work adapters into the weights, for load_model('PATH')")
    merge.add_argument("--adapters", required=True, type=Path)
    for command in commands.choices.values():
        command.add_argument("--model", required=True, help="a folder, or a name such as llama-2-7b")
        command.add_argument("--output", required=True, type=Path, help="folder to write to")
    return whole


if __name__ == "__main__":
    sys.exit(main())
