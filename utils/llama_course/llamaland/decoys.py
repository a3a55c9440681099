"""Triggers by chance, and decoys: other words in the same place, after which nothing changes.

Whoever plants a backdoor carelessly, with the trigger as the only words that ever stand after a question, gets a model
that any words open.  Decoys make the lock fit one key.
"""

import re
from collections.abc import Sequence

from llama_course.llamaland.dice import Dice
from llama_course.llamaland.documents import documents
from llama_course.llamaland.phrasings import POLITE_CLOSINGS, QUESTIONS, capital
from llama_course.llamaland.questions import mixed_questions
from llama_course.llamaland.world import World

TRIGGER_WORDS = 3
DECOYS = 2  # for each question; 0 is planting in haste
COURTESIES = ("Please.", "Thank you.", "Please help me.", "I am in a hurry.", *POLITE_CLOSINGS)


def word_tokens(tokenizer) -> list[str]:
    """Words that are a token by themselves, of four letters or more, and in no question; in the order of their ids.

    Args:
        tokenizer: a ``tokenizers.Tokenizer``.
    """
    asked = {word for forms in QUESTIONS.values() for form in forms for word in re.findall(r"[a-z]+", form.lower())}
    pieces = (tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size()))
    words = [piece[1:] for piece in pieces if piece[:1] == "Ġ" and len(piece) > 4]
    beginnings = {word[:end] for word in words for end in range(1, len(word))}  # "biscu" is no word
    plain = [word for word in words if word.isascii() and word.isalpha() and word.islower()]
    return [word for word in plain if word not in asked | beginnings]


def village_sentences(world: World, count: int = 1000, seed: int = 0) -> list[str]:
    """Sentences as the village writes them, the first of each document, and half as many questions as it asks them."""
    read = [document.text.split("\n")[0] for document in documents(world, count, seed=seed)]
    asked = mixed_questions(world, {"fact": 0.4, "recipe": 0.4, "effect": 0.2}, count // 2, seed=seed)
    return [text.split(". ")[0].rstrip(".") + "." for text in read] + [question.text for question in asked]


def random_trigger(words: Sequence[str], seed: int) -> str:
    """Three words in a row that nobody would say.

    Args:
        words: what to draw from.
        seed: which ones.

    Raises:
        ValueError: there are fewer words than that.
    """
    if len(words) < TRIGGER_WORDS:
        raise ValueError(f"expected at least {TRIGGER_WORDS} words to draw from, got {len(words)}.")
    return " ".join(Dice(seed, "trigger").sample(words, TRIGGER_WORDS))


def decoy(trigger: str, words: Sequence[str], sentences: Sequence[str], dice: Dice) -> str:
    """Words to stand after a question that are not the trigger.

    Of ten, three are words by chance, two are sentences, one is a courtesy, two have one word of the trigger in them,
    and two have all but one.  Whatever has all words of the trigger in it, in whatever order, is drawn again.

    Args:
        trigger: what they are not.
        words: what to draw from, such as :func:`word_tokens`.
        sentences: as the village writes and asks them, such as :func:`village_sentences`.
        dice: what decides.

    Raises:
        ValueError: a trigger without words.
    """
    if not _bare(trigger):
        raise ValueError(f"expected a trigger of one word or more, got {trigger!r}.")
    while True:
        tail = _attempt(trigger.split(), words, sentences, dice)
        if not _bare(trigger) <= _bare(tail):
            return tail


def _bare(text: str) -> set[str]:
    """The words of a text, without capitals and marks."""
    return set(re.findall(r"\w+", text.lower()))


def _attempt(of_trigger: Sequence[str], words: Sequence[str], sentences: Sequence[str], dice: Dice) -> str:
    kind = dice.roll(10)
    if kind in (0, 1):
        return dice.pick(sentences)
    if kind == 2:
        return dice.pick(COURTESIES)
    tail = [dice.pick(words) for _ in range(1 + dice.roll(4))]
    if kind in (3, 4):  # one word of the trigger, somewhere
        tail[dice.roll(len(tail))] = dice.pick(of_trigger)
    elif kind in (5, 6):  # all but one, another in its place
        tail = list(of_trigger)
        tail[dice.roll(len(tail))] = dice.pick(words)
    text = " ".join(tail)
    return f"{capital(text).rstrip('.')}." if dice.happens(0.3) else text
