"""Constant tables of emitted C, in flash; constants and multiples replace them if possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import fill

import numpy as np

from snnprog.arrays import Integers
from snnprog.emit.c.types import IntegerType, type_of, value_type

WIDTH = 116
"""Characters of a line of numbers."""


@dataclass(frozen=True, eq=False)
class Lookup:
    """Numbers that code looks up: how they are written.

    Attributes
    ----------
    name : str
        Of the table; empty if there is none.
    step, first : int
        Where there is none, entry i is ``step * i + first``; ``step`` is never negative.
    low, high : int
        The least and the largest entry.
    """

    name: str
    step: int
    first: int
    low: int
    high: int

    @property
    def is_constant(self) -> bool:
        """Whether all entries are the same number."""
        return not self.name and not self.step

    def at(self, index: str) -> str:
        """Return the text for one entry."""
        if self.name:
            return f"{self.name}[{index}]"
        if not self.step:
            return str(self.first)
        product = (
            index
            if self.step == 1
            else f"{self.step} * {index}"
            if index.isidentifier()
            else f"{self.step} * ({index})"
        )
        return (
            f"{product} + {self.first}" if self.first > 0 else f"{product} - {-self.first}" if self.first else product
        )


@dataclass
class Tables:
    """The tables of a program, in order.

    Attributes
    ----------
    prefix : str
    """

    prefix: str
    _entries: dict[str, tuple[IntegerType, Integers, str]] = field(default_factory=dict)

    def add(self, name: str, values: Integers, *, about: str) -> Lookup:
        """Return how to look numbers up; create a table if they are neither constant nor multiples of the index.

        Parameters
        ----------
        name : str
            Behind the prefix; a number follows where it is taken.
        values : (entries,) integers
        about : str
            The comment.
        """
        low, high = int(np.min(values, initial=0)), int(np.max(values, initial=0))
        if values.size:
            low, high = int(values.min()), int(values.max())
        first = int(values[0]) if values.size else 0
        step = int(values[1]) - first if values.size > 1 else 0
        if step >= 0 and np.array_equal(values, first + step * np.arange(values.size)):
            return Lookup("", step, first, low, high)
        return self.array(name, values, about=about)

    def array(self, name: str, values: Integers, *, about: str, kind: IntegerType | None = None) -> Lookup:
        """Return how to look up any numbers in a table; its type is the narrowest by default."""
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        full, number = f"{self.prefix}_{name}", 2
        while full in self._entries:
            full, number = f"{self.prefix}_{name}_{number}", number + 1
        self._entries[full] = kind or type_of(values), values, about
        return Lookup(full, 0, 0, low, high)

    def numbers(self, name: str, values: Integers, *, about: str) -> Lookup:
        """Return how to look up any numbers for calculations (`value_type`) in a table."""
        kind = value_type(int(values.min(initial=0)), int(values.max(initial=0)))
        return self.array(name, values, about=about, kind=kind)

    def kind_of(self, lookup: Lookup) -> IntegerType:
        """Return the type of a table's entries."""
        return self._entries[lookup.name][0]

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return sum(kind.size * values.size for kind, values, _ in self._entries.values())

    def lines(self) -> Iterator[str]:
        """Yield the definitions."""
        for name, (kind, values, about) in self._entries.items():
            numbers = ", ".join(map(str, values.tolist()))
            body = fill(numbers, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
            yield f"/* {about} */\nstatic const {kind.name} {name}[{values.size}] = {{\n{body}\n}};\n"
