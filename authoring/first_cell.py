"""What every notebook has alike, written once: its first code cell, and its badge.

A master holds an empty cell tagged ``first-cell`` in the place of the cell.  The cell makes the package importable
wherever the notebook runs: installed (the usual case), in a clone without an installation, or on Colab, where it
installs the package from a wheel uploaded beside the notebook or, once ``llama-course set-repository`` has said where
the course is published, from there.  pip is held to the versions that are there (``-c``): it adds what is missing and
replaces nothing, or says what does not fit.  ``begin`` then sets the seeds and prints version, device and why.

The badge stands under the title once a repository is set.  It is text: the usual picture would be fetched from
somebody's server whenever a notebook is opened.
"""

import re

from llama_course.repository import Repository

FIRST_CELL = """\
import glob, importlib.util, sys; sys.path.append("../utils")  # a clone of the course has its library there
if importlib.util.find_spec("llama_course") is None:  # {where}
    wheel = max(glob.glob("llama_course-*.whl"), default={default}
    %pip list --format=freeze > present.txt
    %pip install -q -c present.txt "{{wheel}}"
from llama_course import begin, check, hint, load_model, quiz; begin("{lesson}")"""
FROM_A_FILE = (
    'nothing is installed, as on Colab: README.md, "If you use Colab"',
    'None); assert wheel, "Upload the course\'s wheel, llama_course-….whl, then run this cell again."',
)
FROM_THE_REPOSITORY = "nothing is installed, as on Colab", '"{archive}")'
BADGE = re.compile(r"\n\n\[\*\*Open in\*\* `Colab`\]\([^)\n]*\)(?=\n|$)")


def first_cell(lesson: str, repository: Repository | None) -> str:
    """Source of the first code cell of lesson ``"02"``; its exercises and solutions have the same.

    Args:
        lesson: two digits.
        repository: where the course is published, or None.
    """
    where, default = FROM_THE_REPOSITORY if repository else FROM_A_FILE
    default = default.format(archive=repository.archive) if repository else default
    return FIRST_CELL.format(where=where, default=default, lesson=lesson)


def with_badge(source: str, notebook: str, repository: Repository | None) -> str:
    """The first text cell with the notebook's badge under its title, or without one if there is no repository.

    Args:
        source: of the cell; an older badge in it is replaced.
        notebook: path in the repository, for example ``course/02_predicting_text.ipynb``.
        repository: where the course is published, or None.
    """
    title, *rest = BADGE.sub("", source, count=1).split("\n", 1)
    badge = [f"\n\n[**Open in** `Colab`]({repository.colab(notebook)})"] if repository else []
    return "".join([title, *badge, *(f"\n{text}" for text in rest)])
