"""The token bucket: a burst at once, then a steady rate, whoever asks."""

import threading

import pytest

from llama_course.safety.rate_limit import TokenBucket


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_in_and_then_one_at_a_time():
    clock = Clock()
    bucket = TokenBucket(2, 3, clock)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == pytest.approx(0.5), "half a second until the next"
    clock.now += 0.25
    assert bucket.take() == pytest.approx(0.25), "what is refused takes nothing"
    clock.now += 0.25
    assert bucket.take() == 0


def test_it_holds_no_more_than_the_burst_however_long_one_waits():
    clock = Clock()
    bucket = TokenBucket(10, 2, clock)
    clock.now += 3600
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, True, True]


def test_many_threads_get_no_more_than_there_is():
    bucket = TokenBucket(0.001, 20)
    let_in = []
    threads = [threading.Thread(target=lambda: let_in.extend(bucket.take() == 0 for _ in range(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let_in) == 20


@pytest.mark.parametrize(("rate", "burst"), [(0, 5), (-1, 5), (float("nan"), 5), (1, 0.5), (1, 0)])
def test_impossible_buckets_are_refused(rate, burst):
    with pytest.raises(ValueError, match="a rate above 0 and a burst of 1 or more"):
        TokenBucket(rate, burst)
