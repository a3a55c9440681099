"""Weights with fewer bits: round them to a few steps, keep the size of a step, and see what is lost.

Absmax quantisation of a group of numbers w with b bits: scale = max|w| / (2^(b-1) - 1), codes = round(w / scale), and
codes · scale stands for w.  A group is a whole array, a row of it, or some neighbours in a row; each has a scale.

What is used in practice adds to this: a second number for the smallest value (GGUF's Q4_1), steps of unequal size
(nf4), or rounding that looks at the data (GPTQ, AWQ).

Source: Dettmers and others 2022, "LLM.int8()", arXiv 2208.07339, section 2.1; groups: Dettmers and others 2021,
"8-bit Optimizers via Block-wise Quantization", arXiv 2110.02861, section 2.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llama_course.hardware import return_freed_memory
from llama_course.models.llama import Llama

SCALE_BITS, FLOAT16_MAX = 16, 65504.0  # a scale is kept as a float16
ROWS_AT_ONCE = 4096  # of a large matrix, to save memory
ROW = "row"


@dataclasses.dataclass(frozen=True)
class Quantized:
    """A matrix as small whole numbers and the size of their steps."""

    codes: Tensor  # (rows, groups, group_size), int8, from -(2^(bits-1) - 1) to 2^(bits-1) - 1
    scales: Tensor  # (rows, groups, 1), float32 with values that float16 can hold; one for all if group_size is None
    bits: int
    shape: tuple[int, int]  # of the matrix; the last group of a row may have been filled up with zeros

    def dequantize(self) -> Tensor:
        """codes · scales: float32, in the shape of the matrix."""
        return (self.codes * self.scales).flatten(1)[:, : self.shape[1]]

    @property
    def bits_per_weight(self) -> float:
        """Bits of a code, and its share of the scales."""
        return self.bits + SCALE_BITS * self.scales.numel() / (self.shape[0] * self.shape[1])

    @property
    def file_bytes(self) -> float:
        """What it takes when codes lie side by side without a gap."""
        return self.bits_per_weight * self.shape[0] * self.shape[1] / 8


def quantize(weight: Tensor, bits: int, group_size: int | str | None = ROW) -> Quantized:
    """Round a matrix to steps.

    Args:
        weight: (rows, columns), floating point.
        bits: of a code, 2 to 8.
        group_size: how many neighbours in a row share a scale; "row" for all of a row, None for the whole matrix.

    Raises:
        ValueError: no matrix, numbers that are not finite, an impossible number of bits or group size.
    """
    check_settings(bits, group_size)
    if weight.dim() != 2 or not weight.is_floating_point():
        raise ValueError(f"expected a matrix of floating-point numbers, got {tuple(weight.shape)}, {weight.dtype}.")
    largest = _largest(weight) if group_size is None else None
    return _quantize(weight, bits, group_size, largest)


def _quantize(weight: Tensor, bits: int, group_size: int | str | None, largest: Tensor | None) -> Quantized:
    rows, columns = weight.shape
    width = group_size if isinstance(group_size, int) else columns
    groups = F.pad(weight.float(), (0, -columns % width)).view(rows, -1, width)  # (rows, groups, width)
    largest = groups.abs().amax(-1, keepdim=True) if largest is None else largest.view(1, 1, 1)
    if not torch.isfinite(largest).all():
        raise ValueError("expected finite numbers: an infinite one would make every step infinite.")
    scales = (largest / most_steps(bits)).clamp(max=FLOAT16_MAX).half().float()
    scales = torch.where(scales > 0, scales, 1.0)  # a group of zeros, or of numbers too small for a float16 scale
    codes = (groups / scales).round_().clamp_(-most_steps(bits), most_steps(bits)).to(torch.int8)
    return Quantized(codes, scales, bits, (rows, columns))


def most_steps(bits: int) -> int:
    """The largest code: as many steps go up from 0 as go down."""
    return 2 ** (bits - 1) - 1


def check_settings(bits: int, group_size: int | str | None) -> None:
    """Raise ValueError for a number of bits or a group size that cannot be."""
    if not isinstance(bits, int) or isinstance(bits, bool) or not 2 <= bits <= 8:
        raise ValueError(f"bits: expected a whole number from 2 to 8, got {bits!r}.")
    whole = isinstance(group_size, int) and not isinstance(group_size, bool) and group_size >= 1
    if not (whole or group_size is None or group_size == ROW):
        raise ValueError(f"group_size: expected a whole number of 1 or more, {ROW!r} or None, got {group_size!r}.")


def relative_error(weight: Tensor, other: Tensor) -> float:
    """Root mean square of the differences, as a share of the root mean square of the weights."""
    return ((weight.float() - other.float()).norm() / weight.float().norm()).item()


# -- four bits, really -------------------------------------------------------------------------------------------------


def pack_4_bits(codes: Tensor) -> Tensor:
    """Two codes from -8 to 7 in each byte, the first in the lower half.

    Args:
        codes: (…, an even number), int8.

    Returns:
        (…, half as many), uint8.
    """
    if codes.shape[-1] % 2 or codes.min() < -8 or codes.max() > 7:
        raise ValueError("expected an even number of codes from -8 to 7 in a row.")
    unsigned = (codes + 8).to(torch.uint8)  # 0 to 15
    return unsigned[..., 0::2] | unsigned[..., 1::2] << 4


def unpack_4_bits(packed: Tensor) -> Tensor:
    """The codes of :func:`pack_4_bits`, int8."""
    return (torch.stack([packed & 15, packed >> 4], dim=-1).flatten(-2).to(torch.int8)) - 8


class QuantizedLinear(nn.Module):
    """x Wᵀ with a W that is kept in 4 or 8 bits and written out for each product.

    It saves memory, not time: PyTorch on a CPU has to write W out again first.  llama.cpp and GPU kernels multiply
    without doing so.

    Args:
        weight: (out_features, in_features), floating point; it is not kept.
        bits: 4 (two codes in a byte) or 8.
        group_size: as in :func:`quantize`; for 4 bits an even number of columns in each group.
    """

    def __init__(self, weight: Tensor, bits: int = 4, group_size: int | str | None = 32):
        super().__init__()
        if bits not in (4, 8):
            raise ValueError(f"bits: expected 4 or 8, got {bits!r}: others do not fill bytes.")
        made = quantize(weight.detach(), bits, group_size)
        self.bits, self.shape = bits, made.shape
        self.register_buffer("codes", pack_4_bits(made.codes) if bits == 4 else made.codes)
        self.register_buffer("scales", made.scales.half())

    @property
    def weight(self) -> Tensor:
        """W written out, float32."""
        codes = unpack_4_bits(self.codes) if self.bits == 4 else self.codes
        return Quantized(codes, self.scales.float(), self.bits, self.shape).dequantize()

    @property
    def memory_bytes(self) -> int:
        """What is kept: codes and scales."""
        return self.codes.nbytes + self.scales.nbytes

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features)."""
        return F.linear(x, self.weight.to(x.dtype))


