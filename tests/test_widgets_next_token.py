"""The next-token explorer, asked through its traits."""

from fakes import FakeModel
from llama_course.models.interface import PromptTooLongError, Token, TokenProbability
from llama_course.widgets.html import to_text
from llama_course.widgets.next_token import NextTokenExplorer


def buttons(explorer):
    return [row.children[0] for row in explorer.choices.children]


def test_a_click_appends_the_token_and_undo_takes_it_back(fake_model):
    explorer = NextTokenExplorer(fake_model, "x", k=3)
    buttons(explorer)[1].click()
    buttons(explorer)[0].click()
    assert explorer.input.value == "xba"
    explorer.undo.click()
    assert explorer.input.value == "xb"
    explorer.undo.click()
    assert (explorer.input.value, explorer.undo.disabled) == ("x", True)
    buttons(explorer)[0].click()
    explorer.reset.click()
    assert (explorer.input.value, explorer.undo.disabled) == ("x", True)


def test_undo_takes_back_what_was_typed_as_well(fake_model):
    explorer = NextTokenExplorer(fake_model, "x", k=3)
    buttons(explorer)[0].click()
    explorer.input.value = "xa, typed"
    assert not explorer.undo.disabled
    explorer.undo.click()
    assert explorer.input.value == "xa"
    explorer.undo.click()
    assert (explorer.input.value, explorer.undo.disabled) == ("x", True)


def test_the_buttons_stay_so_that_the_keyboard_keeps_its_place(fake_model):
    explorer = NextTokenExplorer(fake_model, "x", k=3)
    before = buttons(explorer)
    before[1].click()
    assert buttons(explorer) == before


def test_there_is_a_bar_for_each_token_and_the_rest_is_said(fake_model):
    explorer = NextTokenExplorer(fake_model, "x", k=4)
    assert [button.description for button in buttons(explorer)] == list("abcd")
    assert "All other tokens together: 98.4 %" in to_text(explorer.status.value)
    assert "98.4 %" in to_text(explorer.static_html())


def test_an_edited_text_is_predicted_again(fake_model):
    asked = []
    fake_model.next_token_probabilities = lambda text, k: asked.append(text) or []
    explorer = NextTokenExplorer(fake_model, "x")
    explorer.input.value = "edited"
    assert asked == ["x", "edited"]


def test_an_error_is_words_and_the_widget_goes_on(fake_model):
    explorer = NextTokenExplorer(fake_model, "x")

    def refuse(text, k):
        raise PromptTooLongError("The prompt has too many <tokens>.")

    fake_model.next_token_probabilities = refuse
    explorer.input.value = "long"
    assert "too many &lt;tokens&gt;" in explorer.static_html()
    del fake_model.next_token_probabilities
    explorer.input.value = "short"
    assert buttons(explorer)


def test_markup_is_escaped_and_a_lone_byte_cannot_be_taken():
    model = FakeModel()
    tokens = [Token(0, "<b>", b"<b>"), Token(1, "\ufffd", b"\xf0")]
    model.next_token_probabilities = lambda text, k: [TokenProbability(t, 0.5) for t in tokens]
    explorer = NextTokenExplorer(model, "<i>x")
    assert "<b>" not in explorer.static_html()
    assert "<i>" not in explorer.static_html()
    assert [button.disabled for button in buttons(explorer)] == [False, True]
