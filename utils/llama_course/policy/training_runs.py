"""What training cost those who said so: published runs, prices and peaks, each row with its source.

The rows lie in ``data/policy/training_runs.json``.  Every number in them was read in the document beside it, or worked
out from numbers that were; where a row says how, it says so in ``plain`` or in its section.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from llama_course import paths
from llama_course.policy.claim_rows import CONFIDENCE, MAX_QUOTED_WORDS, Document

SECONDS_PER_HOUR = 3600
PEAKS = {"A100": "a100-peak", "H100": "h100-peak"}  # accelerator and the figure of its peak


class TrainingDataError(ValueError):
    """A row is not of the expected form; the message names it."""


@dataclass(frozen=True)
class Source:
    """Where a row was read."""

    document: Document
    section: str
    confidence: str  # a letter of CONFIDENCE

    @property
    def how_sure(self) -> str:
        """The confidence in words."""
        return CONFIDENCE[self.confidence]

    def __str__(self) -> str:
        return f"{self.document.name}, {self.section}"


@dataclass(frozen=True)
class TrainingRun:
    """One model and what its pretraining took."""

    id: str  # "llama-2-7b"
    model: str  # "Llama 2 7B"
    parameters: int
    tokens: int
    accelerator: str  # a key of PEAKS
    gpu_hours: float
    power_w: float | None  # per card, as published; None where it was not
    carbon_t: float | None  # tonnes of CO2 equivalent, before any offsetting
    source: Source

    @property
    def flop(self) -> float:
        """Operations by the rule of thumb, 6 · parameters · tokens."""
        return 6 * self.parameters * self.tokens

    @property
    def energy_kwh(self) -> float | None:
        """Hours times power."""
        return None if self.power_w is None else self.gpu_hours * self.power_w / 1000

    @property
    def utilisation(self) -> float:
        """Share of its peak that the average card reached: operations by the rule over those possible in the hours."""
        return self.flop / (self.gpu_hours * SECONDS_PER_HOUR * figure(PEAKS[self.accelerator]).value)


@dataclass(frozen=True)
class Figure:
    """One number of the world."""

    id: str  # "rent-low"
    value: float
    unit: str
    plain: str  # what it is the number of
    source: Source


@dataclass(frozen=True)
class Statement:
    """A few words, as they were written."""

    id: str
    quote: str
    source: Source


@dataclass(frozen=True)
class TrainingData:
    """All rows by id."""

    runs: dict[str, TrainingRun]
    figures: dict[str, Figure]
    statements: dict[str, Statement]


def runs() -> dict[str, TrainingRun]:
    """All published runs by id."""
    return _load().runs


def run(run_id: str) -> TrainingRun:
    """One published run, such as ``run("llama-2-7b")``.

    Raises:
        ValueError: there is no such run.
    """
    return _one(_load().runs, run_id, "run")


def card_rows() -> list[TrainingRun]:
    """The rows that the Llama 2 model card prints."""
    return [row for row in runs().values() if row.source.document.id == "card"]


def figure(figure_id: str) -> Figure:
    """One number with its source, such as ``figure("card-hours")``.

    Raises:
        ValueError: there is no such figure.
    """
    return _one(_load().figures, figure_id, "figure")


def statement(statement_id: str) -> Statement:
    """A few quoted words, such as ``statement("saturation")``.

    Raises:
        ValueError: there is no such statement.
    """
    return _one(_load().statements, statement_id, "statement")


def read(path: Path) -> TrainingData:
    """Read and validate a file of rows.

    Raises:
        TrainingDataError: naming the row.
    """
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingDataError(f"{Path(path).name}: not JSON in UTF-8: {error}") from error
    documents = {name: Document(id=name, **row) for name, row in raw["documents"].items()}
    return TrainingData(
        {row["id"]: _row(TrainingRun, row, documents) for row in raw["runs"]},
        {row["id"]: _row(Figure, row, documents) for row in raw["figures"]},
        {row["id"]: _row(Statement, row, documents) for row in raw["statements"]},
    )


def _row(kind, row: dict, documents: dict[str, Document]):
    """A row of one kind, its three words on the source put together, its numbers checked."""
    where = f"training_runs.json, {row.get('id')}"
    row = dict(row)
    try:
        document, section, confidence = documents[row.pop("document")], row.pop("section"), row.pop("confidence")
        made = kind(**row, source=Source(document, section, confidence))
    except (KeyError, TypeError) as error:
        raise TrainingDataError(f"{where}: {error}") from error
    _require(confidence in CONFIDENCE, where, f"confidence is one of {', '.join(CONFIDENCE)}")
    _require(confidence != "M", where, "a number from memory is no row")
    _require(confidence == "S" or document.kind == "primary", where, "marked P or C, so it needs a primary document")
    numbers = [value for value in row.values() if isinstance(value, int | float)]
    _require(all(value > 0 for value in numbers), where, "numbers are above 0")
    if kind is TrainingRun:
        _require(made.accelerator in PEAKS, where, f"accelerator is one of {', '.join(PEAKS)}")
    if kind is Statement:
        _require(len(made.quote.split()) <= MAX_QUOTED_WORDS, where, f"at most {MAX_QUOTED_WORDS} words are quoted")
    return made


def _require(condition, where: str, what: str) -> None:
    if not condition:
        raise TrainingDataError(f"{where}: {what}")


def _one(rows: dict, name: str, kind: str):
    if name not in rows:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(rows)}.")
    return rows[name]


@cache
def _load() -> TrainingData:
    return read(paths.data_file("policy/training_runs.json"))
