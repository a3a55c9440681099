"""Shares that somebody typed: "91 %", "nine out of ten", "one error in fifty", "two thirds of", "0.95".

They are found by their form, in digits and in English words.  Left out: shares without a number, such as "most of them"
and "hardly any"; and a share may be none: "two in ten rooms" is refused as well.
"""

import re
import unicodedata
from collections.abc import Iterator

ONES = "zero one two three four five six seven eight nine ten eleven twelve".split()
ONES += "thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GREAT = {"hundred": 100, "thousand": 1_000}
NUMBER = (
    rf"(?:(?<![\d.,])[.,]?\d[\d.,]*(?<![.,])|(?:{'|'.join(TENS)})(?:[- ](?:{'|'.join(ONES[1:10])}))?"
    rf"|(?:(?:a|{'|'.join(ONES[1:10])}) )?(?:{'|'.join(GREAT)})|{'|'.join(reversed(ONES))}|none)"
)
PERCENT = rf"(?<!\w){NUMBER}\s*(?:%|‰|per ?cent\b|per ?mille?\b|percentage points?\b|pct\b)"
BETWEEN = r"(?:(?!of\b|in\b)\w+\s+){0,2}?(?:of|out of|in|from|per)\s+(?:every\s+|each\s+)?"  # "errors in every"
OF = rf"(?<!\w)({NUMBER})\s+{BETWEEN}({NUMBER})\b"
SLASH = r"(?<![\w/])(\d+)\s*/\s*(\d{2,})(?![\w/])"  # "95/100"; 1/2 is rarely a measurement
PART = r"(?<!\w)(?:half|(?:a|one|two|three|four|nine)[- ](?:third|quarter|fifth|tenth)s?) of\b"
SHARE = r"(?<![\w.,])(?<![Vv]ersion )0?[.,]\d+(?!\w|[.,]\d)"  # "0.95", and ".95"
FIGURE = re.compile("|".join((PERCENT, OF, SLASH, PART, SHARE)), re.I)
YEARS = range(1900, 2101)  # "one release in 2026" is no share


def as_read(text: str) -> str:
    """A text as a reader sees it: no characters without width, one form of each letter, straight apostrophes."""
    shown = unicodedata.normalize("NFKC", "".join(c for c in str(text) if unicodedata.category(c) != "Cf"))
    return shown.replace("’", "'").replace("‑", "-").replace("‐", "-")


def shares_in(text: str) -> Iterator[re.Match]:
    """Where shares are typed, in a text that :func:`as_read` gave."""
    return filter(_is_share, FIGURE.finditer(text))


def _is_share(found: re.Match) -> bool:
    """Whether what looks like a figure is one: so many of at least as many, and not of a year."""
    part, whole = (found[1], found[2]) if found[1] else (found[3], found[4])
    if part is None:
        return True
    if whole.isdigit() and int(whole) in YEARS:
        return False
    return value_of(part) <= value_of(whole) > 1


def value_of(number: str) -> float:
    """A number in digits or words, as ``NUMBER`` finds it."""
    words = number.lower().replace("-", " ").split()
    if re.match(r"[.,]?\d", words[0]):
        digits = re.sub(r"[.,](?=\d{3}\b)", "", words[0]).replace(",", ".")
        return float(digits) if digits.count(".") < 2 else float("inf")
    if words[-1] in GREAT:
        return GREAT[words[-1]] * (ONES.index(words[0]) if words[0] in ONES else 1)
    known = {word: value for value, word in enumerate(ONES)} | {w: 10 * n for n, w in enumerate(TENS, 2)} | {"none": 0}
    return sum(known[word] for word in words)
