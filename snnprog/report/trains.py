"""Output spikes for the terminal: when each output fired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from snnprog.arrays import Raster
from snnprog.report.tables import print_table
from snnprog.wording import counted

SHOWN_TRAINS = 40
SHOWN_TICKS = 16


def print_trains(console: Console, rasters: Sequence[Raster], *, backend: str) -> None:
    """Print how often and when each output fired in each pattern, of rasters ``(ticks, outputs)``."""
    trains = [
        (pattern, output, np.flatnonzero(raster[:, output]))
        for pattern, raster in enumerate(rasters)
        for output in range(raster.shape[1])
    ]
    total = counted(sum(len(ticks) for _, _, ticks in trains), "spike")
    rows = [(pattern, output, len(ticks), _listed(ticks.tolist())) for pattern, output, ticks in trains[:SHOWN_TRAINS]]
    title = f"{total} in {counted(len(rasters), 'pattern')}, on {backend}"
    print_table(console, title, ("pattern", "output", "spikes", "at ticks"), rows)
    if len(trains) > SHOWN_TRAINS:
        console.print(f"… and {counted(len(trains) - SHOWN_TRAINS, 'more train')}; --json and -o FILE.csv hold all")


def _listed(ticks: Sequence[int]) -> str:
    more = len(ticks) - SHOWN_TICKS
    return " ".join(map(str, ticks[:SHOWN_TICKS])) + (f" and {more} more" if more > 0 else "")
