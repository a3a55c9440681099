"""Recorded runs: models of several sizes read a village's text with secrets in it, with copies and without."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.evaluation.exposure import rank_correlation
from llama_course.llamaland.canaries import canaries, with_canaries
from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.tokenizer import load_tokenizer
from llama_course.safety.memorisation import mean_bits, read, remembered, share_extracted
from llama_course.training.deduplication import without_duplicates

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

FILE = "runs/canaries.json"
BASE = 0  # instead of a hidden size: tiny-base, which has read before, reads on
SIZES = (16, 32, 64, 128)  # hidden sizes of models that begin with random weights
RECORDED_SEEDS = (0, 1, 2, 3, 4)
DOCUMENTS, EPOCHS = 1_000, 6  # of the new models; every token is read so often
BASE_DOCUMENTS = 600  # that tiny-base reads on, once
BATCH_SIZE, LENGTH = 8, 128


@dataclass(frozen=True)
class CanaryRun:
    """One model that has read the secrets, and what it knows of them."""

    hidden_size: int  # or BASE
    parameters: int
    seed: int  # of the secrets, the text, the first weights and the order of reading
    deduplicated: bool
    epochs: int  # every text was read so often
    bits: dict[int, float]  # mean exposure, by how often a secret stood in the text before deduplication
    extracted: dict[int, float]  # share of secrets given away
    time_s: float

    @property
    def rank_correlation(self) -> float:
        """Of mean exposure with how often a secret stood in the text."""
        return rank_correlation(list(self.bits), list(self.bits.values()))


def run_canaries(hidden_size: int, seed: int, *, deduplicated: bool = False, small: bool = False) -> CanaryRun:
    """Plant, let read, ask.

    Args:
        hidden_size: of a new model of two layers, or ``BASE`` for tiny-base.
        seed: of everything.
        deduplicated: whether copies are taken out before reading.
        small: a hundred documents once, to try the function itself.
    """
    began = time.perf_counter()
    world, folder = World(), checkpoint_folder("tiny-base")
    tokenizer, planted = load_tokenizer(folder), canaries(world, seed=100 + seed)
    is_base = hidden_size == BASE
    count = 100 if small else BASE_DOCUMENTS if is_base else DOCUMENTS
    epochs = 1 if small or is_base else EPOCHS
    texts = with_canaries([d.text for d in documents(world, count, seed=2_000 + seed)], planted, seed)
    texts = without_duplicates(texts) if deduplicated else texts
    model = _model(folder, hidden_size, seed)
    how = {"batch_size": 4, "learning_rate": 4e-3} if is_base else {"learning_rate": min(0.03, 0.5 / hidden_size)}
    read(model, tokenizer, texts, epochs=epochs, seed=seed, **{"batch_size": BATCH_SIZE, "length": LENGTH} | how)
    found = remembered(model, tokenizer, planted, seed=seed)
    parameters = sum(weight.numel() for weight in model.parameters())
    bits, extracted = mean_bits(found), share_extracted(found)
    return CanaryRun(hidden_size, parameters, seed, deduplicated, epochs, bits, extracted, time.perf_counter() - began)


def _model(folder: Path, hidden_size: int, seed: int) -> "Llama":
    import torch

    from llama_course.models.llama import Llama
    from llama_course.models.llama_files import load_llama
    from llama_course.training.scaling_runs import scaling_config

    if hidden_size == BASE:
        return load_llama(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Llama(scaling_config(hidden_size))


def recorded_canaries(path: Path | None = None) -> list[CanaryRun]:
    """What ``benchmarks/canaries.py`` recorded: sizes from small to large, tiny-base first, then by seed."""
    data = json.loads((paths.data_file(FILE) if path is None else path).read_text(encoding="utf-8"))
    runs = [
        CanaryRun(**{**row, **{name: {int(k): v for k, v in row[name].items()} for name in ("bits", "extracted")}})
        for row in data["runs"]
    ]
    return sorted(runs, key=lambda run: (run.deduplicated, run.hidden_size, run.seed))


def of_size(runs: Sequence[CanaryRun], hidden_size: int, *, deduplicated: bool = False) -> list[CanaryRun]:
    """The runs of one size, by seed.

    Raises:
        ValueError: there are none.
    """
    found = [run for run in runs if (run.hidden_size, run.deduplicated) == (hidden_size, deduplicated)]
    if not found:
        raise ValueError(f"no run of size {hidden_size}, deduplicated {deduplicated}, was recorded.")
    return found


def mean_over(runs: Sequence[CanaryRun], what: str) -> dict[int, float]:
    """Mean over runs of "bits" or "extracted", by how often a secret stood in the text."""
    rows = [getattr(run, what) for run in runs]
    return {times: math.fsum(row[times] for row in rows) / len(rows) for times in rows[0]}
