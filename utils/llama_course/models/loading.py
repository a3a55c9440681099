"""load_model: one word chooses the model, and every model answers to the same methods."""

import difflib
import os
import threading
import weakref
from pathlib import Path

from llama_course import hardware, paths
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
    UnknownModelError,
    find_card,
)
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.fetch import fetch_model, model_path
from llama_course.models.hub import fetch_repository, repository_folder
from llama_course.models.interface import ChatModel, ModelNotAvailableError
from llama_course.models.placement import plan, sentence
from llama_course.models.server_address import SERVER_VARIABLE, environment_key
from llama_course.models.server_backend import PREFIX, is_server_name, open_server
from llama_course.models.sizes import BITS

BACKENDS = ("llama.cpp", "transformers", "miniature")
MODEL_VARIABLE = "LLAMA_COURSE_MODEL"
HUB_MODELS = {card.name for card in CATALOG.values() if card.source.file is None and not card.source.embedded}
GO_ON = f"Meanwhile go on with load_model({FALLBACK_MODEL!r}), which comes with the course."

_loaded: "weakref.WeakValueDictionary[tuple, ChatModel]" = weakref.WeakValueDictionary()
_loading = threading.Lock()
_given_up: set[Path] = set()  # the default model's file, once it could not be had: not waited for a second time


def load_model(
    name: str | Path | None = None,
    backend: str | None = None,
    *,
    max_context_tokens: int | None = None,
    bits: int | None = None,
    base_url: str | None = None,
) -> ChatModel:
    """Load a model by name.

    A model that is still in use somewhere in this process is returned again rather than loaded twice.

    Args:
        name: a name of the catalog, or the path of a GGUF file or of a folder in the Hugging Face format, or
            ``server:NAME`` for a model on a server in OpenAI's format, a class server for example.  Without
            one: ``$LLAMA_COURSE_MODEL``, else "smollm2-135m-instruct", and where that cannot be had "tiny-chat",
            which is then said.  A large model that the variable names and that cannot be had, Llama 2 for example, is
            explained, and the lesson goes on without it.
        backend: "llama.cpp", "transformers" or "miniature" (the course's own Llama).  Without one: "miniature" for
            the tiny models, llama.cpp for a GGUF file where it is installed, else transformers.
        max_context_tokens: how many tokens the model considers at once; without one, the card's.
        bits: of each weight of a large model, 16 or 4 (on a CPU also 32).  Without it, as many as there is memory for,
            which is said before anything is downloaded.
        base_url: where a server is, ``http://HOST:PORT/v1``; without it, ``$LLAMA_COURSE_SERVER``.  Its access key is
            read from ``$LLAMA_COURSE_SERVER_KEY`` and never shown.

    Returns:
        A model with ``chat``, ``stream``, ``complete``, ``tokenize``, ``next_token_probabilities`` and
        ``log_probabilities``; its ``card`` says what it is.

    Raises:
        UnknownModelError: no such name, with the nearest ones.
        ModelNotAvailableError: it cannot be had here, or the server cannot be used, with what to do.
        ValueError: an unknown backend or an impossible context length.
    """
    chosen = os.environ.get(MODEL_VARIABLE) or None if name is None else None
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}.")
    if max_context_tokens is not None and max_context_tokens not in range(16, 2**17 + 1):
        raise ValueError(f"max_context_tokens must be a whole number from 16 to {2**17}, got {max_context_tokens!r}.")
    if bits not in (None, *BITS):
        raise ValueError(f"bits must be one of {', '.join(map(str, BITS))}, got {bits!r}.")
    _check_prefix(name or chosen)
    if is_server_name(name):
        return _load_server(name, backend, max_context_tokens, base_url)
    if base_url is not None and not is_server_name(chosen):
        raise ValueError(f"base_url is for a model on a server: load_model('server:NAME', base_url={base_url!r}).")
    if name is None and chosen is None:
        return _load_default(backend, max_context_tokens)
    if chosen is None or not (is_on_the_hub(chosen) or is_server_name(chosen)):
        return _load(name or chosen, backend, max_context_tokens, bits)
    try:
        if is_server_name(chosen):
            return _load_server(chosen, backend, max_context_tokens, base_url)
        return _load(chosen, backend, max_context_tokens, bits)
    except ModelNotAvailableError as error:
        print(f"{str(error).removesuffix(GO_ON).rstrip()}\nMeanwhile the lesson goes on with another model.\n")
        return _load_default(backend, max_context_tokens)


def _check_prefix(name: str | Path | None) -> None:
    """A slip in the word before the colon is answered here: the names of the catalog are no help."""
    prefix, colon, rest = str(name).partition(":")
    if colon and not is_server_name(name) and difflib.get_close_matches(prefix.lower(), ["server"]):
        raise UnknownModelError(f"There is no model {name!r}. Did you mean '{PREFIX}{rest}'?")


