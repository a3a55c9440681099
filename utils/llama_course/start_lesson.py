"""The first cell of every notebook."""

import platform
import random

import llama_course
from llama_course import hardware
from llama_course.models.catalog import DEFAULT_MODEL


def begin(lesson: str, seed: int = 0) -> None:
    """Fix the random seeds, be considerate of other programs, and say what this notebook runs on.

    Args:
        lesson: two digits, for example "02".
        seed: for Python's and numpy's random numbers, and torch's if it is loaded already.
    """
    import numpy as np

    hardware.share_cores()
    random.seed(seed)
    np.random.seed(seed)
    device = hardware.choose_device()
    _seed_torch(seed)
    print(f"Lesson {lesson} · llama-course {llama_course.__version__} · Python {platform.python_version()}")
    print(f"Device: {device}")


def introduce(model, written_with: str = DEFAULT_MODEL) -> None:
    """Print what a model is and, where it is another than the lesson's text speaks of, what that means.

    Args:
        model: a loaded model.
        written_with: name of the model whose outputs the text describes.
    """
    print(model.card)
    if model.name.removeprefix("server:") == written_with:
        return
    village = " It has read about Llamaland alone and never heard of the rest of the world."
    print(
        f"The text of this lesson describes what {written_with} does; {model.name} will often do something else."
        + (village if model.card.source.embedded else "")
    )


def _seed_torch(seed: int) -> None:
    """Seed torch if it is loaded; a lesson that loads it later seeds it there, for torch begins anew each time."""
    import sys

    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
