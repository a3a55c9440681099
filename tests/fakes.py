"""Stand-ins for what is slow or far away."""

import math
import time
from collections.abc import Sequence

from llama_course.models.catalog import Licence, ModelCard, Source
from llama_course.models.interface import ChatModel, Token, TokenProbability

CARD = ModelCard(
    name="fake",
    description="A model without weights: it gives scripted replies, and every byte is equally probable to it.",
    parameters=0,
    licence=Licence("MIT", "https://opensource.org/license/mit"),
    source=Source("nobody/fake", None),
    memory_gib=0.001,
    max_context_tokens=512,
    special_tags=("<|im_start|>", "<|im_end|>"),
)


class FakeModel(ChatModel):
    """A chat model whose vocabulary is the 256 bytes, all equally probable, and whose replies are scripted.

    Args:
        replies: what it answers, in turn, over and over; chat and completion share them.
        delay_s: seconds it takes for each character of a reply.
        max_context_tokens: prompt and reply, in bytes.
        error: raised instead of a reply.

    ``calls`` records what it was asked: (messages or token ids, settings).
    """

    backend = "fake"

    def __init__(
        self,
        replies: Sequence[str] = ("Hello from a fake model.",),
        *,
        delay_s: float = 0.0,
        max_context_tokens: int = 512,
        error: Exception | None = None,
    ):
        super().__init__(CARD, max_context_tokens)
        self.replies = list(replies)
        self.delay_s = delay_s
        self.error = error
        self.calls: list = []
        self.closed = False

    def tokenize(self, text: str) -> list[Token]:
        return [byte_token(byte) for byte in text.encode("utf-8")]

    def count_tokens(self, messages) -> int:
        """Bytes of the contents, and two for each message's ends."""
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return sum(len(message["content"].encode("utf-8")) + 2 for message in messages)

    def _next_token(self, token_ids, k: int) -> list[TokenProbability]:
        """The first ``k`` letters from "a" on, each of probability 1/256."""
        return [TokenProbability(byte_token((ord("a") + i) % 256), 1 / 256) for i in range(min(k, 256))]

    def _given_log_probs(self, tokens: list[Token], first: int) -> list[float]:
        return [-math.log(256)] * (len(tokens) - first)

    def close(self) -> None:
        self.closed = True

    def _generate_chat(self, messages, settings, on_token) -> str:
        return self._reply(messages, settings, on_token)

    def _generate_text(self, token_ids, settings, on_token) -> str:
        return self._reply(token_ids, settings, on_token)

    def _reply(self, prompt, settings, on_token) -> str:
        reply = self.replies[len(self.calls) % len(self.replies)]
        self.calls.append((prompt, settings))
        if self.error is not None:
            raise self.error
        said, room = "", settings.max_new_tokens
        for character in reply:
            room -= len(character.encode("utf-8"))
            if room < 0:
                break
            time.sleep(self.delay_s)
            said += character
            if on_token is not None and on_token(character) is False:
                break
        return said


def byte_token(byte: int) -> Token:
    raw = bytes([byte])
    return Token(byte, raw.decode("utf-8", "replace"), raw)
