"""LoRA: fine-tune a few added parameters instead of the weights.

Source: Hu et al., arXiv:2106.09685.  Left out: dropout, and adapters on embeddings.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """A linear layer with a low-rank addition.

    y = W x + b + (alpha / rank) B A x

    W and b are frozen; A, shape (rank, in), begins random and B, shape (out, rank), at zero, so that the layer begins
    as it was.

    Args:
        base: the layer to adapt; it is kept, and frozen.
        rank: rows of A; 1 to the smaller side of W.
        alpha: scale of the addition, relative to the rank.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float):
        super().__init__()
        if not 1 <= rank <= min(base.weight.shape):
            raise ValueError(f"rank must be from 1 to {min(base.weight.shape)} for a layer of this size, got {rank}.")
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., in) to (..., out)."""
        return self.base(x) + self.scale * (x @ self.lora_A.T @ self.lora_B.T)

    def merged(self) -> nn.Linear:
        """The plain layer that computes the same: its weight is W + (alpha / rank) B A."""
        with torch.no_grad():
            self.base.weight += self.scale * (self.lora_B @ self.lora_A)
        return self.base.requires_grad_(True)


def add_lora(
    model: nn.Module, rank: int, alpha: float | None = None, targets: Sequence[str] = ("q_proj", "v_proj")
) -> nn.Module:
    """Freeze a model and put an adapter on each linear layer whose name ends in one of ``targets``.

    Args:
        model: changed in place, and returned.
        rank: of every adapter.
        alpha: scale; without one, twice the rank.
        targets: last parts of the names of the layers to adapt.

    Raises:
        ValueError: no layer has such a name, or the model has adapters already.
    """
    if any(isinstance(module, LoRALinear) for module in model.modules()):
        raise ValueError("this model has LoRA adapters already: merge them first with merge_lora(model).")
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if name in targets and isinstance(child, nn.Linear)
    ]
    if not found:
        raise ValueError(f"no linear layer is called {', '.join(targets)}: nothing to adapt.")
    model.requires_grad_(False)
    for parent, name, child in found:
        setattr(parent, name, LoRALinear(child, rank, alpha if alpha is not None else 2 * rank))
    return model


def lora_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that are trained: all A and B."""
    return (parameter for name, parameter in model.named_parameters() if "lora_" in name)


def merge_lora(model: nn.Module) -> nn.Module:
    """Put plain layers that compute the same in place of the adapters; all parameters can be trained again."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoRALinear):
                setattr(parent, name, child.merged())
    return model.requires_grad_(True)
