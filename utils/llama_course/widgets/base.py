"""What every widget of the course has in common: a live view and a static twin in one output."""

from llama_course.widgets.html import to_text

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class LiveView:
    """Something to look at that works with a kernel and without one.

    A subclass sets ``view``, an ipywidget, and overrides :meth:`static_html`.  Displaying the object emits
    one output with three forms of it: the live widget, the static twin, plain text.  A notebook program shows
    the first form that it can; a page without a kernel shows the twin.
    """

    view = None

    def static_html(self) -> str:
        """The present state as HTML, every text of a person or a model escaped."""
        raise NotImplementedError(f"{type(self).__name__} has no static twin yet: override static_html().")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        twin = self.static_html()
        bundle = {"text/plain": to_text(twin), "text/html": twin}
        model_id = self.view.model_id if self.view is not None and self.view.comm is not None else None
        if model_id is not None:
            bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": model_id}
        return bundle

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
