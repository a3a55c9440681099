"""Read and validate the claim data; a malformed row is reported with its file and its name."""

import json
import re
from dataclasses import fields
from pathlib import Path

from llama_course.policy.claim_rows import (
    CONFIDENCE,
    EFFECTS,
    MAX_QUOTED_WORDS,
    UNCHECKABLE,
    Article,
    Claim,
    ClaimData,
    ClaimDataError,
    Document,
    Evidence,
    Quotation,
    Snippet,
    Topic,
    Verdict,
)


def read(folder: Path) -> ClaimData:
    """Read and validate the four files in ``folder``.

    Raises:
        ClaimDataError: naming the file and the row.
    """
    folder = Path(folder)
    raw = {name: _json(folder / f"{name}.json") for name in ("articles", "claims", "quotations", "primary_evidence")}
    found = {row["id"]: _article(row, f"articles.json, {row['id']}") for row in _rows(raw, "articles", "articles")}
    documents = _documents(raw)
    vocabulary = _verdicts(raw)
    topic_names = raw["claims"].get("topics", {})
    places = {
        row["id"]: _evidence(row, documents, f"primary_evidence.json, {row['id']}")
        for row in _rows(raw, "primary_evidence", "evidence")
    }
    rows = {
        row["id"]: _claim(row, found, vocabulary, topic_names, places, f"claims.json, {row['id']}")
        for row in _rows(raw, "claims", "claims")
    }
    pairs = {
        row["id"]: _quotation(row, found, documents, f"quotations.json, {row['id']}")
        for row in _rows(raw, "quotations", "quotations")
    }
    snippets = {
        row["id"]: _snippet(row, f"quotations.json, {row['id']}") for row in _rows(raw, "quotations", "snippets")
    }
    disagreements = [
        _topic(row, found, rows, f"claims.json, accounts, {row.get('topic')}") for row in raw["claims"]["accounts"]
    ]
    return ClaimData(found, vocabulary, topic_names, places, rows, pairs, snippets, disagreements)


def _json(path: Path) -> dict:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ClaimDataError(f"{path.name}: not JSON in UTF-8: {error}") from error
    if not isinstance(data, dict):
        raise ClaimDataError(f"{path.name}: expected an object, got {type(data).__name__}")
    return data


def _rows(raw: dict, file: str, key: str) -> list[dict]:
    rows = raw[file].get(key)
    if not isinstance(rows, list) or not rows:
        raise ClaimDataError(f"{file}.json: expected a list {key!r} of rows")
    seen = set()
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise ClaimDataError(f"{file}.json, {key}, row {number}: expected an object with an id")
        _require(row["id"] not in seen, f"{file}.json, {row['id']}", "this id is there twice")
        seen.add(row["id"])
    return rows


def _verdicts(raw: dict) -> dict[str, Verdict]:
    out = {}
    for rank, (name, row) in enumerate(raw["claims"].get("verdicts", {}).items()):
        _keys(row, {"symbol", "meaning"}, f"claims.json, verdicts, {name}")
        out[name] = Verdict(name, row["symbol"], row["meaning"], rank)
    _require(bool(out), "claims.json", "verdicts is missing or empty")
    return out


def _documents(raw: dict) -> dict[str, Document]:
    out = {}
    for name, row in raw["primary_evidence"].get("documents", {}).items():
        where = f"primary_evidence.json, documents, {name}"
        _keys(row, {f.name for f in fields(Document)} - {"id"}, where)
        _require(row["kind"] in ("primary", "secondary"), where, "kind is primary or secondary")
        _url(row["url"], where)
        out[name] = Document(id=name, **row)
    _require(bool(out), "primary_evidence.json", "documents is missing or empty")
    return out


def _article(row: dict, where: str) -> Article:
    plain = {f.name for f in fields(Article)}
    _keys(row, plain | {"publication_confidence", "published_confidence", "kind_confidence"}, where)
    _url(row["url"], where)

    def sure(text, mark):
        _confidence(row[mark], where)
        return f"{text} (not verified)" if row[mark] == "M" else text

    return Article(
        id=row["id"],
        title=row["title"],
        publication=sure(row["publication"], "publication_confidence"),
        published=sure(row["published"], "published_confidence"),
        kind_of_copy=sure(row["kind_of_copy"], "kind_confidence"),
        people_quoted=tuple(row["people_quoted"]),
        url=row["url"],
    )


def _evidence(row: dict, documents: dict, where: str) -> Evidence:
    _keys(row, {f.name for f in fields(Evidence)}, where)
    _require(row["document"] in documents, where, f"no document {row['document']!r}")
    _confidence(row["confidence"], where)
    _text(row["section"], "section", where)
    _text(row["plain"], "plain", where)
    if row["quote"] is not None:
        _short(row["quote"], "quote", where)
    document = documents[row["document"]]
    if row["confidence"] in "PC":
        _require(
            document.kind == "primary" and document.url,
            where,
            "marked P or C, so it needs a primary document with an address",
        )
    return Evidence(**{**row, "document": document})


