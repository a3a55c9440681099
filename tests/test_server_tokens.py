"""Tokens as servers write them: the pieces of a text are recognised, however its spaces and characters are written."""

import pytest

from llama_course.models.server_tokens import pieces_of_text

SPELT = {
    "as it stands": ("The capital of", ["The", " capital", " of"], ["The", " capital", " of"]),
    "after a marker": ("The capital of", ["<s>", "The", " capital", " of"], ["The", " capital", " of"]),
    "without spaces": ("The capital of", ["<s>", "The", "capital", "of"], ["The", " capital", " of"]),
    "a space before all": ("The capital of", ["<s>", " The", " capital", " of"], [" The", " capital", " of"]),
    "two of them": (" a b", ["<s>", "  a", " b"], ["  a", " b"]),
    "its own first space": (" a b", ["<s>", " a", " b"], [" a", " b"]),
    "many spaces": ("a  b\n\nc", ["a", " ", " b", "\n\n", "c"], ["a", " ", " b", "\n\n", "c"]),
    "a marker that is text": ("<s>", ["<s>"], ["<s>"]),
    "parts of characters": ("a 🦙 b", ["<s>", "a", " �", "�", "�", "�", " b"], ["a", " �", "�", "�", "�", " b"]),
    "empty parts": ("a 🦙 b", ["<s>", "a", "", "", "", " 🦙", " b"], ["a", "", "", "", " 🦙", " b"]),
    "parts at the beginning": ("🦙 b", ["�", "�", "�", "�", " b"], ["�", "�", "�", "�", " b"]),
    "parts at the end": ("a 🦙", ["a", " ", "�", "�", "�", "�"], ["a", " ", "�", "�", "�", "�"]),
}


@pytest.mark.parametrize(("text", "pieces", "expected"), SPELT.values(), ids=SPELT)
def test_the_pieces_of_a_text_are_recognised(text, pieces, expected):
    tokens = pieces_of_text(text, pieces)
    assert [token.text for token in tokens] == expected
    assert [token.bytes for token in tokens] == [piece.encode() for piece in expected]


@pytest.mark.parametrize(
    "pieces",
    [[], [" x"], ["The"], ["The", " city"], ["<s>", "The", " capital", " is"], ["The", " capital", "!"], [None, "The"]],
)
def test_what_spells_another_text_is_none(pieces):
    assert pieces_of_text("The capital", pieces) is None
