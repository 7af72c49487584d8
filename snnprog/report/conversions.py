"""What became of a network that was made elsewhere, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.report.table import Column, Table
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.networks import Change, NirProgram


def print_conversion(console: Console, result: NirProgram) -> None:
    """Print what rounding changed, what else differs, and how the program did on the inputs given."""
    from snnprog.report.terminal import print_line, print_table

    print_table(console, changes_table(result))
    latency = sorted(set(result.network.latency.tolist()))
    ticks = counted(latency[0], "tick") if len(latency) == 1 else f"{' or '.join(map(str, latency))} ticks"
    print_line(
        console,
        f"{counted(result.program.n_neurons, 'neuron')}, {counted(result.program.n_synapses, 'synapse')};"
        f" outputs come {ticks} later than in the graph",
    )
    if result.wrong_bins is not None:
        how = ", after weights were chosen for that" if result.is_repaired else ""
        outcome = f"{counted(result.wrong_bins, 'wrong bin')}" if result.wrong_bins else "the same spikes"
        print_line(console, f"on the inputs given: {outcome} ({counted(result.spikes, 'spike')} of the network){how}")


def changes_table(result: NirProgram) -> Table:
    """Return what rounding changed, and what else differs."""
    return Table(
        "What rounding changed",
        tuple(map(Column, ("number", "how many", "changed", "most", "asked", "got", "difference"))),
        tuple(map(_row, result.changes)),
        notes=tuple(f"note: {note}" for note in result.notes),
    )


def _row(change: Change) -> tuple[object, ...]:
    worst = change.worst
    if worst is None:
        return change.quantity, 0, 0, "", "", "", ""
    asked, got = float(change.asked[worst]), float(change.got[worst])
    return (
        change.quantity,
        change.asked.size,
        change.changed,
        f"{float(change.share[worst]):.3%}",
        f"{asked:.6g}",
        f"{got:.6g}",
        f"{got - asked:.2g}",
    )
