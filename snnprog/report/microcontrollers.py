"""The table of a program's resources on microcontrollers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from snnprog.table import Column, Table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.figures import MicrocontrollerFigures, TickInstructions

NOT_COUNTED = "not counted"
COLUMNS = (
    "processor",
    "flash (bytes)",
    "RAM (bytes)",
    "instructions, quiet tick",
    "active tick",
    "longest active tick",
    "compiled by",
)


def microcontroller_table(figures: Sequence[MicrocontrollerFigures]) -> Table:
    """Return a program's use of each microcontroller."""
    notes = tuple(f"{each.target}: {each.counted_by}" for each in figures)
    rows = tuple(map(_row, figures))
    return Table("As C on a microcontroller", tuple(map(Column, COLUMNS)), rows, noun="processor", notes=notes)


def _row(figures: MicrocontrollerFigures) -> tuple[object, ...]:
    quiet, active = figures.quiet, figures.active
    return (
        figures.target,
        figures.flash_bytes,
        figures.ram_bytes,
        _mean(quiet),
        _mean(active),
        NOT_COUNTED if active is None else active.most,
        figures.compiler,
    )


def _mean(counted: TickInstructions | None) -> object:
    return NOT_COUNTED if counted is None else counted.mean
