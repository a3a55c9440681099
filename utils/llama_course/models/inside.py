"""A model with its lid off: its weights by name, and what goes on inside while it reads.

All functions take the readable Llama of ``llama.py``; that transformers finds the same is tested.

Shapes: T tokens of one text, L num_hidden_layers, H query heads, D hidden_size, V vocab_size.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from llama_course.models.catalog import DEFAULT_MODEL, FALLBACK_MODEL, find_card
from llama_course.models.convert import converted_model
from llama_course.models.embedded import checkpoint_folder
from llama_course.models.fetch import fetch_model
from llama_course.models.interface import ModelNotAvailableError, Token, check_text
from llama_course.models.loading import MODEL_VARIABLE, is_on_the_hub
from llama_course.models.server_backend import is_server_name
from llama_course.models.tokenizer import BYTE_OF_SYMBOL

DTYPES = {"F32": "<f4", "F16": "<f2"}  # how safetensors writes a number: name of ours for numpy


@dataclass(frozen=True)
class OpenModel:
    """A Llama and its tokenizer, open to be looked at: float32 on the CPU, so that numbers can be compared."""

    folder: Path  # config.json, model.safetensors, tokenizer.json
    llama: Any = field(repr=False)  # a llama_course.models.llama.Llama
    tokenizer: Any = field(repr=False)  # a tokenizers.Tokenizer with byte-level pieces

    @property
    def config(self):
        """The sizes, a ``LlamaConfig``."""
        return self.llama.config

    @property
    def weights(self) -> dict:
        """The arrays by the names that they have in the file; no copies."""
        return dict(self.llama.state_dict())

    def ids(self, text: str):
        """The ids of the tokens of a text, int64 of shape (T,), begun as in training: with BOS, if there was one.

        Raises:
            PromptError: there is no text.
        """
        import torch

        return torch.tensor(self.tokenizer.encode(check_text(text)).ids)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, one for each of its ids."""
        return [self.token(token_id) for token_id in self.ids(text).tolist()]

    def token(self, token_id: int) -> Token:
        """A token by its id."""
        piece = self.tokenizer.id_to_token(int(token_id))
        special = token_id in self.tokenizer.get_added_tokens_decoder()
        raw = piece.encode("utf-8") if special else bytes(BYTE_OF_SYMBOL[symbol] for symbol in piece)
        return Token(int(token_id), raw.decode("utf-8", "replace"), raw)

    def text(self, ids) -> str:
        """The text of ids."""
        return b"".join(self.token(token_id).bytes for token_id in ids.tolist()).decode("utf-8", "replace")


def model_folder(name: str | Path | None = None) -> Path:
    """Where the files of a model lie in the Hugging Face format; made from its GGUF file where need be, once.

    Args:
        name: a name of the catalog, or the path of a folder or a GGUF file.  Without one, :func:`model_to_open`.

    Raises:
        UnknownModelError: no such name.
        ModelNotAvailableError: it cannot be had here, with what to do.
    """
    return _folder_of(name or model_to_open())


def model_to_open() -> str:
    """Name of the model that a lesson takes apart; ``load_model`` takes it, too.

    It is ``$LLAMA_COURSE_MODEL`` if that is small, else the real small chat model, and where that cannot be
    had tiny-chat.  Where it is another than lessons describe, that is said.
    """
    if chosen := os.environ.get(MODEL_VARIABLE):
        if not is_on_the_hub(chosen) and not is_server_name(chosen):
            if chosen != DEFAULT_MODEL:
                print(f"This lesson takes {chosen} apart; its text describes what {DEFAULT_MODEL} does.")
            return chosen
        why = "stays on its server" if is_server_name(chosen) else "is too large for that"
        print(f"This lesson takes a model apart on any computer; {chosen} {why}, so it keeps its own.")
    try:
        _folder_of(DEFAULT_MODEL)
        return DEFAULT_MODEL
    except ModelNotAvailableError:
        print(
            f"{DEFAULT_MODEL} is not available here, so this is {FALLBACK_MODEL}, which knows the made-up village of "
            f"Llamaland and nothing else. The text of this lesson describes what {DEFAULT_MODEL} does."
        )
        return FALLBACK_MODEL


