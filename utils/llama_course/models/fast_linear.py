"""Four bits that are faster, too: PyTorch's own product with packed 4-bit weights, where it has one for this CPU.

``quantization.QuantizedLinear`` writes its matrix out before each product, so that it saves memory and costs time.
PyTorch's operation multiplies with the packed codes.  It is not part of PyTorch's promised interface, so it is asked
for here, once, and where it is missing everything goes on without.
"""

import torch
from torch import Tensor, nn

from llama_course.hardware import return_freed_memory
from llama_course.models.llama import Llama
from llama_course.models.quantization import ROWS_AT_ONCE, quantize

GROUP_SIZES = (32, 64, 128)  # that the operation knows
OUTPUTS = 16  # a multiple of so many


def fast_four_bits() -> bool:
    """Whether this PyTorch multiplies with packed 4-bit weights on a CPU, rightly, as tried on a small matrix."""
    try:
        weight = torch.linspace(-1, 1, 32 * 32).view(32, 32)
        expected = quantize(weight, 4, 32).dequantize()
        return torch.allclose(FastLinear(weight)(torch.eye(32)), expected.T, atol=0.02)
    except (AttributeError, NotImplementedError, RuntimeError):
        return False


class FastLinear(nn.Module):
    """x Wᵀ with W in 4-bit codes and a step for each group of neighbours, multiplied as they are, in bfloat16.

    Args:
        weight: (out_features, in_features), floating point; it is not kept.
        group_size: 32, 64 or 128, a divisor of in_features.

    Raises:
        ValueError: a matrix of another size.
    """

    def __init__(self, weight: Tensor, group_size: int = 32):
        super().__init__()
        check_size(weight, group_size)
        parts = [_packed(rows, group_size) for rows in weight.detach().split(ROWS_AT_ONCE)]
        codes, steps = (torch.cat(part) for part in zip(*parts, strict=True))
        self.group_size = group_size
        self.register_buffer("codes", codes)
        self.register_buffer("steps", torch.stack([steps.T, torch.zeros_like(steps.T)], dim=-1).contiguous())

    @property
    def weight(self) -> Tensor:
        """Nothing to read: a float32 tensor without numbers, by which others see where and in what to compute."""
        return torch.empty(0, device=self.codes.device)

    @property
    def memory_bytes(self) -> int:
        """What is kept, and read for each product: codes and steps (PyTorch wants two numbers for each group)."""
        return self.codes.nbytes + self.steps.nbytes

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features), in the dtype that came in."""
        flat = x.reshape(-1, x.shape[-1]).bfloat16()
        y = torch.ops.aten._weight_int4pack_mm_for_cpu(flat, self.codes, self.group_size, self.steps)
        return y.view(*x.shape[:-1], -1).to(x.dtype)


def _packed(weight: Tensor, group_size: int) -> tuple[Tensor, Tensor]:
    """Codes as the operation reads them, and steps (rows, groups), of some rows of a matrix."""
    made = quantize(weight, 4, group_size)
    codes = (made.codes.flatten(1) + 8).int()  # 1 to 15; the operation takes 8 away again
    return torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1), made.scales[..., 0].bfloat16()


def check_size(weight: Tensor, group_size: int = 32) -> None:
    """Raise ValueError for a matrix or groups that the operation does not take."""
    rows, columns = weight.shape
    if group_size not in GROUP_SIZES or columns % group_size or rows % OUTPUTS:
        raise ValueError(
            f"expected rows in multiples of {OUTPUTS} and columns in groups of {', '.join(map(str, GROUP_SIZES))}, "
            f"got {rows} rows, {columns} columns and groups of {group_size}."
        )


def pack_model(llama: Llama, group_size: int = 32) -> int:
    """Replace all products of a model by 4-bit ones, in place; the embedding stays as it is, to look rows up.

    Returns:
        Bytes that are read for each token now: codes, steps, and the factors of the norms.

    Raises:
        ValueError: a matrix of a size that cannot be packed; the model is then as before.
    """
    places = [
        (module, name)
        for module in llama.modules()
        for name, part in module.named_children()
        if isinstance(part, nn.Linear)
    ]
    for module, name in places:
        check_size(getattr(module, name).weight, group_size)
    read = sum(weight.nbytes for weight in llama.parameters() if weight.dim() == 1)
    for module, name in reversed(places):  # lm_head, the largest, last: the others have made room by then
        setattr(module, name, FastLinear(getattr(module, name).weight, group_size))
        read += getattr(module, name).memory_bytes
        return_freed_memory()
    return read
