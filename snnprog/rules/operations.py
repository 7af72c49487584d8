"""The compiled operations that generated code calls: one function for each rounding and each end.

Every function keeps the integer type of its first argument (int32 or int64), because Numba would widen it. A scaling
forms no product that is wider than value and factor together with ``bits``: for ``value = high * 2**bits + low``,
``value * factor / 2**bits = high * factor + low * factor / 2**bits``, and only the last part is rounded. So a scaling
by 12 bits of a 31-bit value stays within 32 bits. `snnprog.rules.interpreter` defines these
functions for arrays; tests compare the two.
"""

from __future__ import annotations

from snnprog.jit import compiled

operation = compiled(nogil=True, error_model="numpy")
"""Compiles a function when it is first called, into the code that calls it."""

inlined = compiled(nogil=True, error_model="numpy", inline="always")
"""As `operation`, for functions of many arrays that inner loops call: the call took longer than the function (measured:
fits with windows run in half the time)."""


@operation
def scale_toward_zero(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded toward zero: down, after ``2**bits - 1`` was added to negatives."""
    kind = type(value)
    mask = kind(kind(kind(1) << kind(bits)) - kind(1))
    more = mask if value < 0 else kind(0)
    low = kind(kind(kind(kind(value & mask) * factor) + more) >> kind(bits))
    return kind(kind(kind(value >> kind(bits)) * factor) + low)


@operation
def scale_away_from_zero(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded away from zero."""
    kind = type(value)
    size, mask = kind(abs(value)), kind(kind(kind(1) << kind(bits)) - kind(1))
    low = kind(kind(kind(kind(size & mask) * factor) + mask) >> kind(bits))
    kept = kind(kind(kind(size >> kind(bits)) * factor) + low)
    return kept if value >= 0 else kind(-kept)


@operation
def scale_floor(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded down."""
    kind = type(value)
    mask = kind(kind(kind(1) << kind(bits)) - kind(1))
    low = kind(kind(kind(value & mask) * factor) >> kind(bits))
    return kind(kind(kind(value >> kind(bits)) * factor) + low)


@operation
def scale_half_up(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded to the nearest, halves up."""
    kind = type(value)
    whole = kind(kind(1) << kind(bits))
    low = kind(kind(kind(kind(value & kind(whole - kind(1))) * factor) + kind(whole >> kind(1))) >> kind(bits))
    return kind(kind(kind(value >> kind(bits)) * factor) + low)


@operation
def scale_half_away(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded to the nearest, halves away from zero."""
    kind = type(value)
    kept = scale_half_up(kind(abs(value)), factor, bits)
    return kept if value >= 0 else kind(-kept)


@operation
def scale_half_even(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded to the nearest, halves to even."""
    kind = type(value)
    whole = kind(kind(1) << kind(bits))
    part = kind(kind(value & kind(whole - kind(1))) * factor)
    floor = kind(kind(kind(value >> kind(bits)) * factor) + kind(part >> kind(bits)))
    rest, half = kind(part & kind(whole - kind(1))), kind(whole >> kind(1))
    is_up = (rest > half) | ((rest == half) & (kind(floor & kind(1)) == 1) & (half > 0))
    return kind(floor + kind(1)) if is_up else floor


@operation
def scale_moving(value: int, factor: int, bits: int) -> int:
    """Return ``value * factor / 2**bits``, rounded down, but at least 1 in magnitude."""
    kind = type(value)
    floor = scale_floor(value, factor, bits)
    if floor != 0 or factor == 0:
        return floor
    return kind(kind(value > 0) - kind(value < 0))


@operation
def clip(value: int, low: int, high: int) -> int:
    """Return the value limited to ``low`` … ``high``."""
    kind = type(value)
    return kind(min(max(value, kind(low)), kind(high)))


@operation
def wrap(value: int, low: int, high: int) -> int:
    """Return the value wrapped around to the other end, repeatedly if necessary."""
    kind = type(value)
    span = kind(kind(high) - kind(low) + kind(1))
    return kind(kind(low) + kind(kind(value - kind(low)) % span))


@operation
def fold(value: int, low: int, high: int) -> int:
    """Return the value wrapped around to the other end once."""
    kind = type(value)
    span = kind(kind(high) - kind(low) + kind(1))
    return kind(value - span) if value > kind(high) else kind(value + span) if value < kind(low) else value


@operation
def floor_divide(value: int, by: int) -> int:
    """Return ``value / by``, rounded down, for ``by`` of 1 or more."""
    kind = type(value)
    return kind(value // by)


@operation
def shift_left(value: int, bits: int) -> int:
    """Return ``value * 2**bits``."""
    kind = type(value)
    return kind(value << kind(bits))
