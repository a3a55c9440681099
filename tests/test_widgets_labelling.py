"""The labelling widget, asked through its traits; and its labels, which are never lost."""

import json
import threading

import pytest

from llama_course.evaluation.feedback import TwoAnswers
from llama_course.llamaland.annotators import Rating
from llama_course.llamaland.questions import fact_questions
from llama_course.llamaland.world import World
from llama_course.widgets.base import WIDGET_VIEW
from llama_course.widgets.html import to_text
from llama_course.widgets.labelling import LabelBook, LabellingView, key_of


@pytest.fixture(scope="module")
def pairs():
    asked = fact_questions(World(people=8))[:60:20]
    return [
        TwoAnswers(question, question.gold, f"<b>{number}</b> I do not know.") for number, question in enumerate(asked)
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "labels.json"


def label(view, choice, rating):
    view.answer.value, view.degree.value = choice, rating
    view.keep.click()


def test_a_label_needs_both_choices(pairs, path):
    view = LabellingView(pairs, path)
    assert view.keep.disabled
    view.answer.value = "a"
    assert view.keep.disabled
    view.keep.click()  # a click that comes all the same keeps nothing
    assert view.labelled == [] and view.place == 0
    view.degree.value = 2
    assert not view.keep.disabled


def test_a_label_is_kept_at_once_and_the_next_pair_comes(pairs, path):
    view = LabellingView(pairs, path)
    label(view, "b", 3)
    assert view.place == 1 and view.answer.value is None and view.degree.value is None and view.keep.disabled
    assert json.loads(path.read_text(encoding="utf-8"))["labels"] == {key_of(pairs[0]): ["b", 3]}
    assert "Pair 2 of 3; 1 labelled and kept." in to_text(view.status.value)


def test_another_session_goes_on_at_the_first_pair_without_a_label(pairs, path):
    view = LabellingView(pairs, path)
    label(view, "a", 0)
    label(view, "b", 1)
    again = LabellingView(pairs, path)
    assert again.place == 2 and again.labelled == pairs[:2]


def test_back_shows_the_label_and_lets_it_be_changed(pairs, path):
    view = LabellingView(pairs, path)
    label(view, "a", 3)
    view.back.click()
    assert (view.place, view.answer.value, view.degree.value) == (0, "a", 3)
    label(view, "b", 0)
    assert LabelBook(path).get(pairs[0]) == ("b", 0)


def test_skip_and_back_go_round(pairs, path):
    view = LabellingView(pairs, path)
    view.back.click()
    assert view.place == 2
    view.skip.click()
    assert view.place == 0 and view.labelled == []


def test_labels_become_preferences_and_mistakes_are_known(pairs, path):
    view = LabellingView(pairs, path)
    label(view, "a", 3)
    label(view, "b", 1)
    right, wrong = view.preferences()
    assert (right.chosen, right.rejected, right.rating) == (pairs[0].a, pairs[0].b, Rating.SIGNIFICANTLY_BETTER)
    assert not right.is_mistaken  # the truth against "I do not know"
    assert wrong.chosen == pairs[1].b and wrong.is_mistaken


def test_a_label_belongs_to_its_texts_not_to_its_place(pairs, path):
    LabelBook(path).set(pairs[0], "a", 1)
    exchanged = TwoAnswers(pairs[0].question, pairs[0].b, pairs[0].a)
    book = LabelBook(path)
    assert book.get(exchanged) is None and book.get(pairs[0]) == ("a", 1)


def test_two_notebooks_lose_nothing(pairs, path):
    first, second = LabelBook(path), LabelBook(path)
    first.set(pairs[0], "a", 1)
    second.set(pairs[1], "b", 2)
    third = LabelBook(path)
    assert third.get(pairs[0]) == ("a", 1) and third.get(pairs[1]) == ("b", 2)


def test_many_at_once_lose_nothing(pairs, path):
    books = [LabelBook(path) for _ in pairs]
    threads = [threading.Thread(target=book.set, args=(pair, "a", 1)) for book, pair in zip(books, pairs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(LabelBook(path).labels) == len(pairs)


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"schema": 1}', '{"schema": 9, "labels": {}}', '{"schema": 1, "labels": {"x": ["c", 1]}}',
     '{"schema": 1, "labels": {"x": ["a", 7]}}', '{"schema": 1, "labels": [1]}'],
)  # fmt: skip
def test_a_damaged_file_is_set_aside(pairs, path, damage, capsys):
    path.parent.mkdir()
    path.write_text(damage, encoding="utf-8")
    book = LabelBook(path)
    book.set(pairs[0], "a", 1)
    (aside,) = path.parent.glob("labels.json.damaged-*")
    assert aside.read_text(encoding="utf-8") == damage
    assert LabelBook(path).get(pairs[0]) == ("a", 1)
    assert "could not be read" in capsys.readouterr().err


def test_where_nothing_can_be_written_the_lesson_goes_on(pairs, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    view = LabellingView(pairs, tmp_path / "file" / "labels.json")
    label(view, "a", 1)
    label(view, "b", 1)
    assert len(view.preferences()) == 2
    assert capsys.readouterr().err.count("for this session only") == 1


@pytest.mark.parametrize(("choice", "rating"), [("c", 1), ("a", 4), ("a", -1)])
def test_an_impossible_label_is_refused(pairs, path, choice, rating):
    with pytest.raises(ValueError, match=r"expected|valid Rating"):
        LabelBook(path).set(pairs[0], choice, rating)
    assert not path.exists() or json.loads(path.read_text(encoding="utf-8"))["labels"] == {}


def test_no_pairs_is_an_error(path):
    with pytest.raises(ValueError, match="expected pairs"):
        LabellingView([], path)


def test_the_scale_is_that_of_llama_2(pairs, path):
    view = LabellingView(pairs, path)
    assert [name for name, _ in view.degree.options] == [
        "significantly better", "better", "slightly better", "negligibly better or unsure",
    ]  # fmt: skip


def test_answers_are_shown_as_text(pairs, path):
    view = LabellingView(pairs, path)
    for html in (view.shown.value, view.static_html()):
        assert "<b>0</b>" not in html and "<b>0</b> I do not know." in to_text(html)


def test_the_twin_lists_all_pairs_with_their_labels(pairs, path):
    view = LabellingView(pairs, path)
    label(view, "a", 3)
    twin = to_text(view.static_html())
    assert "A, significantly better" in twin and twin.count("no label yet") == 2
    assert all(pair.question.text in twin for pair in pairs)
    bundle = view._repr_mimebundle_()
    assert set(bundle) >= {"text/html", "text/plain"} and (WIDGET_VIEW in bundle or view.view.comm is None)


def test_everything_is_a_button():
    """Arrow keys belong to JupyterLab, so neither lists nor radio buttons."""
    import inspect

    from llama_course.widgets import labelling

    source = inspect.getsource(labelling)
    assert not any(name in source for name in ("Dropdown", "RadioButtons", "Select("))
