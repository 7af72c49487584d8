"""The report of a compilation for the terminal: the outcome, then neurons, cores, and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from snnprog.report.cores import placement_table
from snnprog.report.neurons import deviations_table, print_neurons, row_of_report
from snnprog.report.terminal import FAIR, GOOD, print_line, print_table
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.compiler import CompileReport, CompileResult


def print_compilation(console: Console, result: CompileResult, *, n_patterns: int) -> None:
    """Print a report: exactness, the neurons, their cores, and the work."""
    report = result.report
    print_line(console, _outcome(report, n_patterns), style=FAIR if report.wrong_bins else f"bold {GOOD}")
    if report.robustness is not None:
        style = f"bold {GOOD}" if report.robustness.holds else FAIR
        print_line(console, str(report.robustness), style=style)
    console.print()
    if report.deviations:
        print_table(console, deviations_table(report.deviations))
        console.print()
    print_neurons(console, list(map(row_of_report, (*report.neurons, *report.hidden))))
    potential, current = report.time_constants
    print_line(console, f"time constants on the chip: potential {potential:.4g}, current {current:.4g} ticks")
    console.print()
    if report.placement is not None:
        print_table(console, placement_table(report.placement))
        console.print()
    if report.ended_by_time:
        print_line(
            console, f"the time limit ended: {', '.join(report.ended_by_time)}; more time may give more", style=FAIR
        )
    if report.warning:
        print_line(console, report.warning, style=FAIR)
        console.print()
    print_line(console, ", ".join(f"{step} {value:.2f} s" for step, value in report.seconds.items()))


def _outcome(report: CompileReport, n_patterns: int) -> str:
    wrong, least = report.wrong_bins, report.at_least
    outcome = (
        f"closest found: {counted(wrong, 'wrong bin')} (at least {least} under exact decays),"
        f" {report.hits} of {counted(report.hits + report.misses, 'target spike')} hit,"
        f" {counted(report.false_alarms, 'false alarm')}"
        if wrong
        else "exact"
    )
    several = "all " if n_patterns > 1 else ""
    hidden = f"{counted(len(report.hidden), 'hidden neuron')}, " if report.hidden else ""
    return f"{outcome} on {several}{counted(n_patterns, 'pattern')}; {hidden}{counted(report.synapses, 'synapse')}"
