"""The runs behind the scaling law: models of several sizes that read the same text, and one more on request."""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch

from llama_course import paths
from llama_course.models.llama import Llama, LlamaConfig, count_parameters
from llama_course.training.loop import Progress, train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import held_out_loss, pretraining_loss
from llama_course.training.village_text import VillageText

RECORDED_SIZES = (12, 16, 24, 32, 48, 64)  # hidden sizes
NEW_SIZE = 80  # to be predicted: larger than any that is recorded
RECORDED_SEEDS = (0, 1, 2, 3, 4)
STEPS, BATCH_SIZE, LENGTH = 400, 8, 128  # all models read equally much of the village's text
TOKENS = STEPS * BATCH_SIZE * LENGTH


@dataclass(frozen=True)
class ScalingRun:
    """One model of the series, trained."""

    hidden_size: int
    seed: int  # of the first weights and of the order of reading
    parameters: int
    loss_nats: float  # on held-out text, at the end
    time_s: float


def scaling_config(hidden_size: int, vocab_size: int = 1024) -> LlamaConfig:
    """The sizes of a model of the series: two layers, everything in proportion to its width."""
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=hidden_size * 5 // 2,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=True,
    )


def scaling_settings(hidden_size: int, steps: int = STEPS) -> TrainingSettings:
    """How a model of the series is trained: narrow ones bear larger steps."""
    return TrainingSettings(steps, learning_rate=min(0.05, 0.5 / hidden_size), warmup_steps=min(40, steps // 4))


def run_scaling(
    text: VillageText,
    hidden_size: int,
    seed: int = 0,
    *,
    steps: int = STEPS,
    on_step: Callable[[Progress], bool | None] | None = None,
) -> ScalingRun:
    """Train one model of the series from scratch and measure it on held-out text."""
    began = time.perf_counter()
    config = scaling_config(hidden_size, text.tokenizer.get_vocab_size())
    generator_state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = Llama(config)
    torch.set_rng_state(generator_state)  # a run leaves the caller's chance as it was
    loss = pretraining_loss(model, text.stream, BATCH_SIZE, LENGTH, seed=seed)
    train(model, loss, scaling_settings(hidden_size, steps), on_step=on_step)
    with torch.inference_mode():
        measured = held_out_loss(model, text.held_out, 32, LENGTH)()
    return ScalingRun(hidden_size, seed, count_parameters(config), measured, time.perf_counter() - began)


def recorded_runs(sizes: Collection[int] = RECORDED_SIZES) -> list[ScalingRun]:
    """What ``benchmarks/scaling.py`` recorded for these hidden sizes, the smallest first.

    By default those that the law is fitted to; ``recorded_runs([NEW_SIZE])`` are the tries with the size it predicts.
    """
    data = json.loads(paths.data_file("runs/scaling.json").read_text(encoding="utf-8"))
    rows = [ScalingRun(**row) for row in data["runs"] if row["hidden_size"] in sizes]
    return sorted(rows, key=lambda row: (row.parameters, row.seed))
