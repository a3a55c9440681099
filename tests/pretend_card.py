"""A pretended graphics card: its tensors compute on the CPU, and meet no tensor that was left there.

To PyTorch they are on the device "meta", the one other device that is everywhere; unlike real ones of it they hold
numbers.  What they cannot show: kernels of a real card, its memory, its speed.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

CARD = torch.device("meta")


class OnCard(torch.Tensor):
    """A tensor on the card; ``inner`` has its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor):
        layout = {"strides": inner.stride(), "storage_offset": inner.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(cls, inner.size(), **layout, dtype=inner.dtype, device=CARD)

    def __init__(self, inner: torch.Tensor):
        self.inner = inner

    def tolist(self) -> list:
        return self.inner.tolist()

    def __repr__(self) -> str:
        return f"OnCard({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


class _Card(TorchDispatchMode):
    """Makes new tensors, which have no other one to go by, where they are asked for."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


@contextlib.contextmanager
def pretended_card(monkeypatch):
    """A computer with a card; yields its device.  A generator of random numbers must be made for the right one."""
    made = torch.Generator
    devices: dict[int, str] = {}

    def generator(device="cpu"):
        new = made()
        devices[id(new)] = torch.device(device).type
        keep.append(new)  # or another one would get its id
        return new

    def multinomial(probabilities, count, *, generator=None, **options):
        where = "cpu" if generator is None else devices[id(generator)]
        if generator is not None and where != probabilities.device.type:
            raise RuntimeError(f"a generator for {where} draws from probabilities on {probabilities.device.type}.")
        return drawn(probabilities, count, generator=generator, **options)

    keep, drawn = [], torch.multinomial
    monkeypatch.setattr(torch, "Generator", generator)
    monkeypatch.setattr(torch, "multinomial", multinomial)
    with _Card():
        yield CARD


def put_on_card(model: torch.nn.Module) -> torch.nn.Module:
    """The model itself, with its parameters and buffers on the card; what was one tensor stays one."""
    there: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for held, wrap in ((module._parameters, torch.nn.Parameter), (module._buffers, lambda tensor: tensor)):
            for name, tensor in held.items():
                if tensor is not None:
                    held[name] = there.setdefault(id(tensor), wrap(OnCard(tensor.detach())))
    return model


def compute(operation, args, kwargs):
    """Do it on the CPU; the result is on the card if what went in was, or if it was asked for there."""
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    are_there = [isinstance(tensor, OnCard) for tensor in given]
    copies = operation in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    is_there = any(are_there)
    if kwargs.get("device") is not None:
        is_there = torch.device(kwargs["device"]) == CARD
    elif operation is torch.ops.aten.copy_.default:
        is_there = are_there[0]
    if any(are_there) and not copies:
        left = [tuple(t.shape) for t, there in zip(given, are_there, strict=True) if not there and t.dim()]
        if left:
            raise RuntimeError(f"{operation}: tensors on two devices; on the CPU: {left}.")
    plain = tree_map_only(OnCard, lambda tensor: tensor.inner, (args, kwargs))
    args_there, kwargs_there = tree_map_only(torch.device, lambda device: torch.device("cpu"), plain)
    result = operation(*args_there, **kwargs_there)
    if operation._schema.is_mutable and given and not kwargs.get("out"):
        return args[0] if isinstance(args[0], torch.Tensor) else result
    return tree_map_only(torch.Tensor, OnCard, result) if is_there else result
