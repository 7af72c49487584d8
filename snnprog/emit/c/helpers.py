"""The functions that emitted C calls: one for each rounding and each end, without undefined behaviour.

C leaves the right shift of a negative number to the implementation, and the left shift of one is undefined. So shifts
go to the right only, of numbers that are 0 or more; compilers make single instructions of `shift_down` all the same.

``split`` functions form no product that is wider than factor and ``2**bits`` together, as `snnprog.rules.operations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from snnprog.emit.c.types import INT64, IntegerType
from snnprog.rules.expressions import Rounding


class Helper(NamedTuple):
    """A function in C: ``{T}`` is the type, ``{U}`` its unsigned form, ``{name}`` that function for the same type."""

    about: str
    parameters: str
    body: str


HELPERS: Mapping[str, Helper] = {
    "shift_down": Helper(
        "value / 2^bits, rounded down",
        "{T} value, int bits",
        "return value >= 0 ? value >> bits : -1 - ((-1 - value) >> bits);",
    ),
    "toward_zero": Helper(
        "value / 2^bits, rounded toward zero",
        "{T} value, int bits",
        "return value >= 0 ? value >> bits : -(-value >> bits);",
    ),
    "away_from_zero": Helper(
        "value / 2^bits, rounded away from zero",
        "{T} value, int bits",
        "return value >= 0 ? -{shift_down}(-value, bits) : {shift_down}(value, bits);",
    ),
    "half_up": Helper(
        "value / 2^bits, rounded to the nearest, halves up",
        "{T} value, int bits",
        "return {shift_down}(value + ((({T})1 << bits) >> 1), bits);",
    ),
    "half_away": Helper(
        "value / 2^bits, rounded to the nearest, halves away from zero",
        "{T} value, int bits",
        "const {T} half = (({T})1 << bits) >> 1;\n"
        "return value >= 0 ? (value + half) >> bits : -((half - value) >> bits);",
    ),
    "half_even": Helper(
        "value / 2^bits, rounded to the nearest, halves to even",
        "{T} value, int bits",
        "const {T} floor = {shift_down}(value, bits);\n"
        "const {T} rest = value - floor * (({T})1 << bits), half = (({T})1 << bits) >> 1;\n"
        "return floor + (rest > half || (rest == half && half > 0 && floor % 2 != 0));",
    ),
    "moving": Helper(
        "value / 2^bits, rounded down, but at least 1 in magnitude unless value is 0",
        "{T} value, int bits",
        "const {T} floor = {shift_down}(value, bits);\nreturn floor != 0 ? floor : (value > 0) - (value < 0);",
    ),
    "split_shift_down": Helper(
        "value * factor / 2^bits, rounded down",
        "{T} value, {T} factor, int bits",
        "const {T} whole = {shift_down}(value, bits), part = value - whole * (({T})1 << bits);\n"
        "return whole * factor + ((part * factor) >> bits);",
    ),
    "split_toward_zero": Helper(
        "value * factor / 2^bits, rounded toward zero: value is whole * 2^bits + part, both of its sign",
        "{T} value, {T} factor, int bits",
        "const {T} whole = value / (({T})1 << bits), part = value % (({T})1 << bits);\n"
        "return whole * factor + part * factor / (({T})1 << bits);",
    ),
    "split_away_from_zero": Helper(
        "value * factor / 2^bits, rounded away from zero",
        "{T} value, {T} factor, int bits",
        "const {T} size = value >= 0 ? value : -value, mask = (({T})1 << bits) - 1;\n"
        "const {T} kept = (size >> bits) * factor + (((size & mask) * factor + mask) >> bits);\n"
        "return value >= 0 ? kept : -kept;",
    ),
    "split_half_up": Helper(
        "value * factor / 2^bits, rounded to the nearest, halves up",
        "{T} value, {T} factor, int bits",
        "const {T} whole = {shift_down}(value, bits), part = value - whole * (({T})1 << bits);\n"
        "return whole * factor + ((part * factor + ((({T})1 << bits) >> 1)) >> bits);",
    ),
    "split_half_away": Helper(
        "value * factor / 2^bits, rounded to the nearest, halves away from zero",
        "{T} value, {T} factor, int bits",
        "return value >= 0 ? {split_half_up}(value, factor, bits) : -{split_half_up}(-value, factor, bits);",
    ),
    "split_half_even": Helper(
        "value * factor / 2^bits, rounded to the nearest, halves to even",
        "{T} value, {T} factor, int bits",
        "const {T} whole = {shift_down}(value, bits), part = value - whole * (({T})1 << bits);\n"
        "const {T} floor = whole * factor + ((part * factor) >> bits);\n"
        "const {T} rest = (part * factor) & ((({T})1 << bits) - 1), half = (({T})1 << bits) >> 1;\n"
        "return floor + (rest > half || (rest == half && half > 0 && floor % 2 != 0));",
    ),
    "split_moving": Helper(
        "value * factor / 2^bits, rounded down, but at least 1 in magnitude unless value * factor is 0",
        "{T} value, {T} factor, int bits",
        "const {T} floor = {split_shift_down}(value, factor, bits);\n"
        "return floor != 0 || factor == 0 ? floor : (value > 0) - (value < 0);",
    ),
    "clip": Helper(
        "value, limited to low ... high",
        "{T} value, {T} low, {T} high",
        "return value < low ? low : value > high ? high : value;",
    ),
    "wrap": Helper(
        "value as a register of mask + 1 values from low on keeps it, where mask + 1 is a power of two",
        "{T} value, {T} low, {T} mask",
        "return low + ({T})((({U})value - ({U})low) & ({U})mask);",
    ),
    "wrap_any": Helper(
        "value as a register of span values from low on keeps it",
        "{T} value, {T} low, {T} span",
        "const {T} rest = (value - low) % span;\nreturn rest < 0 ? low + rest + span : low + rest;",
    ),
    "fold": Helper(
        "value, moved by span once where it is outside low ... high",
        "{T} value, {T} low, {T} high, {T} span",
        "return value > high ? value - span : value < low ? value + span : value;",
    ),
    "least": Helper("the lesser of two", "{T} left, {T} right", "return left < right ? left : right;"),
    "greatest": Helper("the greater of two", "{T} left, {T} right", "return left > right ? left : right;"),
    "divide": Helper(
        "value / by, rounded down, for by >= 1",
        "{T} value, {T} by",
        "return value >= 0 ? value / by : -1 - (-1 - value) / by;",
    ),
    "quotient": Helper(
        "value / by for value >= 0; where nothing comes out, as in most ticks, nothing is divided",
        "{T} value, {T} by",
        "return value < by ? 0 : value / by;",
    ),
}
"""By name; each exists for 32 bits, and with ``_wide`` behind its name for 64."""

ROUNDING_HELPERS: Mapping[Rounding, str] = {
    Rounding.TOWARD_ZERO: "toward_zero",
    Rounding.AWAY_FROM_ZERO: "away_from_zero",
    Rounding.FLOOR: "shift_down",
    Rounding.HALF_UP: "half_up",
    Rounding.HALF_AWAY: "half_away",
    Rounding.HALF_EVEN: "half_even",
    Rounding.MOVING: "moving",
}


class HelperSet:
    """The helpers that a program's code calls.

    Parameters
    ----------
    prefix : str
        Of their names.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._texts: dict[str, str] = {}

    def name(self, helper: str, kind: IntegerType) -> str:
        """Return the name of a helper for a type, which is emitted from then on, after those that it calls."""
        full = f"{self._prefix}_{helper}{'_wide' if kind is INT64 else ''}"
        if full not in self._texts:
            found = HELPERS[helper]
            called = {name: self.name(name, kind) for name in HELPERS if f"{{{name}}}" in found.body}
            words = {"T": kind.name, "U": f"u{kind.name}", **called}
            body = found.body.format_map(words).replace("\n", "\n    ")
            parameters = found.parameters.format_map(words)
            self._texts[full] = (
                f"/* {found.about} */\nstatic inline {kind.name} {full}({parameters})\n{{\n    {body}\n}}\n"
            )
        return full

    @property
    def texts(self) -> list[str]:
        """The definitions, each after those that it calls."""
        return list(self._texts.values())
