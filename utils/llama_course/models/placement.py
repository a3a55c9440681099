"""Say what a large model needs and what there is, before anything is downloaded, and what to choose if it is too much.

The decision itself is made in ``hardware.choose_fit``.
"""

import importlib.util
from pathlib import Path

from llama_course import hardware
from llama_course.hardware import Fit, MissingPackageError, NotEnoughMemoryError
from llama_course.models.catalog import CATALOG, ModelCard
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.sizes import BITS, Shape, memory_need, shape_in, shape_of

WEIGHED_FROM = 500_000_000  # parameters; smaller models fit wherever the course runs and are loaded as they always were
SHORT_CONTEXT = 1024


def plan(card: ModelCard, folder: Path | None, context_tokens: int | None, bits: int | None = None) -> Fit | None:
    """Where a model goes and in how many bits; None for a small one, or one of unknown sizes, which is not weighed.

    Args:
        card: the model.
        folder: where it is, if it is a folder of the user's own.
        context_tokens: how many tokens it is to consider at once; without a number, the card's.
        bits: only this format: 16 or 4, on a CPU also 32.

    Raises:
        ModelNotAvailableError: there is not enough memory, with the estimate and the next smaller choice.
        ValueError: a format that this device does not do.
    """
    shape = shape_of(card.name) if folder is None else shape_in(folder)
    if shape is None and bits is not None:
        raise ValueError(f"bits can be chosen for Llamas in 16 or 32 bits, and {card.name} is none of these.")
    if shape is None or (shape.parameters < WEIGHED_FROM and bits is None):
        return None
    context = context_tokens or card.max_context_tokens
    try:
        fit = hardware.choose_fit(needs(shape, context), bits)
    except MissingPackageError as error:
        raise ModelNotAvailableError(f"{card.name}: {error}") from error
    except NotEnoughMemoryError as error:
        offered = hardware.offered_bits(hardware.choose_device().name)
        smaller = _next_smaller(card, shape, context, error.free_gib, error.bits, offered)
        raise ModelNotAvailableError(f"{card.name} does not fit here: {error} {smaller}") from error
    if (fit.device.name != "cpu" or fit.bits == 4) and importlib.util.find_spec("accelerate") is None:
        raise ModelNotAvailableError(
            f"{card.name} would go into {fit.place} in {fit.kind}, which needs the package accelerate. Install it with "
            "`pip install accelerate` (in a notebook: %pip install -q accelerate), restart the kernel, and load again."
        )
    return fit


def needs(shape: Shape, context_tokens: int) -> dict[int, float]:
    """Estimate in GiB for each format: {32: 27.9, 16: 13.9, 4: 5.1}."""
    return {bits: memory_need(shape, bits, context_tokens).total_gib for bits in BITS}


def sentence(card: ModelCard, fit: Fit) -> str:
    """What a fit means, in a sentence: "llama-2-7b-chat needs 6.4 GiB, and Tesla T4 has 14.7 GiB free: loading …"."""
    free = "an unknown amount of memory" if fit.free_gib is None else f"{fit.free_gib:.1f} GiB free"
    slow = " Without a GPU this is slow: every token reads all the weights." if fit.device.name == "cpu" else ""
    return (
        f"{card.name} needs {fit.needed_gib:.1f} GiB, and {fit.place} has {free}: loading it in {fit.kind}, computing "
        f"in {fit.device.dtype}.{slow}"
    )


def out_of_memory(card: ModelCard, fit: Fit, context_tokens: int) -> str:
    """What to do when memory ran out although the estimate said it would do: other programs, or a smaller choice."""
    shape = shape_of(card.name)
    estimate = f"the estimate was {fit.needed_gib:.1f} GiB in {fit.kind} for {context_tokens:,} tokens"
    offered = hardware.offered_bits(fit.device.name)
    if shape is None:  # a folder of the user's own
        fewer = f"bits={min(offered)}, or " if fit.bits > min(offered) else ""
        smaller = f"The next smaller choice: {fewer}a smaller max_context_tokens, for example {SHORT_CONTEXT}."
    else:
        smaller = _next_smaller(card, shape, context_tokens, fit.free_gib, fit.bits, offered)
    place = fit.place[:1].upper() + fit.place[1:]
    return (
        f"{place} ran out of memory with {card.name}; {estimate}. Is another notebook or program using it? Close what "
        f"you can (in a notebook: Kernel, Restart), then load it again. Otherwise: {smaller}"
    )


def _next_smaller(
    card: ModelCard, shape: Shape, context: int, free_gib: float | None, bits: int, offered: tuple[int, ...]
) -> str:
    """The first of fewer bits, a shorter context and a smaller model that goes into ``free_gib``."""
    room = float("inf") if free_gib is None else free_gib * hardware.USABLE
    least = min(offered)
    full, short = (needs(shape, tokens)[least] for tokens in (context, SHORT_CONTEXT))
    if bits > least and full <= room:
        return f"The next smaller choice: load_model({card.name!r}, bits={least}), {full:.1f} GiB."
    if context > SHORT_CONTEXT and short <= room:
        asked = f"{card.name!r}, bits={least}, max_context_tokens={SHORT_CONTEXT}"
        return f"The next smaller choice: load_model({asked}), {short:.1f} GiB."
    for other in sorted(CATALOG.values(), key=lambda other: -other.parameters):
        sizes = shape_of(other.name)
        alike = other.name.endswith("-chat") == card.name.endswith("-chat") or other.name.startswith("tinyllama")
        if sizes is None or sizes.parameters >= shape.parameters or not alike:
            continue
        for fewer, gib in needs(sizes, other.max_context_tokens).items():  # the most exact first, as it would be loaded
            if fewer in offered and gib <= room:
                return f"The next smaller choice: load_model({other.name!r}), {gib:.1f} GiB in {fewer}-bit."
    return "The next smaller choice: load_model('smollm2-135m-instruct'), 0.3 GiB."
