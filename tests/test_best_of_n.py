"""Best-of-n against brute force and simulation."""

import itertools
import math

import pytest
import torch

from llama_course.models.llama import Llama
from llama_course.training.best_of_n import best_of_n, best_of_n_kl, expected_best, rejection_sampling


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


def test_rejection_sampling_keeps_the_best_answer_of_each_prompt(tiny_config):
    torch.manual_seed(0)
    policy, seen = Llama(tiny_config), {}

    def reward(numbers, rollouts):
        for number, answer in zip(numbers, rollouts.response_ids(), strict=True):
            seen.setdefault(number, []).append(answer)
        return torch.tensor([float(sum(answer)) for answer in rollouts.response_ids()])

    prompts = [(1, token, *range(20, 20 + token % 3)) for token in range(3, 10)]
    examples = rejection_sampling(policy, prompts, reward, n=5, max_new_tokens=3, prompts_at_once=2)
    assert [example.prompt_ids for example in examples] == prompts
    for number, example in enumerate(examples):
        assert len(seen[number]) == 5
        assert example.answer_ids == max(seen[number], key=sum)
    again = rejection_sampling(policy, prompts, reward, n=5, max_new_tokens=3, prompts_at_once=2)
    assert examples == again


def test_the_best_by_one_measure_is_worth_something_by_another():
    """Against all subsets of two: the chosen one is that with the higher reward, and counts with its value."""
    rewards, values = torch.tensor([[0.3, 0.1, 0.9, 0.5]]), torch.tensor([[4.0, 3.0, 1.0, 2.0]])
    subsets = list(itertools.combinations(range(4), 2))
    by_hand = sum(values[0, max(pair, key=lambda place: rewards[0, place])].item() for pair in subsets) / len(subsets)
    assert expected_best(rewards, 2, values).item() == pytest.approx(by_hand)
    assert expected_best(rewards, 4, values).item() == 1.0
    assert expected_best(rewards, 1, values).item() == pytest.approx(values.mean().item())
