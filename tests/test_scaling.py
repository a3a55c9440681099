"""The scaling law: found where it holds, refused where there is none."""

import numpy as np
import pytest

from llama_course.training.scaling import ScalingLaw, fit_scaling_law

SIZES = [9_576, 15_372, 21_840, 36_792, 54_432, 97_776]


@pytest.mark.parametrize("law", [ScalingLaw(0.7, 500.0, 0.6), ScalingLaw(0.0, 55.0, 0.3), ScalingLaw(1.5, 9e3, 0.9)])
def test_a_law_is_found_again_from_its_own_points(law):
    found = fit_scaling_law(SIZES, law.loss(SIZES))
    assert found.exponent == pytest.approx(law.exponent, abs=0.003)
    assert found.floor == pytest.approx(law.floor, abs=0.02)
    assert found.loss(400_000) == pytest.approx(law.loss(400_000), rel=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_a_size_beyond_the_measured_ones_is_predicted_in_spite_of_noise(seed):
    law = ScalingLaw(0.75, 9.1e3, 0.92)
    sizes = np.repeat(SIZES, 5)
    noisy = law.loss(sizes) * (1 + 0.02 * np.random.default_rng(seed).standard_normal(len(sizes)))
    assert fit_scaling_law(sizes, noisy).loss(152_000) == pytest.approx(law.loss(152_000), rel=0.06)


def test_no_loss_has_a_floor_below_zero():
    straight = ScalingLaw(-0.5, 50.0, 0.2).loss(SIZES)
    found = fit_scaling_law(SIZES, straight)
    assert 0 <= found.floor < 0.05
    assert found.loss(SIZES) == pytest.approx(straight, rel=0.01)


def test_too_few_sizes_and_losses_that_grow_are_refused():
    with pytest.raises(ValueError, match="three sizes or more, got 2 losses and 2 sizes"):
        fit_scaling_law([10, 20], [2.0, 1.0])
    with pytest.raises(ValueError, match="three sizes or more"):
        fit_scaling_law([10, 20, 30], [2.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="do not fall with size"):
        fit_scaling_law([10, 100, 1000], [1.0, 2.0, 3.0])


def test_the_law_is_readable():
    assert str(ScalingLaw(0.75, 9100.0, 0.92)) == "loss = 0.75 + 9.1e+03 · N^(−0.92)"
