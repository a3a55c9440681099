"""Membership inference: was this document read?  Scores that are to be higher for documents that were.

Sources: Yeom et al., arXiv:1709.01604 (loss); Shi et al., arXiv:2310.16789 (the least probable tokens); Carlini et al.,
arXiv:2112.03570 (a second model beside the first).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llama_course.llamaland.documents import Document, documents
from llama_course.llamaland.world import World
from llama_course.models.tokenizer import BOS_TOKEN_ID, EOS_TOKEN_ID

if TYPE_CHECKING:
    from llama_course.models.llama import Llama

READ_SEED = 1  # of the documents that tiny-base read
RARELY_COPIED = ("biography", "story", "person_question")  # kinds of which each document is nearly its own
LEAST_PROBABLE = 0.2  # share of the tokens that the second score looks at
BATCH_SIZE = 16  # small, for the sake of memory


@dataclass(frozen=True)
class Trial:
    """Documents that were read, and others of the same kinds that were not."""

    members: tuple[str, ...]
    others: tuple[str, ...]
    known_by_heart: float  # share of new documents that were left out: word for word they had been read


def make_trial(
    world: World,
    read: Sequence[Document],
    count: int = 500,
    *,
    kinds: Collection[str] = RARELY_COPIED,
    fresh_world: World | None = None,
    seed: int = 1_000,
) -> Trial:
    """Documents to try a score on.

    Args:
        world: the village that both are about.
        read: everything that the model has read.
        count: of each group.
        kinds: of documents.
        fresh_world: where the others come from, if not from the same village.
        seed: of the others' wording; another one than that of what was read.

    Raises:
        ValueError: there are not so many documents of these kinds among those that were read.
    """
    texts = {document.text for document in read}
    members = [document.text for document in read if document.kind in kinds]
    members = list(dict.fromkeys(members))[:count]
    if len(members) < count:
        raise ValueError(f"expected {count} documents of {', '.join(kinds)} among those read, got {len(members)}.")
    others, left_out = [], 0
    for text in _fresh(fresh_world or world, kinds, seed):
        if text in texts:
            left_out += 1
        else:
            others.append(text)
            if len(others) == count:
                break
    return Trial(tuple(members), tuple(others), left_out / (left_out + count))


def _fresh(world: World, kinds: Collection[str], seed: int) -> Iterable[str]:
    return (document.text for document in documents(world, seed=seed) if document.kind in kinds)


def token_log_probs(model: "Llama", tokenizer, texts: Sequence[str]) -> list[np.ndarray]:
    """ln p of each token of each text, its end included, from a document's beginning."""
    import torch

    from llama_course.training.losses import response_log_probs
    from llama_course.training.reward_models import padded

    ids = [(BOS_TOKEN_ID, *tokenizer.encode(text, add_special_tokens=False).ids, EOS_TOKEN_ID) for text in texts]
    found: list[np.ndarray] = [np.empty(0)] * len(ids)
    by_length = sorted(range(len(ids)), key=lambda number: len(ids[number]))
    for start in range(0, len(ids), BATCH_SIZE):
        numbers = by_length[start : start + BATCH_SIZE]
        input_ids, lengths = padded([ids[number] for number in numbers], 0, model.config.max_position_embeddings)
        places = torch.arange(input_ids.shape[1])
        mask = (places >= 1) & (places < lengths[:, None])
        with torch.no_grad():
            values = response_log_probs(model(input_ids), input_ids, mask)
        for number, row, kept in zip(numbers, values, mask, strict=True):
            found[number] = row[kept].numpy()
    return found


def by_loss(log_probs: Sequence[np.ndarray]) -> list[float]:
    """Mean ln p a token: what was read should be less surprising."""
    return [float(row.mean()) for row in log_probs]


def by_least_probable(log_probs: Sequence[np.ndarray], share: float = LEAST_PROBABLE) -> list[float]:
    """Mean ln p of the least probable tokens alone: what was read should hold fewer great surprises."""
    return [float(np.sort(row)[: max(1, int(share * len(row)))].mean()) for row in log_probs]


def by_second_model(log_probs: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> list[float]:
    """How much less surprised the model is than a second one, which tells easy documents from those read."""
    return [float(own.mean() - other.mean()) for own, other in zip(log_probs, second, strict=True)]
