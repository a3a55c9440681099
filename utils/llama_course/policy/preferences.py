"""What was published about human feedback: how much Llama 2's people compared, and how well its reward models agree.

The rows lie in ``data/policy/preferences.json``, in the form of those on pretraining.
"""

from functools import cache

from llama_course import paths
from llama_course.policy.training_runs import Figure, Statement, TrainingData, read


def figures() -> dict[str, Figure]:
    """All numbers by id."""
    return _load().figures


def statements() -> dict[str, Statement]:
    """All quotations by id."""
    return _load().statements


def figure(figure_id: str) -> Figure:
    """One number with its source, such as ``figure("comparisons")``.

    Raises:
        ValueError: there is no such figure.
    """
    return _one(figures(), figure_id, "figure")


def statement(statement_id: str) -> Statement:
    """A few quoted words, such as ``statement("sampling-only")``.

    Raises:
        ValueError: there is no such statement.
    """
    return _one(statements(), statement_id, "statement")


def _one(rows: dict, name: str, kind: str):
    if name not in rows:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(rows)}.")
    return rows[name]


@cache
def _load() -> TrainingData:
    return read(paths.data_file("policy/preferences.json"))
