"""Models in the Hugging Face format, run by transformers on PyTorch."""

from pathlib import Path

import numpy as np

from llama_course import hardware
from llama_course.models.catalog import LLAMA_2_TAGS, ModelCard
from llama_course.models.interface import ModelNotAvailableError, Token
from llama_course.models.prompts import llama_2_token_ids
from llama_course.models.tokenizer import BYTE_OF_SYMBOL
from llama_course.models.torch_model import TorchModel


class TransformersModel(TorchModel):
    """A causal language model in this process; ``.model`` and ``.tokenizer`` are the transformers objects."""

    backend = "transformers"

    def __init__(self, card: ModelCard, folder: Path, max_context_tokens: int | None = None):
        if not (folder / "config.json").is_file():  # transformers would look for the folder's name on the hub
            raise ModelNotAvailableError(f"{folder} holds no model: config.json is missing.")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = hardware.choose_device()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, device.dtype), local_files_only=True, use_safetensors=True
        )
        super().__init__(
            card,
            min(max_context_tokens or card.max_context_tokens, model.config.max_position_embeddings),
            model.to(device.name).eval(),
            tokenizer,
            text_start=tokenizer("")["input_ids"],
            is_llama_2_chat=card.special_tags == LLAMA_2_TAGS,
        )
        self._byte_level = _is_byte_level(tokenizer)

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

        with torch.no_grad():
            ids = torch.tensor([token_ids], device=self.model.device)  # (1, T)
            output = self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return output.logits[0, -1].double().cpu().numpy(), output.past_key_values

    def _log_probs(self, token_ids: list[int]) -> np.ndarray:
        import torch

        with torch.no_grad():
            logits = self.model(torch.tensor([token_ids], device=self.model.device)).logits[0].float()
        return torch.log_softmax(logits, dim=-1).cpu().numpy()

    def _token(self, token_id: int) -> Token:
        raw = _token_bytes(self.tokenizer, token_id, self._byte_level)
        return Token(token_id, raw.decode("utf-8", "replace"), raw)


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
