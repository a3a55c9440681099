"""Recorded watermarks of the real small model: texts with a mark and without, reworded, warm and cold, and people's.

Every seed has a key of its own, so that no lucky key decides.
"""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from llama_course import paths
from llama_course.safety.watermark import KEY, Detector, Mark, reworded, write

if TYPE_CHECKING:
    from llama_course.models.transformers_backend import TransformersModel

LENGTHS = (25, 50, 100, 200)  # tokens after which the mark is looked for
SEEDS = (0, 1, 2, 3, 4)
TEXTS = 12  # with a mark, and as many without one, for each seed
TEMPERATURE = 0.8
OTHER_TEMPERATURES = (0.3, 1.2)
REWORDED = (0.1, 0.25, 0.5)
SHOWN = 2  # texts of each kind of which the first seed keeps the words
PEOPLE_WROTE = ("argparse", "datetime", "decimal", "difflib", "doctest", "fractions", "heapq", "random", "statistics")
ABOUT = (
    "a lighthouse", "how bread is made", "the moon", "a walk in the woods", "an old clock", "how rain forms",
    "a village market", "learning to swim", "a lost umbrella", "why cats purr", "a train journey", "growing tomatoes",
)  # fmt: skip


@dataclass(frozen=True)
class MarkedText:
    """A text and what the detector says after its first tokens."""

    origin: str  # "marked", "unmarked" or "people"
    seed: int
    temperature: float  # 0 for people
    reworded: float  # share of the tokens that were exchanged afterwards
    z: tuple[float, ...]  # after each of LENGTHS
    ids: tuple[int, ...] = ()  # its tokens, for those that are shown
    text: str = ""  # its words, likewise


def mark_of(seed: int) -> Mark:
    """The mark of a seed."""
    return Mark(KEY + 1_000 * seed)


def prompts(count: int = TEXTS) -> list[str]:
    """What the model is asked to write about."""
    return [f"Write a long text about {thing}." for thing in ABOUT[:count]]


def run_watermark(
    model: "TransformersModel", seed: int, *, texts: int = TEXTS, tokens: int = LENGTHS[-1]
) -> list[MarkedText]:
    """Let a model write with a mark and without, reword what is marked, and look for the mark everywhere.

    Args:
        model: of the transformers backend.
        seed: of the draw and of the key.
        texts: of each kind.
        tokens: of each text.
    """
    detector, mark = Detector(model.model.config.vocab_size, mark_of(seed)), mark_of(seed)
    asked, found = prompts(texts), []

    def add(origin: str, temperature: float, share: float, written: Sequence[Sequence[int]]) -> None:
        for number, ids in enumerate(written):
            shown = seed == SEEDS[0] and number < SHOWN and temperature in (TEMPERATURE, 0)
            kept = (tuple(ids), model.tokenizer.decode(ids)) if shown else ((), "")
            found.append(MarkedText(origin, seed, temperature, share, z_after(detector, ids), *kept))

    marked = write(model, asked, mark, tokens=tokens, temperature=TEMPERATURE, seed=seed)
    add("marked", TEMPERATURE, 0.0, marked)
    for share in REWORDED:
        add("marked", TEMPERATURE, share, [reworded(model, ids, share, seed=seed + n) for n, ids in enumerate(marked)])
    unmarked = write(model, asked, None, tokens=tokens, temperature=TEMPERATURE, seed=seed + 500)
    add("unmarked", TEMPERATURE, 0.0, unmarked)
    for temperature in OTHER_TEMPERATURES:
        few = asked[: max(1, texts // 2)]
        add("marked", temperature, 0.0, write(model, few, mark, tokens=tokens, temperature=temperature, seed=seed))
    add("people", 0.0, 0.0, people_wrote(model, 2 * texts, tokens))
    return found


def z_after(detector: Detector, ids: Sequence[int]) -> tuple[float, ...]:
    """z after each of ``LENGTHS``, as far as the text goes."""
    return tuple(round(detector(ids[:length]).z, 3) for length in LENGTHS if length <= len(ids))


def people_wrote(model: "TransformersModel", count: int, tokens: int) -> list[list[int]]:
    """Text that people wrote: pieces of the documentation of Python's own modules, which is on every computer."""
    pieces = []
    for name in PEOPLE_WROTE:
        ids = [token.id for token in model.tokenize(documentation(name))]
        pieces += [ids[start : start + tokens] for start in range(0, len(ids) - tokens + 1, tokens)]
    return pieces[:: max(1, len(pieces) // count)][:count]


def documentation(name: str) -> str:
    """What a module says of itself and of what is in it."""
    module = import_module(name)
    own = [member for member in vars(module).values() if getattr(member, "__module__", None) == name]
    docs = [inspect.getdoc(part) for part in (module, *own)]
    return "\n\n".join(dict.fromkeys(doc for doc in docs if doc))


def recorded_texts(path: Path | None = None) -> tuple[list[MarkedText], int]:
    """What ``benchmarks/safeguards.py watermark`` recorded, and how many tokens the marks are drawn from."""
    path = paths.data_file("runs/watermark.json") if path is None else path
    data = json.loads(path.read_text(encoding="utf-8"))
    texts = [MarkedText(**{**row, "z": tuple(row["z"]), "ids": tuple(row["ids"])}) for row in data["runs"]]
    return texts, data["vocab_size"]


def of_kind(
    texts: Sequence[MarkedText], origin: str, temperature: float = TEMPERATURE, share: float = 0.0
) -> list[MarkedText]:
    """The texts of one kind; for those that people wrote there is no temperature.

    Raises:
        ValueError: there are none.
    """
    wanted = origin, 0.0 if origin == "people" else temperature, share
    found = [text for text in texts if (text.origin, text.temperature, text.reworded) == wanted]
    if not found:
        raise ValueError(f"no {origin} text at temperature {temperature:g}, {share:.0%} reworded, was recorded.")
    return found


def flagged(texts: Sequence[MarkedText], length: int, threshold: float) -> list[bool]:
    """Whether each text counts as marked after so many of its tokens.

    Raises:
        ValueError: it was not looked for after so many tokens.
    """
    if length not in LENGTHS:
        raise ValueError(f"expected one of the lengths {', '.join(map(str, LENGTHS))}, got {length}.")
    return [text.z[LENGTHS.index(length)] > threshold for text in texts]
