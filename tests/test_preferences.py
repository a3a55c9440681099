"""What was published about human feedback: every number as it was read."""

from llama_course.policy.claims import claim
from llama_course.policy.preferences import ROWS, statement

PUBLISHED = {  # the Llama 2 paper, and one secondary number
    "comparisons": 1_418_091,
    "helpfulness-accuracy": 63.2,
    "safety-accuracy": 64.5,
    "gpt4-accuracy": 58.6,
    "clear-helpfulness-accuracy": 80.7,
    "clear-safety-accuracy": 94.3,
    "safety-threshold": 0.15,
    "leash-small": 0.01,
    "leash-large": 0.005,
    "gatt-turns": 20,
    "labeller-agreement": 73,
}


def test_published_numbers_are_rows():
    assert {name: row.value for name, row in ROWS.figures().items()} == PUBLISHED


def test_the_statement_agrees_with_the_verdict_on_the_article():
    assert "rejection sampling" in claim("A1.7").explanation.lower()
    assert "rejection sampling" in statement("sampling-only").quote.lower()
