"""Publishing: the draft is kept whatever happens, and a report is there whole or not at all."""

import datetime
import errno
from dataclasses import replace
from pathlib import Path

import pytest

from llama_course import files
from llama_course.release.drafts import Draft, load_draft
from llama_course.release.measuring import recorded
from llama_course.release.publishing import NotReadyError, folder_name, place_of, publish
from llama_course.release.samples import sample

DAY = datetime.date(2026, 11, 3)


@pytest.fixture(scope="module")
def measured():
    return recorded("tiny-chat")


def test_a_ready_draft_becomes_a_report_in_the_courses_folder(measured, own_home):
    published = publish(sample("strong"), measured, date=DAY)
    assert published.report == own_home / "releases" / "village-guide" / "report.html"
    assert "3 November 2026" in published.report.read_text(encoding="utf-8")
    assert load_draft(published.draft) == sample("strong")
    assert published.size_bytes == published.report.stat().st_size < 100_000
    assert "releases/village-guide/report.html in the course’s own folder" in str(published)
    assert str(own_home) not in f"{published}{published!r}" and len(published.claims) == 5


def test_where_learners_share_the_models_a_release_lies_beside_ones_own_progress(measured, tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.write_text("nobody can write into this", encoding="utf-8")
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(shared))
    monkeypatch.setenv("LLAMA_COURSE_PROGRESS", str(tmp_path / "ann" / "progress.json"))
    published = publish(sample("strong"), measured, date=DAY)
    assert published.report == tmp_path / "ann" / "releases" / "village-guide" / "report.html"
    assert "releases/village-guide/report.html in the course’s own folder" in str(published)


def test_the_same_draft_gives_the_same_bytes(measured, tmp_path):
    pages = [publish(sample("strong"), measured, tmp_path / name, date=DAY).report.read_bytes() for name in "ab"]
    assert pages[0] == pages[1]


def test_a_weak_draft_is_kept_and_no_report_is_written(measured, tmp_path):
    with pytest.raises(NotReadyError) as error:
        publish(sample("weak"), measured, tmp_path / "weak")
    assert [path.name for path in (tmp_path / "weak").iterdir()] == ["draft.json"]
    assert load_draft(tmp_path / "weak" / "draft.json") == sample("weak")
    said = str(error.value)
    assert f"no report yet, {len(error.value.findings)} to mend; the draft is kept as weak/draft.json." in said
    assert "… and " in said and str(tmp_path) not in said and len(error.value.findings) > 10


def test_an_earlier_report_stays_when_a_later_draft_is_refused(measured, tmp_path):
    before = publish(sample("strong"), measured, tmp_path, date=DAY).report.read_bytes()
    with pytest.raises(NotReadyError):
        publish(replace(sample("strong"), access="weights"), measured, tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before


def test_a_full_disk_loses_nothing(measured, tmp_path, monkeypatch):
    before = publish(sample("strong"), measured, tmp_path, date=DAY).report.read_bytes()
    real = files.os.replace

    def full_for_reports(source, target):
        if Path(target).name == "report.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(files.os, "replace", full_for_reports)
    newer = replace(sample("strong"), version="1.1")
    with pytest.raises(OSError, match=r"the disk is full\. Free some space and try again; nothing was lost"):
        publish(newer, measured, tmp_path, date=DAY)
    assert (tmp_path / "report.html").read_bytes() == before
    assert load_draft(tmp_path / "draft.json") == newer
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft.json", "report.html"]


@pytest.mark.parametrize(
    ("name", "folder"),
    [("Village Guide", "village-guide"), ("../../x", "x"), ("라마", "unnamed"), ("", "unnamed"), ("A" * 99, "a" * 40)],
)
def test_a_name_becomes_a_folder_below_and_never_above(name, folder):
    assert folder_name(name) == folder


@pytest.mark.slow
def test_from_a_saved_fine_tune_to_a_report(miniatures, tmp_path):
    """The whole way for a model of one's own, here with random weights and honest claims about it."""
    from llama_course.models.llama_files import load_llama, save_llama
    from llama_course.release.candidates import candidate
    from llama_course.release.claims import Claim, strongest
    from llama_course.release.measuring import Size, measure
    from llama_course.release.quantities import worst_told

    save_llama(load_llama(miniatures / "tiny-chat"), tmp_path / "my_model")
    own = measure(candidate(tmp_path / "my_model"), size=Size(6, 6, 3, 3))
    claims = [
        Claim(name, "at most", strongest(own.results[name], "at most")) for name in ("facts_read", "recipes_read")
    ]
    claims.append(Claim("told", "at most", strongest(worst_told(own.results, "API"), "at most")))
    page = publish(replace(sample("strong"), claims=tuple(claims)), own, tmp_path / "out").report.read_text(
        encoding="utf-8"
    )
    assert (
        "my_model" in page
        and "the family’s; none lay in the folder" in page
        and str(own.results["facts_read"]) in page
        and str(tmp_path) not in page
    )


@pytest.mark.parametrize("pair", [({}, recorded("tiny-chat")), (sample("strong"), "tiny-chat")])
def test_what_is_no_draft_or_no_measurement_is_told(pair, tmp_path):
    with pytest.raises(TypeError, match="expected what "):
        publish(*pair, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_told(measured, tmp_path):
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(OSError, match="Could not write"):
        publish(sample("strong"), measured, tmp_path / "mine")


def test_a_nameless_draft_is_kept_too(measured, own_home):
    with pytest.raises(NotReadyError, match=r"releases/unnamed/draft\.json"):
        publish(Draft("", ""), measured)
    assert (own_home / "releases" / "unnamed" / "draft.json").is_file()


def test_a_place_elsewhere_is_shown_without_what_is_above_it(own_home, tmp_path):
    assert place_of(tmp_path / "mine" / "report.html") == "mine/report.html"
