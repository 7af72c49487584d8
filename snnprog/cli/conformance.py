"""The text output of ``snnprog backends check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from snnprog.conformance import Conformance


def print_conformance(console: Console, name: str, *, outcome: Conformance) -> None:
    """Print which programs ran on a backend, which were skipped, and whether all results are equal."""
    from snnprog.backends import REFERENCE
    from snnprog.conformance.checking import shows_states
    from snnprog.report.divergences import divergence_table
    from snnprog.report.terminal import GOOD, POOR, print_line, print_table

    judge = "the kernel" if name == REFERENCE else "the reference"
    versions = ", ".join(" ".join(item) for item in outcome.versions.items())
    print_line(console, f"{name} ran {outcome.golden} golden and {outcome.random} random programs on {versions}")
    if outcome.stepped:
        print_line(console, f"{counted(outcome.stepped, 'random program')} ran step by step, too")
    for program, reason in outcome.left_out.items():
        print_line(console, f"golden program {program} is skipped: {reason}")
    if outcome.divergence is not None:
        print_line(console, f"{name} does NOT equal {judge}: {outcome.program}", style=POOR)
        print_table(console, divergence_table(outcome.divergence))
        return
    counts = f"{counted(outcome.neuron_ticks, 'neuron-tick')} and {counted(outcome.spikes, 'spike')}"
    states = "currents and potentials too" if shows_states(name) else "no currents and potentials"
    equal = f"{name} equals {judge}: {counts} compared, {states}, no difference"
    print_line(console, equal, style=GOOD)
