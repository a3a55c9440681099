"""What was published about fine-tuning: Llama 2's own, LoRA, and models that learned another model's answers.

The rows lie in ``data/policy/tuning.json``, in the form of those on pretraining.
"""

from functools import cache

from llama_course import paths
from llama_course.policy.training_runs import Figure, Statement, TrainingData, read

IMITATORS = {"Alpaca": "alpaca", "Vicuna": "vicuna", "WizardLM": "wizardlm"}


def figures() -> dict[str, Figure]:
    """All numbers by id."""
    return _load().figures


def statements() -> dict[str, Statement]:
    """All quotations by id."""
    return _load().statements


def figure(figure_id: str) -> Figure:
    """One number with its source, such as ``figure("sft-examples")``.

    Raises:
        ValueError: there is no such figure.
    """
    return _one(figures(), figure_id, "figure")


def statement(statement_id: str) -> Statement:
    """A few quoted words, such as ``statement("quality")``.

    Raises:
        ValueError: there is no such statement.
    """
    return _one(statements(), statement_id, "statement")


def imitators() -> list[tuple[str, str, str, str]]:
    """Models that learned another model's answers: name, what was learned, what was said of the result, who judged."""
    rows = []
    for name, start in IMITATORS.items():
        learned = figure(f"{start}-examples")
        said, judged = (statement(f"{start}-{what}").quote for what in ("result", "judges"))
        rows.append((name, f"{learned.value:,} {learned.unit}", said, judged))
    return rows


def _one(rows: dict, name: str, kind: str):
    if name not in rows:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(rows)}.")
    return rows[name]


@cache
def _load() -> TrainingData:
    return read(paths.data_file("policy/tuning.json"))
