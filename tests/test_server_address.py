"""The address of a server is completed or refused; the key to it is read, checked, and never shown."""

import pytest

from llama_course.models.server_address import KEY_VARIABLE, check_base_url, check_key, environment_key

KEY = "s3cret-key-of-the-class"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://192.168.1.20:8080/v1", "http://192.168.1.20:8080/v1"),
        ("http://192.168.1.20:8080", "http://192.168.1.20:8080/v1"),
        ("192.168.1.20:8080", "http://192.168.1.20:8080/v1"),
        ("class-server", "http://class-server/v1"),
        (" http://h:1/v1/ ", "http://h:1/v1"),
        ("https://h/v1/chat/completions", "https://h/v1"),
        ("http://h/proxy/llm/v1/models", "http://h/proxy/llm/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    ],
)
def test_an_address_is_completed(given, expected):
    assert check_base_url(given) == expected


@pytest.mark.parametrize(
    "given", ["", "  ", None, 8080, "ftp://h/v1", "http://", "http://h:port", "http://h:99999", "http://h/?a=1", "h h"]
)
def test_what_is_no_address_is_said_with_an_example(given):
    with pytest.raises(ValueError, match=r"expected an address like http://192\.168\.1\.20:8080/v1"):
        check_base_url(given)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ValueError, match=KEY_VARIABLE) as caught:
        check_base_url(f"http://me:{KEY}@h/v1")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-Evil: 1", f"{KEY} x", f"{KEY}é", f"{KEY}\0"])
def test_a_key_that_fits_into_no_header_is_refused_and_not_repeated(key):
    with pytest.raises(ValueError, match="access key") as caught:
        check_key(key)
    assert KEY not in str(caught.value)


def test_blanks_around_a_key_are_forgiven_and_an_empty_one_is_none():
    assert (check_key(f" {KEY}\n"), check_key(""), check_key(None)) == (KEY, None, None)


def test_a_key_hides_itself_where_variables_are_written_out(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert environment_key() == check_key(KEY) == KEY
    for key in (environment_key(), check_key(KEY)):
        assert KEY not in repr(("server", key)) and f"Bearer {key}" == f"Bearer {KEY}"


@pytest.mark.parametrize("value", [None, ""])
def test_no_key_in_the_environment_is_none(monkeypatch, value):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(KEY_VARIABLE, value)
    assert environment_key() is None
