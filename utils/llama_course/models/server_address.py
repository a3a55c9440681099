"""Where a server is and the key to it: read from the environment, checked, and never shown."""

import os
import urllib.parse

SERVER_VARIABLE = "LLAMA_COURSE_SERVER"
KEY_VARIABLE = "LLAMA_COURSE_SERVER_KEY"


def check_base_url(base_url: str) -> str:
    """The address under which the paths of OpenAI's format lie, without a slash at its end: ``http://HOST:PORT/v1``.

    ``HOST:PORT`` alone is completed to it.

    Raises:
        ValueError: no address of a server, or one with a name and password in it.
    """
    example = f"expected an address like http://192.168.1.20:8080/v1 (base_url or ${SERVER_VARIABLE})"
    if not isinstance(base_url, str) or not base_url.strip():
        raise ValueError(f"{example}, got {type(base_url).__name__ if not isinstance(base_url, str) else 'nothing'}.")
    url = base_url.strip()
    try:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{example}; this one cannot be read: {error}.") from error
    if "@" in parts.netloc:  # not repeated in the message: it may hold a password
        raise ValueError(f"The address of a server holds no name or password: put the key into ${KEY_VARIABLE}.")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or _unprintable(url):
        raise ValueError(f"{example}, got {url!r:.120}.")
    path = parts.path.rstrip("/")
    for ending in ("/chat/completions", "/completions", "/models"):
        path = path.removesuffix(ending)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{path or '/v1'}"


class AccessKey(str):
    """An access key that hides itself where variables are written out, in a verbose traceback for example."""

    def __repr__(self) -> str:
        return "(key)"


def environment_key() -> AccessKey | None:
    """The access key that the environment names, unchecked; None for none."""
    return AccessKey(os.environ.get(KEY_VARIABLE, "")) or None


def check_key(key: str | None) -> AccessKey | None:
    """An access key that fits into a header, or None for none.  The key is in no error message."""
    key = AccessKey((key or "").strip())
    if _unprintable(key) or not key.isascii():
        raise ValueError(f"The access key in ${KEY_VARIABLE} has a space, a line break or a letter that no key has.")
    return key or None


def _unprintable(text: str) -> bool:
    return any(character.isspace() or not character.isprintable() for character in text)
