"""One short training loop for everything that is trained on batches: it can be stopped, interrupted and resumed."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from llama_course.hardware import return_freed_memory
from llama_course.training.checkpoints import load_checkpoint, save_checkpoint
from llama_course.training.optimization import TrainingSettings, learning_rate_at, make_optimizer


class TrainingDivergedError(RuntimeError):
    """The loss is no number any more; the model is back in its last good state."""


@dataclass
class History:
    """What happened, step by step; it is saved with the checkpoint."""

    losses: list[float] = field(default_factory=list)  # nats, one a step
    evaluations: list[tuple[int, float]] = field(default_factory=list)  # (steps done, what was measured)
    time_s: float = 0.0
    ended: str = "finished"  # "finished", "stopped" (by on_step) or "interrupted" (by the keyboard)

    @property
    def steps(self) -> int:
        """Steps done so far."""
        return len(self.losses)


@dataclass(frozen=True)
class Progress:
    """What ``on_step`` is told after each step."""

    step: int  # steps done
    steps: int  # steps in all
    loss: float
    steps_per_second: float

    @property
    def time_left_s(self) -> float:
        """Estimate from the rate so far."""
        return (self.steps - self.step) / self.steps_per_second

    def __str__(self) -> str:
        left = f"{self.time_left_s / 60:.1f} min" if self.time_left_s > 90 else f"{self.time_left_s:.0f} s"
        done = f"step {self.step:,} of {self.steps:,}, loss {self.loss:.3f}"
        return f"{done}, {self.steps_per_second:.1f} steps/s, {left} left"


def train(
    model: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    settings: TrainingSettings,
    *,
    evaluate: Callable[[], float] | None = None,
    on_step: Callable[[Progress], bool | None] | None = None,
    checkpoint: Path | None = None,
) -> History:
    """Train ``model`` in place.

    For each step: the loss of a batch, its gradient, clipped to a norm, one step of AdamW.

    Args:
        model: its parameters with requires_grad are trained.
        loss_of_step: takes the number of the step, from 0, and returns the loss of that step's batch, shape ().  The
            same number must give the same batch: then a resumed run equals one that was never interrupted.
        settings: steps, learning rate and so on.
        evaluate: measures something on held-out data, without gradients, every ``settings.evaluate_every`` steps and
            at the end.
        on_step: told the progress after each step; returning False stops, and what was learned stays.
        checkpoint: file of the run's state.  If it is there, the run goes on from it.  Interrupting (KeyboardInterrupt)
            saves it and returns.

    Returns:
        The history, that of earlier parts of a resumed run included.

    Raises:
        TrainingDivergedError: the loss or its gradient is NaN or infinite.
        CheckpointError: the checkpoint is damaged or of another model.
        OSError: it could not be written; the old one is still there.
    """
    optimizer = make_optimizer(model, settings)
    history = History()
    if checkpoint is not None and checkpoint.exists():
        _, saved = load_checkpoint(checkpoint, model, optimizer)
        history = History(**saved | {"evaluations": [tuple(pair) for pair in saved["evaluations"]]})
    run = _Run(model, optimizer, settings, history, checkpoint)
    history.ended = "finished"
    model.train()
    began, done_before = time.perf_counter(), history.steps
    try:
        for step in range(history.steps, settings.steps):
            run.step(step, loss_of_step(step))
            if evaluate is not None and run.is_due(settings.evaluate_every):
                history.evaluations.append((history.steps, _measured(model, evaluate)))
            if run.is_due(settings.save_every):
                run.keep()
            rate = (history.steps - done_before) / (time.perf_counter() - began)
            if (
                on_step is not None
                and on_step(Progress(history.steps, settings.steps, history.losses[-1], rate)) is False
            ):
                history.ended = "stopped"
                break
    except KeyboardInterrupt:
        history.ended = "interrupted"
    finally:
        history.time_s += time.perf_counter() - began
        model.eval()
    run.keep()
    return_freed_memory()
    return history


class _Run:
    """Model, optimizer and history of one call of :func:`train`, and the last good state of the three."""

    def __init__(self, model, optimizer, settings: TrainingSettings, history: History, checkpoint: Path | None):
        self.model, self.optimizer, self.settings = model, optimizer, settings
        self.history, self.checkpoint = history, checkpoint
        self.good = self._weights()

    def step(self, step: int, loss: Tensor) -> None:
        """Gradient, clipping, update; a loss that is no number changes nothing."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        if not math.isfinite(loss.item()) or not math.isfinite(norm.item()):
            self.model.load_state_dict(self.good)
            raise TrainingDivergedError(
                f"at step {step} the loss is {loss.item():g} and its gradient has norm {norm.item():g}. The model is "
                "back where it was last saved. Try a lower learning rate or a longer warm-up."
            )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(step, self.settings)
        with no_interrupt():
            self.optimizer.step()
            self.history.losses.append(loss.item())

    def is_due(self, every: int) -> bool:
        return self.history.steps % every == 0 or self.history.steps == self.settings.steps

    def keep(self) -> None:
        """Remember the state as a good one, and write it if there is a checkpoint."""
        self.good = self._weights()
        if self.checkpoint is not None and self.history.steps:
            save_checkpoint(self.checkpoint, self.model, self.optimizer, self.history.steps, asdict(self.history))

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
    """Hold a KeyboardInterrupt back until the block is done, so that no update of the weights stays half made."""
    if threading.current_thread() is not threading.main_thread():  # where no such interrupt arrives
        yield
        return
    waiting = []
    usual = signal.signal(signal.SIGINT, lambda *arguments: waiting.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if waiting and callable(usual):
        usual(*waiting[0])


def _measured(model: nn.Module, evaluate: Callable[[], float]) -> float:
    model.eval()
    try:
        with torch.no_grad():
            return float(evaluate())
    finally:
        model.train()
