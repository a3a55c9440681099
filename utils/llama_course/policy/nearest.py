"""An unknown name, and the known ones that are most like it."""

import difflib
from collections.abc import Iterable


def nearest(what: str, name, known: Iterable[str], most: int = 3) -> str:
    """A sentence for an error: ``there is no licence 'Lama 2'; the nearest are Llama 2, Llama 3.``"""
    names = {one.casefold(): one for one in known}
    wanted = str(name).casefold()
    near = [one for one in names if wanted and one.startswith(wanted)]
    near += [one for one in difflib.get_close_matches(wanted, names, n=most, cutoff=0.5) if one not in near]
    near = near[:most]
    if near:
        return f"there is no {what} {name!r}; the nearest {'are' if len(near) > 1 else 'is'} " + (
            f"{', '.join(names[one] for one in near)}."
        )
    return f"there is no {what} {name!r}; there are {', '.join(names.values())}."