def _load_server(name: str, backend: str | None, max_context_tokens: int | None, base_url: str | None) -> ChatModel:
    """A model on a server; without an address, one of this name that is in use here is at the same one."""
    if backend is not None:
        raise ValueError(f"{name} runs on a server, which has its own backend: leave backend={backend!r} away.")
    in_use = (m.connection.url for m in list(_loaded.values()) if m.name == name and not m.is_closed)
    url = base_url or os.environ.get(SERVER_VARIABLE) or next(in_use, None)
    key = (name, url, max_context_tokens, environment_key())
    with _loading:
        model = _loaded.get(key)
        if model is None or model.is_closed:
            model = _loaded[key] = open_server(name, url, max_context_tokens)
        return model


def is_on_the_hub(name: str) -> bool:
    """Whether a name is that of a model which is a whole repository of the hub."""
    try:
        return find_card(name).name in HUB_MODELS
    except UnknownModelError:
        return False


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


def _load(name: str | Path, backend: str | None, max_context_tokens: int | None, bits: int | None = None) -> ChatModel:
    is_path = isinstance(name, Path) or any(mark in str(name) for mark in ("/", "\\", ".gguf"))
    path = Path(name).expanduser() if is_path else None
    card = _local_card(path) if is_path else find_card(name)
    backend = _choose_backend(card, backend)
    place = path or _place(card)
    key = (str(place), backend, max_context_tokens or card.max_context_tokens, bits)
    with _loading:
        model = _loaded.get(key)
        if model is None or model.is_closed:
            try:
                model = _loaded[key] = _with_shared_weights(*key) or _open(
                    card, path, backend, max_context_tokens, bits
                )
            except ModelNotAvailableError as error:
                if is_path or card.source.embedded:
                    raise
                raise ModelNotAvailableError(f"{error} {GO_ON}") from error.__cause__
        return model


def _with_shared_weights(place: str, backend: str, max_context_tokens: int, bits: int | None) -> ChatModel | None:
    """A large model that is loaded already, with another context: its weights are not loaded a second time."""
    for key, model in list(_loaded.items()):
        fit = getattr(model, "fit", None)
        if key[:2] == (place, backend) and not model.is_closed and fit is not None and bits in (None, fit.bits):
            return model.with_context(max_context_tokens)
    return None


def _place(card: ModelCard) -> Path:
    """Where the file or folder of a model of the catalog stands once it is here."""
    if card.source.embedded:
        return paths.checkpoints_dir() / card.name
    return repository_folder(card) if card.name in HUB_MODELS else model_path(card)


def _bring(card: ModelCard) -> Path:
    """The verified file or folder of a model of the catalog."""
    if card.source.embedded:
        return checkpoint_folder(card.name)
    return fetch_repository(card) if card.name in HUB_MODELS else fetch_model(card)


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
    obstacle = hardware.llama_cpp_obstacle() if is_gguf else None
    has_llama_cpp = obstacle is None
    usual = "miniature" if card.source.embedded else "llama.cpp" if is_gguf and has_llama_cpp else "transformers"
    if backend == "llama.cpp" and not is_gguf:
        raise ValueError(f"llama.cpp reads GGUF files, and {card.name} is none: use backend={usual!r}.")
    if backend == "llama.cpp" and not has_llama_cpp:
        raise ModelNotAvailableError(
            f"llama.cpp needs the package xllamacpp, which {obstacle}: use backend='transformers'."
        )
    if backend == "miniature" and is_gguf:
        raise ValueError(
            f"backend 'miniature' reads a folder with a Llama and a tokenizer made by this course, and {card.name} is "
            f"a GGUF file: use backend={usual!r}."
        )
    if backend == "miniature" and card.name in HUB_MODELS:
        raise ValueError(
            f"backend 'miniature' reads models made by this course, and {card.name} has another tokenizer: use "
            f"backend={usual!r}."
        )
    if backend is None and obstacle not in (None, hardware.NOT_INSTALLED):
        print(f"The package xllamacpp {obstacle}. The model runs on transformers instead, which is slower.")
    return backend or usual


def _open(
    card: ModelCard, own: Path | None, backend: str, max_context_tokens: int | None, bits: int | None
) -> ChatModel:
    """Load a model; what a large one needs is weighed first, before anything is fetched."""
    weighed = backend == "transformers" and (card.name in HUB_MODELS or (own is not None and own.is_dir()))
    if bits is not None and not weighed:
        raise ValueError(
            f"bits is for models of the hub and folders in its format, on transformers; {card.name} on {backend} has "
            "the format of its file."
        )
    fit = plan(card, own, max_context_tokens, bits) if weighed else None
    if fit is not None:
        print(sentence(card, fit))
    path = own or _bring(card)
    if backend == "miniature":
        from llama_course.models.miniature import open_miniature

        return open_miniature(card, path, max_context_tokens)
    if backend == "llama.cpp":
        from llama_course.models.llama_cpp import LlamaCppModel

        return LlamaCppModel(card, path, max_context_tokens)
    from llama_course.models.convert import converted_model
    from llama_course.models.transformers_backend import TransformersModel

    return TransformersModel(card, converted_model(path) if path.is_file() else path, max_context_tokens, fit)
