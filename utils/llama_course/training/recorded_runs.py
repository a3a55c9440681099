"""A longer pretraining run than a lesson has time for, recorded: how its loss fell, and what it wrote on the way."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llama_course import paths

PER_DOUBLING = 4  # points of a curve for each time that the text got twice as long
SHARE_AVERAGED = 0.1  # each is the mean over the last tenth of the steps so far


class RunDataError(ValueError):
    """A recorded run is not of the expected form; the message says what is missing or wrong."""


@dataclass(frozen=True)
class RecordedRun:
    """A training run as it was recorded."""

    model: str  # "tiny-base"
    parameters: int
    tokens_per_step: int
    losses: tuple[float, ...]  # nats, one a step, on the text being read
    held_out: tuple[tuple[int, float], ...] = ()  # (steps done, nats on text that is never learned from)
    samples: tuple[tuple[int, str], ...] = ()  # (steps done, what the model wrote)
    command: str = ""  # which repeats it
    machine: str = field(default="", repr=False)  # on which it was recorded

    @property
    def tokens(self) -> int:
        """All that was read."""
        return len(self.losses) * self.tokens_per_step

    def loss_while_reading(self) -> list[tuple[int, float]]:
        """(tokens read, loss in nats): each point the mean over the last tenth of the steps so far.

        A batch is measured before it is learned from; where nothing is read twice, this is as good as held-out text.
        """
        doublings = math.log2(len(self.losses))
        ends = [
            len(self.losses) / 2 ** (back / PER_DOUBLING) for back in range(math.floor(PER_DOUBLING * doublings) + 1)
        ]
        points = []
        for end in sorted({round(end) for end in ends}):
            last = self.losses[end - max(1, round(SHARE_AVERAGED * end)) : end]
            points.append((end * self.tokens_per_step, sum(last) / len(last)))
        return points

    def loss_on_held_out(self) -> list[tuple[int, float]]:
        """(tokens read, loss in nats) on text that is never learned from, where it was measured."""
        return [(step * self.tokens_per_step, loss) for step, loss in self.held_out]


def recorded_pretraining() -> RecordedRun:
    """The run that made the course's small base model."""
    return read_run(paths.data_file("runs/pretraining.json"))


def read_run(path: Path) -> RecordedRun:
    """Read a recorded run.

    Raises:
        RunDataError: something is missing, or is no number, or is out of order.
    """
    name = Path(path).name
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        run = RecordedRun(
            model=raw["model"],
            parameters=int(raw["parameters"]),
            tokens_per_step=int(raw["tokens_per_step"]),
            losses=tuple(float(loss) for loss in raw["losses"]),
            held_out=tuple((int(step), float(loss)) for step, loss in raw.get("held_out", ())),
            samples=tuple((int(step), str(text)) for step, text in raw.get("samples", ())),
            command=raw.get("command", ""),
            machine=raw.get("machine", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunDataError(f"{name}: {type(error).__name__}: {error}") from error
    measured = [*run.losses, *(loss for _, loss in run.held_out)]
    if not run.losses or not all(math.isfinite(loss) and loss > 0 for loss in measured):
        raise RunDataError(f"{name}: expected losses above 0, at least one, got {len(run.losses)} of them.")
    for what in (run.held_out, run.samples):
        steps = [step for step, _ in what]
        if steps != sorted(set(steps)) or (steps and steps[-1] > len(run.losses)):
            raise RunDataError(f"{name}: expected rising steps up to {len(run.losses)}, got {steps}.")
    return run


def share_of_gain(points: Sequence[tuple[float, float]], share_of_tokens: float) -> float:
    """Which share of the whole fall of the loss came with the first part of the text, from 0 to 1."""
    reached = [loss for tokens, loss in points if tokens <= share_of_tokens * points[-1][0]]
    if not reached:
        raise ValueError(f"no point lies within the first {share_of_tokens:.0%} of the text.")
    return (points[0][1] - reached[-1]) / (points[0][1] - points[-1][1])


def gain_per_doubling(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """How much the loss fell each time the text got twice as long, counted back from the end.

    Args:
        points: (tokens read, loss), rising in tokens.

    Returns:
        (tokens at the end of the doubling, fall of the loss in nats), the earliest first.  Between two points the loss
        is read off the straight line over the logarithm of the tokens.
    """
    import numpy as np

    tokens, losses = (np.asarray(column, dtype=float) for column in zip(*points, strict=True))
    ends = [tokens[-1]]
    while ends[0] / 2 >= tokens[0]:
        ends.insert(0, ends[0] / 2)
    at = np.interp(np.log(ends), np.log(tokens), losses)
    return [(float(end), float(before - after)) for end, before, after in zip(ends[1:], at, at[1:], strict=False)]
