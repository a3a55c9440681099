"""Typical wrong answers of lesson 01: exercise, answer, a part of the message that only this mistake gets."""

import re
from difflib import SequenceMatcher

TERMS = ["flame", "home windows", "open supply", "well-liked associate", "regia"]
RIGHT = {
    "A0.3": "misleading",
    "A1.5": "wrong",
    "A2.2": "incomplete",
    "A2.3": "over-stated",
    "A3.2": "supported",
    "A4.6": "opinion",
}


def words(text):
    return re.findall(r"[\w'’-]+", text.lower())


def as_bags(original, copy):
    lost, new = set(words(original)) - set(words(copy)), set(words(copy)) - set(words(original))
    return [(word, "") for word in lost] + [("", word) for word in new]


def place_by_place(original, copy):
    return [(a, b) for a, b in zip(words(original), words(copy), strict=False) if a != b]


def with_capitals_and_signs(original, copy):
    old, new = original.split(), copy.split()
    changes = SequenceMatcher(None, old, new).get_opcodes()
    return [(" ".join(old[a:b]), " ".join(new[c:d])) for what, a, b, c, d in changes if what != "equal"]


def total(firm, users, month="2023-06"):
    return sum(months.get(month, 0) for months in users.get(firm, {}).values())


def one_product(licensee, users, affiliates, meta_said_yes):
    firms = [licensee, *affiliates]
    most = max((m.get("2023-06", 0) for firm in firms for m in users.get(firm, {}).values()), default=0)
    return most <= 700_000_000 or meta_said_yes


def any_month(licensee, users, affiliates, meta_said_yes):
    months = {month for products in users.values() for counts in products.values() for month in counts}
    firms = [licensee, *affiliates]
    return all(total(firm, users, month) <= 700_000_000 for firm in firms for month in months) or meta_said_yes


def no_affiliates(licensee, users, affiliates, meta_said_yes):
    return total(licensee, users) <= 700_000_000 or meta_said_yes


def odd_signs(text):
    return len(re.findall(r"\s[,.;:]|\w\. \d", text))


MISTAKES = [
    ("01.1", as_bags, "bags of words"),
    ("01.1", place_by_place, "place by place"),
    ("01.1", with_capitals_and_signs, "only capitals and punctuation differ"),
    ("01.2", dict.fromkeys(RIGHT, "supported"), "A0.3: “supported” conflicts with"),
    ("01.2", {**RIGHT, "A4.6": "wrong"}, "A4.6: “wrong” would need a document"),
    ("01.2", {**RIGHT, "A1.5": "false"}, "is not in the vocabulary"),
    ("01.3", {"quotation": "laptop", "changed": "hedge", "caught_by": "paper-hours"}, "promises more"),
    ("01.3", {"quotation": "cost", "changed": "subject", "caught_by": "paper-hours"}, "Look at the word that joins"),
    ("01.3", {"quotation": "cost", "changed": "polarity", "caught_by": "faq-why"}, "says nothing on what the training"),
    ("01.4", one_product, "each alone"),
    ("01.4", any_month, "counts later months"),
    ("01.4", no_affiliates, "forgets the affiliates"),
    ("01.5", len, "measure length"),
    ("01.5", lambda text: odd_signs(text) + sum(term.title() in text for term in TERMS), "in capitals goes unnoticed"),
    ("01.5", lambda text: sum(term in text.lower() for term in TERMS), "a space before a comma"),
]
