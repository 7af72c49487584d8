"""Checks of numbers and lists of integers, shared by all modules."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int32s
from snnprog.errors import LimitError, SpecError
from snnprog.wording import a_type, range_in_words, with_article

PATTERNS = "; sp.Spec([sp.Pattern(inputs, targets)], delays=...) makes one of rasters"
ADVICE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("Program", "path"): "; read it with sp.load(...)",
        ("Program", "Spec"): "; sp.compile(spec).program makes one",
        ("Spec", "path"): "; read it with sp.load_spec(...)",
        ("Spec", "Pattern"): "; sp.Spec([pattern], delays=...) makes one",
        ("Spec", "ndarray"): f"{PATTERNS}, sp.specs.from_raster(raster) of a recording",
        ("Spec", "list"): PATTERNS,
        ("Spec", "tuple"): PATTERNS,
    }
)
"""The wanted and the given type -> how to get from one to the other; see also `_advice`."""


def as_integer(name: str, value: object) -> int:
    """Return an integer as int; refuse bools, fractions and strings.

    Raises
    ------
    SpecError
        If ``value`` is not an integer.
    """
    if not isinstance(value, (bool, np.bool_)):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise SpecError(f"{name} must be an integer, got {value!r}")


def as_flag(name: str, value: object) -> bool:
    """Return True or False as bool; any text or number would count as True.

    Raises
    ------
    SpecError
        If ``value`` is anything else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise SpecError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_seconds(name: str, value: object) -> float:
    """Return a non-negative, finite number of seconds as float.

    Raises
    ------
    SpecError
        If ``value`` is negative, infinite or not a number.
    """
    seconds = math.nan
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        seconds = float(value)
    if not 0.0 <= seconds < math.inf:
        raise SpecError(f"{name} must be a non-negative, finite number of seconds, got {value!r}")
    return seconds


def as_number(name: str, value: object) -> float:
    """Return a number as float; refuse bools, strings and NaN.

    Raises
    ------
    SpecError
        If ``value`` is not a number.
    """
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        number = float(value)
        if not math.isnan(number):
            return number
    raise SpecError(f"{name} must be a number, got {value!r}")


def as_seed(value: object) -> int:
    """Return the seed of random choices as int.

    Raises
    ------
    SpecError
        If ``value`` is not a non-negative integer.
    """
    seed = as_integer("seed", value)
    if seed < 0:
        raise SpecError(f"seed must be a non-negative integer, got {seed}")
    return seed


def as_path(name: str, value: object) -> Path:
    """Return the path of a file or folder.

    Raises
    ------
    SpecError
        If ``value`` is neither a str nor an `os.PathLike`.
    """
    if not isinstance(value, (str, PathLike)):
        raise SpecError(f"{name} must be a path (str or Path), got {a_type(value)}")
    return Path(value)


def check_callable(name: str, value: object) -> None:
    """Raise `SpecError` unless a value is callable."""
    if not callable(value):
        raise SpecError(f"{name} must be a callable, got {value!r}")


def check_type(name: str, value: object, *, kind: type) -> None:
    """Raise `SpecError` unless a value is of a type."""
    if not isinstance(value, kind):
        raise SpecError(f"{name} must be {with_article(kind.__name__)}, got {a_type(value)}{_advice(value, kind)}")


def _advice(value: object, kind: type) -> str:
    """Return how to get an object of a type from a value of another one, as the end of a message."""
    given = "path" if isinstance(value, (str, PathLike)) else type(value).__name__
    holder = next((name for name in (kind.__name__.lower(),) if isinstance(getattr(value, name, None), kind)), None)
    return ADVICE.get((kind.__name__, given), f"; take its .{holder}" if holder else "")


def as_int32(name: str, values: ArrayLike) -> Int32s:
    """Return a list of integers ``(n,)`` as a read-only array; a copy, unless it is one already.

    Raises
    ------
    SpecError
        If ``values`` is not a list of 32-bit integers.
    """
    array = as_integers(name, values)
    if array.ndim != 1:
        raise SpecError(f"{name} must be a list of integers, got a single number")
    return array


def as_integers(name: str, values: ArrayLike) -> Int32s:
    """Return a read-only copy of a list of integers ``(n,)``, or of a single integer ``()``.

    Raises
    ------
    SpecError
        If ``values`` is neither, or an integer has more than 32 bits.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name} must be a list of integers, got a ragged one") from error
    if array.dtype == np.int32 and array.ndim == 1 and array.flags.owndata and not array.flags.writeable:
        return array  # it is read-only, so that a program derived from another shares its arrays
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise SpecError(f"{name} must be a list of integers, got {array.dtype} of shape {array.shape}")
    limits = np.iinfo(np.int32)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise SpecError(f"{name} must hold 32-bit integers, got {array.min()} to {array.max()}")
    copied: Int32s = array.astype(np.int32)
    copied.flags.writeable = False
    return copied


def spread(given: Mapping[str, ArrayLike], *, otherwise: int) -> dict[str, Int32s]:
    """Repeat each single number to the length of the first list, or ``otherwise`` times if no value is a list."""
    arrays = {name: as_integers(name, values) for name, values in given.items()}
    length = next((array.size for array in arrays.values() if array.ndim == 1), otherwise)
    return {name: array if array.ndim == 1 else np.full(length, array) for name, array in arrays.items()}


def check_between(name: str, values: Int32s, *, allowed: tuple[int, int]) -> None:
    """Raise `LimitError` unless all values are in a range, ends included."""
    outside = (values < allowed[0]) | (values > allowed[1])
    if outside.any():
        where = int(outside.argmax())
        raise LimitError(f"{name}[{where}]", int(values[where]), range_in_words(allowed))
