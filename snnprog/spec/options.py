"""Single options of a spec, from what is given to what is kept: each is returned checked, or `SpecError` is raised.

What needs the other options, or the chip, is checked by the spec itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Literal

import numpy as np

from snnprog.checks import as_integer
from snnprog.errors import SpecError

FREE: Literal["free"] = "free"
AUTO: Literal["auto"] = "auto"


def as_delays(delays: Iterable[int]) -> tuple[int, ...]:
    """Return delays as whole numbers, ascending: at least one, each one once."""
    if not _is_list(delays):
        raise SpecError(f"delays is {delays!r}; a list of whole numbers is needed, such as range(1, 17)")
    collected = tuple(sorted(as_integer("delay", delay) for delay in delays))
    if not collected:
        raise SpecError("delays is empty; offer at least one")
    if len(set(collected)) != len(collected):
        raise SpecError(f"delays are {collected}; offer each one once")
    return collected


def as_flag(name: str, value: object) -> bool:
    """Return True or False as bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise SpecError(f"{name} is {value!r}; True or False is needed")
    return bool(value)


def as_signs(signs: Iterable[int]) -> tuple[int, ...]:
    """Return signs as whole numbers; which ones, and how many, is checked against the spec."""
    if not _is_list(signs):
        raise SpecError(f"signs is {signs!r}; a list of -1, 0 and +1 is needed")
    return tuple(as_integer("sign", sign) for sign in signs)


def as_window(window: Sequence[int]) -> tuple[int, int]:
    """Return the ticks (before, after) of a window as whole numbers from 0."""
    if not _is_list(window):
        raise SpecError(f"window is {window!r}; two whole numbers of ticks are needed, before and after")
    ticks = tuple(as_integer("window", value) for value in window)
    if len(ticks) != 2 or min(ticks) < 0:
        raise SpecError(f"window is {ticks}; two whole numbers of ticks from 0 are needed, before and after")
    return ticks


def _is_list(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def as_integer_or_free(name: str, value: object) -> int | Literal["free"]:
    """Return a whole number as int, or "free"."""
    return FREE if isinstance(value, str) and value == FREE else as_integer(name, value)


def as_hidden(value: object) -> int | Literal["auto"]:
    """Return a number of neurons from 0 as int, or "auto"."""
    if isinstance(value, str) and value == AUTO:
        return AUTO
    try:
        hidden = as_integer("hidden", value)
    except SpecError:
        hidden = -1
    if hidden < 0:
        raise SpecError(f"hidden is {value!r}; a whole number from 0, or {AUTO!r}, is needed")
    return hidden


def as_noise(value: object) -> float:
    """Return a number of LSBs from 0 as float; infinity is one."""
    noise = as_real(value)
    if not noise >= 0.0:
        raise SpecError(f"noise is {value!r}; a number of LSBs from 0 is needed")
    return noise


def as_real(value: object) -> float:
    """Return a number as float, and anything else as NaN."""
    try:
        return float(value) if not isinstance(value, bool) and isinstance(value, Real) else math.nan
    except OverflowError:
        return math.nan
