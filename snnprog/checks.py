"""Checks of single values that any part may be given."""

from __future__ import annotations

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


def check_type(name: str, value: object, kind: type) -> None:
    """Raise `SpecError` unless a value is of a type."""
    if not isinstance(value, kind):
        raise SpecError(f"{name} is a {type(value).__name__}; a {kind.__name__} is needed")