def _claim(row: dict, found: dict, vocabulary: dict, topic_names: dict, places: dict, where: str) -> Claim:
    _keys(row, {f.name for f in fields(Claim)}, where)
    _require(re.fullmatch(r"A[0-4]\.[1-9]\d*", row["id"]), where, "an id looks like A1.8")
    _require(
        row["article"] in found and row["id"].startswith(row["article"] + "."),
        where,
        f"no article {row['article']!r} for this id",
    )
    _require(row["topic"] in topic_names, where, f"no topic {row['topic']!r}; there are {', '.join(topic_names)}")
    _require(row["verdict"] in vocabulary, where, f"no verdict {row['verdict']!r}; there are {', '.join(vocabulary)}")
    _confidence(row["confidence"], where)
    _require(
        (row["confidence"] == "M") == (row["verdict"] == "not verified"), where, "M and “not verified” go together"
    )
    _short(row["quote"], "quote", where)
    _text(row["explanation"], "explanation", where)
    _require(isinstance(row["evidence"], list), where, "evidence is a list")
    for name in row["evidence"]:
        _require(name in places, where, f"no evidence {name!r}")
    _require(row["evidence"] or row["verdict"] in UNCHECKABLE, where, f"{row['verdict']!r} needs evidence")
    return Claim(
        **{**row, "verdict": vocabulary[row["verdict"]], "evidence": tuple(places[n] for n in row["evidence"])}
    )


def _quotation(row: dict, found: dict, documents: dict, where: str) -> Quotation:
    _keys(row, {f.name for f in fields(Quotation)}, where)
    _require(row["article"] in found, where, f"no article {row['article']!r}")
    _require(row["document"] in documents, where, f"no document {row['document']!r}")
    _require(row["effect"] in EFFECTS, where, f"no effect {row['effect']!r}; there are {', '.join(EFFECTS)}")
    _require((row["effect"] == "none") == (row["original"] == row["copy"]), where, "“none” means that nothing differs")
    _confidence(row["confidence"], where)
    _short(row["original"], "original", where)
    _short(row["copy"], "copy", where)
    return Quotation(**{**row, "document": documents[row["document"]]})


def _snippet(row: dict, where: str) -> Snippet:
    _keys(row, {f.name for f in fields(Snippet)}, where)
    _require(isinstance(row["rewritten"], bool), where, "rewritten is true or false")
    _confidence(row["confidence"], where)
    _short(row["text"], "text", where)
    _text(row["found_in"], "found_in", where)
    return Snippet(**row)


def _topic(row: dict, found: dict, rows: dict, where: str) -> Topic:
    _keys(row, {f.name for f in fields(Topic)}, where)
    _require(set(row["cells"]) == set(found), where, "one cell for each article")
    cells = {}
    for article, cell in row["cells"].items():
        if cell is not None:
            _keys(cell, {"says", "claims"}, f"{where}, {article}")
            for name in cell["claims"]:
                _require(name in rows and rows[name].article == article, where, f"no claim {name!r} of {article}")
            _require(bool(cell["claims"]), f"{where}, {article}", "at least one claim")
        cells[article] = None if cell is None else (cell["says"], tuple(rows[n] for n in cell["claims"]))
    return Topic(row["topic"], row["question"], row["primary"], cells)


def _require(condition, where: str, what: str) -> None:
    if not condition:
        raise ClaimDataError(f"{where}: {what}")


def _keys(row, wanted: set[str], where: str) -> None:
    _require(isinstance(row, dict), where, f"expected an object, got {type(row).__name__}")
    for word, names in (("missing", wanted - set(row)), ("unknown", set(row) - wanted)):
        _require(not names, where, f"{word}: {', '.join(sorted(names))}")


def _text(value, name: str, where: str) -> None:
    _require(isinstance(value, str) and value.strip(), where, f"{name}: expected some text, got {value!r}")


def _short(value, name: str, where: str) -> None:
    _text(value, name, where)
    words = len(value.split())
    _require(words <= MAX_QUOTED_WORDS, where, f"{name}: {words} words; at most {MAX_QUOTED_WORDS} are quoted")


def _confidence(value, where: str) -> None:
    _require(value in CONFIDENCE, where, f"confidence: expected one of {', '.join(CONFIDENCE)}, got {value!r}")


def _url(value, where: str) -> None:
    _require(
        value is None or re.fullmatch(r"https?://\S+", value), where, f"url: expected a web address, got {value!r}"
    )
