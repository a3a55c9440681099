"""The state of a training run in one safetensors file: weights, the optimizer's moments, step, history."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from llama_course import files

MOMENTS = ("exp_avg", "exp_avg_sq")


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from, with what is wrong with it."""


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, history: dict) -> None:
    """Write the state after ``step`` steps; if the disk is full or the program dies, the old file stays.

    Raises:
        OSError: with what happened and what to do.
    """
    tensors = {f"model.{name}": value.detach().contiguous() for name, value in _trained(model).items()}
    for name, parameter in _trained(model).items():
        for moment in MOMENTS:
            tensors[f"{moment}.{name}"] = optimizer.state[parameter][moment].contiguous()
    metadata = {"step": str(step), "history": json.dumps(history)}
    files.write_atomically(path, save(tensors, metadata))


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, dict]:
    """Put a saved state into ``model`` and ``optimizer``; returns the number of steps done and the history.

    Raises:
        CheckpointError: not a checkpoint, damaged, or of a model of other sizes.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        step, history = int(metadata["step"]), json.loads(metadata["history"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a training run, or damaged ({error}). Delete it to begin anew."
        ) from error
    trained = _trained(model)
    _check(path, tensors, trained)
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(tensors[f"model.{name}"])
            moments = {moment: tensors[f"{moment}.{name}"].to(parameter.device, copy=True) for moment in MOMENTS}
            optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    return step, history


def _trained(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that are trained, by name; a matrix used twice (tied embeddings) once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _check(path: Path, tensors: dict[str, Tensor], trained: dict[str, Tensor]) -> None:
    expected = {f"{kind}.{name}": value for name, value in trained.items() for kind in ("model", *MOMENTS)}
    if different := sorted(expected.keys() ^ tensors.keys()):
        raise CheckpointError(
            f"{path} is of another model: {different[0]} is in one of them only. Delete the file, or rename it."
        )
    for name, value in expected.items():
        if tensors[name].shape != value.shape:
            raise CheckpointError(
                f"{path} is of a model of other sizes: {name} has shape {tuple(tensors[name].shape)} there and "
                f"{tuple(value.shape)} here. Delete the file, or rename it."
            )
