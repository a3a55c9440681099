"""The optimizer of the recipe: AdamW, a warm-up, a cosine, weight decay on matrices only.

Source: Llama 2, arXiv:2307.09288, section 2.2: AdamW with betas 0.9 and 0.95, warm-up, cosine decay to 10 % of the
peak, weight decay 0.1, gradient clipping at 1.0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the defaults suit a model of about a million parameters."""

    steps: int = 1500
    learning_rate: float = 3e-3  # the peak; Llama 2 7B has 3e-4: small models bear larger ones
    warmup_steps: int = 50  # the learning rate rises to the peak in these
    final_share: float = 0.1  # of the peak, at the last step
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    max_grad_norm: float = 1.0
    evaluate_every: int = 100  # steps between two measurements on held-out data
    save_every: int = 100  # steps between two checkpoints

    def __post_init__(self):
        if self.steps < 1 or not 0 <= self.warmup_steps <= self.steps:
            raise ValueError(
                f"expected 1 step or more and a warm-up within them, got {self.steps} steps and "
                f"{self.warmup_steps} of warm-up."
            )
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}.")


def device_of(model: Callable) -> torch.device:
    """Where a model's weights are, and its batches must be; the CPU for what has no weights, such as a function."""
    parameters = getattr(model, "parameters", tuple)()
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def learning_rate_at(step: int, settings: TrainingSettings) -> float:
    """The learning rate of a step, counted from 0: a straight rise, then half a cosine down to the final share."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    way = (step - settings.warmup_steps) / max(1, settings.steps - 1 - settings.warmup_steps)  # 0 to 1
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, way)))
    return settings.learning_rate * (settings.final_share + (1 - settings.final_share) * cosine)


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW over the parameters that are trained; matrices decay, gains of norms and biases do not."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError("no parameter of this model is trained: all have requires_grad=False.")
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], settings.learning_rate, settings.betas)
