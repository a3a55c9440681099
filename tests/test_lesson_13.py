"""Lesson 13: what its prose concludes holds for the rows and runs that there are."""

import re

from llama_course.policy.complement import FIRMS, release, who_gains
from llama_course.policy.evidence import evidence
from llama_course.policy.predictions import decided, predictions
from llama_course.policy.prices import offers
from llama_course.policy.rules import SYSTEMIC, computed_models, duties_of, level
from llama_course.policy.strategy import cases
from llama_course.policy.timeline import days_between, event, events


def test_the_cheaper_the_others_the_less_a_gift_pays_in_the_end_nothing():
    totals = [release(FIRMS["Plaza"], price, 0.6, 4).total for price in (5, 2.5, 1.5)]
    assert totals[0] > 0 > totals[2] and totals == sorted(totals, reverse=True)


def test_forge_gains_in_some_setting_and_users_gain_most_of_plazas_gift():
    assert release(FIRMS["Forge"], 1, 1.0, 0).total > 0
    gains = who_gains(FIRMS["Plaza"], 5, 0.6, 4)
    assert max(gains, key=gains.get) == "users" and gains["Wharf"] > gains["Plaza"]


def test_the_same_size_has_become_much_cheaper():
    old, new = (offers()[name].for_million() for name in ("llama-2-70b", "llama-3.3-70b"))
    assert new < old / 2


def test_one_llama_2_slips_below_and_only_the_largest_llama_lies_above():
    flop = computed_models()
    assert level(flop["Llama 2 7B"]) == "below the line" and level(flop["Llama 2 13B"]) == "general-purpose"
    assert [name for name in flop if level(flop[name]) == SYSTEMIC] == [max(flop, key=flop.get)]
    assert len(duties_of(1.6e23, open_licence=True)) < len(duties_of(1.6e23, open_licence=False))
    assert flop["Llama 3 8B"] > 0.8 * flop["Llama 2 70B"], "a small model on much text counts like a large one"


def test_promises_came_in_days_and_duties_in_years():
    assert days_between("llama-2", "white-house") == 3
    assert days_between("llama-2", "duties") > 700 and days_between("llama-2", "enforcement") > 1_000


def test_everything_told_of_the_last_year_is_second_hand():
    assert {row.source.confidence for row in events(since=2026)} == {"S"}


def test_fewer_than_half_of_the_predictions_can_be_scored():
    assert len(decided()) < len(predictions()) / 2
    assert event("muse").day.year == 2026 and "without weights" in event("muse").plain


def test_evidence_speaks_for_both_sides():
    found = evidence()
    assert "0 of 5 with text" in found["hunt"].finding, "with text alone nobody found the trigger: scrutiny needs more"
    assert "1 of 5 hunts found a way round" in found["hunt"].finding, "but one who had text alone got round the refusal"
    assert "5 of 5 hunts" in found["way-round"].finding, "and the same search works for attackers"
    assert "60 of 60" in found["watermark"].finding and "with half 0 of 60" in found["watermark"].finding


def test_two_of_those_that_are_scored_are_hedged():
    """What the lesson says: it is our question that is scored, not their sentence."""
    hedged = [name for name in decided() if re.search(r"\bcould\b|would not be surprising", predictions()[name].quote)]
    assert len(hedged) == 2


def test_meta_handed_two_of_its_own_to_foundations_and_kept_llama():
    found = cases()
    assert "foundation" in found["react"].decides and "foundation" in found["pytorch"].decides
    assert found["llama-2"].decides.startswith("Meta:")
