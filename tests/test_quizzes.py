"""Quizzes: the form of their files, the score, the widget and its static twin."""

import copy
import json

import pytest

from llama_course import paths
from llama_course.learning import progress
from llama_course.learning.lessons import TOPICS, UnknownExerciseError
from llama_course.learning.quizzes import QuizError, Score, load_quiz, read_quiz, score

LONG = sorted({file.stem for file in paths.data_file("quizzes/00.json").parent.glob("*.json")} - {"00"})  # 00 has three


def _data():
    def question(number):
        return {
            "id": f"02.q{number}",
            "question": f"Question {number} <i>?",
            "options": [
                {"text": "wrong <b>", "correct": False, "explanation": f"no & no {number}"},
                {"text": "right", "correct": True, "explanation": f"yes <script> {number}"},
                {"text": "other", "correct": False, "explanation": f"nor this {number}"},
            ],
        }

    return {"lesson": "02", "questions": [question(number) for number in range(1, 6)]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "02.json"
    path.write_text(json.dumps(_data()), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path, monkeypatch, file):
    monkeypatch.setenv("LLAMA_COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLAMA_COURSE_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "_unwritten", {})
    monkeypatch.setattr(paths, "data_file", lambda name: file)


def test_quiz_is_read(file):
    quiz = read_quiz(file)
    assert quiz.lesson == "02" and len(quiz.questions) == 5
    assert quiz.questions[0].right == 1 and quiz.questions[4].options[2].text == "other"


def _change(*where, to):
    data = copy.deepcopy(_data())
    part = data
    for key in where[:-1]:
        part = part[key]
    if to is KeyError:
        del part[where[-1]]
    else:
        part[where[-1]] = to
    return data


Q2 = ("questions", 1)
BAD = [
    ([], "02.json: expected an object with lesson, questions, got list"),
    (_change("lesson", to="03"), "expected lesson '02', got '03'"),
    (_change("extra", to=1), "02.json: unknown: extra"),
    (_change("questions", to=_data()["questions"][:2]), "3 to 7 questions"),
    (_change("questions", to="five!"), "3 to 7 questions"),
    (_change(*Q2, to=3), "question 2: expected an object"),
    (_change(*Q2, "id", to="02.q1"), "question 2: expected the id '02.q2', got '02.q1'"),
    (_change(*Q2, "question", to=" "), "question 02.q2: the question: expected some text"),
    (_change(*Q2, "options", to=[]), "question 02.q2: expected a list of 2 to 6 options"),
    (_change(*Q2, "options", 0, "explanation", to=KeyError), "question 02.q2, option 1: missing: explanation"),
    (_change(*Q2, "options", 0, "explanation", to=""), "option 1: explanation: expected some text"),
    (_change(*Q2, "options", 0, "correct", to="no"), "option 1: correct: expected true or false"),
    (_change(*Q2, "options", 0, "correct", to=True), "question 02.q2: expected exactly one correct option, got 2"),
    (_change(*Q2, "options", 1, "correct", to=False), "expected exactly one correct option, got 0"),
    (_change(*Q2, "options", 2, "text", to="right"), "question 02.q2: two options have the same text"),
]


@pytest.mark.parametrize(("data", "message"), BAD)
def test_bad_file_names_file_and_question(file, data, message):
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(QuizError, match=message) as caught:
        read_quiz(file)
    assert "02.json" in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_file_that_is_not_json_is_named(file, content):
    file.write_bytes(content)
    with pytest.raises(QuizError, match=r"02\.json: not JSON in UTF-8"):
        read_quiz(file)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, Score(0, 0, 0, 5)),
        ({"02.q1": [1]}, Score(1, 1, 1, 5)),
        ({"02.q1": [0]}, Score(0, 0, 1, 5)),
        ({"02.q1": [0, 1]}, Score(1, 0, 1, 5)),
        ({"02.q1": [1, 0], "02.q2": [0, 2]}, Score(1, 1, 2, 5)),
        ({"02.q1": [9], "02.q9": [1]}, Score(0, 0, 0, 5)),
        ({f"02.q{n}": [1] for n in range(1, 6)}, Score(5, 5, 5, 5)),
    ],
)
def test_score(file, answers, expected):
    assert score(read_quiz(file), answers) == expected


@pytest.mark.parametrize("lesson", LONG)
@pytest.mark.parametrize("extreme", [min, max])
def test_the_length_of_an_option_does_not_give_it_away(lesson, extreme):
    questions = load_quiz(lesson).questions
    right = [q for q in questions if extreme(q.options, key=lambda option: len(option.text)) is q.options[q.right]]
    assert len(right) <= 0.6 * len(questions)


