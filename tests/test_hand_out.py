"""Laying out the notebooks: what a learner did is never lost, and what is new arrives."""

import json
import threading
import time

import pytest

from llama_course import cli, files, hand_out
from llama_course.hand_out import BESIDE, KEPT, NEW, RECORD, SAME, UPDATED, HandOutError, lay_out, summary

LESSON, EXERCISE = "course/02_topic.ipynb", "exercises/02_topic.ipynb"


@pytest.fixture
def version(tmp_path):
    """A function that makes the notebooks of a version: name and text of each."""

    def make(number, **changed):
        folder = tmp_path / f"version {number}"
        texts = {LESSON: "lesson", EXERCISE: "stub", "solutions/02_topic.ipynb": "answer"} | changed
        for name, text in texts.items():
            files.write_atomically(folder / name, text)
        return {name: folder / name for name in texts}

    return make


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "my course"


def whats(outcomes):
    return {outcome.name: outcome.what for outcome in outcomes}


def texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_everything_is_new_at_first_and_unchanged_the_second_time(version, mine):
    source = version("1")
    assert set(whats(lay_out(mine, "1", source)).values()) == {NEW}
    assert texts(mine) == {name: path.read_text(encoding="utf-8") for name, path in source.items()}
    assert set(whats(lay_out(mine, "1", source)).values()) == {SAME}


def test_what_nobody_touched_is_brought_up_to_date(version, mine):
    lay_out(mine, "1", version("1"))
    outcomes = lay_out(mine, "2", version("2", **{LESSON: "better lesson"}))
    assert whats(outcomes) == {LESSON: UPDATED, EXERCISE: SAME, "solutions/02_topic.ipynb": SAME}
    assert texts(mine)[LESSON] == "better lesson"


def test_work_on_this_version_stays_and_nothing_is_laid_beside_it(version, mine):
    lay_out(mine, "1", version("1"))
    (mine / EXERCISE).write_text("my work", encoding="utf-8")
    assert whats(lay_out(mine, "1", version("1")))[EXERCISE] == KEPT
    assert texts(mine)[EXERCISE] == "my work"
    assert len(texts(mine)) == 3


def test_a_new_version_of_changed_work_is_laid_beside_it_once_and_said(version, mine):
    lay_out(mine, "1", version("1"))
    (mine / EXERCISE).write_text("my work", encoding="utf-8")
    outcomes = lay_out(mine, "2", version("2", **{EXERCISE: "better stub"}))
    beside = "exercises/02_topic.version-2.ipynb"
    assert whats(outcomes)[EXERCISE] == BESIDE
    assert texts(mine)[EXERCISE] == "my work"
    assert texts(mine)[beside] == "better stub"
    assert summary(outcomes).splitlines()[-1] == f"{EXERCISE}: yours, new version beside it, as {beside}"
    (mine / beside).unlink()  # read and thrown away: it does not come back
    assert whats(lay_out(mine, "2", version("2", **{EXERCISE: "better stub"})))[EXERCISE] == KEPT
    assert beside not in texts(mine)


def test_a_third_version_is_laid_beside_again(version, mine):
    lay_out(mine, "1", version("1"))
    (mine / EXERCISE).write_text("my work", encoding="utf-8")
    for number in ("2", "3"):
        lay_out(mine, number, version(number, **{EXERCISE: f"stub {number}"}))
    assert texts(mine)[EXERCISE] == "my work"
    assert {texts(mine)[f"exercises/02_topic.version-{n}.ipynb"] for n in "23"} == {"stub 2", "stub 3"}


def test_who_takes_the_new_version_over_gets_the_next_one_in_its_place(version, mine):
    lay_out(mine, "1", version("1"))
    (mine / EXERCISE).write_text("my work", encoding="utf-8")
    lay_out(mine, "2", version("2", **{EXERCISE: "stub 2"}))
    (mine / EXERCISE).write_text("stub 2", encoding="utf-8")
    assert whats(lay_out(mine, "3", version("3", **{EXERCISE: "stub 3"})))[EXERCISE] == UPDATED


def test_work_in_the_file_laid_beside_is_not_overwritten_either(version, mine):
    lay_out(mine, "1", version("1"))
    beside = mine / "exercises/02_topic.version-2.ipynb"
    for path, text in ((mine / EXERCISE, "my work"), (beside, "a note of mine")):
        path.write_text(text, encoding="utf-8")
    (outcome,) = [o for o in lay_out(mine, "2", version("2", **{EXERCISE: "stub 2"})) if o.what == BESIDE]
    assert outcome.beside == "exercises/02_topic.version-2-2.ipynb"
    assert texts(mine)[outcome.beside] == "stub 2"
    assert beside.read_text(encoding="utf-8") == "a note of mine"


