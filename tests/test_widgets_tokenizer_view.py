"""The tokenizer view, asked through its traits."""

from llama_course.models.interface import PromptError
from llama_course.widgets.html import to_text
from llama_course.widgets.tokenizer_view import MOST_SHOWN, TokenizerView


def test_tokens_characters_and_bytes_are_counted(fake_model):
    assert "6 tokens, 5 characters, 6 bytes." in to_text(TokenizerView(fake_model, "llamä").output.value)


def test_one_token_is_not_called_tokens(fake_model):
    assert "1 token, 1 character, 1 byte." in to_text(TokenizerView(fake_model, "a").output.value)


def test_an_edited_text_is_cut_again(fake_model):
    view = TokenizerView(fake_model, "a")
    view.input.value = "bc"
    assert "token 2 of 2: ‘c’, id 99" in view.output.value
    assert "2 tokens" in view.static_html()


def test_tab_stops_at_tokens_in_the_live_view_only(fake_model):
    view = TokenizerView(fake_model, "ab")
    assert view.output.value.count('tabindex="0"') == 2
    assert "tabindex" not in view.static_html()


def test_emoji_right_to_left_and_markup_are_shown_as_they_are(fake_model):
    page = TokenizerView(fake_model, "🦙<b>שלום").static_html()
    assert "&lt;0xF0&gt;" in page
    assert "<b>" not in page
    assert "שלום" in page


def test_a_very_long_text_is_cut_and_the_view_says_so(fake_model):
    page = TokenizerView(fake_model, "x" * 100_000).output.value
    assert page.count("lc-token") == MOST_SHOWN
    assert "100,000 tokens" in page
    assert f"the first {MOST_SHOWN} tokens are shown" in page


def test_nothing_and_errors_become_words(fake_model):
    view = TokenizerView(fake_model, "")
    assert "Type something" in view.static_html()

    def refuse(text):
        raise PromptError("a broken <character>")

    fake_model.tokenize = refuse
    view.input.value = "x"
    assert "a broken &lt;character&gt;" in view.output.value