def _folder_of(name: str | Path) -> Path:
    if is_server_name(name):
        raise ModelNotAvailableError(f"The weights of {name} stay on its server: to look inside, use {DEFAULT_MODEL}.")
    if isinstance(name, Path) or any(mark in name for mark in ("/", "\\", ".gguf")):  # as load_model tells them apart
        path = Path(name).expanduser()
        return converted_model(path) if path.is_file() else path
    card = find_card(name)
    if card.source.embedded:
        return checkpoint_folder(card.name)
    if card.source.file is None:
        raise ModelNotAvailableError(f"{name} is too large to be taken apart here: use {DEFAULT_MODEL}.")
    return converted_model(fetch_model(card))


def open_model(folder: str | Path | None = None) -> OpenModel:
    """Load a model to look inside it.

    Args:
        folder: with config.json, model.safetensors and a byte-level tokenizer.json; without one, :func:`model_folder`.

    Raises:
        ModelNotAvailableError: it is not here, or a file is missing or does not fit the others.
    """
    from llama_course.models.llama import Llama
    from llama_course.models.llama_files import check_tensors, read_config

    folder = model_folder() if folder is None else Path(folder)
    try:
        config = read_config(folder)
        with _without_numbers():
            llama = Llama(config)
        weights = read_weights(folder / "model.safetensors")
        if config.tie_word_embeddings:
            weights["lm_head.weight"] = weights.get("model.embed_tokens.weight")
        llama.load_state_dict(check_tensors(weights, llama, folder), assign=True)
        llama.tie_weights()
        tokenizer = _read_tokenizer(folder / "tokenizer.json")
    except (ValueError, OSError) as error:
        raise ModelNotAvailableError(f"The model in {folder} cannot be opened. {error}") from error
    return OpenModel(folder, llama.eval(), tokenizer)


def _read_tokenizer(file: Path):
    from tokenizers import Tokenizer

    text = file.read_text(encoding="utf-8")
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{file}: expected a tokenizer, got a file that cannot be read: {error}") from error
    tokenizer.encode_special_tokens = True  # what a user types is text, even if it looks like a marker
    return tokenizer


def read_weights(file: str | Path) -> dict:
    """The arrays of a safetensors file by name, as float32 tensors, read one after the other to save memory.

    Raises:
        ValueError: it is no such file, or its numbers are of a kind that is not read here.
    """
    return dict(each_weight(file))


def each_weight(file: str | Path, as_stored: bool = False):
    """Name and array, one after the other, so that no more than one is held; float32, unless ``as_stored``.

    The file is: 8 bytes that say how long the table of contents is, the table as JSON, the numbers.

    Raises:
        ValueError: it is no such file, or its numbers are of a kind that is not read here.
    """
    import torch

    with open(file, "rb") as opened:
        try:
            contents = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
            start = opened.tell()
            for name, entry in contents.items():
                if name == "__metadata__":
                    continue
                opened.seek(start + entry["data_offsets"][0])
                numbers = np.fromfile(opened, DTYPES[entry["dtype"]], int(np.prod(entry["shape"])))
                numbers = numbers if as_stored else numbers.astype(np.float32)
                yield name, torch.from_numpy(numbers.reshape(entry["shape"]))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{file}: expected a safetensors file of 16- or 32-bit numbers: {error}.") from error


