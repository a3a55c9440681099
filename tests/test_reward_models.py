"""Reward models score the last token, learn preferences, and honour margins."""

import math
import random

import pytest
import torch
from torch import nn

from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import EmptyDataError
from llama_course.training.reward_models import Pair, RewardModel, padded, pair_accuracy, reward_loss

PAD, GOOD, BAD = 0, 7, 8


class Running(nn.Module):
    """Hidden states that are the mean of the embeddings so far."""

    def __init__(self, hidden_size=6, vocab_size=10):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, hidden_size)

    def forward(self, input_ids):
        counts = torch.arange(1, input_ids.shape[1] + 1)[:, None]
        return self.embed(input_ids).cumsum(dim=1) / counts


def new_model():
    torch.manual_seed(0)
    return RewardModel(Running(), 6)


def some_pairs(number=60, noise=0.0, margin=0.0, seed=0):
    """The answer with the good token in it is chosen, but for some noise."""
    dice = random.Random(seed)
    pairs = []
    for _ in range(number):
        start = tuple(dice.choices(range(1, 7), k=dice.randint(2, 5)))
        good, bad = (*start, GOOD, 2), (*start, BAD, 2)
        pairs.append(Pair(bad, good, margin) if dice.random() < noise else Pair(good, bad, margin))
    return pairs


def test_padding_does_not_change_a_reward():
    model = new_model()
    alone = model(*padded([[3, 4, 5]], PAD, 10))
    beside = model(*padded([[3, 4, 5], [1, 2, 3, 4, 5, 6, 7]], PAD, 10))
    assert beside[0].item() == pytest.approx(alone.item(), abs=1e-6)
    assert beside.shape == (2,)


def test_sequences_are_padded_on_the_right():
    input_ids, lengths = padded([[3], [4, 5, 6]], PAD, 10)
    assert input_ids.tolist() == [[3, 0, 0], [4, 5, 6]] and lengths.tolist() == [1, 3]


@pytest.mark.parametrize("sequences", [[], [[1], []]])
def test_nothing_to_score_is_refused(sequences):
    with pytest.raises(EmptyDataError, match="no sequence to score"):
        padded(sequences, PAD, 10)


def test_a_sequence_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="has 3 tokens, and the model's context holds 2"):
        padded([[1, 2, 3]], PAD, 2)


def test_it_learns_what_is_preferred_and_tells_new_pairs_apart():
    model, settings = new_model(), TrainingSettings(steps=60, learning_rate=0.05, warmup_steps=5)
    before = pair_accuracy(model, some_pairs(seed=9), PAD, 10)
    train(model, reward_loss(model, some_pairs(), 16, PAD, 10), settings)
    assert pair_accuracy(model, some_pairs(seed=9), PAD, 10) == 1.0 != before


def test_noisy_labels_bound_the_accuracy_on_labels_and_not_on_the_truth():
    model, settings = new_model(), TrainingSettings(steps=80, learning_rate=0.05, warmup_steps=5)
    train(model, reward_loss(model, some_pairs(400, noise=0.15), 32, PAD, 10), settings)
    labels = some_pairs(400, noise=0.15, seed=9)
    assert pair_accuracy(model, some_pairs(400, seed=9), PAD, 10) == 1.0
    assert pair_accuracy(model, labels, PAD, 10) == pytest.approx(0.85, abs=0.05)


def test_a_margin_drives_the_rewards_further_apart():
    gaps = []
    for margin in (0.0, 3.0):
        model, pairs = new_model(), some_pairs(margin=margin)
        settings = TrainingSettings(steps=120, learning_rate=0.03, warmup_steps=5)
        train(model, reward_loss(model, pairs, 16, PAD, 10), settings)
        rewards = model(*padded([pairs[0].chosen_ids, pairs[0].rejected_ids], PAD, 10))
        gaps.append((rewards[0] - rewards[1]).item())
    assert gaps[1] > gaps[0] + 0.5


def test_margins_can_be_left_out():
    model, pairs = new_model(), some_pairs(margin=5.0)
    nn.init.zeros_(model.score.weight)
    assert reward_loss(model, pairs, 8, PAD, 10, use_margins=False)(0).item() == pytest.approx(math.log(2))
    assert reward_loss(model, pairs, 8, PAD, 10)(0).item() == pytest.approx(math.log1p(math.exp(5)))


def test_equal_rewards_count_one_half():
    model = new_model()
    nn.init.zeros_(model.score.weight)
    assert pair_accuracy(model, some_pairs(7), PAD, 10, batch_size=3) == 0.5
    with pytest.raises(EmptyDataError, match="no pair"):
        pair_accuracy(model, [], PAD, 10)


def test_the_last_token_is_scored():
    model = new_model()
    first, second = model(*padded([[3, 4, 5], [3, 4, 6]], PAD, 10))
    assert first.item() != second.item()
    by_hand = model.score(model.body(torch.tensor([[3, 4, 5]]))[0, 2])
    assert first.item() == pytest.approx(by_hand.item(), abs=1e-6)
