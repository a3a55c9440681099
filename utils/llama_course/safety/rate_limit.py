"""A token bucket: so many requests at once, and so many more each second."""

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Holds up to ``burst`` tokens and is filled at a steady rate; each request takes one.

    Args:
        per_second: tokens that come in, above 0.
        burst: most tokens it holds, 1 or more; it starts full.
        clock: seconds; for tests.

    Raises:
        ValueError: a rate of 0 or less, or a bucket that holds no whole token.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic):
        if not per_second > 0 or not burst >= 1:
            raise ValueError(f"expected a rate above 0 and a burst of 1 or more, got {per_second} and {burst}.")
        self.per_second, self.burst, self._clock = per_second, burst, clock
        self._tokens, self._at = float(burst), clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one token.

        Returns:
            0 if there was one; else the seconds until there will be, and nothing is taken.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_second)
            self._at = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self.per_second
