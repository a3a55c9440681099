"""The first code cell of every notebook, written once.

A master holds an empty cell tagged ``first-cell`` in its place.  The cell makes the package importable
wherever the notebook runs: installed (the usual case), in a clone without an installation, or on Colab, where it
installs the package.  ``begin`` then sets the seeds and prints the version, the device and why that device.
"""

FIRST_CELL = """\
import glob, importlib.util, sys
sys.path.append("../utils")  # lets a clone of the course work where the package is not installed
if importlib.util.find_spec("llama_course") is None:  # on Colab: the course's wheel, uploaded beside this notebook
    %pip install -q {{max(glob.glob("llama_course-*.whl"), default="UPLOAD-THE-llama_course-WHEEL-FIRST.whl")}}
from llama_course import begin, check, hint, load_model, quiz
begin("{lesson}")"""


def first_cell(lesson: str) -> str:
    """Source of the first code cell of lesson ``"02"``; its exercises and solutions have the same."""
    return FIRST_CELL.format(lesson=lesson)
