"""Checks of single values that any part may be given."""

from __future__ import annotations

import math
import operator

import numpy as np

from snnprog.errors import SpecError


def as_integer(name: str, value: object) -> int:
    """Return a whole number as int; bools, fractions and texts are refused.

    Raises
    ------
    SpecError
        If ``value`` is not a whole number.
    """
    if not isinstance(value, (bool, np.bool_)):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise SpecError(f"{name} is {value!r}; a whole number is needed")


def as_seconds(name: str, value: object) -> float:
    """Return a number of seconds from 0 as float; infinity is none.

    Raises
    ------
    SpecError
        If ``value`` is not a finite number from 0.
    """
    seconds = math.nan
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        seconds = float(value)
    if not 0.0 <= seconds < math.inf:
        raise SpecError(f"{name} is {value!r}; a finite number of seconds from 0 is needed")
    return seconds


def check_callable(name: str, value: object) -> None:
    """Raise `SpecError` unless a value is None or can be called."""
    if value is not None and not callable(value):
        raise SpecError(f"{name} must be a callable or None, got {value!r}")


def check_type(name: str, value: object, *, kind: type) -> None:
    """Raise `SpecError` unless a value is of a type."""
    if not isinstance(value, kind):
        raise SpecError(f"{name} is a {type(value).__name__}; a {kind.__name__} is needed")
