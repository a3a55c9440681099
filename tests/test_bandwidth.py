"""Measuring speeds: what is measured is what the names say, and nothing of the computer stays changed."""

from types import SimpleNamespace

import pytest
import torch

from fakes import FakeModel
from llama_course.models import bandwidth
from llama_course.models.llama import Llama


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but for its ``sleep``."""
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr(bandwidth, "time", clock)
    return clock


def test_times_are_taken_after_one_that_does_not_count(clock):
    calls = []

    def slow_at_first():
        clock.sleep(1 if calls else 50)
        calls.append(1)

    timing = bandwidth.measured(slow_at_first, repeats=5)
    assert len(calls) == 6 and timing.times_s == (1,) * 5
    assert timing.best_s <= timing.median_s
    assert bandwidth.Timing((3.0, 1.0, 2.0)).best_s == 1 and bandwidth.Timing((3.0, 1.0, 2.0)).median_s == 2


def test_all_cores_but_one_work_and_afterwards_as_before(monkeypatch):
    before = torch.get_num_threads()
    for cores, expected in ((1, 1), (2, 1), (4, 3)):
        monkeypatch.setattr(bandwidth.hardware, "cpu_cores", lambda cores=cores: cores)
        with pytest.raises(KeyError), bandwidth.working_threads() as threads:
            assert threads == torch.get_num_threads() == expected
            raise KeyError
        assert torch.get_num_threads() == before
    with bandwidth.working_threads(2) as threads:
        assert threads == 2


def test_reading_and_computing_have_speeds_of_this_world():
    assert 0.2 < bandwidth.reading_speed_gb_per_s(2**24, repeats=3) < 5_000
    assert 0.2 < bandwidth.computing_speed_gflop_per_s(256, repeats=3) < 100_000


def test_the_speed_is_bytes_over_the_best_time(monkeypatch):
    monkeypatch.setattr(bandwidth, "measured", lambda action, repeats: bandwidth.Timing((0.5, 0.25, 1.0)))
    assert bandwidth.reading_speed_gb_per_s(2**20) == pytest.approx(2**20 / 0.25 / 1e9)
    assert bandwidth.computing_speed_gflop_per_s(100) == pytest.approx(2e6 / 0.25 / 1e9)


def test_a_decoding_step_reads_a_batch_and_the_cache(tiny_config, monkeypatch):
    llama, seen = Llama(tiny_config).eval(), []
    real = llama.next_token_logits

    def watched(ids, cache):
        seen.append((tuple(ids.shape), cache.length))
        logits = real(ids, cache)
        assert logits.shape == (3, tiny_config.vocab_size) and torch.isfinite(logits).all()
        return logits

    monkeypatch.setattr(llama, "next_token_logits", watched)
    timing = bandwidth.decode_step(llama, batch_size=3, cached_tokens=5, repeats=2)
    assert seen == [((3, 1), 5)] * 3 and timing.best_s > 0


def writer(clock, pauses):
    """A model that hands out a piece after each of these pauses, in seconds."""

    def complete(text, *, on_token, **settings):
        for pause in pauses:
            clock.sleep(pause)
            on_token("a")

    model = FakeModel()
    model.complete = complete
    return model


def test_the_time_to_read_the_text_does_not_count(clock):
    assert bandwidth.tokens_per_second(writer(clock, [100, 2, 2, 2, 2]), "x") == 0.5


def test_of_a_long_text_the_best_stretch_counts(clock):
    pauses = [2] * 30 + [1] * 12 + [5] * 20
    assert bandwidth.tokens_per_second(writer(clock, pauses), "x") == 1  # 12 tokens in 12 seconds


def test_a_model_that_says_nothing_has_no_speed(clock):
    with pytest.raises(ValueError, match="got 0 pieces"):
        bandwidth.tokens_per_second(writer(clock, []), "x")
