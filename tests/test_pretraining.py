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
    windows_once,
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


# -- every token once an epoch -----------------------------------------------------------------------------------------


def epoch_of(stream, batch_size, length, epoch, seed=0):
    """The batches of one epoch, one after another."""
    steps = len(stream) // length // batch_size
    return torch.cat(
        [windows_once(stream, batch_size, length, seed, epoch * steps + step) for step in range(steps)]
    )  # (windows, length)


@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_every_token_is_read_once_an_epoch(epoch):
    windows = epoch_of(STREAM[:48], batch_size=2, length=6, epoch=epoch)
    assert windows.shape == (8, 6)
    assert windows.flatten().sort().values.tolist() == list(range(48))
    assert (windows.diff(dim=1) == 1).all(), "a window is a piece of the text"


def test_the_end_that_fills_no_window_is_never_read():
    read = {token for epoch in range(20) for token in epoch_of(STREAM, 2, 6, epoch).flatten().tolist()}
    assert read == set(range(48))


def test_windows_that_fill_no_batch_wait_for_another_epoch():
    """Nine windows in batches of two: one is left out, and not always the same one."""
    left_out = set()
    for epoch in range(30):
        starts = [window[0].item() for window in epoch_of(STREAM[:45], 2, 5, epoch)]
        assert len(set(starts)) == 8, "a window came twice"
        left_out |= set(range(0, 45, 5)) - set(starts)
    assert len(left_out) > 4


def test_each_epoch_and_each_seed_has_an_order_of_its_own_and_it_can_be_resumed():
    first, second, other = (
        epoch_of(STREAM[:48], 2, 6, *numbers).flatten().tolist() for numbers in ((0, 0), (1, 0), (0, 1))
    )
    assert first != second and first != other and sorted(first) == sorted(second) == sorted(other)
    # step 5 is the second of the second epoch, whether or not the others were asked for
    assert windows_once(STREAM[:48], 2, 6, 0, 5).flatten().tolist() == second[12:24]


def test_a_text_that_fills_one_batch_is_enough_and_a_shorter_one_is_not():
    windows = windows_once(STREAM[:12], 2, 6, seed=0, step=7)
    assert sorted(windows.tolist()) == [list(range(6)), list(range(6, 12))]
    with pytest.raises(EmptyDataError, match="the text has 11 tokens, fewer than 2 windows of 6"):
        windows_once(STREAM[:11], 2, 6, 0, 0)


def test_pretraining_can_read_every_token_once():
    read = []

    class Reader(Bigram):
        def forward(self, input_ids):
            read.extend(input_ids.flatten().tolist())
            return super().forward(input_ids)

    loss_of_step = pretraining_loss(Reader(50), STREAM[:48], 4, 6, seed=3, windows=windows_once)
    assert [loss_of_step(step).item() for step in (0, 1)] == pytest.approx([torch.tensor(50.0).log().item()] * 2)
    assert sorted(read) == list(range(48))
