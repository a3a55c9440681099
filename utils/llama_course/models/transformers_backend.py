"""Models in the Hugging Face format, run by transformers on PyTorch."""

import contextlib
import copy
import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from llama_course import hardware
from llama_course.hardware import Fit
from llama_course.models.catalog import LLAMA_2_TAGS, ModelCard
from llama_course.models.hub_access import first_line
from llama_course.models.interface import ModelNotAvailableError, Token
from llama_course.models.placement import out_of_memory
from llama_course.models.prompts import llama_2_token_ids
from llama_course.models.tokenizer import BYTE_OF_SYMBOL, CHAT_TEMPLATE
from llama_course.models.torch_model import TorchModel


class TransformersModel(TorchModel):
    """A causal language model in this process; ``.model`` and ``.tokenizer`` are the transformers objects.

    Args:
        card, max_context_tokens: as in :class:`ChatModel`.
        folder: in the Hugging Face format.
        fit: where a large model goes and in how many bits; without it, the usual device in its usual format.
    """

    backend = "transformers"

    def __init__(self, card: ModelCard, folder: Path, max_context_tokens: int | None = None, fit: Fit | None = None):
        if not (folder / "config.json").is_file():  # transformers would look for the folder's name on the hub
            raise ModelNotAvailableError(f"{folder} holds no model: config.json is missing.")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.fit = fit
        device = fit.device if fit else hardware.choose_device()
        options = {"dtype": getattr(torch, device.dtype), "local_files_only": True, "use_safetensors": True}
        options |= placed(fit) if fit else {}
        told = _told_when_memory_runs_out(card, fit, max_context_tokens or card.max_context_tokens)
        with told, _told_when_damaged(folder):
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(folder, **options)
            model = (model if "device_map" in options else model.to(device.name)).eval()
        super().__init__(
            card,
            min(max_context_tokens or card.max_context_tokens, model.config.max_position_embeddings),
            model,
            tokenizer,
            text_start=tokenizer("")["input_ids"],
            is_llama_2_chat=card.special_tags == LLAMA_2_TAGS or tokenizer.chat_template == CHAT_TEMPLATE,
        )
        self._byte_level = _is_byte_level(tokenizer)

    def with_context(self, max_context_tokens: int) -> "TransformersModel":
        """The same weights, not copied, with another context; closing one of the two leaves the other open."""
        twin = copy.copy(self)
        twin.max_context_tokens = min(max_context_tokens, self.model.config.max_position_embeddings)
        return twin

    # -- inside --------------------------------------------------------------------------------------------------

    def _encode(self, text: str) -> list[int]:
        # split_special_tokens cuts the markers of the chat format like ordinary text
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]

    def _decode(self, token_ids: list[int]) -> str:
        return self.tokenizer.decode(token_ids, skip_special_tokens=True)

    def _chat_ids(self, messages) -> list[int]:
        if self.is_llama_2_chat:  # as Meta's code does it: in a template's one string a typed "</s>" would end a turn
            tokenizer = self.tokenizer
            return llama_2_token_ids(messages, self._encode, tokenizer.bos_token_id, tokenizer.eos_token_id)
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=False)["input_ids"]

    def _end_ids(self) -> set[int]:
        configured = self.model.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        return {*ids, self.tokenizer.eos_token_id} - {None}

    def _step(self, token_ids: list[int], cache):
        import torch

        told = _told_when_memory_runs_out(self.card, self.fit, self.max_context_tokens)
        with told, torch.no_grad():
            ids = torch.tensor([token_ids], device=self.model.device)  # (1, T)
            output = self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return output.logits[0, -1].double().cpu().numpy(), output.past_key_values

    def _log_probs(self, token_ids: list[int]) -> np.ndarray:
        import torch

        told = _told_when_memory_runs_out(self.card, self.fit, self.max_context_tokens)
        with told, torch.no_grad():
            logits = self.model(torch.tensor([token_ids], device=self.model.device)).logits[0]  # (T, V)
            rows = [torch.log_softmax(part.float(), dim=-1).cpu() for part in logits.split(256)]  # little at a time
        return torch.cat(rows).numpy()

    def _token(self, token_id: int) -> Token:
        raw = _token_bytes(self.tokenizer, token_id, self._byte_level)
        return Token(token_id, raw.decode("utf-8", "replace"), raw)


def placed(fit: Fit) -> dict:
    """What ``from_pretrained`` is told so that a model goes where ``fit`` says, in its format.

    In 4 bits: nf4 with doubly quantised scales, multiplied in the number format of the device (Dettmers et al.,
    arXiv:2305.14314).
    """
    if fit.device.name == "cpu" and fit.bits != 4:
        return {}
    options: dict = {"device_map": {"": 0 if fit.device.name == "cuda" else fit.device.name}}
    if fit.gpus > 1:
        options = {"device_map": "auto", "max_memory": hardware.free_memory_by_gpu()}
    if fit.bits == 4:
        options["quantization_config"] = nf4(fit.device.dtype)
    return options


def nf4(dtype: str):
    """bitsandbytes' 4-bit format, nf4 with doubly quantised scales, multiplied in ``dtype``."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )


@contextlib.contextmanager
def _told_when_damaged(folder: Path) -> Iterator[None]:
    """Turn what transformers raises for files that are missing, half written or of another kind into a sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelNotAvailableError(
            f"{folder} cannot be loaded: {first_line(error)}. Is it whole? If files of it are missing or were written "
            "in part, bring or make it again."
        ) from error


@contextlib.contextmanager
def _told_when_memory_runs_out(card: ModelCard, fit: Fit | None, context_tokens: int) -> Iterator[None]:
    """Turn running out of memory into a sentence with the estimate and the next smaller choice."""
    import torch

    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if fit is None or not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold on to the tensors that were there already
    else:
        return
    if fit.device.name == "cuda":
        torch.cuda.empty_cache()
    raise ModelNotAvailableError(out_of_memory(card, fit, context_tokens))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; PyTorch has a class of its own for some of these errors only."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM or getattr(error, "winerror", None) == 1455  # the paging file is too small
    words = ("out of memory", "allocate memory", "not enough memory", "alloc_failed")  # CUDA, MPS; CPU; Windows; cuBLAS
    return any(part in str(error).lower() for part in words)


def _is_byte_level(tokenizer) -> bool:
    """Whether the vocabulary is written in the symbols of byte-level BPE (SmolLM2) or in characters (Llama 2)."""
    return sum(piece.startswith("Ġ") for piece in tokenizer.get_vocab()) > 1  # Ġ stands for a space


def _token_bytes(tokenizer, token_id: int, byte_level: bool) -> bytes:
    """The bytes of one token."""
    piece = tokenizer.convert_ids_to_tokens(token_id)
    if byte_level and token_id not in tokenizer.all_special_ids:
        return bytes(BYTE_OF_SYMBOL[symbol] for symbol in piece)
    if piece.startswith("<0x") and piece.endswith(">") and len(piece) == 6:
        return bytes([int(piece[3:5], 16)])
    return piece.replace("▁", " ").encode("utf-8")
