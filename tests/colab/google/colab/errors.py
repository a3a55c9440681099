"""Colab's errors."""


class Error(Exception):
    """What all of them are."""
