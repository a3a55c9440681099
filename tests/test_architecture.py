"""The sizes of the released Llamas: every row has a source, and all rows agree with each other and with the library."""

import dataclasses
import json
import re

import pytest

from llama_course import paths
from llama_course.models import llama
from llama_course.models.catalog import CATALOG
from llama_course.policy.architecture import fact, sizes
from llama_course.policy.claim_rows import CONFIDENCE, MAX_QUOTED_WORDS, Document

DATA = json.loads(paths.data_file("policy/architecture.json").read_text(encoding="utf-8"))
ROWS = DATA["sizes"] + DATA["facts"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_row_has_a_source(row):
    assert row["document"] in DATA["documents"] and row["section"].strip()
    assert row["confidence"] in CONFIDENCE
    kind = DATA["documents"][row["document"]]["kind"]
    assert (kind == "primary") == (row["confidence"] == "P")
    assert len((row.get("quote") or "").split()) <= MAX_QUOTED_WORDS


def test_every_document_is_used_and_has_an_address():
    fields = {field.name for field in dataclasses.fields(Document)} - {"id"}
    for name, document in DATA["documents"].items():
        assert set(document) == fields
        assert re.fullmatch(r"https://\S+", document["url"])
        assert name == "paper" or any(row["document"] == name for row in ROWS)


def test_the_library_has_the_published_sizes():
    expected = {"7B": llama.LLAMA_2_7B, "13B": llama.LLAMA_2_13B, "70B": llama.LLAMA_2_70B}
    assert {name: size.config for name, size in sizes().items()} == expected


def test_the_feed_forward_sizes_follow_metas_rule():
    """From model.py: two thirds of 4·D, times a factor, rounded up to a multiple; for the 70B 1.3 and 4096."""
    for name, size in sizes().items():
        factor, multiple = (1.3, 4096) if name == "70B" else (1, 256)
        inner = int(factor * int(2 * 4 * size.numbers["hidden_size"] / 3))
        assert size.numbers["intermediate_size"] == -(-inner // multiple) * multiple


def test_the_catalog_has_the_numbers_that_follow_from_the_sizes():
    for name, size in sizes().items():
        count = llama.count_parameters(size.config)
        assert CATALOG[f"llama-2-{name.lower()}"].parameters == count
        assert abs(count / 1e9 - int(name[:-1])) < 1.1  # its name in billions, roughly


def test_only_the_largest_shares_keys_and_values_as_its_card_says():
    sharing = [n for n, s in sizes().items() if s.config.num_key_value_heads < s.config.num_attention_heads]
    assert sharing == ["70B"] and "70B" in fact("gqa").quote


def test_a_size_says_where_it_was_read_and_how_sure_that_is():
    size = sizes()["70B"]
    assert size.source == "torchtitan, a training library by Meta’s PyTorch team, " + DATA["sizes"][2]["section"]
    assert size.how_sure == CONFIDENCE["S"]


def test_an_unknown_fact_is_explained():
    with pytest.raises(ValueError, match=r"'cats'\. There are: parts, gqa, layout"):
        fact("cats")
