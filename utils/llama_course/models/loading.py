"""load_model: one word chooses the model, and every model answers to the same methods."""

import importlib.util
import os
import threading
import weakref
from pathlib import Path

from llama_course import paths
from llama_course.models.catalog import (
    CATALOG,
    CHATML_TAGS,
    DEFAULT_MODEL,
    FALLBACK_MODEL,
    LLAMA_2_TAGS,
    ZEPHYR_TAGS,
    Licence,
    ModelCard,
    Source,
    find_card,
)
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.fetch import fetch_model, model_path
from llama_course.models.interface import ChatModel, ModelNotAvailableError

BACKENDS = ("llama.cpp", "transformers", "miniature")
MODEL_VARIABLE = "LLAMA_COURSE_MODEL"
GO_ON = f"Meanwhile go on with load_model({FALLBACK_MODEL!r}), which comes with the course."

_loaded: "weakref.WeakValueDictionary[tuple, ChatModel]" = weakref.WeakValueDictionary()
_loading = threading.Lock()
_given_up: set[Path] = set()  # the default model's file, once it could not be had: not waited for a second time


def load_model(
    name: str | Path | None = None, backend: str | None = None, *, max_context_tokens: int | None = None
) -> ChatModel:
    """Load a model by name.

    A model that is still in use somewhere in this process is returned again rather than loaded twice.

    Args:
        name: a name of the catalog, or the path of a GGUF file or of a folder in the Hugging Face format.  Without
            one: ``$LLAMA_COURSE_MODEL``, else "smollm2-135m-instruct", and where that cannot be had "tiny-chat",
            which is then said.
        backend: "llama.cpp", "transformers" or "miniature" (the course's own Llama).  Without one: "miniature" for
            the tiny models, llama.cpp for a GGUF file where it is installed, else transformers.
        max_context_tokens: how many tokens the model considers at once; without one, the card's.

    Returns:
        A model with ``chat``, ``stream``, ``complete``, ``tokenize``, ``next_token_probabilities`` and
        ``log_probabilities``; its ``card`` says what it is.

    Raises:
        UnknownModelError: no such name, with the nearest ones.
        ModelNotAvailableError: it cannot be had here, with what to do.
        ValueError: an unknown backend or an impossible context length.
    """
    if name is None:
        name = os.environ.get(MODEL_VARIABLE) or None
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}.")
    if max_context_tokens is not None and max_context_tokens not in range(16, 2**17 + 1):
        raise ValueError(f"max_context_tokens must be a whole number from 16 to {2**17}, got {max_context_tokens!r}.")
    if name is None:
        return _load_default(backend, max_context_tokens)
    return _load(name, backend, max_context_tokens)


def _load_default(backend: str | None, max_context_tokens: int | None) -> ChatModel:
    """The course's chat model, or the miniature with a word about it."""
    file = model_path(find_card(DEFAULT_MODEL))
    can_fall_back = backend in (None, "transformers")  # what can run either of them
    if file.is_file() or file not in _given_up or not can_fall_back:
        try:
            return _load(DEFAULT_MODEL, backend, max_context_tokens)
        except ModelNotAvailableError:
            if not can_fall_back:
                raise
            _given_up.add(file)
    model = _load(FALLBACK_MODEL, backend, max_context_tokens)
    print(
        f"{DEFAULT_MODEL} is not available here, so this is {FALLBACK_MODEL}, which knows the made-up village of "
        f"Llamaland and nothing else; load_model({DEFAULT_MODEL!r}) says why and how to get the real model."
    )
    return model


