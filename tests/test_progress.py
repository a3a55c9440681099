"""The progress file: what is kept, two notebooks at once, damaged files, folders that may not be written."""

import errno
import json
import subprocess
import sys

import pytest

from llama_course import files, paths
from llama_course.learning import progress
from llama_course.learning.progress import LessonContent
from llama_course.learning.quizzes import Option, Question, Quiz


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "_unwritten", {})
    monkeypatch.setattr(progress, "_told", set())
    return tmp_path / "home"


def test_nothing_is_written_by_looking(home):
    assert progress.load() == {"schema": 1, "checks": {}, "hints": {}, "quizzes": {}}
    assert not home.exists()


def test_everything_recorded_is_in_the_file():
    progress.record_check("02.1", False)
    progress.record_check("02.1", True)
    progress.record_check("02.1", False)
    progress.record_hint("02.1")
    progress.record_quiz("02", "02.q1", 2)
    progress.record_quiz("02", "02.q1", 0)
    stored = json.loads(paths.progress_file().read_text(encoding="utf-8"))
    assert (
        stored
        == progress.load()
        == {
            "schema": 1,
            "checks": {"02.1": {"passed": True, "attempts": 3}},
            "hints": {"02.1": 1},
            "quizzes": {"02": {"02.q1": [2, 0]}},
        }
    )


def test_hints_stop_at_three():
    for _ in range(5):
        progress.record_hint("02.1")
    assert progress.hints_seen("02.1") == 3 and progress.hints_seen("02.2") == 0


WRITER = """
import os, sys
from llama_course.learning import progress
os.fsync = lambda file: None  # on a busy disk it takes so long that one of them would wait ten seconds for its turn
for number in range(20):
    progress.record_check("02.1", False)
    progress.record_check(f"{sys.argv[1]}.{number}", True)
"""


def test_processes_side_by_side_lose_nothing():
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, lesson], stderr=subprocess.PIPE, encoding="utf-8")
        for lesson in ("03", "04", "05")
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0 and errors == ""
    found = progress.load()["checks"]
    assert found["02.1"]["attempts"] == 60
    assert len(found) == 61


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[]",
    b"3",
    b"{}",
    b'{"schema": 0}',
    b'{"schema": 1}',
    b'{"schema": 1, "checks": [], "hints": {}, "quizzes": {}}',
    b'{"schema": 1, "checks": {"02.1": {}}, "hints": {}, "quizzes": {}}',
    b'{"schema": 1, "checks": {"02.1": 3}, "hints": {}, "quizzes": {}}',
    b'{"schema": 1, "checks": {}, "hints": {"02.1": 9}, "quizzes": {}}',
    b'{"schema": 1, "checks": {}, "hints": {}, "quizzes": {"02": {"02.q1": ["x"]}}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("by", ["loading", "recording"])
def test_damaged_file_is_set_aside_with_a_message(home, capsys, content, by):
    home.mkdir()
    (home / "progress.json").write_bytes(content)
    if by == "loading":
        assert progress.load()["checks"] == {}
    else:
        progress.record_check("02.1", True)
        assert json.loads((home / "progress.json").read_text(encoding="utf-8"))["checks"]["02.1"]["passed"]
    (kept,) = home.glob("progress.damaged-*.json")
    assert kept.read_bytes() == content
    assert "was damaged" in (message := capsys.readouterr().err) and kept.name in message


def test_file_of_a_newer_course_is_left_alone(home, capsys):
    home.mkdir()
    newer = '{"schema": 2, "anything": []}'
    (home / "progress.json").write_text(newer, encoding="utf-8")
    progress.record_hint("02.1")
    assert progress.hints_seen("02.1") == 1
    assert (home / "progress.json").read_text(encoding="utf-8") == newer
    assert "newer version of the course" in capsys.readouterr().err


def test_where_nothing_can_be_written_the_lesson_goes_on_with_one_warning(home, capsys):
    home.write_text("a file where the folder should be", encoding="utf-8")
    for _ in range(2):
        progress.record_hint("02.1")
    progress.record_check("02.1", True)
    assert progress.hints_seen("02.1") == 2 and progress.load()["checks"]["02.1"]["passed"]
    assert capsys.readouterr().err.count("Your progress is not being saved") == 1


def test_read_only_folder_keeps_the_old_progress_and_adds_in_memory(home, capsys, monkeypatch):
    progress.record_hint("02.1")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "lock", refuse)
    progress.record_hint("02.1")
    assert progress.hints_seen("02.1") == 2
    assert json.loads((home / "progress.json").read_text(encoding="utf-8"))["hints"] == {"02.1": 1}
    assert capsys.readouterr().err.count("not being saved") == 1


def test_full_disk_loses_nothing_once_there_is_room(home, monkeypatch):
    progress.record_check("02.1", True)
    with monkeypatch.context() as full:
        full.setattr(files, "write_atomically", _full)
        progress.record_check("02.2", True)
        assert set(progress.load()["checks"]) == {"02.1", "02.2"}
    progress.record_check("02.3", True)
    stored = json.loads((home / "progress.json").read_text(encoding="utf-8"))
    assert set(stored["checks"]) == {"02.1", "02.2", "02.3"} and progress.load() == stored


def _full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def _quiz():
    options = (Option("yes", True, "because"), Option("no", False, "because not"))
    return Quiz("02", tuple(Question(f"02.q{n}", "?", options) for n in range(1, 6)))


def test_summary_is_an_aligned_table():
    done = {
        "schema": 1,
        "checks": {"02.1": {"passed": True, "attempts": 1}, "02.2": {"passed": False, "attempts": 4}},
        "hints": {"02.2": 3},
        "quizzes": {"02": {"02.q1": [1, 0], "02.q2": [1]}},
    }
    lessons = [
        LessonContent("00", "welcome", (), None),
        LessonContent("01", "five articles", ("01.1",), None),
        LessonContent("02", "predicting text", ("02.1", "02.2"), _quiz()),
    ]
    assert progress.summary(done, lessons).splitlines() == [
        "lesson                   checks passed  hints used  quiz",
        "01      five articles    0 of 1         0           –",
        "02      predicting text  1 of 2         3           1 of 5",
    ]


def test_summary_of_nothing_is_a_sentence():
    assert progress.summary(progress.load(), []) == "There is nothing to check in these lessons yet."


def test_report_covers_every_lesson_of_the_course():
    from llama_course.learning.contents import contents, progress_report
    from llama_course.learning.lessons import TOPICS

    assert [lesson.number for lesson in contents()] == sorted(TOPICS)
    assert progress_report()
