"""Tokens as servers in OpenAI's format write them: as texts, and not all of them alike."""

import math

from llama_course.models.interface import Token, TokenProbability


def top_tokens(listed: dict) -> list[TokenProbability]:
    """The probable tokens of one step, in the form of a chat (llama.cpp) or of a completion (vLLM).

    Raises:
        TypeError, KeyError, IndexError, AttributeError: it is neither.
    """
    if listed.get("content"):
        top = [
            (item.get("id", -1), item["token"], bytes(item["bytes"] or item["token"].encode()), item["logprob"])
            for item in listed["content"][0]["top_logprobs"]
        ]
    else:
        top = [(-1, text, text.encode("utf-8"), value) for text, value in listed["top_logprobs"][0].items()]
    return [TokenProbability(Token(number, text, raw), math.exp(value)) for number, text, raw, value in top]


def pieces_of_text(text: str, pieces: list[str]) -> list[Token] | None:
    """The tokens of a text from what a server calls them; None if they do not spell it.

    A marker before the text (BOS) is left out.  Spaces are put right: some versions of vLLM leave out the one before a
    word, where the vocabulary is Llama 2's.  A token that is only a part of a character may be "�" or empty.

    Args:
        text: what the pieces spell together.
        pieces: of a marker, if there is one, and of the text.
    """
    if not all(isinstance(piece, str) for piece in pieces):
        return None
    return _spelt(text, pieces) or _spelt(text, pieces[1:])


def _spelt(text: str, pieces: list[str]) -> list[Token] | None:
    tokens: list[Token] = []
    at, is_loose = 0, False  # how much is spelt; whether parts of characters came, of which we cannot tell how many
    for number, piece in enumerate(pieces):
        whole = piece.rstrip("�")
        if is_loose and whole:
            at, is_loose = max(at, text.find(whole, at)), False
        if number == 0 and whole.startswith(" ") and not text.startswith(whole):
            at -= 1  # Llama 2's vocabulary puts a space before every text
        elif whole and not text.startswith(whole, at) and text.startswith(" " + whole, at):
            piece, whole = " " + piece, " " + whole
        if not (" " + text).startswith(whole, at + 1):
            return None
        at += len(whole)
        is_loose = is_loose or whole != piece or not piece
        tokens.append(Token(-1, piece, piece.encode("utf-8")))
    return tokens if tokens and (at == len(text) or is_loose) else None
