"""What the author of a check writes: one line a property, and a message that a learner can act on.

Every function here raises :class:`CheckFailed` when the property does not hold.  The message names the property and
what came; it never shows the value that was expected, because that is the exercise.
"""

import reprlib
from collections.abc import Callable, Iterable

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


class CheckFailed(Exception):
    """A property does not hold.  The text says which, and the likely mistake; it never holds the answer."""


def describe(value) -> str:
    """A short description of any value for a message: its kind, its shape where it has one, the start of it."""
    kind = type(value).__name__
    if value is None:
        return "None (is a return missing?)"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    try:
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            return f"{kind} of shape {tuple(value.shape)}, dtype {value.dtype}"
        return f"{_SHORT.repr(value)} ({kind})"
    except Exception:  # a learner's own __repr__ may do anything
        return f"an object of type {kind}"


def expect(condition, message: str) -> None:
    """Fail with ``message`` unless ``condition`` holds."""
    if not condition:
        raise CheckFailed(message)


def expect_function(answer, arguments: str = "") -> None:
    """Fail unless ``answer`` is a function; ``arguments`` says which it takes, such as ``"logits, temperature"``."""
    if not callable(answer):
        wanted = f"a function of ({arguments})" if arguments else "a function"
        raise CheckFailed(
            f"expected {wanted}, got {describe(answer)}. Pass the function itself: its name, without brackets after it."
        )


def expect_type(value, kinds: type | tuple[type, ...], what: str) -> None:
    """Fail unless ``value`` is one of ``kinds``; True and False are not taken for numbers."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise CheckFailed(f"{what}: expected {wanted}, got {describe(value)}.")


def expect_parts(got, names: Iterable[str], what: str, only: str | None = None) -> None:
    """Fail unless ``got`` is a dict in which none of ``names`` is missing.

    Args:
        what: ``got`` in words ("the worksheet").
        only: what such a part is called ("rule"), if there may be no others.
    """
    names = list(names)
    expect_type(got, dict, what)
    missing = [name for name in names if name not in got]
    expect(not missing, f"there is no {', '.join(missing)}.")
    others = [str(name) for name in got if name not in names] if only else []
    expect(not others, f"{', '.join(others)}: there is no such {only}.")


def expect_equal(got, expected, what: str, mistakes: Iterable[tuple[object, str]] = ()) -> None:
    """Fail unless ``got == expected``; a truth value is equal to no number.

    Args:
        what: the property, as the beginning of a sentence ("The first token").
        mistakes: pairs of a value that a typical mistake gives and the words that name the mistake.
    """
    if _same(got, expected):
        return
    for value, words in mistakes:
        if _same(got, value):
            raise CheckFailed(f"{what}: {words} (yours: {describe(got)}).")
    if isinstance(expected, list | tuple | dict | str | set) and not isinstance(got, type(expected)):
        raise CheckFailed(f"{what}: expected {type(expected).__name__}, got {describe(got)}.")
    raise CheckFailed(f"{what} is not right; yours: {describe(got)}.")


def expect_close(
    got,
    expected,
    what: str,
    mistakes: Iterable[tuple[object, str]] = (),
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Fail unless the numbers in ``got`` are those of ``expected``, in the same shape.

    Args:
        got: a number, a list of numbers (nested or not), a numpy array or a torch tensor.
        expected: the same from an independent oracle.
        what: the property, as the beginning of a sentence ("The probabilities at temperature 0.5").
        mistakes: pairs of values that a typical mistake gives and the words that name the mistake.
        rtol, atol: allowed relative and absolute difference; the defaults suit float32.
    """
    import numpy as np

    yours, right = numbers(got, what), numbers(expected, what)
    if yours.shape != right.shape:
        raise CheckFailed(f"{what}: expected {_shape(right.shape)}, got {_shape(yours.shape)}.")
    wrong = ~np.isclose(yours, right, rtol=rtol, atol=atol)
    if not wrong.any():
        return
    for value, words in mistakes:
        value = numbers(value, what)
        if value.shape == yours.shape and np.allclose(yours, value, rtol=rtol, atol=atol, equal_nan=True):
            raise CheckFailed(f"{what}: {words}.")
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    value = yours[first]
    if np.isnan(value):
        words = "is not a number (NaN): was 0 divided by 0, or the logarithm of 0 taken?"
    else:
        words = f"is {value:.6g}, which is too {'large' if value > right[first] else 'small'}"
    if yours.ndim == 0:
        raise CheckFailed(f"{what}: yours {words}.")
    place = first[0] if len(first) == 1 else first
    raise CheckFailed(f"{what}: {wrong.sum()} of {wrong.size} values are wrong; yours at position {place} {words}.")


def expect_raises(call: Callable[[], object], error: type[Exception], what: str) -> None:
    """Fail unless ``call()`` raises ``error``; ``what`` is the impossible input ("a temperature of −1")."""
    try:
        got = call()
    except error:
        return
    except NotImplementedError:
        raise
    except Exception as other:
        raise CheckFailed(f"{what} must raise {error.__name__}; yours raised {type(other).__name__}.") from other
    raise CheckFailed(f"{what} must raise {error.__name__}; yours returned {describe(got)}.")


def numbers(value, what: str):
    """``value`` as a float64 numpy array; fails where it does not hold numbers.  Truth values are not numbers."""
    import numpy as np

    try:
        if hasattr(value, "detach"):  # a torch tensor: numpy knows no bfloat16 and reads no gradients
            value = value.detach().cpu().double() if value.dtype.is_floating_point else value.detach().cpu()
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        array = None  # for example a list of lists of unequal length
    if array is None or array.dtype.kind not in "iuf":
        raise CheckFailed(f"{what}: expected numbers, got {describe(value)}.")
    return array.astype(np.float64)


def _shape(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a single number"
    return f"{shape[0]} numbers" if len(shape) == 1 else f"shape {shape}"


def _same(got, expected) -> bool:
    try:
        if getattr(got, "shape", None) == ():
            got = got.item()  # a numpy or torch number
        return isinstance(got, bool) == isinstance(expected, bool) and bool(got == expected)
    except (TypeError, ValueError, RuntimeError):
        return False
