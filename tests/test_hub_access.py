"""Each reason why the hub does not hand out a model has a message of its own, with the next step and without a token.

The errors are those that the hub's client library makes of the hub's answers; only the answers are made up.
"""

import errno
import logging
import sys

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from hub_server import ACCOUNTS
from llama_course.models import hub_access
from llama_course.models.catalog import find_card
from llama_course.models.hub_access import explained
from llama_course.models.interface import ModelNotAvailableError

CARD = find_card("llama-2-7b-chat")
PAGE = "https://huggingface.co/meta-llama/Llama-2-7b-chat-hf"
SECRET = "hf_secret_of_a_test"


def answer(status: int, code: str | None = None, said: str = "") -> HfHubHTTPError:
    """The client library's error for an answer of the hub, as it raises it."""
    from huggingface_hub.utils import _http, hf_raise_for_status

    http = sys.modules[type(_http.get_session()).__module__.split(".")[0]]  # httpx, whatever it is called
    headers = {"X-Error-Message": said} | ({"X-Error-Code": code} if code else {})
    request = http.Request("GET", f"{PAGE}/resolve/main/config.json", headers={"Authorization": f"Bearer {SECRET}"})
    with pytest.raises(HfHubHTTPError) as caught:
        hf_raise_for_status(http.Response(status, headers=headers, request=request))
    return caught.value


@pytest.fixture
def token(monkeypatch):
    """What token this computer has; by default, one."""

    def have(value):
        monkeypatch.setattr(huggingface_hub, "get_token", lambda: value, raising=False)

    have(SECRET)
    return have


def message(error: Exception) -> str:
    with pytest.raises(ModelNotAvailableError) as caught, explained(CARD):
        raise error
    return str(caught.value)


def refusal(account: str | None) -> HfHubHTTPError:
    status, code, said = ACCOUNTS[account]
    return answer(status, code, said.format(CARD.source.repository))


def test_no_token_three_steps(token):
    token(None)
    told = message(refusal(None))
    assert "this computer has no token" in told
    assert (
        told.index(f"1. Sign in or sign up at {PAGE}") < told.index("2. Make a token") < told.index("3. Run `hf auth")
    )
    assert "Llama 2 Community License" in told
    assert told.endswith("Then load 'llama-2-7b-chat' again.")


def test_a_token_that_the_hub_does_not_accept(token):
    for said in ("Invalid credentials in Authorization header", "Invalid username or password."):
        told = message(answer(401, None, said))
        assert "does not accept the token" in told
        assert "https://huggingface.co/settings/tokens" in told


def test_the_licence_is_not_accepted(token):
    told = message(refusal("hf_stranger0123456789"))
    assert "Your token works" in told
    assert f"Open {PAGE}" in told
    assert "accept the licence" in told
    assert "settings/tokens" not in told  # a new token would not help


def test_a_token_without_the_permission(token):
    told = message(refusal("hf_fine-grained"))
    assert "fine-grained token without that permission" in told
    assert "Read access to contents of all public gated repos you can access" in told
    assert "accept the licence" not in told  # it may be accepted long ago


def test_a_request_that_waits_or_was_turned_down(token):
    assert "is waiting for Meta's answer" in message(refusal("hf_waiting0123456789"))
    rejected = "Your request to access model {} has been rejected by the repo's authors."
    told = message(answer(403, "GatedRepo", rejected.format(CARD.source.repository)))
    assert "turned down" in told
    assert "tinyllama-1.1b-chat" in told


def test_the_messages_differ(token):
    told = {message(refusal(account)) for account, said in ACCOUNTS.items() if said and account}
    token(None)
    told.add(message(refusal(None)))
    assert len(told) == 5


def test_on_colab_the_token_goes_into_a_secret(token, monkeypatch):
    monkeypatch.setattr(hub_access.importlib.util, "find_spec", lambda name: object())
    token(None)
    told = message(refusal(None))
    assert "secret named HF_TOKEN" in told
    assert "hf auth login" not in told


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(404, "RepoNotFound", "has no meta-llama/Llama-2-7b-chat-hf at revision f5d"), (429, None, "too many requests")]
    + [(status, None, f"answered with error {status}") for status in (500, 502, 503, 418)],
)  # fmt: skip
def test_other_answers_of_the_hub(token, status, code, said):
    assert said in message(answer(status, code))


def test_a_free_model_that_the_hub_does_not_show_is_not_one_on_request(token):
    token(None)  # to somebody without a token the hub answers 401 for what is not there
    moved = pytest.raises(ModelNotAvailableError, match=r"The hub has no TinyLlama/.* It may have been moved")
    with moved, explained(find_card("tinyllama-1.1b-chat")):
        raise answer(401, None, "Invalid username or password.")


@pytest.mark.parametrize("account", [account for account, said in ACCOUNTS.items() if said])
def test_no_message_and_nothing_behind_it_shows_the_token(token, account, capfd):
    error = refusal(account)
    error.args = (f"{error} Authorization: Bearer {SECRET}",)
    error.response.headers["X-Error-Message"] += f" ({SECRET})"
    with pytest.raises(ModelNotAvailableError) as caught, explained(CARD):
        raise error
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__  # a traceback would print the library's error
    assert SECRET not in "".join(capfd.readouterr())


def test_what_the_hub_says_is_told_without_a_token_in_it(token):
    told = message(answer(500, None, f"cannot read {SECRET} now"))
    assert "(cannot read [token] now)" in told


@pytest.mark.parametrize(
    "text", [f"x {SECRET} y", f"Bearer {SECRET}", f"authorization: bearer {SECRET}", f"url?token={SECRET}&a"]
)
def test_whatever_looks_like_a_token_is_taken_out(text):
    assert SECRET not in hub_access.redacted(text)
    assert "[token]" in hub_access.redacted(text)


@pytest.mark.parametrize(
    "error",
    [ConnectionError("no route"), TimeoutError("slow"), OSError(-2, "Name or service not known"), RuntimeError("xet")],
)
def test_without_a_connection(token, error):
    outer = LocalEntryNotFoundError("An error happened while trying to locate the file.")
    outer.__cause__ = error
    for raised in (error, outer):
        told = message(raised)
        assert "could not be fetched" in told
        assert "Check the connection and try again: what has come already is kept." in told


def test_offline_mode_is_named(token):
    assert message(OfflineModeIsEnabled("x")).endswith("offline mode is set.")


def test_an_error_of_the_disk_is_left_to_who_knows_the_place():
    with pytest.raises(OSError, match="No space") as caught, explained(CARD):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC


def test_an_error_without_words_is_named_by_its_kind():
    assert hub_access.first_line(ValueError()) == "ValueError"
    assert hub_access.first_line(ValueError("a\nb")) == "a"


def test_the_library_keeps_its_retries_to_itself(capfd):
    log = logging.getLogger("huggingface_hub")
    before = log.level
    with explained(CARD):
        log.warning("Retrying in 1s [Retry 1/5].")
    assert log.level == before
    assert capfd.readouterr().err == ""
