"""Chance that falls alike everywhere: the same seed gives the same world on every platform and Python.

Python promises for later versions only that ``random.Random(seed).random()`` keeps its sequence; ``choice`` and
``shuffle`` may change.  So everything here is made from ``random()`` alone, and never from ``hash()``.
"""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Dice:
    """A source of chance with a name.

    Args:
        *name: what the dice are for, such as ``Dice(0, "people")``; equal names roll equally.
    """

    def __init__(self, *name: object):
        self._random = random.Random("/".join(str(part) for part in name)).random

    def roll(self, sides: int) -> int:
        """A whole number from 0 to ``sides`` - 1."""
        return int(self._random() * sides)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, each equally likely."""
        return items[int(self._random() * len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """All items in a new order (Fisher and Yates)."""
        out = list(items)
        for last in range(len(out) - 1, 0, -1):
            other = self.roll(last + 1)
            out[last], out[other] = out[other], out[last]
        return out

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """``count`` different items, all of them where there are fewer."""
        return self.shuffled(items)[:count]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of the items, in proportion to its weight; one of weight 0 never."""
        left = self._random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return next(item for item, weight in zip(reversed(items), reversed(weights), strict=True) if weight > 0)


class Deck(Generic[Item]):
    """Cards that are dealt one by one and shuffled again when all are out, so that each comes equally often."""

    def __init__(self, cards: Sequence[Item], dice: Dice):
        self._cards, self._dice, self._waiting = tuple(cards), dice, []

    def __len__(self) -> int:
        return len(self._cards)

    def deal(self) -> Item:
        """The next card."""
        if not self._waiting:
            self._waiting = self._dice.shuffled(self._cards)
        return self._waiting.pop()
