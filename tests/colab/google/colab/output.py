"""The page around a notebook, which runs no JavaScript here."""

from types import SimpleNamespace

_widgets = SimpleNamespace(_installed_url=None)


def enable_custom_widget_manager(url=None):
    _widgets._installed_url = url or "none"


def disable_custom_widget_manager():
    _widgets._installed_url = None


def eval_js(script, ignore_result=False, timeout_sec=None):
    return None
