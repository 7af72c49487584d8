"""The first difference of two runs: its place, its origin, its cause, and the spikes that the neuron had received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.table import Table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.divergence import Divergence

SPIKES = "spikes"
DOES = {0: "is silent", 1: "spikes"}
SHOULD = {0: "silence", 1: "a spike"}


def divergence_table(divergence: Divergence) -> Table:
    """Return a first difference, one row for each thing that is known of it."""
    rows = [("where", f"pattern {divergence.pattern}, tick {divergence.tick}: {_difference(divergence)}")]
    found = divergence.diagnosis
    if found is not None:
        if (found.tick, found.quantity) != (divergence.tick, divergence.quantity):
            state = f"{found.quantity.removesuffix('s')} of neuron {found.neuron}"
            rows.append(("begins", f"tick {found.tick}: {state} is {found.found}, expected {found.expected}"))
        rows += [("why", found.reasons)] if found.reasons else []
        rows.append(("heard", found.scene))
    title = f"{divergence.backend} differs from {divergence.against} first at"
    return Table.plain(title, columns=("", ""), rows=rows)


def _difference(divergence: Divergence) -> str:
    neuron, found, expected = divergence.neuron, divergence.found, divergence.expected
    if divergence.quantity == SPIKES:
        return f"output {neuron} {DOES.get(found, found)}, expected {SHOULD.get(expected, expected)}"
    whose = "output" if divergence.is_of_output else "neuron"
    return f"{divergence.quantity.removesuffix('s')} of {whose} {neuron} is {found}, expected {expected}"
