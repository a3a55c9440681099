"""Where the course keeps its files.

One folder holds everything that the course writes: downloaded models and the learner's progress.  Copying it to
another computer brings both along.  The miniature models come with the package.
"""

import os
from pathlib import Path

HOME_VARIABLE = "LLAMA_COURSE_HOME"
PROGRESS_VARIABLE = "LLAMA_COURSE_PROGRESS"
CHECKPOINTS_VARIABLE = "LLAMA_COURSE_CHECKPOINTS"


def home() -> Path:
    """Folder of models and progress: ``$LLAMA_COURSE_HOME``, else ``~/.llama-course``.  It need not exist yet."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path.home() / ".llama-course"


def models_dir() -> Path:
    """Folder of the downloaded and converted models."""
    return home() / "models"


def checkpoints_dir() -> Path:
    """Folder of the miniature models: ``$LLAMA_COURSE_CHECKPOINTS`` (a family you built), else the package's own."""
    chosen = os.environ.get(CHECKPOINTS_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(__file__).parent / "checkpoints"


def progress_file() -> Path:
    """File of the learner's progress: ``$LLAMA_COURSE_PROGRESS``, else ``progress.json`` in :func:`home`."""
    chosen = os.environ.get(PROGRESS_VARIABLE)
    return Path(chosen).expanduser() if chosen else home() / "progress.json"


def own_dir() -> Path:
    """Folder of what the learner makes: that of the progress, for learners may share :func:`home` and only read it."""
    return progress_file().parent


def data_file(name: str) -> Path:
    """Path of a data file of the package, for example ``data_file("quizzes/02.json")``.

    Raises:
        FileNotFoundError: the package has no such file.
    """
    path = Path(__file__).parent / "data" / name
    if not path.is_file():
        raise FileNotFoundError(f"llama_course has no data file {name!r} (looked for {path}).")
    return path
