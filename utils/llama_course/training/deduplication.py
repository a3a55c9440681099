"""Deduplication: what stands in a text several times is read once.

Source: Lee et al., "Deduplicating Training Data Makes Language Models Better", arXiv:2107.06499.
Left out: suffix arrays and hashing, which make both fast on large texts.
"""

from collections.abc import Sequence

SHINGLE = 3  # words


def without_duplicates(texts: Sequence[str]) -> list[str]:
    """The first copy of each text, in order; two texts are copies where every character is the same."""
    return list(dict.fromkeys(texts))


def shingles(text: str, length: int = SHINGLE) -> frozenset[tuple[str, ...]]:
    """All runs of so many words; of a shorter text, its words as they are."""
    words = text.split()
    return frozenset(tuple(words[start : start + length]) for start in range(max(1, len(words) - length + 1)))


def likeness(one: str, other: str, length: int = SHINGLE) -> float:
    """Jaccard's likeness: runs of words in both, as a share of those in either; from 0 to 1."""
    first, second = shingles(one, length), shingles(other, length)
    return len(first & second) / len(first | second)


def without_near_duplicates(texts: Sequence[str], threshold: float = 0.5, length: int = SHINGLE) -> list[str]:
    """Texts that are less alike than the threshold to every text that was kept before them.

    Args:
        texts: in the order of their right to stay.
        threshold: from there on two texts are taken for one.
        length: words in a run.

    Raises:
        ValueError: a threshold that is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold is above 0 and at most 1, got {threshold}.")
    kept: list[tuple[str, frozenset]] = []
    holding: dict[tuple[str, ...], list[int]] = {}  # run of words -> numbers of kept texts that have it
    for text in without_duplicates(texts):
        own = shingles(text, length)
        candidates = {number for run in own for number in holding.get(run, ())}
        if any(len(own & kept[n][1]) >= threshold * len(own | kept[n][1]) for n in candidates):
            continue
        for run in own:
            holding.setdefault(run, []).append(len(kept))
        kept.append((text, own))
    return [text for text, _ in kept]
