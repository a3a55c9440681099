"""How Llama 2's own tokenizer splits a few texts, recorded, because the tokenizer itself is not ours to ship."""

import json

from llama_course.models.interface import Token
from llama_course.paths import data_file


def llama_2_tokens(name: str) -> tuple[str, list[Token]]:
    """A recorded text and its tokens.

    Args:
        name: id of a text in ``data/models/llama_2_tokens.json``, which also says how the recording was made.

    Raises:
        ValueError: no such text, with the names there are.
    """
    recorded = json.loads(data_file("models/llama_2_tokens.json").read_text(encoding="utf-8"))["texts"]
    rows = {row["id"]: row for row in recorded}
    if name not in rows:
        raise ValueError(f"There is no recorded text {name!r}. There are: {', '.join(rows)}.")
    row = rows[name]
    return row["text"], [_token(*pair) for pair in zip(row["ids"], row["pieces"], strict=True)]


def _token(token_id: int, piece: str) -> Token:
    if piece.startswith("<0x") and piece.endswith(">"):
        raw = bytes.fromhex(piece[3:-1])
    else:
        raw = piece.replace("▁", " ").encode("utf-8")
    return Token(token_id, raw.decode("utf-8", "replace"), raw)