def _load(name: str | Path, backend: str | None, max_context_tokens: int | None) -> ChatModel:
    is_path = isinstance(name, Path) or any(mark in str(name) for mark in ("/", "\\", ".gguf"))
    path = Path(name).expanduser() if is_path else None
    card = _local_card(path) if is_path else find_card(name)
    if not is_path and card.source.file is None and not card.source.embedded:
        raise ModelNotAvailableError(_not_yet(card))
    backend = _choose_backend(card, backend)
    place = path or (paths.checkpoints_dir() / card.name if card.source.embedded else model_path(card))
    key = (str(place), backend, max_context_tokens or card.max_context_tokens)
    with _loading:
        model = _loaded.get(key)
        if model is None or model.is_closed:
            try:
                model = _loaded[key] = _open(card, path or _bring(card), backend, max_context_tokens)
            except ModelNotAvailableError as error:
                if is_path or card.source.embedded:
                    raise
                raise ModelNotAvailableError(f"{error} {GO_ON}") from error.__cause__
        return model


def _bring(card: ModelCard) -> Path:
    """The verified file or folder of a model of the catalog."""
    return checkpoint_folder(card.name) if card.source.embedded else fetch_model(card)


def _not_yet(card: ModelCard) -> str:
    gate = (
        f" Access is on request: accept the licence at https://huggingface.co/{card.source.repository} first."
        if card.source.gated
        else ""
    )
    return (
        f"{card.name} needs about {card.memory_gib:g} GiB of memory and is not fetched by this version of the course."
        f"{gate} If you have it as a folder in the Hugging Face format, use load_model('PATH/TO/FOLDER'); "
        f"otherwise go on with load_model({FALLBACK_MODEL!r}), which comes with the course."
    )


def _local_card(path: Path) -> ModelCard:
    if not path.exists():
        same = [card.name for card in CATALOG.values() if card.source.repository == path.as_posix()]
        hint = f" That model of the hub is {same[0]!r} here." if same else ""
        raise ModelNotAvailableError(
            f"There is no file or folder {path}.{hint} Names in the catalog: {', '.join(CATALOG)}."
        )
    known = [card for card in CATALOG.values() if card.source.file == path.name]
    if known:
        return known[0]
    gguf = path.is_file()
    size = path.stat().st_size if gguf else sum(file.stat().st_size for file in path.glob("*.safetensors"))
    return ModelCard(
        name=path.stem,
        description="Local model.",
        parameters=0,
        licence=Licence("see the model's own card", ""),
        source=Source(repository=str(path), revision=None, file=path.name if gguf else None),
        memory_gib=round(2 * size / 2**30 + 0.1, 1),
        max_context_tokens=2048,
        special_tags=LLAMA_2_TAGS + CHATML_TAGS + ZEPHYR_TAGS,  # its format is not known: refuse them all
    )


def _choose_backend(card: ModelCard, backend: str | None) -> str:
    is_gguf = card.source.file is not None
    has_llama_cpp = importlib.util.find_spec("xllamacpp") is not None
    usual = "miniature" if card.source.embedded else "llama.cpp" if is_gguf and has_llama_cpp else "transformers"
    if backend == "llama.cpp" and not is_gguf:
        raise ValueError(f"llama.cpp reads GGUF files, and {card.name} is none: use backend={usual!r}.")
    if backend == "llama.cpp" and not has_llama_cpp:
        raise ModelNotAvailableError(
            "llama.cpp needs the package xllamacpp, which is not installed: use backend='transformers'."
        )
    if backend == "miniature" and is_gguf:
        raise ValueError(
            f"backend 'miniature' reads a folder with a Llama and a tokenizer made by this course, and {card.name} is "
            f"a GGUF file: use backend={usual!r}."
        )
    return backend or usual


def _open(card: ModelCard, path: Path, backend: str, max_context_tokens: int | None) -> ChatModel:
    if backend == "miniature":
        from llama_course.models.miniature import open_miniature

        return open_miniature(card, path, max_context_tokens)
    if backend == "llama.cpp":
        from llama_course.models.llama_cpp import LlamaCppModel

        return LlamaCppModel(card, path, max_context_tokens)
    from llama_course.models.convert import converted_model
    from llama_course.models.transformers_backend import TransformersModel

    return TransformersModel(card, converted_model(path) if path.is_file() else path, max_context_tokens)
