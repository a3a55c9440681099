"""What to do when the Hugging Face hub does not hand out a model: one message for each reason, with the next step.

Llama 2 is gated: Meta grants access to an account, and a token shows the hub whose account it is.  No message ever
contains a token.
"""

import contextlib
import errno
import importlib.util
import logging
import re
from collections.abc import Iterator

from llama_course.models.catalog import ModelCard
from llama_course.models.interface import ModelNotAvailableError

TOKENS_PAGE = "https://huggingface.co/settings/tokens"
OF_THE_DISK = (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def explained(card: ModelCard) -> Iterator[None]:
    """Turn what the hub's library raises in this block into ModelNotAvailableError with the next step."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)  # without a network it announces each of its retries, and why, on many lines
    try:
        yield
    except ModelNotAvailableError:
        raise
    except Exception as error:  # the library raises its own errors, httpx's and the system's
        causes = list(_causes(error))
        if any(isinstance(cause, OfflineModeIsEnabled) for cause in causes):
            raise ModelNotAvailableError(f"{card.name} is not on this computer, and offline mode is set.") from None
        answers = [cause for cause in causes if isinstance(cause, HfHubHTTPError) and cause.response is not None]
        if answers:
            raise ModelNotAvailableError(what_to_do(card, answers[0])) from None
        for cause in causes:
            if isinstance(cause, OSError) and cause.errno in OF_THE_DISK:
                raise cause from None  # the caller knows where it wanted to write
        raise ModelNotAvailableError(
            f"{card.name} is not on this computer and could not be fetched from the Hugging Face hub "
            f"({first_line(causes[-1])}). Check the connection and try again: what has come already is kept."
        ) from None
    finally:
        log.setLevel(level)


def what_to_do(card: ModelCard, error) -> str:
    """The message for an answer of the hub that is a refusal.

    Args:
        card: the model that was asked for.
        error: huggingface_hub's HfHubHTTPError, with its response.
    """
    status = error.response.status_code
    said = error.response.headers.get("X-Error-Message", "")
    is_gate = error.response.headers.get("X-Error-Code") == "GatedRepo"
    page = f"https://huggingface.co/{card.source.repository}"
    has_token = _has_token()
    if status == 404 or (status == 401 and not has_token and not card.source.gated):  # what is not there, or not public
        return (
            f"The hub has no {card.source.repository} at revision {card.source.revision}, which is the one that the "
            "course was made for. It may have been moved: look at " + page + "."
        )
    if status == 401 and not has_token:
        return no_token(card)
    if status == 401 and not is_gate:
        return (
            f"The hub does not accept the token that is stored here: it has expired, was deleted or was mistyped. Make "
            f"a new one of the type Read at {TOKENS_PAGE}. {how_to_log_in()} Then load {card.name!r} again."
        )
    if status == 403 and "token" in said.lower():
        return (
            f"Your token may not read {card.name}, whatever your account may: it is a fine-grained token without that "
            f"permission. At {TOKENS_PAGE} edit it and tick 'Read access to contents of all public gated repos you can "
            f"access', or make a token of the type Read. {how_to_log_in()} Then load {card.name!r} again."
        )
    if "awaiting" in said:
        return (
            f"Your request for {card.name} is waiting for Meta's answer, which comes by e-mail and takes hours, "
            f"sometimes a day or two. {page} shows its state; once access is granted, load the model again."
        )
    if "rejected" in said:
        return (
            f"Your request for {card.name} was turned down by Meta; only Meta can say why. {page} shows its state. "
            "The model tinyllama-1.1b-chat has the same architecture and needs no permission."
        )
    if is_gate:
        return (
            f"Your token works, but your account has no access to {card.name}: its licence was not accepted yet. Open "
            f"{page} in a browser, signed in with the account of the token, fill in the form above the description "
            "and accept the licence. Meta's answer comes by e-mail, mostly within hours. Then load it again."
        )
    if status == 429:
        return f"The hub has had too many requests from this address. Wait some minutes, then load {card.name!r} again."
    return (
        f"The hub answered with error {status} when asked for {card.name}"
        + (f" ({redacted(said)[:200]})" if said else "")
        + ". Try again later: what has come already is kept."
    )


def no_token(card: ModelCard) -> str:
    """What to do without a token."""
    return (
        f"{card.name} is handed out on request, and this computer has no token of the Hugging Face hub. Three steps, "
        "free of charge:\n"
        f"  1. Sign in or sign up at https://huggingface.co/{card.source.repository}, fill in the form there and "
        f"accept the licence ({card.licence.name}). Meta's answer comes by e-mail.\n"
        f"  2. Make a token of the type Read at {TOKENS_PAGE}.\n"
        f"  3. {how_to_log_in()}\n"
        f"Then load {card.name!r} again."
    )


def how_to_log_in() -> str:
    """Where the token is to be put on this computer; never into a cell, which would be saved with the notebook."""
    if importlib.util.find_spec("google") and importlib.util.find_spec("google.colab"):
        return (
            "Open the key symbol on the left of Colab, add a secret named HF_TOKEN with the token as its value, switch "
            "on 'Notebook access', and restart the session."
        )
    return "Run `hf auth login` in a terminal and paste the token there (it is not shown); never write it into a cell."


def redacted(text: str) -> str:
    """``text`` without anything that looks like a token."""
    return re.sub(r"\bhf_[A-Za-z0-9_]{4,}|(?i:bearer)\s+\S+", "[token]", text)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, short and without tokens; the error's kind if it has none."""
    lines = redacted(str(error)).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _has_token() -> bool:
    from huggingface_hub import get_token

    return bool(get_token())


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
