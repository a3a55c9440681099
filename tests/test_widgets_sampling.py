"""The sampling playground, asked through its traits."""

import numpy as np
import pytest

from fakes import FakeModel
from llama_course.widgets.html import to_text
from llama_course.widgets.sampling import CONTINUATIONS, SamplingPlayground, settings_table


def test_temperature_nought_leaves_one_token():
    assert "One token is left" in settings_table(["a", "b"], np.array([0.6, 0.4]), temperature=0, top_p=1)


def test_a_low_top_p_leaves_few_tokens():
    own = np.array([0.5, 0.3, 0.2])
    assert "2 of 3 tokens are left" in settings_table(list("abc"), own, 1, 0.8)


def test_tokens_that_the_settings_remove_are_called_cut():
    assert to_text(settings_table(list("abc"), np.array([0.5, 0.3, 0.2]), 1, 0.8)).count("cut") == 1


def test_three_texts_are_drawn_with_the_settings_and_the_seed():
    model = FakeModel(["one", "two", "three"])
    playground = SamplingPlayground(model, "Once")
    playground.temperature.value, playground.top_p.value, playground.seed.value = 1.5, 0.4, 7
    playground.draw.click()
    settings = [settings for _, settings in model.calls[-CONTINUATIONS:]]
    assert [s.seed for s in settings] == [7, 8, 9]
    assert {(s.temperature, s.top_p) for s in settings} == {(1.5, 0.4)}
    assert "Oncetwo" in to_text(playground.texts.value)


def test_a_slider_changes_the_table(fake_model):
    playground = SamplingPlayground(fake_model, "Once")
    before = playground.table.value
    playground.temperature.value = 0
    assert playground.table.value != before


def test_the_twin_says_the_settings_and_escapes_the_model():
    playground = SamplingPlayground(FakeModel(["<b>bold</b>"]), "<i>")
    playground.temperature.value, playground.top_p.value = 1.5, 0.4
    page = playground.static_html()
    assert "Temperature 1.5, top-p 0.4" in page
    assert "<b>" not in page
    assert "<i>" not in page


@pytest.mark.parametrize("error", [RuntimeError("the engine <broke>"), ValueError("too <long>")])
def test_an_error_while_drawing_becomes_words(error):
    model = FakeModel()
    playground = SamplingPlayground(model, "Once")
    model.error = error
    playground.draw.click()
    assert "&lt;" in playground.texts.value
    assert not playground.draw.disabled
