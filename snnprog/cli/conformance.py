"""What ``snnprog backends check`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from snnprog.conformance import Conformance


def print_conformance(console: Console, name: str, outcome: Conformance) -> None:
    """Print what ran on a backend and what was left out, and whether all of it came out equal."""
    from rich.text import Text

    from snnprog.backends import REFERENCE
    from snnprog.report.divergences import print_divergence
    from snnprog.report.tables import GOOD, POOR

    judge = "the kernel" if name == REFERENCE else "the reference"
    versions = ", ".join(" ".join(item) for item in outcome.versions.items())
    console.print(f"{name} ran {outcome.golden} golden and {outcome.random} random programs on {versions}")
    for program, reason in outcome.left_out.items():
        console.print(f"golden program {program} is left out: {reason}")
    if outcome.divergence is not None:
        console.print(Text(f"{name} does NOT equal {judge}: {outcome.program}", style=POOR))
        print_divergence(console, outcome.divergence)
        return
    counts = f"{counted(outcome.neuron_ticks, 'neuron-tick')} and {counted(outcome.spikes, 'spike')}"
    equal = f"{name} equals {judge}: {counts} compared, currents and potentials too, no difference"
    console.print(Text(equal, style=GOOD))
