"""Best-of-n against brute force and simulation."""

import itertools
import math

import pytest
import torch

from llama_course.training.best_of_n import best_of_n, best_of_n_kl, expected_best


def test_the_best_answer_of_each_prompt_is_kept():
    assert best_of_n(torch.tensor([[0.1, 0.9, 0.3], [2.0, -1.0, 2.0]])).tolist() == [1, 0]


@pytest.mark.parametrize("wrong", [torch.zeros(3), torch.zeros(2, 0)])
def test_rewards_of_another_shape_are_refused(wrong):
    with pytest.raises(ValueError, match="expected rewards of shape"):
        best_of_n(wrong)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_expected_best_is_the_mean_over_all_choices_of_n(n):
    rewards = torch.tensor([[0.3, -1.0, 2.0, 0.5, 0.3]], dtype=torch.float64)
    brute = [max(chosen) for chosen in itertools.combinations(rewards[0].tolist(), n)]
    assert expected_best(rewards, n).item() == pytest.approx(sum(brute) / len(brute))


@pytest.mark.parametrize("n", [0, 6])
def test_more_answers_than_were_drawn_are_refused(n):
    with pytest.raises(ValueError, match="n must be from 1 to the 5 answers"):
        expected_best(torch.zeros(1, 5), n)


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_the_kl_is_that_of_the_distribution_of_the_best(n):
    # the rank of a drawn answer is uniform on (0, 1); that of the best of n has density n x^(n-1)
    x = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    density = n * x ** (n - 1)
    assert best_of_n_kl(n) == pytest.approx((density * density.log()).mean().item(), abs=1e-4)


def test_one_answer_is_no_choice():
    assert best_of_n_kl(1) == 0
    assert best_of_n_kl(2) == pytest.approx(math.log(2) - 0.5)
    with pytest.raises(ValueError, match="n must be 1 or more"):
        best_of_n_kl(0)
