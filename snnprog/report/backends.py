"""Tables of the runtimes that programs run on, and of what came of checking one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from snnprog.chips import CHIPS
from snnprog.errors import counted
from snnprog.report.divergences import print_divergence
from snnprog.report.tables import GOOD, POOR, print_table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.conformance import Conformance


def print_backends(console: Console, backends: Sequence[Mapping[str, object]]) -> None:
    """Print which backends there are, what they run, and of those that are not ready what to do."""
    rows = [
        [each["name"], each["state"], _chips(each["semantics"]), each["summary"], each["lacks"]] for each in backends
    ]
    print_table(console, "Backends", ("name", "state", "chips", "what runs", "lacks"), rows)
    for each in backends:
        if each["to_do"]:
            console.print(Text(f"{each['name']}: {each['to_do']}"))


def _chips(rules: object) -> str:
    """Return the names of the chips that a list of rules is meant by."""
    named = [chip.name for chip in CHIPS.values() if isinstance(rules, list) and chip.semantics.name in rules]
    return ", ".join(named)


def print_conformance(console: Console, name: str, outcome: Conformance) -> None:
    """Print what ran on a backend and what was left out, and whether all of it came out equal."""
    versions = ", ".join(" ".join(item) for item in outcome.versions.items())
    console.print(f"{name} ran {outcome.golden} golden and {outcome.random} random programs on {versions}")
    for program, reason in outcome.left_out.items():
        console.print(f"golden program {program} is left out: {reason}")
    if outcome.divergence is not None:
        console.print(Text(f"{name} does NOT equal the reference: {outcome.program}", style=POOR))
        print_divergence(console, outcome.divergence)
        return
    counts = f"{counted(outcome.neuron_ticks, 'neuron-tick')} and {counted(outcome.spikes, 'spike')}"
    equal = f"{name} equals the reference: {counts} compared, currents and potentials too, no difference"
    console.print(Text(equal, style=GOOD))