# -- whole models ------------------------------------------------------------------------------------------------------


def is_matrix(weight: Tensor) -> bool:
    """What is quantised: every matrix, the embedding included; the factors of the norms are few and stay."""
    return weight.dim() == 2


def rounded(weight: Tensor, bits: int, group_size: int | str | None = ROW) -> Tensor:
    """A matrix after quantising and writing out again, in its own dtype; all else as in :func:`quantize`."""
    made = torch.empty_like(weight)
    _round_into(made, weight, bits, group_size)
    return made


def _round_into(made: Tensor, weight: Tensor, bits: int, group_size: int | str | None) -> None:
    check_settings(bits, group_size)
    largest = _largest(weight) if group_size is None else None
    for part, into in zip(weight.split(ROWS_AT_ONCE), made.split(ROWS_AT_ONCE), strict=True):
        into.copy_(_quantize(part, bits, group_size, largest).dequantize())


def _largest(weight: Tensor) -> Tensor:
    """The largest absolute number, without a copy of the matrix."""
    low, high = weight.aminmax()
    return torch.maximum(-low, high).float()


def rounded_weights(
    weights: Mapping[str, Tensor], bits: int, group_size: int | str | None = ROW, keep: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The weights of a model, each matrix rounded.

    Args:
        weights: by name; a matrix that has two names is rounded once and still is one.
        bits, group_size: as in :func:`quantize`.
        keep: parts of names that stay as they are, such as "embed_tokens".
    """
    keep, made = tuple(keep), {}
    for name, weight in weights.items():
        if weight.data_ptr() not in made:
            stays = not is_matrix(weight) or any(part in name for part in keep)
            made[weight.data_ptr()] = weight if stays else rounded(weight, bits, group_size)
    return {name: made[weight.data_ptr()] for name, weight in weights.items()}


def round_model(llama: Llama, bits: int, group_size: int | str | None = ROW, keep: Iterable[str] = ()) -> Llama:
    """A second model whose weights are those of the first, rounded; the first stays as it is.

    It computes in floating point with weights that only have the values which the codes allow: what is lost is seen,
    what is saved is not.
    """
    with torch.device("meta"):
        copy = Llama(llama.config)
    copy.load_state_dict(rounded_weights(llama.state_dict(), bits, group_size, keep), assign=True)
    copy.tie_weights()
    copy.model.cos, copy.model.sin = llama.model.cos, llama.model.sin  # tables, not weights
    return copy.eval().requires_grad_(False)


@torch.no_grad()
def load_rounded(
    llama: Llama, folder: str | Path, bits: int | None, group_size: int | str | None = ROW, keep: Iterable[str] = ()
) -> Llama:
    """Give a model the weights of a folder again, each matrix rounded on the way; no second copy is held.

    Args:
        llama: the model of that folder; it is changed and returned.
        folder: with model.safetensors.
        bits: None for the weights as they are in the file.
        group_size, keep: as in :func:`rounded_weights`.
    """
    from llama_course.models.inside import each_weight

    keep, own = tuple(keep), dict(llama.named_parameters())  # a shared lm_head is there once, as the embedding
    for name, weight in each_weight(Path(folder) / "model.safetensors", as_stored=True):
        own[name].copy_(weight)
        if bits is not None and is_matrix(weight) and not any(part in name for part in keep):
            _round_into(own[name], own[name], bits, group_size)
    return_freed_memory()
    return llama
