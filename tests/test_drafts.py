"""Drafts: written, read again, and every fault in a file is named while the file stays."""

import errno
import json

import pytest

from llama_course import files
from llama_course.release.claims import Claim
from llama_course.release.drafts import PARTS, Draft, DraftError, from_dict, load_draft, save_draft, to_dict

DRAFT = Draft(
    "Guide", "1.0", {"summary": "It <b>talks</b> about a village."}, "MIT", "API", (Claim("told", "at most", 9),)
)


def test_a_draft_comes_back(tmp_path):
    save_draft(DRAFT, tmp_path / "a" / "draft.json")
    assert load_draft(tmp_path / "a" / "draft.json") == DRAFT


def test_an_empty_draft_is_one():
    assert from_dict({}) == Draft("", "")


def test_parts_can_be_written_one_by_one():
    assert DRAFT.with_text(limits="Some.").texts == {**DRAFT.texts, "limits": "Some."}
    with pytest.raises(DraftError, match="no part 'limit'; there are summary, intended"):
        DRAFT.with_text(limit="x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "a draft is an object"),
        ({"nam": "x"}, "no field 'nam'; it has name, version, texts, licence, access, claims"),
        ({"name": 7}, "name: expected text, got 7"),
        ({"texts": []}, "texts: expected an object of parts"),
        ({"texts": {"sumary": "x"}}, "texts: there is no part 'sumary'"),
        ({"texts": {"summary": None}}, "texts, summary: expected text of at most"),
        ({"texts": {"summary": "x" * 5000}}, "at most 4,000 characters"),
        ({"claims": "all"}, "claims: expected a list"),
        ({"claims": [{"quantity": "told", "comparison": "about", "percent": 5}]}, "claims, number 1: a comparison is"),
        ({"claims": [{"quantity": "told"}]}, "claims, number 1: "),
        ({"claims": [7]}, "claims, number 1: "),
        ({"claims": [{}] * 31}, "at most 30"),
    ],
)
def test_a_fault_in_a_draft_is_named(data, message):
    with pytest.raises(DraftError, match=message):
        from_dict(data)


@pytest.mark.parametrize(("content", "message"), [(b"{", "is no JSON"), (b"\xff", "is no JSON"), (b"[]", "an object")])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path, content, message):
    (tmp_path / "draft.json").write_bytes(content)
    with pytest.raises(DraftError, match=rf"draft\.json.*{message}"):
        load_draft(tmp_path / "draft.json")
    assert (tmp_path / "draft.json").read_bytes() == content


def test_a_missing_file_says_how_one_is_made(tmp_path):
    with pytest.raises(DraftError, match=r"there is no draft x\.json"):
        load_draft(tmp_path / "x.json")


def test_a_full_disk_leaves_the_old_draft(tmp_path, monkeypatch):
    save_draft(DRAFT, tmp_path / "draft.json")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="the disk is full"):
        save_draft(Draft("Other", "2"), tmp_path / "draft.json")
    assert load_draft(tmp_path / "draft.json") == DRAFT and len(list(tmp_path.iterdir())) == 1


def test_every_part_asks_a_question():
    assert all(part.question.endswith("?") and part.id == name for name, part in PARTS.items())
    assert json.dumps(to_dict(DRAFT))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": None}, "name: expected text, got None"),
        ({"texts": {"sumary": "x"}}, "no part 'sumary'"),
        ({"texts": {"summary": 7}}, "texts, summary: expected text"),
        ({"texts": "x"}, "texts: expected an object"),
        ({"claims": ("told at most 9",)}, "claims, number 1: expected a Claim, got 'told at most 9'"),
        ({"claims": Claim("told", "at most", 9)}, "claims: expected a list"),
    ],
)
def test_a_draft_made_in_a_notebook_is_read_as_strictly_as_a_file(fields, message):
    with pytest.raises(DraftError, match=message):
        Draft(**{"name": "x", "version": "1"} | fields)
