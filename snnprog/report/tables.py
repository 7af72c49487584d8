"""Tables for the terminal; plain text where the output is no terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snnprog.report.layout import GAP, Cells, fitted_widths, is_numeric
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here: a table costs no solver's import
    from snnprog.compiler import Deviation
    from snnprog.integers import NeuronReport

Row = Sequence[object]

SHOWN_NEURONS = 40
SHOWN_BINS = 6
MARGIN = "margin (LSB)"
SAME_FOR_ALL = ("exponent", "bias", "portable for")
RANKS = ("certified", "exact")
GOOD, FAIR, POOR = "green", "yellow", "bold red"
STYLES = {
    **dict.fromkeys(("certified", "exact", "yes", "ready"), GOOD),
    **dict.fromkeys(("closest", "undecided", "not installed"), FAIR),
    **dict.fromkeys(("inexact", "infeasible", "NO", "broken"), POOR),
}


def print_table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table in the width that there is; numbers align right, and words such as "infeasible" have a colour."""
    lines = [[plain_text(cell) for cell in row] for row in rows]
    if title:
        console.print(Text(plain_text(title), style="bold"))
    widths = fitted_widths(columns, lines, console.width)
    if widths is None:
        _print_blocks(console, columns, lines)
        return
    table = Table(header_style="bold", box=None, pad_edge=False, show_header=any(columns))
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        align = "right" if is_numeric(index, lines) else "left"
        table.add_column(column, justify=align, width=width, overflow="fold")  # type: ignore[arg-type]
    for line in lines:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in line))
    console.print(table)


def _print_blocks(console: Console, columns: Cells, lines: Sequence[Cells]) -> None:
    """Print each row as lines of name and value, under what its first cell says."""
    for line in lines:
        console.print(Text(f"{columns[0]} {line[0]}" if line[0].isdigit() else line[0], style="bold"))
        block = Table(show_header=False, box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, cell in zip(columns[1:], line[1:], strict=True):
            if cell:
                block.add_row(f"  {name}", Text(cell, style=STYLES.get(cell, "")))
        console.print(block)


def print_neurons(console: Console, neurons: Sequence[NeuronReport]) -> None:
    """Print what became of each output, and of each hidden neuron."""
    rows = [
        {
            "output": neuron.name if neuron.is_hidden else neuron.output,
            "status": neuron.status,
            MARGIN: neuron.margin,
            "synapses": neuron.synapses,
            "exponent": neuron.exponent,
            "threshold": neuron.threshold,
            "bias": neuron.bias,
            "portable for": neuron.portable_for,
        }
        for neuron in neurons
    ]
    print_statuses(console, rows)


def print_statuses(console: Console, rows: Sequence[Mapping[str, object]]) -> None:
    """Print what became of neurons: in all, what is the same for each, and each by itself.

    Where they are many, those are shown that came off worst.
    """
    if not rows:
        return
    same = [name for name in SAME_FOR_ALL if len({plain_text(row[name]) for row in rows}) == 1]
    columns = [name for name in rows[0] if name not in same]
    console.print(Text(_in_all(rows), style="bold"))
    shown = nsmallest(SHOWN_NEURONS, range(len(rows)), key=lambda index: _rank(rows[index]))
    print_table(console, "", columns, [[rows[index][name] for name in columns] for index in sorted(shown)])
    if len(rows) > SHOWN_NEURONS:
        console.print(f"… and {len(rows) - SHOWN_NEURONS} that came off better; --json lists all")
    told = [f"{name} {plain_text(rows[0][name])}" for name in same if plain_text(rows[0][name])]
    if told:
        console.print(f"{'each: ' if len(rows) > 1 else ''}{', '.join(told)}")


def _in_all(rows: Sequence[Mapping[str, object]]) -> str:
    """Return how many neurons there are of each status, and the least margin."""
    counts = Counter(plain_text(row["status"]) for row in rows)
    statuses = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    margins = [margin for row in rows if isinstance(margin := row[MARGIN], float)]
    least = f"; least margin {plain_text(min(margins))} LSB" if margins else ""
    return f"{counted(len(rows), 'neuron')}: {statuses}{least}"


def _rank(row: Mapping[str, object]) -> tuple[int, float]:
    status, margin = plain_text(row["status"]), row[MARGIN]
    rank = len(RANKS) - RANKS.index(status) if status in RANKS else 0
    return rank, margin if isinstance(margin, float) else 0.0


def print_deviations(console: Console, deviations: Sequence[Deviation]) -> None:
    """Print the outputs that differ from their targets, with the first of their wrong bins."""
    columns = ("output", "wrong bins", "distance", "first wrong bins (pattern:tick)")
    rows = []
    for deviation in deviations[:SHOWN_NEURONS]:
        first = ", ".join(f"{pattern}:{tick} {kind}" for pattern, tick, kind in deviation.wrong[:SHOWN_BINS])
        more = len(deviation.wrong) - SHOWN_BINS
        first += f" and {more} more" if more > 0 else ""
        rows.append((deviation.output, len(deviation.wrong), sum(deviation.distances), first))
    if rows:
        print_table(console, "Differences from the targets", columns, rows)
    if len(deviations) > SHOWN_NEURONS:
        console.print(f"… and {counted(len(deviations) - SHOWN_NEURONS, 'more output')}; --json lists all")


def plain_text(cell: object) -> str:
    """Return a cell as text that a terminal does not obey.

    Files come from strangers: what would steer the terminal, or cannot be encoded, is not passed on.
    """
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return "∞" if math.isinf(cell) else f"{cell:.4g}"
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(cell))
