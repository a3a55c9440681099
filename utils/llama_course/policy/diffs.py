"""What changed between an original and its copy, word by word."""

import re
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


def words(text: str) -> list[str]:
    """The words of a text in order, without capitals and punctuation: ``"GPT-4, he said"`` → gpt-4, he, said."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def steps(original: str, copy: str) -> list[tuple[str, str, str]]:
    """How to turn the words of the original into those of the copy.

    Returns:
        ``(what, old, new)`` from left to right; ``what`` is "equal", "replace", "delete" or "insert", and ``old`` and
        ``new`` are runs of words, one of them empty where words were deleted or inserted.
    """
    old, new = words(original), words(copy)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(what, " ".join(old[a:b]), " ".join(new[c:d])) for what, a, b, c, d in matcher.get_opcodes()]


def altered_words(original: str, copy: str) -> list[tuple[str, str]]:
    """The words changed on the way from an original to its copy; capitals and punctuation do not count.

    Returns:
        Pairs of words before and after, in order: ``("clammy", "sweaty")``; ``("quite", "")`` for a word that was
        lost, ``("", "very")`` for one that was added.  An empty list: word for word the same.
    """
    return [(old, new) for what, old, new in steps(original, copy) if what != "equal"]


def say_altered(original: str, copy: str) -> str:
    """The altered words as a text: ``"clammy → sweaty; quite → (lost)"``, or that there are none."""
    pairs = [f"{old or '(added)'} → {new or '(lost)'}" for old, new in altered_words(original, copy)]
    return "; ".join(pairs) or "✓ word for word"
