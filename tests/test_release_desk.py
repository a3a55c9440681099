"""The desk for claims, asked through its traits."""

import pytest

from llama_course.release.measuring import recorded
from llama_course.release.quantities import ACCESS
from llama_course.widgets.html import to_text
from llama_course.widgets.release_desk import ReleaseDesk


@pytest.fixture
def desk():
    return ReleaseDesk(recorded("tiny-chat"))


def test_the_same_claim_falls_when_the_access_changes(desk):
    assert "✓ supported" in desk.verdict.value
    desk.access.value = "weights"
    assert "✗ contradicted" in desk.verdict.value and "38 of 40" in desk.verdict.value


def test_every_quantity_can_be_claimed_at_every_access(desk):
    for access in ACCESS:
        desk.access.value = access
        for _, name in desk.quantity.options:
            desk.quantity.value = name
            assert "Measured: " in desk.verdict.value and "not measured" not in desk.verdict.value


def test_a_sentence_is_read_while_it_is_written(desk):
    assert "“never”" in to_text(desk.reading.value)
    desk.sentence.value = "It tells {told} of the dangers."
    assert "nothing in this sentence is refused" in to_text(desk.reading.value)
    desk.sentence.value = ""
    assert "✓" in desk.reading.value


def test_a_sentence_is_read_for_the_access_that_is_set(desk):
    desk.sentence.value = "We recall it the same day."
    assert "✓" in desk.reading.value
    desk.access.value = "weights"
    assert "nothing that would bring a copy back" in desk.reading.value


def test_what_is_typed_is_escaped_in_both_forms(desk):
    desk.sentence.value = "<b>never</b> <script>x</script>"
    for page in (desk.reading.value, desk.static_html()):
        assert "<b>" not in page and "<script>" not in page
    assert "&lt;script&gt;" in desk.static_html()


def test_the_twin_has_every_access_and_what_is_set_now(desk):
    said = to_text(desk.static_html())
    assert all(access in said for access in ACCESS) and "at most 99 %" in said and "supported" in said
    assert "<caption" in desk.static_html() and 'scope="col"' in desk.static_html()
