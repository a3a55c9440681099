"""Two tables in Markdown: which lessons run on which model, and what the large models need."""

import json

from llama_course import hardware, paths
from llama_course.models.catalog import CATALOG, ModelCard
from llama_course.models.placement import needs
from llama_course.models.sizes import GIB, memory_need, shape_of

CARDS = (  # free memory in GiB of cards that learners meet, little less than they are sold with
    ("T4 (Colab, free)", 14.7),
    ("24 GB card", 23.5),
    ("80 GB card", 79.0),
    ("2 × 80 GB", 158.0),
)


def lesson_rows() -> list[dict]:
    """The lessons: number, whether any chat model of ``load_model()`` will do, and what else they use."""
    return json.loads(paths.data_file("lesson_models.json").read_text(encoding="utf-8"))["lessons"]


def lesson_table() -> str:
    """Which lessons follow ``LLAMA_COURSE_MODEL``, and what the others use."""
    rows = [
        (row["lesson"], "every model of the table below" if row["any_model"] else "fixed", row["uses"])
        for row in lesson_rows()
    ]
    return _markdown(("Lesson", "Chat model", "Besides"), rows)


def needs_table() -> str:
    """Download and memory of the large models, and in which format each fits on which card."""
    large = [card for card in CATALOG.values() if shape_of(card.name)]
    header = ("Model", "Download", "Memory, 16-bit", "Memory, 4-bit", *(title for title, _ in CARDS))
    return _markdown(header, [_needs_row(card) for card in large])


def _needs_row(card: ModelCard) -> tuple[str, ...]:
    shape, context = shape_of(card.name), card.max_context_tokens
    needed = needs(shape, context)
    download = memory_need(shape, 16, context).weights_gib * GIB / 1e9
    fits = [
        next((f"{bits}-bit" for bits in (16, 4) if needed[bits] <= free * hardware.USABLE), "no") for _, free in CARDS
    ]
    return (card.name, f"{download:.1f} GB", f"{needed[16]:.1f} GiB", f"{needed[4]:.1f} GiB", *fits)


def _markdown(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
