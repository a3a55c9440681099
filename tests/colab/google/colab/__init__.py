"""Stands in for the module of this name on Colab: no secrets, no page that would answer."""

from google.colab import errors, files, output, userdata

__all__ = ["errors", "files", "output", "userdata"]
