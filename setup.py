"""Everything is in pyproject.toml; this adds the notebooks to the wheel, so that the package alone is the whole course.

``llama-course notebooks`` lays them out.  In an installation that can be edited they are read where they are.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
KINDS = ("course", "exercises", "solutions")


class BuildWithNotebooks(build_py):
    """Copies course/, exercises/ and solutions/ to llama_course/data/notebooks/ of what is built."""

    def notebooks(self):
        """Where each notebook goes, and where it comes from."""
        target = Path(self.build_lib, "llama_course", "data", "notebooks")
        found = {target / kind / path.name: path for kind in KINDS for path in sorted(ROOT.glob(f"{kind}/*.ipynb"))}
        if {path.parent.name for path in found} != set(KINDS):
            raise FileNotFoundError(f"The folders {', '.join(KINDS)} with the notebooks should lie beside setup.py.")
        return found

    def run(self):
        super().run()
        if self.editable_mode:
            return
        shutil.rmtree(Path(self.build_lib, "llama_course", "data", "notebooks"), ignore_errors=True)  # of older builds
        for target, source in self.notebooks().items():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode=1):
        """What was built, for tools that ask."""
        return super().get_outputs(include_bytecode) + [str(target) for target in self.notebooks()]


setup(cmdclass={"build_py": BuildWithNotebooks})
