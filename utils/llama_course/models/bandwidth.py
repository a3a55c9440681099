"""How fast this computer reads its memory, and how fast models really write on it.

Everything is measured on all cores but one, as llama.cpp runs here: where something else is at work, a busy last core
would only wait, and slow all others down.
"""

import contextlib
import statistics
import time
from dataclasses import dataclass

from llama_course import hardware

READ_BYTES = 100 * 2**20  # more than what most processors keep close by
COLUMNS = 4096
READINGS, REPEATS = 25, 9
STRETCH = 12  # tokens in a row over which a speed of writing is taken


@dataclass(frozen=True)
class Timing:
    """Times of the same thing, again and again."""

    times_s: tuple[float, ...]

    @property
    def best_s(self) -> float:
        """The shortest: whatever else the computer did, it did least of it then."""
        return min(self.times_s)

    @property
    def median_s(self) -> float:
        """What one may expect."""
        return statistics.median(self.times_s)


def measured(action, repeats: int = REPEATS) -> Timing:
    """Times of ``action()``, after one that does not count."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return Timing(tuple(times))


@contextlib.contextmanager
def working_threads(count: int | None = None):
    """Let PyTorch work on so many threads, by default one for each core but one; afterwards as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or max(1, hardware.cpu_cores() - 1))
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def reading_speed_gb_per_s(read_bytes: int = READ_BYTES, repeats: int = READINGS) -> float:
    """GB (10⁹ bytes) of weights that this computer reads in a second, at its best.

    Measured as a model does it: a matrix of float32 times one vector, in which each number of the matrix is used once.

    Args:
        read_bytes: size of the matrix; small ones stay in the processor's cache and seem to be read faster.
        repeats: of which the best counts.
    """
    import torch

    with working_threads(), torch.no_grad():
        matrix = torch.ones(max(1, read_bytes // 4 // COLUMNS), COLUMNS)
        vector = torch.ones(COLUMNS)
        return matrix.nbytes / measured(lambda: matrix @ vector, repeats).best_s / 1e9


def computing_speed_gflop_per_s(size: int = 1024, repeats: int = 5) -> float:
    """10⁹ operations (products and sums) a second, where each number that was read is used many times."""
    import torch

    with working_threads(), torch.no_grad():
        a, b = torch.ones(size, size), torch.ones(size, size)
        return 2 * size**3 / measured(lambda: a @ b, repeats).best_s / 1e9


def decode_step(llama, batch_size: int = 1, cached_tokens: int = 32, repeats: int = REPEATS) -> Timing:
    """Time to write one token for each of ``batch_size`` texts.

    The texts are noise: how long a step takes does not depend on what is said.

    Args:
        llama: a ``llama_course.models.llama.Llama``.
        batch_size: texts side by side.
        cached_tokens: how long each of them is already.
        repeats: how often it is measured.
    """
    import torch

    from llama_course.models.llama import KVCache

    with working_threads(), torch.no_grad():
        cache = KVCache(llama, batch_size, cached_tokens + 1)
        for kept in (*cache.keys, *cache.values):
            kept.zero_()
        ids = torch.ones(batch_size, 1, dtype=torch.int64)

        def step():
            cache.length = cached_tokens
            llama.next_token_logits(ids, cache)

        return measured(step, repeats)


def tokens_per_second(model, text: str, tokens: int = 48) -> float:
    """How fast a chat model goes on with a text, in its best stretch of a dozen tokens.

    The time to read the text is not counted, and neither is what other programs took in other stretches.

    Args:
        model: any ``ChatModel``.
        text: the beginning.
        tokens: how many to write; a piece that is handed out counts as one.

    Raises:
        ValueError: it wrote less than two pieces, so there is no time between them.
    """
    moments: list[float] = []
    with working_threads():
        model.complete(
            text, max_new_tokens=tokens, temperature=0, on_token=lambda piece: moments.append(time.perf_counter())
        )
    if len(moments) < 2:
        raise ValueError(f"expected a text that {model.name} goes on with, got {len(moments)} pieces after {text!r}.")
    stretch = min(STRETCH, len(moments) - 1)
    return stretch / min(last - first for first, last in zip(moments, moments[stretch:], strict=False))
