"""The secrets of an account that has none."""

from google.colab import errors


class SecretNotFoundError(errors.Error):
    def __init__(self, key):
        super().__init__(f"Secret {key} does not exist.")


class NotebookAccessError(errors.Error):
    pass


class TimeoutException(errors.Error):
    pass


def get(key):
    raise SecretNotFoundError(key)
