"""The sample releases and the rubric."""

from dataclasses import replace

import pytest

from llama_course.release.checking import check_draft
from llama_course.release.measuring import recorded
from llama_course.release.samples import MODEL, NAMES, RUBRIC, sample


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_a_draft_with_claims(name):
    assert len(sample(name).claims) >= 3 and MODEL == "tiny-chat"


def test_an_unknown_sample_says_which_there_are():
    with pytest.raises(ValueError, match="expected one of strong, weak, got 'middling'"):
        sample("middling")


def test_the_rubric_asks():
    assert len({row.id for row in RUBRIC}) == 7 and all(row.question.endswith("?") for row in RUBRIC)


WEAK_IN = {  # criterion: (the parts that lose its points, how many findings go when the strong sample's stand there)
    "evidence": (("summary", "claims"), 9),
    "worst": (("limits",), 0),
    "reach": (("claims",), 5),
    "text": (("text_origin", "text_amount", "text_people", "text_harm", "text_rights"), 1),
    "unknown": (("not_measured",), 0),
    "reasons": (("licence_reasons", "access_reasons"), 2),
    "afterwards": (("plan_report", "plan_first", "plan_versions", "plan_undone"), 2),
}


def test_the_weak_sample_is_weak_in_a_way_of_its_own_under_each_criterion():
    """Mending one leaves the others; and two are for people alone, since no program finds them."""
    assert set(WEAK_IN) == {row.id for row in RUBRIC}
    weak, strong, measured = sample("weak"), sample("strong"), recorded(MODEL)
    before = len(check_draft(weak, measured))
    gone = {}
    for criterion, (parts, _) in WEAK_IN.items():
        mended = weak.with_text(**{part: strong.texts[part] for part in parts if part != "claims"})
        if "claims" in parts:  # an honest claim for whom the weights are given to
            rows = [claim for claim in strong.claims if claim.quantity != "told"]
            mended = replace(mended, claims=(*rows, replace(strong.claims[-1], comparison="at least", percent=80)))
        gone[criterion] = before - len(check_draft(mended, measured))
    assert gone == {criterion: count for criterion, (_, count) in WEAK_IN.items()}
    assert 0 < max(gone.values()) < before
