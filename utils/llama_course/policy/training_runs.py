"""What training cost those who said so: published runs, prices and peaks, each row with its source."""

from dataclasses import dataclass

from llama_course import paths
from llama_course.policy.published import PublishedRows, Source

SECONDS_PER_HOUR = 3600
PEAKS = {"A100": "a100-peak", "H100": "h100-peak"}  # accelerator and the figure of its peak


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

    def __post_init__(self):
        if self.accelerator not in PEAKS:
            raise ValueError(f"accelerator is one of {', '.join(PEAKS)}")

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


ROWS = PublishedRows(paths.data_file("policy/training_runs.json"), runs=TrainingRun)
figure, statement = ROWS.figure, ROWS.statement


def runs() -> dict[str, TrainingRun]:
    """All published runs by id."""
    return ROWS.rows["runs"]


def run(run_id: str) -> TrainingRun:
    """One published run, such as ``run("llama-2-7b")``; raises ValueError if there is none of that id."""
    return ROWS.one("runs", run_id)


def card_rows() -> list[TrainingRun]:
    """The rows that the Llama 2 model card prints."""
    return [row for row in runs().values() if row.source.document.id == "card"]
