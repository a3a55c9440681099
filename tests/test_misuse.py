"""The rows of lesson 10: sourced, used, and in agreement with what other lessons say."""

from llama_course import paths
from llama_course.policy.claims import claim
from llama_course.policy.misuse import ROWS, THREATS, WORKSHEET, figure, statement


def test_every_row_names_its_source_and_every_document_is_used():
    rows = [*ROWS.figures().values(), *ROWS.statements().values()]
    assert len(rows) >= 20
    for row in rows:
        document = row.source.document
        assert row.source.section and document.date and row.source.confidence in "PS", row.id
        assert (document.url or "").startswith("http") or document.kind == "secondary", row.id
    assert {row.source.document.id for row in rows} == set(ROWS.documents)


def test_published_settings_are_those_that_we_use():
    from llama_course.safety.watermark import BONUS, GREEN_SHARE, THRESHOLD

    assert [figure(name).value for name in ("green-share", "bonus", "threshold")] == [GREEN_SHARE, BONUS, THRESHOLD]


def test_the_lesson_uses_the_rows_that_there_are():
    assert claim("A4.3").topic == claim("A3.20").topic == "misuse"
    assert "special tags" in statement("tags").quote
    assert paths.data_file("policy/misuse.json").is_file()


def test_threats_and_worksheet_are_whole():
    assert len({threat.who for threat in THREATS}) == len(THREATS) >= 4
    assert all(all(vars(threat).values()) for threat in THREATS)
    assert len(WORKSHEET) == 6 and all(question.endswith("?") for question in WORKSHEET.values())
