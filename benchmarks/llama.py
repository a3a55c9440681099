"""Measure our Llama against transformers' LlamaForCausalLM: training throughput and decoding of one text.

    python benchmarks/llama.py                      # one and two threads, about 2 minutes
    python benchmarks/llama.py --hidden-size 160

Both sides have the same shape and the same weights, and run by turns in the same process, in the same loop; a figure is
the median of its runs.  transformers does not build the cache that training has no use for (use_cache=False).
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from llama_course.models.llama import Llama, LlamaConfig

TINY = LlamaConfig(
    vocab_size=1024,
    hidden_size=128,
    intermediate_size=352,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    tie_word_embeddings=True,
    eos_token_id=None,
)
TOKENS_PER_STEP, PROMPT_TOKENS, NEW_TOKENS = 4096, 16, 200


def main() -> None:
    """Measure, print a table, and as JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-size", type=int, default=TINY.hidden_size)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print all runs as JSON at the end")
    options = parser.parse_args()
    config = dataclasses.replace(TINY, hidden_size=options.hidden_size)
    results = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        for name, sides in measures(config).items():
            results.append({"measure": name, "threads": threads} | compare(sides, options.runs))
            print(row(results[-1]), flush=True)
    if options.json:
        print(json.dumps(results))


def measures(config: LlamaConfig) -> dict[str, dict[str, Callable[[], float]]]:
    """Name of each measure, with a run of each side that returns tokens per second."""
    torch.manual_seed(0)
    ours = Llama(config)
    theirs = transformers_twin(ours)
    prompt = torch.randint(config.vocab_size, (1, PROMPT_TOKENS))
    greedy = {"do_sample": False}
    drawn = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0}
    return {
        "training": {
            "ours": training(ours, ours),
            "transformers": training(theirs, lambda ids: theirs(ids, use_cache=False).logits),
        },
        "decoding, greedy": {
            "ours": decoding(lambda: ours.generate(prompt, NEW_TOKENS, temperature=0)),
            "transformers": decoding(lambda: transformers_generate(theirs, prompt, greedy)),
        },
        "decoding, temperature 0.7, top-p 0.9": {
            "ours": decoding(lambda: ours.generate(prompt, NEW_TOKENS, temperature=0.7, top_p=0.9)),
            "transformers": decoding(lambda: transformers_generate(theirs, prompt, drawn)),
        },
    }


def compare(sides: dict[str, Callable[[], float]], runs: int) -> dict:
    """All runs of both sides, by turns after a first one that does not count, and the median of the ratios."""
    found = {name: [] for name in sides}
    for number in range(runs + 1):
        for name, run in sides.items():
            speed = run()
            if number:
                found[name].append(round(speed, 1))
    ratios = [ours / theirs for ours, theirs in zip(found["ours"], found["transformers"], strict=True)]
    return {"tokens_per_second": found, "ratio": round(statistics.median(ratios), 2), "ratios": ratios}


def row(result: dict) -> str:
    """One line of the table."""
    medians = {name: statistics.median(speeds) for name, speeds in result["tokens_per_second"].items()}
    speeds = ", ".join(f"{name} {speed:,.0f}" for name, speed in medians.items())
    low, high = min(result["ratios"]), max(result["ratios"])
    return (
        f"{result['measure']}, {result['threads']} thread{'s' if result['threads'] > 1 else ''}: {speeds} tokens/s, "
        f"{result['ratio']:.2f} times as fast ({low:.2f} to {high:.2f} in {len(result['ratios'])} runs)"
    )


def transformers_twin(model: Llama):
    """transformers' model with the same sizes and weights."""
    from transformers import LlamaConfig as TheirConfig
    from transformers import LlamaForCausalLM

    sizes = dataclasses.asdict(model.config)
    rope = {"rope_type": "default", "rope_theta": sizes.pop("rope_theta")}
    twin = LlamaForCausalLM(TheirConfig(**sizes, rope_parameters=rope))
    twin.load_state_dict(model.state_dict())
    return twin


def training(model: torch.nn.Module, logits_of: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], float]:
    """A run of two training steps: forward, loss, backward, clipping, AdamW."""
    context = TINY.max_position_embeddings
    ids = torch.randint(TINY.vocab_size, (TOKENS_PER_STEP // context, context + 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def run() -> float:
        model.train()
        began = time.perf_counter()
        for _ in range(2):
            loss = F.cross_entropy(logits_of(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return 2 * TOKENS_PER_STEP / (time.perf_counter() - began)

    return run


def transformers_generate(model, prompt: torch.Tensor, settings: dict) -> torch.Tensor:
    """transformers' own generate, with its cache."""
    return model.eval().generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=NEW_TOKENS, pad_token_id=0, **settings
    )


def decoding(generate: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """A run that generates one text."""

    def run() -> float:
        began = time.perf_counter()
        made = generate().shape[1] - PROMPT_TOKENS
        return made / (time.perf_counter() - began)

    return run


if __name__ == "__main__":
    main()
