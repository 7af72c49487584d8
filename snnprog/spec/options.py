"""The options of a spec: names, defaults and allowed values, each declared once.

`OPTIONS` defines the checks in the constructor of `snnprog.spec.Spec`, the keys of a spec file, the content of a spec's
digest, and the options that the documentation must name. A new option is an entry here and a parameter of `Spec`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from typing import Literal, TypeGuard

import numpy as np

from snnprog.checks import as_flag, as_integer
from snnprog.chips import Chip
from snnprog.chips.chip import LONGEST_DELAY
from snnprog.errors import LimitError, SpecError
from snnprog.spec.robust import Robust, as_robust

FREE: Literal["free"] = "free"
AUTO: Literal["auto"] = "auto"
NO_WINDOW = (0, 0)


@dataclass(frozen=True)
class Option:
    """One option of a spec.

    Attributes
    ----------
    name : str
        The parameter of `Spec`, and the key in a spec file.
    default : object
        The default value.
    parse : callable
        Takes the given value and the chip; returns the value to store, or raises `SpecError` or `LimitError`.
    is_original : bool
        Whether digests have included it from the beginning, with any value; other options are included only if they
        differ from their default, so that older digests stay valid.
    """

    name: str
    default: object
    parse: Callable[[object, Chip], object]
    is_original: bool = False


def as_delays(delays: Iterable[int]) -> tuple[int, ...]:
    """Return delays as integers, ascending; at least one, without duplicates."""
    if not _is_list(delays):
        raise SpecError(f"delays must be a list of integers, such as range(1, 17), got {delays!r}")
    collected = tuple(sorted(as_integer("delay", delay) for delay in islice(delays, LONGEST_DELAY + 1)))
    if not collected:
        raise SpecError("delays must have at least one entry, got none")
    if len(collected) > LONGEST_DELAY:
        raise SpecError(f"delays must have at most {LONGEST_DELAY} entries, got more; no chip has a longer delay")
    if len(set(collected)) != len(collected):
        raise SpecError(f"delays must not repeat, got {collected}")
    return collected


def as_real(value: object) -> float:
    """Return a number as float, anything else as NaN."""
    try:
        return float(value) if not isinstance(value, bool) and isinstance(value, Real) else math.nan
    except OverflowError:
        return math.nan


def _is_list(value: object) -> TypeGuard[Iterable[object]]:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _recurrent(value: object, _: Chip) -> bool:
    return as_flag("recurrent", value)


def _signs(value: object, _: Chip) -> tuple[int, ...] | None:
    """Return signs as integers; how many there must be depends on the patterns."""
    if value is None:
        return None
    if not _is_list(value):
        raise SpecError(f"signs must be a list of -1, 0 and +1, got {value!r}")
    signs = tuple(as_integer("sign", sign) for sign in value)
    for index, sign in enumerate(signs):
        if sign not in (-1, 0, 1):
            raise SpecError(f"signs[{index}] must be -1, 0 or +1, got {sign}")
    return signs


def _integer_or_free(name: str, value: object) -> int | Literal["free"]:
    if isinstance(value, str) and value == FREE:
        return FREE
    try:
        return as_integer(name, value)
    except SpecError as error:
        raise SpecError(f"{name} must be an integer or {FREE!r}, got {value!r}") from error


def _bias(value: object, chip: Chip) -> int | Literal["free"]:
    bias = _integer_or_free("bias", value)
    if bias == FREE:
        return FREE
    if not chip.is_bias(bias):
        chip.check_range("bias", bias, allowed=(-chip.bias_limit, chip.bias_limit))
        raise SpecError(
            f"bias is {bias}; {chip.name} has mantissas to {chip.bias_mantissas[1]} shifted left by"
            f" {chip.bias_exponents[0]} to {chip.bias_exponents[1]}: the nearest is {chip.nearest_bias(bias)}"
        )
    return bias


def _threshold(value: object, chip: Chip) -> int | Literal["free"]:
    threshold = _integer_or_free("threshold", value)
    if threshold == FREE:
        return FREE
    chip.check_range("threshold", threshold, allowed=chip.thresholds)
    return threshold


def _weight_bits(value: object, chip: Chip) -> int | None:
    if value is None:
        return None
    bits = as_integer("weight_bits", value)
    chip.check_range("weight_bits", bits, allowed=(1, chip.weight_bits), hint="the sign is one of the bits")
    return bits


def _weight_limit(value: object, chip: Chip) -> int | None:
    if value is None:
        return None
    limit = as_integer("weight_limit", value)
    chip.check_range("weight_limit", limit, allowed=(1, chip.weight_limit))
    return limit


def _noise(value: object, chip: Chip) -> float:
    noise = as_real(value)
    if not noise >= 0.0:
        raise SpecError(f"noise must be a non-negative number of LSBs, got {value!r}")
    if noise > chip.thresholds[1]:
        raise LimitError("noise", noise, f"0 to {chip.thresholds[1]} on {chip.name}", "no threshold is higher")
    return noise


def _sparse(value: object, _: Chip) -> bool:
    return as_flag("sparse", value)


def _fan_in(value: object, _: Chip) -> int | None:
    if value is None:
        return None
    fan_in = as_integer("fan_in", value)
    if fan_in < 0:
        raise SpecError(f"fan_in must be a non-negative integer or None (no limit), got {fan_in}")
    return fan_in


def _window(value: object, _: Chip) -> tuple[int, int]:
    """Return the ticks (before, after) of a window as non-negative integers."""
    if not _is_list(value):
        raise SpecError(f"window must be two integers, the ticks before and after, got {value!r}")
    ticks = tuple(as_integer("window", each) for each in value)
    if len(ticks) != 2 or min(ticks) < 0:
        raise SpecError(f"window must be two non-negative integers, the ticks before and after, got {ticks}")
    if max(ticks) > LONGEST_WINDOW:
        raise SpecError(f"window must be at most {LONGEST_WINDOW:,} ticks before and after, got {ticks}")
    return ticks


def _hidden(value: object, _: Chip) -> int | Literal["auto"]:
    return AUTO if isinstance(value, str) and value == AUTO else _as_count(value)


def _as_count(value: object) -> int:
    try:
        hidden = as_integer("hidden", value)
    except SpecError:
        hidden = -1
    if hidden < 0:
        raise SpecError(f"hidden must be a non-negative integer or {AUTO!r}, got {value!r}")
    return hidden


def _refractory(value: object, chip: Chip) -> int:
    refractory = as_integer("refractory", value)
    chip.check_range("refractory", refractory, allowed=chip.refractory, hint="in ticks; 1 allows a spike at every tick")
    return refractory


def _robust(value: object, _: Chip) -> Robust | None:
    return as_robust(value)


LONGEST_WINDOW = 1 << 16
"""In ticks: searches try the shifts of a window one by one. A choice: recordings of minutes have so many ticks."""

OPTIONS = (
    Option("recurrent", False, _recurrent, is_original=True),
    Option("threshold", FREE, _threshold, is_original=True),
    Option("bias", 0, _bias, is_original=True),
    Option("signs", None, _signs, is_original=True),
    Option("weight_bits", None, _weight_bits),
    Option("weight_limit", None, _weight_limit),
    Option("noise", 0.0, _noise),
    Option("sparse", False, _sparse),
    Option("fan_in", None, _fan_in),
    Option("window", NO_WINDOW, _window),
    Option("hidden", 0, _hidden),
    Option("refractory", 1, _refractory),
    Option("robust", None, _robust),
)
"""In the order in which they are listed."""
