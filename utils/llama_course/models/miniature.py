"""The course's own miniature models, run by the readable Llama of ``llama.py``.

Without transformers they are ready in about a second and a half, nearly all of it PyTorch's own start.
"""

from pathlib import Path

import numpy as np

from llama_course.models.catalog import ModelCard
from llama_course.models.interface import ModelNotAvailableError, Token
from llama_course.models.prompts import llama_2_token_ids
from llama_course.models.tokenizer import BOS_TOKEN_ID, BYTE_OF_SYMBOL, EOS_TOKEN_ID, load_tokenizer
from llama_course.models.torch_model import TorchModel


class MiniatureModel(TorchModel):
    """A chat model from a Llama and a tokenizer of ours, for example of one that you trained yourself.

    The chat format is Llama 2's.  Every text the model was trained on began with BOS, so ``complete``,
    ``next_token_probabilities`` and ``log_probabilities`` put it before theirs as well; it counts as one token of the
    context.  The first token of a text still gets no log-probability: models with and without BOS are then compared on
    the same tokens.

    Args:
        card: what it is.
        model: a ``llama_course.models.llama.Llama``; it is used as it is, on its device.
        tokenizer: a ``tokenizers.Tokenizer`` with byte-level pieces, BOS 1 and EOS 2 (``models.tokenizer``).
        max_context_tokens: at most the model's own context; without one, the card's.

    Raises:
        ModelNotAvailableError: model and tokenizer do not belong together.
    """

    backend = "miniature"

    def __init__(self, card: ModelCard, model, tokenizer, max_context_tokens: int | None = None):
        if model.config.vocab_size != tokenizer.get_vocab_size():
            raise ModelNotAvailableError(
                f"{card.name}: expected a tokenizer with the {model.config.vocab_size} tokens of the model's "
                f"vocabulary, got one with {tokenizer.get_vocab_size()}. Model and tokenizer are not of one family."
            )
        context = min(max_context_tokens or card.max_context_tokens, model.config.max_position_embeddings)
        super().__init__(card, context, model, tokenizer, text_start=(BOS_TOKEN_ID,), is_llama_2_chat=True)

    # -- inside --------------------------------------------------------------------------------------------------

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def _decode(self, token_ids: list[int]) -> str:
        return self.tokenizer.decode(token_ids, skip_special_tokens=True)

    def _token(self, token_id: int) -> Token:
        piece = self.tokenizer.id_to_token(token_id)
        special = token_id in self.tokenizer.get_added_tokens_decoder()
        raw = piece.encode("utf-8") if special else bytes(BYTE_OF_SYMBOL[symbol] for symbol in piece)
        return Token(token_id, raw.decode("utf-8", "replace"), raw)

    def _chat_ids(self, messages) -> list[int]:
        return llama_2_token_ids(messages, self._encode, BOS_TOKEN_ID, EOS_TOKEN_ID)

    def _end_ids(self) -> set[int]:
        return {EOS_TOKEN_ID}

    def _step(self, token_ids: list[int], cache):
        import torch

        from llama_course.models.llama import KVCache

        with torch.no_grad():
            cache = KVCache(self.model, 1, self.max_context_tokens) if cache is None else cache
            ids = torch.tensor([token_ids], device=self.model.lm_head.weight.device)  # (1, T)
            logits = self.model.next_token_logits(ids, cache)
        return logits[0].double().cpu().numpy(), cache

    def _log_probs(self, token_ids: list[int]) -> np.ndarray:
        import torch

        with torch.no_grad():
            logits = self.model(torch.tensor([token_ids], device=self.model.lm_head.weight.device))[0].float()
        return torch.log_softmax(logits, dim=-1).cpu().numpy()


def open_miniature(card: ModelCard, folder: str | Path, max_context_tokens: int | None = None) -> MiniatureModel:
    """The model of a folder with config.json, model.safetensors and tokenizer.json, float32 on the CPU.

    Raises:
        ModelNotAvailableError: a file is missing, cannot be read or does not fit the others.
    """
    from llama_course.models.llama_files import load_llama

    folder = Path(folder)
    try:
        return MiniatureModel(card, load_llama(folder), load_tokenizer(folder), max_context_tokens)
    except (ValueError, OSError) as error:
        raise ModelNotAvailableError(f"{card.name} cannot be loaded. {error}") from error
