"""Where the course is published: one address, and the links that follow from it.

The address is in ``data/repository.json`` and nowhere else.  ``llama-course set-repository OWNER/NAME`` writes it
and, with it, the notebooks' badges and first cells; until then the course has no address and shows no link to one.
"""

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from llama_course import paths

ADDRESS_FILE = "repository.json"
FIRST_LESSON = "course/00_welcome.ipynb"
EXPECTED = (
    "Expected the owner and the name of a repository on GitHub, such as OWNER/NAME in the address of its page after "
    "github.com/"
)


class RepositoryError(ValueError):
    """An address that is none, or one that is missing."""


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, the only place from which Colab and Binder open notebooks by a link."""

    owner: str
    name: str
    branch: str = "main"

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def page(self) -> str:
        """Address of its page, which git clones as well."""
        return f"https://github.com/{self}"

    @property
    def archive(self) -> str:
        """Address of its files as one zip file, which pip can install."""
        return f"{self.page}/archive/refs/heads/{quote(self.branch)}.zip"

    def colab(self, notebook: str) -> str:
        """Link that opens a notebook, for example ``course/00_welcome.ipynb``, in Colab."""
        return f"https://colab.research.google.com/github/{self}/blob/{quote(self.branch)}/{quote(notebook)}"

    def binder(self, notebook: str = FIRST_LESSON) -> str:
        """Link that opens a notebook in JupyterLab on mybinder.org."""
        place = urlencode({"urlpath": f"lab/tree/{notebook}"}, quote_via=quote, safe="/")
        return f"https://mybinder.org/v2/gh/{self}/{quote(self.branch, safe='')}?{place}"

    def hub(self, address: str, notebook: str = FIRST_LESSON) -> str:
        """Link that brings the course to a learner's account on a JupyterHub with nbgitpuller, and opens a notebook.

        A second click brings what is new and keeps what the learner changed; nbgitpuller does both.

        Args:
            address: of the hub, for example ``https://hub.example.org`` or ``https://example.org/jupyter``.
            notebook: path in the repository.

        Raises:
            RepositoryError: the address is not one of a web page.
        """
        parts = urlsplit(address.strip())
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise RepositoryError(
                f"Expected the address of a hub such as https://hub.example.org, got {address!r}. Copy it from the "
                "browser, up to and without /hub."
            )
        base = re.sub(r"/hub$", "", f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"))
        query = {"repo": self.page, "branch": self.branch, "urlpath": f"lab/tree/{self.name}/{notebook}"}
        return f"{base}/hub/user-redirect/git-pull?{urlencode(query, quote_via=quote, safe='')}"


def parse_repository(text: str, branch: str = "main") -> Repository:
    """The repository that a person means: ``OWNER/NAME`` or the address of its page.

    Raises:
        RepositoryError: it is none, or the placeholder itself, or the branch cannot be one.
    """
    short = re.sub(r"^(https?://(www\.)?github\.com/|git@github\.com:|ssh://git@github\.com/)", "", text.strip())
    short = re.sub(r"(\.git)?/*$", "", short)
    found = re.fullmatch(r"([A-Za-z0-9](?:-?[A-Za-z0-9]){0,38})/([A-Za-z0-9._-]{1,100})", short)
    if not found or found[2].strip(".") == "":
        raise RepositoryError(f"{EXPECTED}; got {text!r}.")
    if short.upper() == "OWNER/NAME":
        raise RepositoryError(f"{EXPECTED}; OWNER and NAME stand for your own.")
    if not re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._/-]*", branch) or re.search(r"\.\.|//|/$|\.lock$", branch):
        raise RepositoryError(f"Expected the name of a branch such as main, got {branch!r}.")
    return Repository(found[1], found[2], branch)


def published() -> Repository | None:
    """The repository that this copy of the course is published in, or None if none was set."""
    path = paths.data_file(ADDRESS_FILE)
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return parse_repository(saved["repository"], saved["branch"]) if saved["repository"] else None
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise RepositoryError(
            f"{path} should hold a repository and a branch, as llama-course set-repository writes it: {error}"
        ) from error


def need_published() -> Repository:
    """The same; RepositoryError with what to do if none was set."""
    found = published()
    if found is None:
        raise RepositoryError(
            "this copy of the course has no repository, so there is nothing to link to. Put it on GitHub and run "
            "llama-course set-repository with its owner and name in the folder of the course. Without one, give "
            "learners the wheel: llama-course notebooks lays out what is in it."
        )
    return found
