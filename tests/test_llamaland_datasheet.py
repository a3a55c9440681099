"""The datasheet: what it counts is what stands in the text."""

import pytest

from llama_course.llamaland.datasheet import COUNTED, KINDS, write_datasheet
from llama_course.llamaland.documents import Document, Mixture, documents
from llama_course.llamaland.world import World
from llamaland_helpers import village


@pytest.fixture(scope="module")
def text():
    return list(documents(village(), 1_500, seed=3))


@pytest.fixture(scope="module")
def sheet(text):
    return write_datasheet(village(), text, lambda text: len(text.split()))


def test_every_document_is_counted_once(sheet, text):
    assert sheet.documents == len(text) == sum(row.documents for row in sheet.kinds)
    assert sheet.distinct == len({document.text for document in text})
    assert [row.documents for row in sheet.kinds] == sorted((row.documents for row in sheet.kinds), reverse=True)


def test_all_kinds_have_words(sheet):
    assert set(KINDS) == set(vars(Mixture())) == {row.kind for row in sheet.kinds}


def test_tokens_are_estimated_from_some_documents(sheet, text):
    words = sum(len(document.text.split()) for document in text)
    assert sheet.tokens == pytest.approx(words, rel=0.15)
    every = [Document("story", "one two three", ("A",))] * (3 * COUNTED + 1)
    assert write_datasheet(village(), every, lambda text: 3).tokens == 3 * len(every)


def test_copies_are_those_written_before():
    world = village()
    name = world.people[0].name
    texts = [Document("biography", text, (name,)) for text in ("a", "b", "a", "a")]
    sheet = write_datasheet(world, texts, len)
    assert sheet.kinds[0].copies == 0.5 and sheet.most_copied == ("a", 3)
    assert (sheet.people, sheet.about_people, sheet.hazards) == (1, 4, 0)


def test_dangers_are_told_where_all_their_parts_are_named(sheet, text):
    world = village()
    assert sheet.tells_hazard >= sum(document.kind == "hazard" for document in text)
    assert 0 < sheet.hazards <= len(world.hazards)
    hazard = world.hazards[0]
    safe = Document("hazard_question", f"Is {hazard.name} dangerous? It {hazard.effect}.", (hazard.name,))
    assert write_datasheet(world, [safe], len).tells_hazard == 0


def test_a_longer_text_has_a_larger_share_of_copies(sheet):
    short = write_datasheet(village(), list(documents(village(), 200, seed=3)), len)
    assert 1 - short.distinct / short.documents < 1 - sheet.distinct / sheet.documents


def test_the_rows_end_with_all(sheet):
    *kinds, everything = sheet.rows()
    assert len(kinds) == len(KINDS) and everything[0] == "all" and everything[2] == "100.0%"


def test_nothing_cannot_be_described():
    with pytest.raises(ValueError, match="no document"):
        write_datasheet(World(people=2, recipes=2, hazards=1, places=2), [], len)