@pytest.mark.parametrize("record", [None, "{", "[]", '{"sha256": 3}'])
def test_without_a_record_that_can_be_read_all_counts_as_changed(version, mine, record):
    lay_out(mine, "1", version("1"))
    (mine / RECORD).unlink()
    if record is not None:
        (mine / RECORD).write_text(record, encoding="utf-8")
    assert whats(lay_out(mine, "2", version("2", **{LESSON: "better lesson"})))[LESSON] == BESIDE
    assert texts(mine)[LESSON] == "lesson"


def test_a_full_disk_changes_nothing(version, mine, monkeypatch):
    lay_out(mine, "1", version("1"))
    before, copies = texts(mine), []

    def full(source, target):
        copies.append(target)
        if len(copies) == 2:
            raise OSError(28, "No space left on device")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(hand_out.shutil, "copyfile", full)
    with pytest.raises(HandOutError, match="No space left on device"):
        lay_out(mine, "2", version("2", **{LESSON: "better lesson", EXERCISE: "better stub"}))
    assert texts(mine) == before
    assert [path.name for path in mine.iterdir() if path.is_dir() and path.name.startswith(".")] == []


def test_an_interruption_loses_nothing_and_the_next_run_ends_it(version, mine, monkeypatch):
    lay_out(mine, "1", version("1"))
    (mine / EXERCISE).write_text("my work", encoding="utf-8")
    source = version("2", **{LESSON: "better lesson", EXERCISE: "better stub"})
    place = hand_out._place

    def interrupted(destination, stage, name, *rest):
        if name == EXERCISE:
            raise KeyboardInterrupt
        return place(destination, stage, name, *rest)

    monkeypatch.setattr(hand_out, "_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lay_out(mine, "2", source)
    monkeypatch.setattr(hand_out, "_place", place)
    assert texts(mine)[EXERCISE] == "my work"
    assert whats(lay_out(mine, "2", source)) == {LESSON: SAME, EXERCISE: BESIDE, "solutions/02_topic.ipynb": SAME}


def test_two_commands_at_once_wait_for_each_other(version, mine, monkeypatch):
    source, results, at_work, most = version("1"), [], [], []
    lay_out_now = hand_out._lay_out

    def watched(*arguments):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.05)
        try:
            return lay_out_now(*arguments)
        finally:
            at_work.pop()

    monkeypatch.setattr(hand_out, "_lay_out", watched)
    threads = [threading.Thread(target=lambda: results.append(lay_out(mine, "1", source))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
    assert sorted(set(whats(outcomes).values()) == {NEW} for outcomes in results) == [False, False, False, True]
    assert set(texts(mine)) == set(source)


def test_a_file_where_a_folder_should_be_is_a_sentence(version, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(HandOutError, match=r"could not lay out the notebooks in .*file .*choose another folder"):
        lay_out(tmp_path / "file", "1", version("1"))


@pytest.mark.parametrize("folder", [".", "mine", "..", "../mine", "not there/.."])
def test_the_course_itself_is_not_overwritten(project_root, monkeypatch, folder):
    monkeypatch.chdir(project_root / "course")
    for name in (folder, project_root / "course" / folder):
        with pytest.raises(HandOutError, match="is in a copy of the course itself"):
            lay_out(name, "1")


def test_the_notebooks_of_a_clone_are_its_own(project_root):
    found = hand_out.notebooks()
    assert {name.split("/")[0] for name in found} == set(hand_out.KINDS)
    assert found["course/00_welcome.ipynb"] == project_root / "course" / "00_welcome.ipynb"


def test_a_package_without_notebooks_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(hand_out, "__file__", str(tmp_path / "lib" / "llama_course" / "hand_out.py"))
    with pytest.raises(HandOutError, match="this installation has no notebooks"):
        hand_out.notebooks()


def test_the_command_says_what_became_of_them_and_where_to_begin(mine, capsys):
    assert cli.main(["notebooks", str(mine)]) == 0
    out = capsys.readouterr().out
    assert "exercises/: " in out
    assert "Begin with course/00_welcome.ipynb" in out
    assert json.loads((mine / "course/00_welcome.ipynb").read_text(encoding="utf-8"))["cells"]
    (mine / "exercises/01_five_articles.ipynb").write_text("{}", encoding="utf-8")
    assert cli.main(["notebooks", str(mine)]) == 0
    assert "1 yours, kept" in capsys.readouterr().out
