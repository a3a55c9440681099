"""Pretraining reads windows of one long text, the same for the same step."""

import pytest
import torch
from torch import nn

from llama_course.training.loop import train
from llama_course.training.optimization import TrainingSettings
from llama_course.training.pretraining import (
    EmptyDataError,
    held_out_loss,
    pretraining_loss,
    random_windows,
    token_stream,
)

STREAM = torch.arange(50)


class Bigram(nn.Module):
    """Predicts from the last token alone."""

    def __init__(self, vocab_size):
        super().__init__()
        self.table = nn.Embedding(vocab_size, vocab_size)
        nn.init.zeros_(self.table.weight)

    def forward(self, input_ids):
        return self.table(input_ids)


def test_documents_stand_in_one_line_between_their_markers():
    assert token_stream([[5, 6], [], [7]], bos_token_id=1, eos_token_id=2).tolist() == [1, 5, 6, 2, 1, 2, 1, 7, 2]


def test_windows_are_pieces_of_the_text():
    windows = random_windows(STREAM, batch_size=1000, length=7, seed=0, step=0)
    assert windows.shape == (1000, 7)
    assert (windows.diff(dim=1) == 1).all()
    assert windows.min() == 0 and windows.max() == 49  # the first and the last token are reached


def test_the_same_step_gives_the_same_batch_and_another_step_another():
    first = random_windows(STREAM, 4, 7, seed=0, step=3)
    assert torch.equal(first, random_windows(STREAM, 4, 7, seed=0, step=3))
    assert not torch.equal(first, random_windows(STREAM, 4, 7, seed=0, step=4))
    assert not torch.equal(first, random_windows(STREAM, 4, 7, seed=1, step=3))


def test_a_text_as_long_as_one_window_is_enough_and_a_shorter_one_is_not():
    assert random_windows(STREAM[:7], 2, 7, 0, 0).tolist() == [list(range(7))] * 2
    with pytest.raises(EmptyDataError, match="the text has 6 tokens, fewer than one window of 7"):
        random_windows(STREAM[:6], 2, 7, 0, 0)


def test_no_document_is_refused():
    with pytest.raises(EmptyDataError, match="no document"):
        token_stream([], 1, 2)


def test_a_bigram_model_learns_that_the_numbers_count_up():
    model, stream = Bigram(50), STREAM.repeat(4)
    evaluate = held_out_loss(model, stream, batch_size=4, length=10)
    settings = TrainingSettings(steps=200, learning_rate=0.3, warmup_steps=5, weight_decay=0.0)
    history = train(model, pretraining_loss(model, stream, 8, 10), settings, evaluate=evaluate)
    assert history.losses[0] == pytest.approx(torch.tensor(50.0).log().item(), rel=1e-4)
    assert history.evaluations[-1][1] < 0.5
    assert evaluate() == evaluate()
