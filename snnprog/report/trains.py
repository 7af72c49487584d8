"""Tables of output spikes: the ticks of each output, and the output that each pattern indicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Raster
from snnprog.names import Names, name_of, numbered
from snnprog.table import Column, Table
from snnprog.wording import counted

SHOWN_TICKS = 16
COLUMNS = ("pattern", "output", "spikes", "at ticks")


def trains_table(rasters: Sequence[Raster], *, backend: str, names: Names | None = None) -> Table:
    """Return how often and when each output fired in each pattern, of rasters ``(ticks, outputs)``."""
    rows = []
    for pattern, raster in enumerate(rasters):
        for output in range(raster.shape[1]):
            ticks = np.flatnonzero(raster[:, output]).tolist()
            rows.append((pattern, numbered(output, name_of(output, names)), len(ticks), _listed(ticks)))
    total = counted(sum(int(raster.sum()) for raster in rasters), "spike")
    title = f"{total} in {counted(len(rasters), 'pattern')}, on {backend}"
    return Table(title, tuple(map(Column, COLUMNS)), tuple(rows), noun="train")


def classes_table(classes: Sequence[int], *, backend: str, names: Names | None = None) -> Table:
    """Return the class of each pattern; -1 for none."""
    labels = [numbered(number, name_of(number, names)) if number >= 0 else "none" for number in classes]
    rows = list(enumerate(labels))
    title = f"Classes of {counted(len(classes), 'pattern')}, on {backend}"
    return Table(title, (Column("pattern"), Column("class")), tuple(rows), noun="pattern")


def _listed(ticks: Sequence[int]) -> str:
    more = len(ticks) - SHOWN_TICKS
    return " ".join(map(str, ticks[:SHOWN_TICKS])) + (f" and {more} more" if more > 0 else "")
