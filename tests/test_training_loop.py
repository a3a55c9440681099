"""The training loop learns, repeats exactly, and loses nothing when it is stopped, interrupted or goes wrong."""

import errno
import math
import os
import signal

import pytest
import torch
from torch import nn

from llama_course import files
from llama_course.training.checkpoints import CheckpointError
from llama_course.training.loop import Progress, TrainingDivergedError, no_interrupt, train
from llama_course.training.optimization import TrainingSettings, learning_rate_at, make_optimizer

SETTINGS = TrainingSettings(
    steps=12, learning_rate=0.05, warmup_steps=3, weight_decay=0.01, evaluate_every=5, save_every=4
)


def new_model(width=5):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.LayerNorm(width), nn.Linear(width, 1))


def loss_of_step(model):
    """The loss of a batch that depends on nothing but the number of the step."""

    def loss(step):
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        return (model(x) - x.sum(dim=1, keepdim=True)).square().mean()

    return loss


def run(model, settings=SETTINGS, **options):
    return train(model, loss_of_step(model), settings, **options)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def stop_after(steps):
    return lambda progress: progress.step < steps


def test_the_loss_falls():
    history = run(new_model(), TrainingSettings(steps=150, learning_rate=0.05, warmup_steps=5))
    assert history.ended == "finished" and history.steps == 150
    assert sum(history.losses[-10:]) < 0.2 * sum(history.losses[:10])


def test_the_same_run_gives_the_same_weights():
    first, second = new_model(), new_model()
    assert run(first).losses == run(second).losses
    assert torch.equal(weights(first), weights(second))


@pytest.mark.parametrize("stop", [1, 4, 7, 11])
def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path, stop):
    whole, halves = new_model(), new_model()
    right = run(whole)
    file = tmp_path / "run.safetensors"
    assert run(halves, checkpoint=file, on_step=stop_after(stop)).ended == "stopped"
    halves = new_model()  # another process
    history = run(halves, checkpoint=file)
    assert history.losses == right.losses and history.ended == "finished"
    assert torch.equal(weights(halves), weights(whole))


def test_a_finished_run_is_not_trained_again(tmp_path):
    model, file = new_model(), tmp_path / "run.safetensors"
    run(model, checkpoint=file)
    before = weights(model)
    again = new_model()
    assert run(again, checkpoint=file).steps == SETTINGS.steps
    assert torch.equal(weights(again), before)


def test_an_interrupt_saves_what_was_learned(tmp_path):
    model, file = new_model(), tmp_path / "run.safetensors"

    def interrupt(progress):
        if progress.step == 6:
            raise KeyboardInterrupt

    history = run(model, checkpoint=file, on_step=interrupt)
    assert history.ended == "interrupted" and history.steps == 6
    whole, resumed = new_model(), new_model()
    run(whole)
    run(resumed, checkpoint=file)
    assert torch.equal(weights(resumed), weights(whole))


def test_an_interrupt_waits_for_the_end_of_an_update():
    done = []
    with pytest.raises(KeyboardInterrupt), no_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        done.append(True)
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_with_the_last_good_state(tmp_path, bad):
    model, file = new_model(), tmp_path / "run.safetensors"
    good = new_model()
    run(good, checkpoint=tmp_path / "good.safetensors", on_step=stop_after(8))
    loss = loss_of_step(model)
    with pytest.raises(TrainingDivergedError, match=r"at step 9 the loss is (nan|inf).*lower learning rate"):
        train(model, lambda step: loss(step) * (bad if step == 9 else 1), SETTINGS, checkpoint=file)
    assert torch.equal(weights(model), weights(good))  # saved after 8 steps
    assert run(model, checkpoint=file).steps == SETTINGS.steps


def test_held_out_data_is_measured_without_gradients_and_at_the_end():
    seen = []

    def evaluate():
        seen.append(torch.is_grad_enabled())
        return 1.5

    model = new_model()
    assert run(model, evaluate=evaluate).evaluations == [(5, 1.5), (10, 1.5), (12, 1.5)]
    assert not any(seen) and not model.training


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "run.safetensors"
    run(new_model(), checkpoint=file, on_step=stop_after(4))
    old = file.read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="disk is full"):
        run(new_model(), checkpoint=file)
    assert file.read_bytes() == old and list(tmp_path.iterdir()) == [file]


def test_a_checkpoint_of_another_size_is_named(tmp_path):
    file = tmp_path / "run.safetensors"
    run(new_model(), checkpoint=file)
    with pytest.raises(CheckpointError, match=r"other sizes: .*weight has shape \(5, 3\) there and \(7, 3\) here"):
        run(new_model(width=7), checkpoint=file)


def test_a_checkpoint_of_another_model_is_named(tmp_path):
    file = tmp_path / "run.safetensors"
    run(new_model(), checkpoint=file)
    with pytest.raises(CheckpointError, match="of another model: "):
        run(nn.Sequential(*new_model(), nn.Linear(1, 1)), checkpoint=file)


def test_a_damaged_checkpoint_is_explained(tmp_path):
    file = tmp_path / "run.safetensors"
    file.write_bytes(b"no safetensors")
    with pytest.raises(CheckpointError, match="Delete it to begin anew"):
        run(new_model(), checkpoint=file)


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_cosine():
    settings = TrainingSettings(steps=101, learning_rate=1.0, warmup_steps=10, final_share=0.1)
    assert [learning_rate_at(step, settings) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert learning_rate_at(10, settings) == pytest.approx(1.0)
    assert learning_rate_at(55, settings) == pytest.approx(0.55)
    assert learning_rate_at(100, settings) == pytest.approx(0.1)


def test_only_matrices_decay():
    decayed, others = make_optimizer(new_model(), SETTINGS).param_groups
    assert {p.dim() for p in decayed["params"]} == {2} and decayed["weight_decay"] == 0.01
    assert {p.dim() for p in others["params"]} == {1} and others["weight_decay"] == 0


def test_frozen_parameters_stay(tmp_path):
    model = new_model()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    run(model, checkpoint=tmp_path / "run.safetensors")
    assert torch.equal(model[0].weight, before)


def test_large_gradients_are_clipped():
    model = nn.Linear(1, 1, bias=False)
    settings = TrainingSettings(steps=1, learning_rate=0.1, warmup_steps=0)
    seen = []
    train(
        model,
        lambda step: 1e6 * model(torch.ones(1, 1)).sum(),
        settings,
        on_step=lambda _: seen.append(model.weight.grad),
    )
    assert seen[0].abs().item() == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 5, "warmup_steps": 6}, {"learning_rate": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected 1 step or more|learning_rate must be above 0"):
        TrainingSettings(**wrong)


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="no parameter of this model is trained"):
        run(new_model().requires_grad_(False))


def test_progress_is_a_sentence():
    said = str(Progress(step=300, steps=1500, loss=2.3456, steps_per_second=4.0))
    assert said == "step 300 of 1,500, loss 2.346, 4.0 steps/s, 5.0 min left"


def test_each_step_takes_the_learning_rate_of_the_schedule(monkeypatch):
    used = []
    step = torch.optim.AdamW.step

    def watched(optimizer, *arguments):
        used.extend({group["lr"] for group in optimizer.param_groups})
        return step(optimizer, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    run(new_model())
    assert used == [learning_rate_at(step, SETTINGS) for step in range(SETTINGS.steps)]
