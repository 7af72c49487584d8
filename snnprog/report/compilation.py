"""What compiling did, for the terminal: the outcome first, then each neuron, the cores, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from snnprog.report.cores import print_placement
from snnprog.report.tables import FAIR, GOOD, print_deviations, print_neurons
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.compiler import CompileReport, CompileResult


def print_compilation(console: Console, result: CompileResult, *, n_patterns: int) -> None:
    """Print a report: whether all is exact, what became of the neurons, on which cores they go, and what it took."""
    report = result.report
    console.print(Text(_outcome(report, n_patterns), style=FAIR if report.wrong_bins else f"bold {GOOD}"))
    console.print()
    if report.deviations:
        print_deviations(console, report.deviations)
        console.print()
    print_neurons(console, (*report.neurons, *report.hidden))
    potential, current = report.time_constants
    console.print(f"time constants on the chip: potential {potential:.4g}, current {current:.4g} ticks")
    console.print()
    if report.placement is not None:
        print_placement(console, report.placement)
        console.print()
    console.print(", ".join(f"{step} {value:.2f} s" for step, value in report.seconds.items()))


def _outcome(report: CompileReport, n_patterns: int) -> str:
    wrong, least = report.wrong_bins, report.at_least
    outcome = f"closest found: {counted(wrong, 'wrong bin')} (at least {least} in any case)" if wrong else "exact"
    several = "all " if n_patterns > 1 else ""
    hidden = f"{counted(len(report.hidden), 'hidden neuron')}, " if report.hidden else ""
    return f"{outcome} on {several}{counted(n_patterns, 'pattern')}; {hidden}{counted(report.synapses, 'synapse')}"
