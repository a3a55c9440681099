"""What is read once where it stood several times."""

import pytest

from llama_course.training.deduplication import likeness, shingles, without_duplicates, without_near_duplicates

GOOSE = "Luma keeps a goose and lives in Willow Lane"


def test_the_first_copy_stays_in_its_place():
    assert without_duplicates(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]


def test_one_character_makes_another_text():
    assert without_duplicates([GOOSE, f"{GOOSE}.", GOOSE.lower()]) == [GOOSE, f"{GOOSE}.", GOOSE.lower()]


def test_shingles_are_runs_of_words():
    assert shingles("a b c d", 3) == {("a", "b", "c"), ("b", "c", "d")}
    assert shingles("a b", 3) == {("a", "b")}


def test_likeness_is_the_share_of_runs_in_common():
    assert likeness("a b c d", "a b c e", 2) == pytest.approx(2 / 4)
    assert likeness(GOOSE, GOOSE) == 1 and likeness(GOOSE, "nothing of it here") == 0


def test_near_duplicates_go_and_the_first_stays():
    texts = ["nothing of it here", GOOSE, f"{GOOSE} now", GOOSE]
    assert without_near_duplicates(texts) == texts[:2]
    assert without_near_duplicates(texts, 1.0) == texts[:3], "at 1 only copies go"


def test_it_agrees_with_comparing_every_pair():
    words = "goose soup lamb kite".split()
    texts = [" ".join(words[(i * j) % 4] for j in range(1, 8)) + f" {i % 5}" for i in range(40)]
    for threshold in (0.2, 0.5, 0.8):
        kept = []
        for text in texts:
            if all(likeness(text, other) < threshold for other in kept):
                kept.append(text)
        assert without_near_duplicates(texts, threshold) == kept


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        without_near_duplicates(["a"], threshold)
