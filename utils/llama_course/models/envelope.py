"""Sums on the back of an envelope: what a model and its conversations take, and how fast a device can write at best.

Left out: what the program itself takes, and the states of the tokens in work (``sizes.memory_need`` has an estimate of
them, for loading).  Count on a tenth more.
"""

from dataclasses import dataclass

from llama_course.models.sizes import GIB, Shape

BITS_PER_WEIGHT = {  # by how weights are kept; scales included
    "float32": 32.0,
    "float16": 16.0,  # and bfloat16
    "8 bits": 8.5,  # groups of 32 with a float16 scale, as GGUF's Q8_0
    "4 bits": 4.5,  # as GGUF's Q4_0
    "2 bits": 2.5,
}


@dataclass(frozen=True)
class Memory:
    """What serving a model takes."""

    weights_bytes: float
    cache_bytes: float  # keys and values of all conversations

    @property
    def total_bytes(self) -> float:
        """Both together."""
        return self.weights_bytes + self.cache_bytes

    @property
    def total_gib(self) -> float:
        """Both together in GiB."""
        return self.total_bytes / GIB

    def __str__(self) -> str:
        weights, cache = self.weights_bytes / GIB, self.cache_bytes / GIB
        return f"{weights:,.2f} GiB for the weights, {cache:,.2f} GiB for the cache, {self.total_gib:,.2f} GiB in all"


@dataclass(frozen=True)
class Speed:
    """Tokens a second, where nothing but reading from memory takes time."""

    step_s: float  # time for one token of every user
    users: int = 1

    @property
    def for_each(self) -> float:
        """Tokens a second that one user sees."""
        return 1 / self.step_s

    @property
    def in_all(self) -> float:
        """Tokens a second that the device writes."""
        return self.users / self.step_s


def weights_bytes(shape: Shape, bits_per_weight: float = 16) -> float:
    """Bytes of all weights; a few norms are kept with more bits, which is left out."""
    _check(bits_per_weight=bits_per_weight)
    return shape.parameters * bits_per_weight / 8


def read_bytes(shape: Shape, bits_per_weight: float = 16) -> float:
    """Bytes of weights that are read for one token: all of them, but for an embedding that is not lm_head as well.

    Of such an embedding one row is looked up.
    """
    _check(bits_per_weight=bits_per_weight)
    looked_up = 0 if shape.tie_word_embeddings else (shape.vocab_size - 1) * shape.hidden_size
    return (shape.parameters - looked_up) * bits_per_weight / 8


def cache_bytes_per_token(shape: Shape, bits_per_number: float = 16) -> float:
    """Bytes that one token leaves in the KV cache."""
    _check(bits_per_number=bits_per_number)
    return shape.cached_numbers_per_token * bits_per_number / 8


def serving_memory(
    shape: Shape, bits_per_weight: float = 16, *, context_tokens: int = 4096, users: int = 1, cache_bits: float = 16
) -> Memory:
    """What it takes to serve a model.

    Args:
        shape: its sizes.
        bits_per_weight: such as one of ``BITS_PER_WEIGHT``.
        context_tokens: of each conversation, prompt and answer.
        users: conversations at the same time; each has a cache of its own, the weights are shared.
        cache_bits: of a number in the cache.

    Raises:
        ValueError: a number of bits, tokens or users that cannot be.
    """
    _check(context_tokens=context_tokens, users=users)
    cache = users * context_tokens * cache_bytes_per_token(shape, cache_bits)
    return Memory(weights_bytes(shape, bits_per_weight), cache)


def users_that_fit(
    shape: Shape, memory_gib: float, bits_per_weight: float = 16, *, context_tokens: int = 4096, cache_bits: float = 16
) -> int:
    """How many conversations fit into a memory beside the weights; 0 where the weights alone are too large."""
    _check(memory_gib=memory_gib, context_tokens=context_tokens)
    free = memory_gib * GIB - weights_bytes(shape, bits_per_weight)
    return max(0, int(free // (context_tokens * cache_bytes_per_token(shape, cache_bits))))


def speed_limit(
    shape: Shape,
    bandwidth_gb_per_s: float,
    bits_per_weight: float = 16,
    *,
    context_tokens: float = 0,
    users: int = 1,
    cache_bits: float = 16,
) -> Speed:
    """How fast a device can write at most, if it reads all weights, and each user's cache, once for each token.

    step = (weights + users · cache) / bandwidth.  Weights are read once for all users; no device computes in no time,
    so what is measured lies below.

    Args:
        shape: the model's sizes.
        bandwidth_gb_per_s: what its memory can deliver, in GB (10⁹ bytes) a second.
        bits_per_weight: such as one of ``BITS_PER_WEIGHT``.
        context_tokens: in the cache so far.
        users: served in one step.
        cache_bits: of a number in the cache.

    Raises:
        ValueError: a number that cannot be.
    """
    _check(bandwidth_gb_per_s=bandwidth_gb_per_s, users=users)
    if context_tokens < 0:
        raise ValueError(f"context_tokens: expected 0 or more, got {context_tokens}.")
    cache = users * context_tokens * cache_bytes_per_token(shape, cache_bits)
    return Speed((read_bytes(shape, bits_per_weight) + cache) / (bandwidth_gb_per_s * 1e9), users)


def _check(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < float("inf"):
            raise ValueError(f"{name}: expected a number above 0, got {number!r}.")
