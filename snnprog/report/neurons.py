"""The table of a program's neurons: status and integers of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING

from snnprog.names import numbered
from snnprog.table import Column, Table, text_of
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.compiler import Deviation
    from snnprog.integers import NeuronReport

NAME, STATUS, MARGIN = "neuron", "status", "margin (LSB)"
COLUMNS = (NAME, STATUS, MARGIN, "synapses", "exponent", "threshold", "bias", "portable for")
SAME_FOR_ALL = ("exponent", "bias", "portable for")
RANKS = ("certified", "exact")
SHOWN_BINS = 6
"""Wrong bins that a line names; it counts the others, and --json lists all."""


@dataclass(frozen=True)
class NeuronRow:
    """One neuron, by the columns of the table; its values may come from an untrusted file, with any type."""

    name: str
    status: str
    margin: object
    synapses: object
    exponent: object
    threshold: object
    bias: object
    portable_for: object


def row_of_report(neuron: NeuronReport) -> NeuronRow:
    """Return the row of a neuron that was compiled."""
    return NeuronRow(
        name=neuron.name,
        status=neuron.status,
        margin=neuron.margin,
        synapses=neuron.synapses,
        exponent=neuron.exponent,
        threshold=neuron.threshold,
        bias=neuron.bias,
        portable_for=neuron.portable_for,
    )


def neurons_table(neurons: Sequence[NeuronRow]) -> Table:
    """Return one row for each neuron."""
    return Table("", tuple(map(Column, COLUMNS)), tuple(map(astuple, neurons)), noun=NAME)


def print_neurons(console: Console, neurons: Sequence[NeuronRow]) -> None:
    """Print the results of neurons: totals, each neuron, and the common values.

    Where they are many, those with the worst status and the least margin are shown.
    """
    from snnprog.report.terminal import MOST_ROWS, print_line, print_table

    if not neurons:
        return
    table = neurons_table(neurons)
    same = [index for index, name in enumerate(COLUMNS) if name in SAME_FOR_ALL and _is_same(table, index)]
    kept = [index for index in range(len(COLUMNS)) if index not in same]
    shown = sorted(nsmallest(MOST_ROWS, range(len(neurons)), key=lambda index: _rank(neurons[index])))
    rows = [[table.rows[row][index] for index in kept] for row in shown]
    print_line(console, _in_all(neurons), style="bold")
    print_table(console, Table.plain("", columns=[COLUMNS[index] for index in kept], rows=rows))
    if len(neurons) > len(shown):
        print_line(console, f"{counted(len(neurons) - len(shown), 'better neuron')} not shown; --json lists all")
    shared = [f"{COLUMNS[index]} {text}" for index in same if (text := text_of(table.rows[0][index]))]
    if shared:
        print_line(console, f"{'each: ' if len(neurons) > 1 else ''}{', '.join(shared)}")


def _is_same(table: Table, column: int) -> bool:
    return len({text_of(row[column]) for row in table.rows}) == 1


def _in_all(neurons: Sequence[NeuronRow]) -> str:
    """Return how many neurons there are of each status, and the least margin."""
    counts = Counter(text_of(neuron.status) for neuron in neurons)
    statuses = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    margins = [neuron.margin for neuron in neurons if isinstance(neuron.margin, float)]
    least = f"; least margin {text_of(min(margins))} LSB" if margins else ""
    return f"{counted(len(neurons), NAME)}: {statuses}{least}"


def _rank(neuron: NeuronRow) -> tuple[int, float]:
    rank = len(RANKS) - RANKS.index(neuron.status) if neuron.status in RANKS else 0
    return rank, neuron.margin if isinstance(neuron.margin, float) else 0.0


def deviations_table(deviations: Sequence[Deviation]) -> Table:
    """Return the outputs that differ from their targets, with the first of their wrong bins."""
    columns = ("output", "wrong bins", "distance", "first wrong bins (pattern:tick)")
    rows = tuple(
        (numbered(each.output, each.label), len(each.wrong), sum(each.distances), _first_wrong(each))
        for each in deviations
    )
    return Table("Differences from the targets", tuple(map(Column, columns)), rows, noun="output")


def _first_wrong(deviation: Deviation) -> str:
    first = ", ".join(f"{pattern}:{tick} {kind}" for pattern, tick, kind in deviation.wrong[:SHOWN_BINS])
    more = len(deviation.wrong) - SHOWN_BINS
    return f"{first} and {more} more" if more > 0 else first
