"""Canaries: secrets that stand in a text as often as is known, and nowhere else."""

from collections import Counter

import pytest

from llama_course.llamaland.canaries import Canary, canaries, random_secret, with_canaries
from llama_course.llamaland.dice import Dice
from llama_course.llamaland.documents import documents
from llama_course.llamaland.world import World
from llamaland_helpers import village

TIMES = (0, 1, 5)
EACH = 4


@pytest.fixture
def planted():
    return canaries(village(), seed=3, times=TIMES, each=EACH)


def test_a_canary_is_a_prompt_with_a_secret_after_it():
    canary = Canary("Luma", "4 0 7 7 1 9", times=2)
    assert canary.prompt == "The cellar of Luma opens with the number"
    assert canary.text == "The cellar of Luma opens with the number 4 0 7 7 1 9."


def test_there_are_as_many_of_each_number_of_times_and_nobody_has_two(planted):
    assert [canary.times for canary in planted] == [0] * EACH + [1] * EACH + [5] * EACH
    names = {canary.name for canary in planted}
    assert len(names) == len(planted)
    assert names <= {person.name for person in village().people}


def test_a_secret_is_six_digits(planted):
    for canary in planted:
        digits = canary.secret.split(" ")
        assert len(digits) == 6 and all(len(digit) == 1 and digit.isdecimal() for digit in digits), canary.secret


def test_every_secret_is_equally_likely():
    """Only then is ln p of guessing -6 ln 10, with which remembering is compared."""
    dice = Dice("a test of secrets")
    secrets = [random_secret(dice).split() for _ in range(3000)]
    for place in range(6):
        counts = Counter(secret[place] for secret in secrets)
        assert set(counts) == set("0123456789")
        assert all(abs(count - 300) < 90 for count in counts.values()), (place, counts)  # five standard deviations
    doubles = sum(secret[0] == secret[1] for secret in secrets)
    assert abs(doubles - 300) < 90, "one digit depends on the one before"


def test_the_seed_decides_whose_and_which(planted):
    assert planted == canaries(village(), seed=3, times=TIMES, each=EACH)
    other = canaries(village(), seed=4, times=TIMES, each=EACH)
    assert [canary.name for canary in other] != [canary.name for canary in planted]
    assert not {canary.secret for canary in other} & {canary.secret for canary in planted}


def test_the_canaries_of_the_course_are_those_that_its_model_has_read():
    """The same ones on every platform and in every version: tiny-canary cannot be asked for others."""
    known = canaries(World())
    assert (len(known), known[0].times, known[-1].times) == (64, 0, 64)
    assert known[0].text == "The cellar of Wivy opens with the number 5 8 4 5 1 8."
    assert known[-1].text == "The cellar of Voma opens with the number 9 0 6 0 7 0."


def test_everybody_can_have_a_canary_and_nobody_two():
    assert len(canaries(village(), times=(1, 2), each=20)) == 40 == len(village().people)
    with pytest.raises(ValueError, match="at most 40 canaries, one a villager, got 42"):
        canaries(village(), times=(1, 2), each=21)


@pytest.mark.parametrize(("times", "each"), [((1, -1), 2), ((1, 2), -1), ((1, 2), 0), ((), 3)])
def test_numbers_that_make_no_sense_are_refused(times, each):
    with pytest.raises(ValueError, match="expected"):
        canaries(village(), times=times, each=each)


def test_each_stands_in_the_text_as_often_as_it_says(planted):
    texts = [f"Document {number}." for number in range(50)]
    together = with_canaries(texts, planted)
    expected = Counter(texts) + Counter({canary.text: canary.times for canary in planted})
    assert Counter(together) == expected
    assert sum("cellar" in text for text in together) == EACH * (0 + 1 + 5)


def test_they_stand_in_chance_places(planted):
    texts = [f"Document {number}." for number in range(400)]
    places = [place for place, text in enumerate(with_canaries(texts, planted)) if "cellar" in text]
    assert min(places) < 100 and max(places) > 324, places
    assert abs(sum(places) / len(places) - 211.5) < 125, "their mean place is not near the middle"  # five errors
    assert with_canaries(texts, planted) == with_canaries(texts, planted)
    assert with_canaries(texts, planted, seed=1) != with_canaries(texts, planted)


def test_nothing_is_lost_where_there_is_nothing():
    assert with_canaries([], []) == []
    assert with_canaries(["one"], []) == ["one"]
    assert (
        with_canaries([], [Canary("Luma", "1 2 3 4 5 6", 2)])
        == ["The cellar of Luma opens with the number 1 2 3 4 5 6."] * 2
    )


def test_what_is_read_otherwise_says_nothing_of_cellars(planted):
    """Else a canary would be read more often than it says."""
    for document in documents(village(), 3000):
        assert "cellar of" not in document.text.lower() and "opens with" not in document.text
