"""A draft of a release: everything that a person has to write or decide, and nothing that the run fills in.

Drafts are plain JSON, so that they can be written by hand, kept, compared and graded.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from llama_course import files
from llama_course.release.claims import Claim, ClaimError

MOST_CHARACTERS = 4_000  # of one part
MOST_CLAIMS = 30


class DraftError(ValueError):
    """This is no draft of a release; the message says where it is wrong."""


@dataclass(frozen=True)
class Part:
    """Something to be written."""

    id: str
    heading: str
    question: str  # what it has to answer
    fewest_words: int = 8


PARTS = {
    row.id: row
    for row in (
        Part("summary", "In short", "What is it, and what can it do?", 12),
        Part("intended", "What it is for", "Who is to use it, and for what?"),
        Part("not_for", "What it is not for", "Which uses are out of scope, and why?"),
        Part("limits", "Where it fails", "Which figure is the worst, and what follows from it?", 12),
        Part("not_measured", "What was not measured", "What could go wrong that no figure here shows?", 12),
        Part("text_origin", "Where its text comes from", "Who or what wrote it, and when?"),
        Part("text_amount", "How much it is, and of what kinds", "How much did it read, and are there copies?"),
        Part("text_people", "Who is in it", "Is it about people, and were they asked?"),
        Part("text_harm", "What is dangerous or false in it", "What stands in it that should not be learned?"),
        Part("text_rights", "May it be used", "Under which terms may the text be used and passed on?"),
        Part("licence_reasons", "Why this licence", "What does it allow and forbid, and why is that right here?", 12),
        Part("access_reasons", "Why this level of access", "Which measurement speaks for it, and which against?", 15),
        Part("plan_report", "Who hears of a fault", "How can somebody tell you of one, and who reads it?"),
        Part("plan_first", "What happens first", "What do you do on the first day after a fault is known?"),
        Part("plan_versions", "How versions are told apart", "How does a user know which one they have?"),
        Part("plan_undone", "What cannot be undone", "What can nobody take back, and why release it all the same?", 15),
    )
}
WITH_A_FIGURE = ("limits", "access_reasons")  # these are empty words without a measurement
DATASHEET = tuple(name for name in PARTS if name.startswith("text_"))
PLAN = tuple(name for name in PARTS if name.startswith("plan_"))


@dataclass(frozen=True)
class LicenceChoice:
    """A licence, as far as a release has to know it; lesson 09 reads licences clause by clause."""

    id: str
    plain: str
    carries_use_rules: bool  # whether it forbids uses, so that "not for" is more than a wish


LICENCES = {
    row.id: row
    for row in (
        LicenceChoice("MIT", "use, change, pass on; keep the notice", False),
        LicenceChoice("Apache-2.0", "as MIT, with a grant of patents and notes on changes", False),
        LicenceChoice("RAIL", "use, change, pass on; a list of forbidden uses goes along", True),
        LicenceChoice("own terms", "a contract of your own; somebody has to read it", True),
        LicenceChoice("none", "nobody has the right to use, change or pass it on", True),
    )
}


@dataclass(frozen=True)
class Draft:
    """What a person writes and decides; a DraftError names the field that is not of its kind."""

    name: str  # of the release, as users will call it
    version: str
    texts: Mapping[str, str] = field(default_factory=dict)  # by the ids of PARTS
    licence: str = ""  # a key of LICENCES
    access: str = ""  # a level of ACCESS
    claims: tuple[Claim, ...] = ()

    def __post_init__(self):
        for key in ("name", "version", "licence", "access"):
            if not isinstance(getattr(self, key), str):
                raise DraftError(f"{key}: expected text, got {getattr(self, key)!r:.60}.")
        if not isinstance(self.texts, Mapping):
            raise DraftError(f"texts: expected an object of parts, got {type(self.texts).__name__}.")
        for key, text in self.texts.items():
            if key not in PARTS:
                raise DraftError(f"texts: there is no part {key!r:.60}; there are {', '.join(PARTS)}.")
            if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
                raise DraftError(f"texts, {key}: expected text of at most {MOST_CHARACTERS:,} characters.")
        is_list = isinstance(self.claims, list | tuple)
        if not is_list or len(self.claims) > MOST_CLAIMS:
            raise DraftError(f"claims: expected a list of at most {MOST_CLAIMS}.")
        for number, claim in enumerate(self.claims, 1):
            if not isinstance(claim, Claim):
                raise DraftError(f"claims, number {number}: expected a Claim, got {claim!r:.60}.")
        object.__setattr__(self, "claims", tuple(self.claims))

    def with_text(self, **texts: str) -> "Draft":
        """The draft with these parts written anew.

        Raises:
            DraftError: there is no such part.
        """
        unknown = [name for name in texts if name not in PARTS]
        if unknown:
            raise DraftError(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}.")
        return replace(self, texts={**self.texts, **texts})


def to_dict(draft: Draft) -> dict:
    """As it is written to a file."""
    return {**asdict(draft), "texts": dict(draft.texts), "claims": [asdict(claim) for claim in draft.claims]}


def from_dict(data: object) -> Draft:
    """What :func:`to_dict` wrote, or what a person typed.

    Raises:
        DraftError: naming the field.
    """
    if not isinstance(data, dict):
        raise DraftError(f"a draft is an object with name, version, texts …; got {type(data).__name__}.")
    unknown = [key for key in data if key not in Draft.__dataclass_fields__]
    if unknown:
        raise DraftError(f"a draft has no field {unknown[0]!r}; it has {', '.join(Draft.__dataclass_fields__)}.")
    return Draft(**{"name": "", "version": ""} | data | {"claims": _claims(data.get("claims", []))})


def _claims(rows: object) -> tuple[Claim, ...]:
    if not isinstance(rows, list | tuple) or len(rows) > MOST_CLAIMS:
        raise DraftError(f"claims: expected a list of at most {MOST_CLAIMS}.")
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(row if isinstance(row, Claim) else Claim(**row))
        except (ClaimError, TypeError) as error:
            raise DraftError(f"claims, number {number}: {error}") from error
    return tuple(found)


def save_draft(draft: Draft, path: str | Path) -> None:
    """Write a draft; if that fails the old one stays.

    Raises:
        OSError: with what happened and what to do.
    """
    files.write_atomically(path, json.dumps(to_dict(draft), indent=2, ensure_ascii=False) + "\n")


def load_draft(path: str | Path) -> Draft:
    """Read a draft.

    Raises:
        DraftError: it is missing, is no JSON, or no draft, naming the file and the field.
    """
    path = Path(path)
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DraftError(f"there is no draft {path.name}: write one with save_draft.") from None
    except DraftError as error:
        raise DraftError(f"{path.name}: {error}") from error
    except (ValueError, RecursionError) as error:  # of json, and of a text that is not utf-8
        raise DraftError(f"{path.name} is no JSON in UTF-8: {error}. Your file was left as it is.") from error
