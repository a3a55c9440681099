"""Predictions and their score: quotations as in the claims, outcomes of the vocabulary, sums by hand."""

import pytest

from llama_course.policy.claims import articles, claim
from llama_course.policy.predictions import (
    COIN,
    OUTCOMES,
    Prediction,
    brier_score,
    count_outcomes,
    decided,
    predictions,
)


def test_quotations_are_those_of_the_claims():
    for row in predictions().values():
        assert row.article in articles()
        if row.claim:
            theirs = claim(row.claim)
            assert row.quote in theirs.quote and theirs.article == row.article, row.id


def test_every_prediction_is_a_question_with_an_outcome_and_a_reason():
    rows = predictions().values()
    assert len(rows) >= 12 and {row.article for row in rows} == set(articles())
    for row in rows:
        assert row.question.endswith("?") and row.because.endswith("."), row.id
    with pytest.raises(ValueError, match="outcome is one of came true"):
        Prediction("x", "A1", "", "x", "x", "x?", "perhaps", "x.", next(iter(rows)).source)


def test_most_cannot_be_scored():
    """What the lesson says: fewer than half are clearly true or false."""
    counts = count_outcomes()
    assert list(counts) == list(OUTCOMES) and sum(counts.values()) == len(predictions())
    assert len(decided()) == counts["came true"] + counts["did not come true"] < len(predictions()) / 2
    assert set(decided().values()) == {0.0, 1.0}


def test_the_score_by_hand():
    assert brier_score({"a": 0.7, "b": 0.1}, {"a": 1, "b": 0}) == pytest.approx((0.09 + 0.01) / 2)
    assert brier_score({"a": 1, "b": 0}, {"a": 1, "b": 0}) == 0
    assert brier_score({"a": 0, "b": 1}, {"a": 1, "b": 0}) == 1
    assert brier_score(dict.fromkeys("abc", 0.5), {"a": 1, "b": 0, "c": 1}) == COIN


def test_forecasts_without_an_outcome_do_not_count():
    assert brier_score({"a": 1, "undecided": 0.9}, {"a": 1}) == 0


@pytest.mark.parametrize(
    ("forecasts", "outcomes", "message"),
    [
        ({}, {}, "at least one outcome"),
        ({"a": 0.5}, {"a": 1, "b": 0}, "no forecast for b"),
        ({"a": 1.5}, {"a": 1}, "between 0 and 1; see a"),
        ({"a": -0.1}, {"a": 1}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_scored_is_named(forecasts, outcomes, message):
    with pytest.raises(ValueError, match=message):
        brier_score(forecasts, outcomes)