@pytest.mark.parametrize("lesson", LONG)
def test_the_place_of_an_option_does_not_give_it_away(lesson):
    questions = load_quiz(lesson).questions
    places = [question.right for question in questions]
    assert max(places.count(place) for place in places) <= 0.7 * len(questions)


def test_lesson_without_a_quiz_and_unknown_lesson(monkeypatch):
    def none(name):
        raise FileNotFoundError(name)

    monkeypatch.setattr(paths, "data_file", none)
    with pytest.raises(UnknownExerciseError, match="lesson 02 has no quiz"):
        load_quiz("2")
    with pytest.raises(UnknownExerciseError, match="there is no lesson 42"):
        load_quiz("42")


def test_shipped_quizzes_are_valid():
    for lesson in TOPICS:
        try:
            load_quiz(lesson)
        except UnknownExerciseError as missing:
            assert "has no quiz" in str(missing)


# ---- the widget: traits only, no browser ---------------------------------------------------------------------------


@pytest.fixture
def view(home):
    pytest.importorskip("ipywidgets")
    from llama_course.widgets.quiz import quiz

    return quiz("02")


def test_nothing_is_chosen_and_nothing_can_be_checked_at_first(view):
    assert all(choice.value is None for choice in view.choices.values())
    assert all(button.disabled for button in view.buttons.values())
    assert "0 of 5 questions right" in view.score.value


def test_options_are_buttons_since_jupyterlab_takes_the_arrow_keys_of_lists(view):
    from ipywidgets import ToggleButtons

    assert all(isinstance(choice, ToggleButtons) for choice in view.choices.values())


def test_choosing_and_checking_explains_scores_and_records(view):
    view.choices["02.q1"].value = 0
    assert not view.buttons["02.q1"].disabled and view.feedback["02.q1"].value == ""
    view.buttons["02.q1"].click()
    assert "✗ Not correct." in view.feedback["02.q1"].value and "no &amp; no 1" in view.feedback["02.q1"].value
    view.choices["02.q1"].value = 1
    assert view.feedback["02.q1"].value == "", "the old explanation was about another option"
    view.buttons["02.q1"].click()
    view.buttons["02.q1"].click()  # the same answer again is not another try
    assert "✓ Correct." in view.feedback["02.q1"].value and "<script>" not in view.feedback["02.q1"].value
    assert "1 of 5 questions right, 0 of them at the first try; 1 answered" in view.score.value
    assert progress.quiz_answers("02") == {"02.q1": [0, 1]}


def test_answers_are_there_again_after_a_restart(view):
    from llama_course.widgets.quiz import quiz

    view.choices["02.q2"].value = 1
    view.buttons["02.q2"].click()
    again = quiz("02")
    assert again.choices["02.q2"].value == 1 and "✓ Correct." in again.feedback["02.q2"].value
    assert again.choices["02.q1"].value is None and "1 of 5 questions right" in again.score.value


def test_answers_to_options_that_no_longer_exist_are_passed_over(home):
    pytest.importorskip("ipywidgets")
    from llama_course.widgets.quiz import quiz

    progress.record_quiz("02", "02.q1", 7)
    assert quiz("02").choices["02.q1"].value is None


def test_options_are_plain_text_and_everything_else_is_escaped(view):
    assert view.choices["02.q1"].options[0] == ("wrong <b>", 0)
    page = view.static_html()
    assert "<b>" not in page and "<script>" not in page and "<i>" not in page
    assert "wrong &lt;b&gt;" in page and "yes &lt;script&gt; 1" in page


def test_twin_reads_without_a_kernel_and_folds_the_answers_away(view):
    page = view.static_html()
    assert page.count("<details>") == page.count("</details>") == 5
    for part in page.split("</details>")[:-1]:
        before, hidden = part.split("<details>")
        assert "right" in before and "✓" not in before and "yes" not in before
        assert hidden.count("Not correct.") == 2 and hidden.count("✓ Correct.") == 1
    assert "Score" not in page
    view.choices["02.q1"].value = 1
    view.buttons["02.q1"].click()
    assert "1 of 5 questions right" in view.static_html()


def test_one_bundle_holds_widget_page_and_text(view):
    bundle = view._repr_mimebundle_()
    assert {"text/plain", "text/html"} <= set(bundle)
    assert "Question 5" in bundle["text/plain"]
