"""Readouts: the potentials of outputs that are read by their potential."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Bools, Integers
from snnprog.names import Names, name_of, numbered
from snnprog.table import Column, Table
from snnprog.wording import counted

COLUMNS = ("pattern", "output", "last", "largest", "at tick")


def readouts_table(readouts: Sequence[Integers], is_read: Bools, names: Names | None = None) -> Table:
    """Return the last and the largest potential of each output that is read by it, in units of the potential.

    Parameters
    ----------
    readouts : sequence of (ticks, outputs) int
        One per pattern.
    is_read : (outputs,) bool
        Which outputs are read by their potential.
    names : tuple of str, optional
        The names of the outputs.
    """
    rows = []
    for pattern, readout in enumerate(readouts):
        for output in np.flatnonzero(is_read).tolist():
            own = readout[:, output]
            best = int(own.argmax()) if own.size else 0
            values = (int(own[-1]), int(own[best]), best) if own.size else ("", "", "")
            rows.append((pattern, numbered(output, name_of(output, names)), *values))
    title = f"Potentials of {counted(int(is_read.sum()), 'output')} in {counted(len(readouts), 'pattern')}"
    return Table(title, tuple(map(Column, COLUMNS)), tuple(rows), noun="readout")
