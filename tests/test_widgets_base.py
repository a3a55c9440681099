"""One output with three forms: live widget, static twin, plain text."""

import ipywidgets
import pytest

from llama_course.widgets.base import WIDGET_VIEW, LiveView


class Example(LiveView):
    def __init__(self, view):
        self.view = view

    def static_html(self):
        return "<p>a &lt;b&gt;</p>"


def test_one_bundle_holds_the_widget_the_twin_and_plain_text():
    view = ipywidgets.HTML("live")
    bundle = Example(view)._repr_mimebundle_()
    assert bundle["text/html"] == "<p>a &lt;b&gt;</p>"
    assert bundle["text/plain"] == "a <b>"
    assert bundle[WIDGET_VIEW]["model_id"] == view.model_id


def test_displaying_emits_one_output():
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(Example(ipywidgets.HTML("live")))
    assert set(data) == {"text/plain", "text/html", WIDGET_VIEW}


def test_without_a_widget_the_twin_is_left():
    closed = ipywidgets.HTML("live")
    closed.close()
    for view in (None, closed):
        assert set(Example(view)._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_widget_without_a_twin_says_so():
    with pytest.raises(NotImplementedError, match="LiveView has no static twin"):
        LiveView().static_html()
