"""Results that appear wherever the learner calls for them: in a notebook once, in plain Python as one text."""

import sys


class Shown:
    """Something that shows itself: ``_repr_mimebundle_`` says how, :meth:`show` does it now.

    ``check(...)`` in the middle of a cell must be seen, and as the last line of a cell must not be seen twice.  So
    :meth:`show` remembers the run of the cell in which it displayed, and Jupyter's own display of a cell's last
    value is skipped in that same run; in a later cell it shows the result again.
    """

    def text(self) -> str:
        """The result as plain text."""
        raise NotImplementedError

    def html(self) -> str:
        """The result as HTML; everything in it is escaped."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text(), "text/html": self.html()}

    def show(self):
        """Show the result and return it: as a notebook output, or printed where there is no notebook."""
        shell = _shell()
        if shell is None:
            print(self.text())
        else:
            self._ipython_display_()
        return self

    def _ipython_display_(self):
        from IPython.display import display

        shell = _shell()
        run = None if shell is None else (id(shell), shell.execution_count)
        if run is not None and getattr(self, "_shown_in", None) == run:
            return
        object.__setattr__(self, "_shown_in", run)  # the subclasses are frozen dataclasses
        display(self._repr_mimebundle_(), raw=True)


def _shell():
    """The running IPython shell, or None; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
