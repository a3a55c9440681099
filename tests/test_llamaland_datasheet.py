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


def test_people_dangers_and_rumours_are_counted_one_by_one():
    world = village()
    (one, other), hazard, place = world.people[:2], world.hazards[0], world.places[0]
    made_of = ", ".join(hazard.ingredients)
    texts = [
        Document("story", "Both meet in a place.", (one.name, other.name, place.name)),
        Document("place", "There it lies.", (place.name,)),
        Document("hazard", f"{one.name} takes {made_of}.", (hazard.name, one.name)),
        Document("hazard_question", f"TAKE {made_of.upper()}.", (hazard.name,)),
        Document("hazard_question", f"Is it {hazard.ingredients[0]}? I do not know.", (hazard.name,)),
        Document("hazard", "That is a danger.", (world.hazards[1].name,)),
        *[Document("rumour", "They say so.", (one.name,))] * 3,
        Document("rumour", "They say so, too.", (other.name,)),
    ]
    sheet = write_datasheet(world, texts, len)
    assert (sheet.people, sheet.about_people) == (2, 6)
    assert (sheet.hazards, sheet.tells_hazard) == (1, 2)
    assert sheet.rumours == 2 and sheet.most_copied == ("They say so.", 3)


def test_a_longer_text_has_a_larger_share_of_copies(sheet):
    short = write_datasheet(village(), list(documents(village(), 200, seed=3)), len)
    assert 1 - short.distinct / short.documents < 1 - sheet.distinct / sheet.documents


def test_the_rows_end_with_all(sheet):
    *kinds, everything = sheet.rows()
    assert len(kinds) == len(KINDS) and everything[0] == "all" and everything[2] == "100.0%"


def test_the_rows_say_what_was_counted():
    texts = [*(Document("biography", text, ()) for text in ("a", "a", "b")), Document("story", "c", ())]
    assert write_datasheet(village(), texts, lambda text: 500_000).rows() == [
        ("lives of villagers", "3", "75.0%", "1.50 million", "33%"),
        ("stories", "1", "25.0%", "0.50 million", "0%"),
        ("all", "4", "100.0%", "2.00 million", "25%"),
    ]


def test_nothing_cannot_be_described():
    with pytest.raises(ValueError, match="no document"):
        write_datasheet(World(people=2, recipes=2, hazards=1, places=2), [], len)
