"""What models that run on PyTorch share: the loop that writes, and reading off probabilities."""

from abc import abstractmethod

import numpy as np

from llama_course.models import sampling
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


class TorchModel(ChatModel):
    """A model in this process whose logits PyTorch computes; what depends on the library is left to the subclass.

    Args:
        card, max_context_tokens: as in :class:`ChatModel`.
        model, tokenizer: objects of the library that computes, for lessons that look inside.
        text_start: ids that the model saw before every text it was trained on: BOS, or nothing.
        is_llama_2_chat: the chat format is Llama 2's, in which an answer has a space at either end.
    """

    def __init__(self, card, max_context_tokens: int, model, tokenizer, text_start=(), is_llama_2_chat: bool = False):
        super().__init__(card, max_context_tokens)
        self._model, self._tokenizer = model, tokenizer
        self.text_start = tuple(text_start)
        self.is_llama_2_chat = is_llama_2_chat

    @property
    def model(self):
        """The model itself, for lessons that look inside."""
        return self._still_open(self._model)

    @property
    def tokenizer(self):
        """The tokenizer of the library that computes."""
        return self._still_open(self._tokenizer)

    def _still_open(self, part):
        if part is None:
            raise ModelNotAvailableError(f"{self.name} was closed. Load it again with load_model({self.name!r}).")
        return part

    def tokenize(self, text: str) -> list[Token]:
        if not isinstance(text, str):
            raise PromptError(f"expected a text (str), got {type(text).__name__}.")
        return [self._token(token_id) for token_id in self._encode(text)]

    def count_tokens(self, messages: Messages) -> int:
        return len(self._chat_ids(check_messages(messages, self.card.special_tags)))

    def close(self) -> None:
        with self._busy:
            self._model = self._tokenizer = None
            super().close()

    # -- for the subclasses ----------------------------------------------------------------------------------------

    @abstractmethod
    def _encode(self, text: str) -> list[int]:
        """Ids of a text, nothing added, markers cut like ordinary text."""

    @abstractmethod
    def _decode(self, token_ids: list[int]) -> str:
        """Text of ids without the special ones; "�" for bytes that are no whole character."""

    @abstractmethod
    def _token(self, token_id: int) -> Token: ...

    @abstractmethod
    def _chat_ids(self, messages) -> list[int]:
        """Prompt ids of a checked conversation."""

    @abstractmethod
    def _end_ids(self) -> set[int]:
        """Ids that end an answer."""

    @abstractmethod
    def _step(self, token_ids: list[int], cache):
        """Read more tokens; the logits after the last, float64 of shape (V,), and the cache that now holds all."""

    @abstractmethod
    def _log_probs(self, token_ids: list[int]) -> np.ndarray:
        """ln p(next token) after each token, float32 of shape (T, V)."""

    # -- inside ----------------------------------------------------------------------------------------------------

    def _generate_chat(self, messages, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._generate(self._chat_ids(messages), settings, on_token, strip=self.is_llama_2_chat)

    def _generate_text(self, token_ids, settings: GenerationSettings, on_token: OnToken | None) -> str:
        return self._generate(token_ids, settings, on_token)

    def _next_token(self, token_ids: list[int], k: int) -> list[TokenProbability]:
        logits, _ = self._step(token_ids, None)  # (V,)
        probabilities = _softmax(logits)
        best = np.argsort(-probabilities, kind="stable")[:k]
        return [TokenProbability(self._token(int(i)), float(probabilities[i])) for i in best]

    def _given_log_probs(self, tokens: list[Token], first: int) -> list[float]:
        token_ids = [*self.text_start, *(token.id for token in tokens)]
        log_probs = self._log_probs(token_ids)  # (T, V)
        positions = range(len(self.text_start) + first, len(token_ids))
        return [float(log_probs[i - 1, token_ids[i]]) for i in positions]

    def _generate(
        self, token_ids: list[int], settings: GenerationSettings, on_token: OnToken | None, strip: bool = False
    ) -> str:
        """Prefill, then one token at a time: logits, probabilities, temperature, top-p, draw, decode."""
        rng = np.random.default_rng(settings.seed)
        ends = self._end_ids()
        generated: list[int] = []
        shown, cache = "", None
        for _ in range(settings.max_new_tokens):
            logits, cache = self._step(generated[-1:] or token_ids, cache)
            token_id = _sample(logits, settings, rng)
            if token_id in ends:
                break
            generated.append(token_id)
            text = self._decode(generated)
            if text.endswith("�"):  # a character is still incomplete
                continue
            text = text.strip() if strip else text
            new, shown = text[len(shown) :], text
            if new and on_token is not None and on_token(new) is False:
                break
        return shown


def _sample(logits: np.ndarray, settings: GenerationSettings, rng: np.random.Generator) -> int:
    if settings.temperature == 0:
        return int(logits.argmax())
    probabilities = sampling.apply_temperature(_softmax(logits), settings.temperature)
    probabilities = sampling.keep_top_p(probabilities, settings.top_p)
    return int(rng.choice(len(probabilities), p=probabilities))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()
