"""Every test and every notebook that pytest runs is cut off from the network and from the learner's own progress.

This lies in the root so that it also holds for ``pytest solutions/02_predicting_text.ipynb``.  It is done when pytest
starts, not in a fixture, because the notebooks' tests use no fixtures, and in the environment as well, because their
kernels are processes of their own.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent / "tests"
NO_NETWORK = str(TESTS / "no_network")
sys.path.insert(0, NO_NETWORK)

import network_block  # noqa: E402

network_block.install()


def pytest_configure(config):
    """Give this process and its children their own progress file, no network, no user's IPython set-up."""
    config.own_folder = Path(tempfile.mkdtemp(prefix="llama-course-tests-"))
    os.environ.update(isolated_environment(config.own_folder))


def isolated_environment(folder: Path) -> dict[str, str]:
    paths = [NO_NETWORK, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "LLAMA_COURSE_PROGRESS": str(folder / "progress.json"),
        "IPYTHONDIR": str(folder / "ipython"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def pytest_unconfigure(config):
    shutil.rmtree(config.own_folder, ignore_errors=True)
