"""The rows of lesson 08: the arguments with both sides, in agreement with the claims."""

import pytest

from llama_course.policy.claims import claim, evidence
from llama_course.policy.release import arguments, statement


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ("collaboration", "paper-collab"),
        ("hyperbole", "lbc-hyperbole"),
        ("wrong", "verge-wrong"),
        ("terminate", "licence-end"),
        ("improve", "licence-outputs"),
    ],
)
def test_quotations_are_those_of_the_evidence(row, known):
    assert statement(row).quote == evidence(known).quote
    assert statement(row).source.document.url == evidence(known).document.url
    assert statement(row).source.confidence == evidence(known).confidence


def test_each_argument_has_a_claim_an_experiment_and_what_it_leaves_open():
    found = arguments()
    assert list(found) == ["clegg", "hall", "rogoyski", "sutskever"]
    for argument in found.values():
        assert argument.quote == claim(argument.claim).quote
        assert argument.experiment and argument.bears_on.endswith(".") and argument.leaves_open.endswith(".")
    assert statement("hyperbole").quote in found["hall"].left_out
    assert len({argument.experiment for argument in found.values()}) == 4
