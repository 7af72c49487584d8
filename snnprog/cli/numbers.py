"""Numbers on the command line, with errors that state the allowed range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

LONGEST_NUMBER = 18  # digits: any number of a line has fewer


class IntegerOption(click.IntRange):
    """An integer within a range."""

    name = "integer"

    def _describe_range(self) -> str:  # which click's help shows
        return allowed_of(self)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the integer of a text."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value!r} must be an integer {allowed_of(self)}", param, ctx)


class NumberOption(click.FloatRange):
    """A number within a range."""

    name = "number"

    def _describe_range(self) -> str:  # which click's help shows
        return allowed_of(self)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number of a text."""
        try:
            number = float(super().convert(value, param, ctx))
        except click.BadParameter:
            number = math.nan
        if math.isnan(number):  # which no range excludes
            self.fail(f"{value!r} must be a number {allowed_of(self)}", param, ctx)
        return number


def allowed_of(kind: IntegerOption | NumberOption) -> str:
    """Return a range, which has at least one end, in words, as in "from 1 to 256"."""
    least = "" if kind.min is None else f"{'above' if kind.min_open else 'from'} {kind.min:g}"
    most = "" if kind.max is None else f"{'and below' if kind.max_open else 'to'} {kind.max:g}"
    return f"{least} {most}".strip()


class NumberList(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """Numbers with commas between them."""

    name = "numbers"

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.kind = kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | float, ...]:
        """Return the numbers of a text."""
        try:
            return tuple(self.kind(part) for part in str(value).split(","))
        except ValueError:
            numbers = "integers" if self.kind is int else "numbers"
            self.fail(f"{value!r} must be {numbers} with commas between them, such as 4,7", param, ctx)


class LineList(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # as above
    """Numbers or names of lines, with commas between them."""

    name = "lines"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int | str, ...]:
        """Return the numbers and names of a text."""
        parts = [part.strip() for part in str(value).split(",")]
        return tuple(int(part) if part.lstrip("-").isdecimal() else part for part in parts)


def number_or_found(text: str, find: Callable[[str], int]) -> int:
    """Return the number of a line or an output that is given by its number, or by its name, which ``find`` looks up."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else find(text)
