"""The views into a model, asked through their traits, with a small model of random numbers."""

import pytest
import torch

from llama_course.models import inside
from llama_course.models.interface import Token
from llama_course.models.llama import Llama, LlamaConfig
from llama_course.models.tokenizer import train_tokenizer
from llama_course.widgets.html import to_text
from llama_course.widgets.inside import (
    MOST_TOKENS,
    AttentionView,
    LogitLensView,
    attention_table,
    lens_rows,
    lens_table,
)


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer(["the llama and the llama of the village"] * 20, vocab_size=270)
    torch.manual_seed(0)
    llama = Llama(LlamaConfig(tokenizer.get_vocab_size(), 48, 71, 3, 6, 2, 64)).eval()
    for weight in llama.parameters():
        weight.data *= 5 if weight.dim() == 2 else 1
    return inside.OpenModel(None, llama, tokenizer)


def named(*texts):
    return [Token(i, text, text.encode()) for i, text in enumerate(texts)]


def table_rows(page):
    return [line.split("  ") for line in to_text(page).splitlines()]


# -- pure functions ----------------------------------------------------------------------------------------------------


def test_a_row_of_attention_ends_at_its_own_token():
    page = attention_table(named("a", " b", "c"), torch.tensor([[1, 0, 0], [0.25, 0.75, 0], [0.1, 0.2, 0.7]]), "Head")
    caption, header, *rows = table_rows(page)
    assert caption == ["Head"] and header == ["looks at", "a", "·b", "c"]
    assert [[cell for cell in row if cell] for row in rows] == [
        ["a", "100"],
        ["·b", "25", "75"],
        ["c", "10", "20", "70"],
    ]


def test_markup_in_tokens_is_escaped():
    page = attention_table(named("<b>"), torch.ones(1, 1))
    page += lens_table([("0", *named("<i>"), 0.5, 1)], *named("<u>"), caption="<s>")
    for tag in ("<b>", "<i>", "<u>", "<s>"):
        assert tag not in page


def test_layers_that_say_the_same_stand_in_one_row():
    tokens = named("x", "y", "y", "x", "z")
    rows = lens_rows(tokens, [7, 8, 8, 7, 9], [0.1, 0.2, 0.3, 0.4, 0.5], [5, 4, 3, 2, 1])
    assert [(layers, token.text, answer, place) for layers, token, answer, place in rows] == [
        ("0", "x", 0.1, 5),
        ("1–2", "y", 0.3, 3),
        ("3", "x", 0.4, 2),
        ("4", "z", 0.5, 1),
    ]


# -- attention ---------------------------------------------------------------------------------------------------------


def test_the_sliders_choose_layer_and_head(model):
    view = AttentionView(model, "the llama and the village", layer=2, head=4)
    assert (view.layer.max, view.head.max) == (2, 5)
    first = view.output.value
    assert "Layer 2, head 4" in first
    view.head.value = 1
    assert "Layer 2, head 1" in view.output.value and view.output.value != first
    shares = inside.attention_weights(model.llama, model.ids("the llama and the village"))
    view.layer.value = 0
    last = table_rows(view.output.value)[-1]
    assert last[1:] == [f"{100 * share:.0f}" for share in shares[0, 1, -1]]


def test_an_edited_text_is_read_again(model):
    view = AttentionView(model, "the llama")
    view.input.value = "of llama"
    assert table_rows(view.output.value)[1][1:] == [token.label for token in model.tokens("of llama")]
    assert "“of llama”" in to_text(view.static_html())


def test_a_long_text_is_cut_to_the_page(model):
    view = AttentionView(model, "the llama and " * 40)
    assert len(view.tokens()) == MOST_TOKENS
    assert f"first {MOST_TOKENS} tokens" in to_text(view.static_html())
    view.input.value = "the llama"
    assert "Only the first" not in view.static_html()


@pytest.mark.parametrize("kind", [AttentionView, LogitLensView])
def test_an_empty_text_becomes_words_and_the_view_goes_on(model, kind):
    view = kind(model, "the llama")
    view.input.value = "   "
    assert "empty" in view.output.value
    for slider in view.view.children[1:-1]:
        slider.value = slider.min
    assert "empty" in view.output.value
    view.input.value = "the village"
    assert "empty" not in view.output.value and "<table" in view.output.value


# -- logit lens --------------------------------------------------------------------------------------------------------


def test_the_lens_ends_with_what_the_model_says(model):
    view = LogitLensView(model, "the llama")
    own = model.llama(model.ids("the llama")[None])[0, -1].softmax(-1)
    *_, last = table_rows(view.output.value)
    assert last[0].endswith("3")  # layers
    assert last[1] == model.token(int(own.argmax())).label
    assert last[2:] == [f"{100 * own.max():.1f} %", "1"]


def test_the_slider_chooses_after_which_token(model):
    view = LogitLensView(model, "the llama and")
    count = len(model.ids("the llama and"))
    assert (view.position.min, view.position.max, view.position.value) == (1, count, count)
    own = model.llama(model.ids("the llama and")[None])[0].argmax(-1).tolist()
    for position in range(count, 0, -1):
        view.position.value = position
        assert table_rows(view.output.value)[-1][1] == model.token(own[position - 1]).label
    view.input.value = "the"
    assert view.position.value == view.position.max == len(model.ids("the"))


@pytest.mark.parametrize("kind", [AttentionView, LogitLensView])
def test_one_output_holds_the_view_and_its_twin(model, kind):
    bundle = kind(model, "the llama")._repr_mimebundle_()
    assert bundle["text/html"] and "the llama" in bundle["text/plain"]
