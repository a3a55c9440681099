"""Unboxing Llama 2: the library behind the course notebooks.

Importing this package does nothing else: no download, no device probe, no heavy import.  The names below are
fetched from their rooms when they are first used.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "begin": "llama_course.start_lesson",
    "check": "llama_course.learning.checks",
    "hint": "llama_course.learning.hints",
    "load_model": "llama_course.models.loading",
    "quiz": "llama_course.widgets.quiz",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'llama_course' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOMES])
