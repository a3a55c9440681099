"""Temperature, top-k, top-p and the draw, against closed forms, softmax and the definition of the nucleus."""

import itertools

import numpy as np
import pytest

from llama_course.models.sampling import apply_temperature, draw, keep_top_k, keep_top_p

EVERY_STEP = [lambda p: apply_temperature(p, 1), lambda p: keep_top_k(p, 1), lambda p: keep_top_p(p, 1), draw]


def softmax(logits):
    exponentials = np.exp(logits - np.max(logits))
    return exponentials / exponentials.sum()


@pytest.mark.parametrize("temperature", [0.1, 0.5, 0.7, 1, 1.5, 10])
def test_temperature_on_probabilities_equals_softmax_of_scaled_logits(temperature):
    logits = np.random.default_rng(0).normal(scale=4, size=101)
    assert np.allclose(apply_temperature(softmax(logits), temperature), softmax(logits / temperature), atol=1e-12)


def test_temperature_in_closed_form():
    assert np.allclose(apply_temperature([0.8, 0.2], 0.5), [16 / 17, 1 / 17])
    assert np.allclose(apply_temperature([0.8, 0.2], 2), [2 / 3, 1 / 3])


def test_temperature_1_changes_nothing():
    assert np.allclose(apply_temperature([0.5, 0.3, 0.2], 1), [0.5, 0.3, 0.2])


def test_temperature_0_is_all_on_the_first_of_the_most_probable():
    assert apply_temperature([0.2, 0.4, 0.4], 0).tolist() == [0, 1, 0]


def test_low_temperatures_approach_greedy_and_high_ones_the_uniform_distribution():
    p = [0.5, 0.3, 0.2]
    assert np.allclose(apply_temperature(p, 1e-4), [1, 0, 0])
    assert np.allclose(apply_temperature(p, 1e6), [1 / 3] * 3, atol=1e-5)


def test_what_is_impossible_stays_impossible_at_any_temperature():
    for temperature in (0, 0.3, 1, 50):
        assert apply_temperature([0.5, 0, 0.5], temperature)[1] == 0


@pytest.mark.parametrize("temperature", [-0.1, -1, float("nan")])
def test_a_negative_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be 0 or more"):
        apply_temperature([0.5, 0.5], temperature)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (0.01, [1]),  # the most probable always stays
        (0.5, [1]),  # reached exactly by the first
        (0.51, [1, 3]),
        (0.75, [1, 3]),  # reached exactly by two
        (0.76, [1, 3, 0]),  # of the two at 0.125 that tie, the first
        (0.9, [1, 3, 0, 2]),
        (1, [1, 3, 0, 2]),
    ],
)
def test_the_nucleus_is_the_smallest_set_that_reaches_top_p(top_p, kept):
    p = np.array([0.125, 0.5, 0.125, 0.25])  # exact in binary, so that "reaches" is exact too
    expected = np.zeros(4)
    expected[kept] = p[kept] / p[kept].sum()
    assert np.allclose(keep_top_p(p, top_p), expected)


def test_no_smaller_set_of_tokens_reaches_top_p():
    rng = np.random.default_rng(1)
    for top_p in (0.2, 0.5, 0.8, 0.95):
        p = rng.dirichlet(np.ones(7))
        kept = np.flatnonzero(keep_top_p(p, top_p))
        assert p[kept].sum() >= top_p
        for smaller in itertools.combinations(range(7), len(kept) - 1):
            assert p[list(smaller)].sum() < top_p


@pytest.mark.parametrize("top_p", [0, -0.1, 1.1, float("nan")])
def test_an_impossible_top_p_is_refused(top_p):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        keep_top_p([0.5, 0.5], top_p)


def test_top_k_keeps_the_k_most_probable_and_renormalises():
    assert np.allclose(keep_top_k([0.1, 0.4, 0.2, 0.3], 2), [0, 4 / 7, 0, 3 / 7])
    assert np.allclose(keep_top_k([0.25, 0.25, 0.25, 0.25], 2), [0.5, 0.5, 0, 0])


def test_top_k_beyond_the_vocabulary_keeps_everything():
    assert np.allclose(keep_top_k([0.3, 0.7], 99), [0.3, 0.7])


@pytest.mark.parametrize("k", [0, -3])
def test_an_impossible_k_is_refused(k):
    with pytest.raises(ValueError, match="k must be 1 or more"):
        keep_top_k([0.5, 0.5], k)


def test_draws_follow_the_distribution():
    counts = np.bincount([draw([0.6, 0.1, 0.3], seed) for seed in range(3000)], minlength=3)
    assert np.allclose(counts / 3000, [0.6, 0.1, 0.3], atol=0.04)


def test_the_same_seed_draws_the_same_token():
    p = np.full(1000, 1 / 1000)
    assert draw(p, seed=5) == draw(p, seed=5)
    assert len({draw(p, seed=seed) for seed in range(20)}) > 10


def test_what_cannot_happen_is_never_drawn():
    assert {draw([0, 0.5, 0, 0.5], seed) for seed in range(100)} == {1, 3}


@pytest.mark.parametrize("step", EVERY_STEP)
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "shape"),
        ([[0.5, 0.5]], "shape"),
        ([0.5, 0.6], "sum to 1.1"),
        ([1.5, -0.5], "from -0.5 to 1.5"),
        ([float("nan"), 1.0], "sum to nan"),
    ],
)
def test_what_is_no_distribution_is_refused_with_what_came(step, values, said):
    with pytest.raises(ValueError, match=said):
        step(values)


def test_the_input_is_not_changed():
    p = np.array([0.5, 0.3, 0.2])
    for step in EVERY_STEP:
        step(p)
    assert p.tolist() == [0.5, 0.3, 0.2]
