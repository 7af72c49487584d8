"""Tables as values, rendered by the terminal, the page and ``--json``.

::

    placement_table, verification_table, … ──▶ Table ──▶ report.terminal.print_table   a terminal
                                                    ├──▶ report/page/assets/page.html  HTML
                                                    └──▶ Table.records                 JSON

A cell is a plain value. Where people should read something else than programs, as in "3 (1%)", it is a `Cell`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snnprog.wording import counted, printable

NONE = "–"
FULL_FROM, FULL_TO = 1e3, 1e9  # floats from here to there have no decimals; others have four digits

NUMBER_SIGNS = "+-0123456789∞"
MOST_NUMBER_WORDS = 3

Row = tuple[object, ...]
Texts = tuple[str, ...]
Cells = Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A value for programs, and its text for people."""

    value: object
    text: str


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    heading : str or None
        Its name for people, with its unit; None where only programs read it.
    key : str or None
        Its name in JSON; None where only people read it.
    """

    heading: str | None
    key: str | None = None


@dataclass(frozen=True)
class Table:
    """A table with a caption.

    Attributes
    ----------
    caption : str
    columns : tuple of Column
    rows : tuple of tuple
        One value or `Cell` for each column.
    totals : tuple of tuple
        Rows that are shown even where some of the others are not; for people only.
    noun : str
        What one row is, for "12 cores not shown".
    notes : tuple of str
        Sentences to show below.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    totals: tuple[Row, ...] = ()
    noun: str = "row"
    notes: tuple[str, ...] = ()

    @classmethod
    def plain(cls, caption: str, *, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
        """Return a table for people only, of headings and values."""
        return cls(caption, tuple(map(Column, columns)), tuple(map(tuple, rows)))

    @property
    def headings(self) -> Texts:
        """The headings of the columns that people see."""
        return tuple(column.heading for column in self.columns if column.heading is not None)

    def texts(self, most: int | None = None) -> tuple[Texts, ...]:
        """Return what people see: at most so many rows, then the totals."""
        shown = [index for index, column in enumerate(self.columns) if column.heading is not None]
        return tuple(tuple(text_of(row[index]) for index in shown) for row in (*self.rows[:most], *self.totals))

    def omission(self, most: int) -> str:
        """Return how many rows are beyond so many, as a sentence without its full stop; empty where there are none."""
        beyond = len(self.rows) - most
        return f"{counted(beyond, self.noun)} not shown" if beyond > 0 else ""

    def records(self) -> list[dict[str, object]]:
        """Return what programs read: one mapping for each row."""
        keys = [(index, column.key) for index, column in enumerate(self.columns) if column.key is not None]
        return [{key: _value_of(row[index]) for index, key in keys} for row in self.rows]


def text_of(value: object) -> str:
    """Return a value as people read it, on one line and without anything that a terminal obeys."""
    return printable(_plain_text(value), is_one_line=True)


def _plain_text(value: object) -> str:
    if isinstance(value, Cell):
        return value.text
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return _decimal(value) if isinstance(value, float) else str(value)


def checked(is_good: bool) -> Cell:
    """Return the outcome of a check; a failed one stands out."""
    return Cell(is_good, "yes" if is_good else "NO")


def is_numeric(column: int, lines: Sequence[Cells]) -> bool:
    """Whether every cell of a column is short and begins as a number does, such as "3 (1%)"."""
    cells = [line[column] for line in lines]
    return bool(cells) and all(cell[:1] in NUMBER_SIGNS and len(cell.split()) <= MOST_NUMBER_WORDS for cell in cells)


def _value_of(cell: object) -> object:
    return cell.value if isinstance(cell, Cell) else cell


def _decimal(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if FULL_FROM <= abs(value) < FULL_TO else f"{value:.4g}"
