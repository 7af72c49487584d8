"""Tables on a terminal in its width; plain text if the output is not a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from snnprog.report.layout import GAP, fitted_widths
from snnprog.table import Cells, Table, is_numeric, text_of

MOST_ROWS = 40  # rows of a table: about a screen
GOOD, FAIR, POOR = "green", "yellow", "bold red"
STYLES = {
    **dict.fromkeys(("certified", "exact", "yes", "ready"), GOOD),
    **dict.fromkeys(("closest", "undecided", "not installed"), FAIR),
    **dict.fromkeys(("inexact", "infeasible", "NO", "broken"), POOR),
}


def print_table(console: Console, table: Table, *, is_whole: bool = False) -> None:
    """Print a table; numbers align right, and words such as "infeasible" have a colour.

    It ends after `MOST_ROWS`, and a line says so, unless the whole is requested.
    """
    most = len(table.rows) if is_whole else MOST_ROWS
    lines = table.texts(most)
    if table.caption:
        print_line(console, table.caption, style="bold")
    widths = fitted_widths(table.headings, lines, width=console.width)
    if widths is None:
        _print_blocks(console, table.headings, lines=lines)
    else:
        console.print(_grid(table.headings, lines, widths=widths))
    omission = table.omission(most)
    for note in (*([f"{omission}; --json lists all"] if omission else []), *table.notes):
        print_line(console, note)


def print_line(console: Console, text: str, *, style: str = "") -> None:
    """Print a text on a line of its own; nothing in it steers the terminal."""
    console.print(Text(text_of(text), style=style))


def _grid(headings: Cells, lines: Sequence[Cells], *, widths: Sequence[int]) -> RichTable:
    grid = RichTable(header_style="bold", box=None, pad_edge=False, show_header=any(headings))
    for index, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        align = "right" if is_numeric(index, lines) else "left"
        grid.add_column(heading, justify=align, width=width, overflow="fold")  # type: ignore[arg-type]
    for line in lines:
        grid.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in line))
    return grid


def _print_blocks(console: Console, headings: Cells, *, lines: Sequence[Cells]) -> None:
    """Print each row as lines of name and value, below its first cell."""
    for line in lines:
        console.print(Text(f"{headings[0]} {line[0]}" if line[0].isdigit() else line[0], style="bold"))
        block = RichTable(show_header=False, box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, cell in zip(headings[1:], line[1:], strict=True):
            if cell:
                block.add_row(f"  {name}", Text(cell, style=STYLES.get(cell, "")))
        console.print(block)
