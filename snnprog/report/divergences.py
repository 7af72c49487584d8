"""The first difference of two runs: its place, its origin, its cause, and the spikes that the neuron had received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.table import Table

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.divergence import Divergence


def divergence_table(divergence: Divergence) -> Table:
    """Return a first difference, one row for each thing that is known of it."""
    rows = [("where", f"pattern {divergence.pattern}, tick {divergence.tick}: {divergence.difference}")]
    found = divergence.diagnosis
    if found is not None:
        if (found.tick, found.quantity) != (divergence.tick, divergence.quantity):
            state = f"{found.quantity.removesuffix('s')} of {found.name}"
            rows.append(("begins", f"tick {found.tick}: {state} is {found.found}, expected {found.expected}"))
        rows += [("why", found.reasons)] if found.reasons else []
        rows.append(("input", found.scene))
    title = f"{divergence.sides} first at"
    return Table.plain(title, columns=("", ""), rows=rows)