def array_shapes(config) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays of a model of these sizes; a shared array is there once, and no number is stored.

    Args:
        config: a ``LlamaConfig``, of 70 billion numbers if you like.
    """
    from llama_course.models.llama import Llama

    with _without_numbers():
        llama = Llama(config)
    return {name: tuple(array.shape) for name, array in llama.named_parameters()}


@contextlib.contextmanager
def _without_numbers():
    """Build modules whose arrays have a shape and no memory; their first numbers, which would be thrown away, are
    skipped, because for such arrays PyTorch would load 50 MiB of code to make none."""
    import torch
    from torch.overrides import TorchFunctionMode

    class SkipFirstNumbers(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if getattr(function, "__name__", "") in ("normal_", "uniform_", "kaiming_uniform_"):
                return args[0] if args else kwargs["tensor"]
            return function(*args, **(kwargs or {}))

    with torch.device("meta"), SkipFirstNumbers():
        yield


def transformers_twin(llama):
    """transformers' ``LlamaForCausalLM`` with the same config and the very same arrays: nothing is copied."""
    import dataclasses

    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = dataclasses.asdict(llama.config)
    rope = {"rope_type": "default", "rope_theta": sizes.pop("rope_theta")}
    config = LlamaConfig(**sizes, rope_parameters=rope, attn_implementation="eager")
    with _without_numbers():
        twin = LlamaForCausalLM(config)
    twin.model.rotary_emb = type(twin.model.rotary_emb)(config)  # its angles are computed, not loaded
    twin.load_state_dict(llama.state_dict(), assign=True)
    return twin.eval().requires_grad_(False)


# -- what goes on inside -----------------------------------------------------------------------------------------------


def rope(llama, length: int) -> tuple:
    """cos and sin of the first ``length`` positions, (T, head_dim) each, as the layers of the readable Llama take."""
    return llama.model.cos[:length], llama.model.sin[:length]


def hidden_states(llama, ids):
    """What stands for each token after 0, 1, … L layers.

    Args:
        llama: the model.
        ids: (T,), int64.

    Returns:
        (L + 1, T, D): first the embeddings, last what goes into the final norm.
    """
    import torch

    with torch.no_grad():
        states = [llama.model.embed_tokens(ids)]  # (T, D) each
        for layer in llama.model.layers:
            states.append(layer(states[-1][None], rope(llama, len(ids)), None)[0])
    return torch.stack(states)


def finish(llama, state, layers_done: int):
    """Run the layers that are left and read the prediction off.

    Args:
        llama: the model.
        state: (T, D), what stands for each token so far, for example a row of :func:`hidden_states`, or a changed one.
        layers_done: how many layers it has been through, 0 to L.

    Returns:
        (T, V): logits of the token after each token.
    """
    import torch

    with torch.no_grad():
        x = state[None]  # (1, T, D)
        for layer in llama.model.layers[layers_done:]:
            x = layer(x, rope(llama, len(state)), None)
        return llama.lm_head(llama.model.norm(x))[0]


def read_off(llama, states):
    """Probabilities of the next token, (…, V), from states (…, D): the model's last step, final norm and lm_head."""
    import torch

    with torch.no_grad():
        return llama.lm_head(llama.model.norm(states)).softmax(-1)


def logit_lens(llama, ids, position: int = -1):
    """What each layer would say: the model's last step, taken too early.

    Args:
        llama: the model.
        ids: (T,), int64.
        position: after which token to predict.

    Returns:
        (L + 1, V): probabilities of the next token, read off after 0, 1, … L layers; the last row is the model's own.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """
    return read_off(llama, hidden_states(llama, ids)[:, position])


def attention_weights(llama, ids):
    """How much each token takes from each earlier one and from itself.

    Args:
        llama: the model.
        ids: (T,), int64.

    Returns:
        (L, H, T, T): weight that row i gives to column j in a head of a layer; each row sums to 1, and j > i is 0.
    """
    import torch

    from llama_course.models.llama import rotate

    found = []
    with torch.no_grad():
        for layer, x in zip(llama.model.layers, hidden_states(llama, ids), strict=False):
            attention, x = layer.self_attn, layer.input_layernorm(x)
            q = attention.q_proj(x).view(len(x), -1, attention.head_dim).transpose(0, 1)  # (H, T, head_dim)
            k = attention.k_proj(x).view(len(x), -1, attention.head_dim).transpose(0, 1)  # (K, T, head_dim)
            q, k = rotate(q, *rope(llama, len(x))), rotate(k, *rope(llama, len(x)))
            k = k.repeat_interleave(len(q) // len(k), dim=0)  # (H, T, head_dim)
            scores = q @ k.transpose(1, 2) / attention.head_dim**0.5  # (H, T, T)
            later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
            found.append(scores.masked_fill(later, -torch.inf).softmax(-1))
    return torch.stack(found)
