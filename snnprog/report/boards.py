"""The table of a program's resources on FPGA boards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from snnprog.table import Cell, Column, Row, Table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.figures import BoardFigures, Share

COLUMNS = ("board", "of what", "used", "available")
NOT_BUILT = (
    "logic and memory blocks are reported once the folder that 'snnprog export --board' wrote is built and named"
)


def board_table(figures: Sequence[BoardFigures]) -> Table:
    """Return a program's use of each board's core, and the core's use of the device."""
    rows = tuple(row for each in figures for row in _rows(each))
    notes = tuple(f"{each.board}: {_speed(each)}" for each in figures)
    unbuilt = tuple(f"{each.board}: {NOT_BUILT}" for each in figures if each.tools is None)
    return Table("On an FPGA board", tuple(map(Column, COLUMNS)), rows, noun="row", notes=(*notes, *unbuilt))


def _rows(figures: BoardFigures) -> Iterator[Row]:
    where = "core" if figures.cores == 1 else f"{figures.cores} cores"
    for name, share in figures.room.items():
        yield figures.board, f"{where}: {name}", _used(share), share.available
    for name, share in {} if figures.tools is None else figures.tools.parts.items():
        yield figures.board, f"{figures.device}: {name}", _used(share), share.available


def _used(share: Share) -> Cell:
    return Cell(share.used, f"{share.used:,} ({share.used / share.available:.0%})")


def _speed(figures: BoardFigures) -> str:
    most = "" if figures.tools is None else f" (at most {figures.tools.clock_mhz:.1f} MHz)"
    return (
        f"{figures.clock_mhz:.0f} MHz{most}, {figures.silent_ticks_per_s:,} ticks/s without spikes,"
        f" {figures.active_ticks_per_s:,} where 2 % of the lines spike"
    )
