"""Models in the Hugging Face format, run by transformers on PyTorch."""

from pathlib import Path

import numpy as np

from llama_course import hardware
from llama_course.models import sampling
from llama_course.models.catalog import ModelCard
from llama_course.models.interface import (
    ChatModel,
    GenerationSettings,
    Messages,
    ModelNotAvailableError,
    OnToken,
    PromptError,
    Token,
    TokenProbability,
    check_messages,
)


class TransformersModel(ChatModel):
    """A causal language model in this process; ``.model`` and ``.tokenizer`` are the transformers objects."""

    backend = "transformers"

    def __init__(self, card: ModelCard, folder: Path, max_context_tokens: int | None = None):
        super().__init__(card, max_context_tokens or card.max_context_tokens)
        if not (folder / "config.json").is_file():  # transformers would look for the folder's name on the hub
            raise ModelNotAvailableError(f"{folder} holds no model: config.json is missing.")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = hardware.choose_device()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._byte_level = _is_byte_level(self._tokenizer)
        self._model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, device.dtype), local_files_only=True, use_safetensors=True
        )
        self._model.to(device.name).eval()

    @property
    def model(self):
        """The transformers model, for lessons that look inside."""
        return self._still_open(self._model)

    @property
    def tokenizer(self):
        """The transformers tokenizer."""
        return self._still_open(self._tokenizer)

    def _still_open(self, part):
        if part is None:
            raise ModelNotAvailableError(f"{self.name} was closed. Load it again with load_model({self.name!r}).")
        return part

    def tokenize(self, text: str) -> list[Token]:
        if not isinstance(text, str):
            raise PromptError(f"expected a text (str), got {type(text).__name__}.")
        # split_special_tokens cuts the markers of the chat format like ordinary text
        token_ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [self._token(token_id) for token_id in token_ids]

    def count_tokens(self, messages: Messages) -> int:
        return len(self._chat_ids(check_messages(messages, self.card.special_tags)))

    def close(self) -> None:
        with self._busy:
            self._model = self._tokenizer = None
            super().close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _generate_chat(self, messages, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._generate(self._chat_ids(messages), settings, on_token)

    def _generate_text(self, token_ids, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._generate(token_ids, settings, on_token)

    def _next_token(self, token_ids: list[int], k: int) -> list[TokenProbability]:
        logits, _ = self._step(token_ids, None)  # (V,)
        probabilities = _softmax(logits)
        best = np.argsort(-probabilities, kind="stable")[:k]
        return [TokenProbability(self._token(int(i)), float(probabilities[i])) for i in best]

    def _given_log_probs(self, tokens: list[Token], first: int) -> list[float]:
        token_ids = [token.id for token in tokens]
        log_probs = self._log_probs(token_ids)  # (T, V)
        return [float(log_probs[i - 1, token_ids[i]]) for i in range(first, len(token_ids))]

    def _generate(self, token_ids: list[int], settings: GenerationSettings, on_token: OnToken | None) -> str:
        """Prefill, then one token at a time: logits, probabilities, temperature, top-p, draw, decode."""
        rng = np.random.default_rng(settings.seed)
        ends = self._end_ids()
        logits, cache = self._step(token_ids, None)
        generated: list[int] = []
        shown = ""
        for _ in range(settings.max_new_tokens):
            token_id = _sample(logits, settings, rng)
            if token_id in ends:
                break
            generated.append(token_id)
            text = self.tokenizer.decode(generated, skip_special_tokens=True)
            if not text.endswith("�"):  # else a character is still incomplete
                new, shown = text[len(shown) :], text
                if new and on_token is not None and on_token(new) is False:
                    break
            logits, cache = self._step([token_id], cache)
        return shown

    def _step(self, token_ids: list[int], cache):
        """Feed tokens; return the logits after the last, float64 (V,), and the cache that now holds them."""
        import torch

        with torch.no_grad():
            ids = torch.tensor([token_ids], device=self.model.device)  # (1, T)
            output = self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return output.logits[0, -1].double().cpu().numpy(), output.past_key_values

    def _log_probs(self, token_ids: list[int]) -> np.ndarray:
        """ln p(next token) after each token, float32 of shape (T, V)."""
        import torch

        with torch.no_grad():
            logits = self.model(torch.tensor([token_ids], device=self.model.device)).logits[0].float()
        return torch.log_softmax(logits, dim=-1).cpu().numpy()

    def _chat_ids(self, messages) -> list[int]:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _end_ids(self) -> set[int]:
        configured = self.model.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        return {*ids, self.tokenizer.eos_token_id} - {None}

    def _token(self, token_id: int) -> Token:
        raw = _token_bytes(self.tokenizer, token_id, self._byte_level)
        return Token(token_id, raw.decode("utf-8", "replace"), raw)


def _sample(logits: np.ndarray, settings: GenerationSettings, rng: np.random.Generator) -> int:
    if settings.temperature == 0:
        return int(logits.argmax())
    probabilities = sampling.apply_temperature(_softmax(logits), settings.temperature)
    probabilities = sampling.keep_top_p(probabilities, settings.top_p)
    return int(rng.choice(len(probabilities), p=probabilities))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def _byte_of_symbol() -> dict[str, int]:
    """The table of byte-level BPE: each of the 256 bytes has one printable character that stands for it."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {chr(byte): byte for byte in printable}
    return symbols | {chr(256 + number): byte for number, byte in enumerate(others)}


BYTE_OF_SYMBOL = _byte_of_symbol()


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
