"""Central pattern generators: self-sustained rhythms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.raster import as_raster, turned
from snnprog.spec import Spec
from snnprog.specs.machines import Row, StateMachine


@call_checked
def pattern_generator(
    rasters: ArrayLike | Sequence[ArrayLike], *, stop: bool = False, chip: str | Chip = "loihi1"
) -> Spec:
    """Return the spec of a central pattern generator: rasters that repeat forever after a start spike.

    There is one input line per raster. Two ticks after its spike the raster begins, and repeats until another line
    spikes, which ends it and starts its own raster (or restarts the same one); no two lines spike together. The first
    outputs are the raster's; the others are phases, one for each tick of each raster, in a ring that carries one spike.

    The spec contains every phase with a spike of every line at it, and at the tick before. These are all possible
    inputs of the neurons; so, by induction over ticks, a program that is exact on it is exact forever.

    Parameters
    ----------
    rasters : (ticks, outputs) bool, or several of them
        One period of each rhythm; all have as many outputs.
    stop : bool
        Whether one more input line, the last, ends all rhythms.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If no raster is given, one is malformed, they are too long, or the chip's neurons have memory.
    """
    periods, stop = as_periods(rasters), as_flag("stop", stop)
    lengths = [len(period) for period in periods]
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    follows = [index + 1 for index in range(sum(lengths))]
    for start, length in zip(starts, lengths, strict=True):
        follows[start + length - 1] = start
    shown = [tuple(row) for row in np.concatenate(periods).tolist()]
    n_outputs, n_lines = len(shown[0]), len(periods) + stop

    def step(row: Row, before: Row) -> Row:
        phase = next((index for index, fired in enumerate(before[n_outputs:]) if fired), None)
        following = None if phase is None else follows[phase]
        if any(row):
            following = starts[row.index(True)] if row.index(True) < len(starts) else None
        outputs = (False,) * n_outputs if phase is None else shown[phase]
        return (*outputs, *(index == following for index in range(len(follows))))

    rows = tuple(tuple(line == spiking for line in range(n_lines)) for spiking in range(-1, n_lines))
    advice = "take shorter or fewer rasters"
    machine = StateMachine("pattern_generator", n_outputs + len(follows), rows, step, advice, find_chip(chip))
    inputs = [f"start {index}" for index in range(len(periods))] + ["stop"] * stop
    outputs = [f"output {index}" for index in range(n_outputs)] + [f"phase {index}" for index in range(len(follows))]
    return replace(machine, input_names=tuple(inputs), output_names=tuple(outputs)).spec()


def as_periods(rasters: ArrayLike | Sequence[ArrayLike]) -> list[Raster]:
    """Return one period of each of some rasters: of one, of several, or of an array ``(rasters, ticks, outputs)``.

    Raises
    ------
    SpecError
        If there is none, one is malformed, or they differ in their outputs.
    """
    several = list(rasters) if isinstance(rasters, np.ndarray) and rasters.ndim == 3 else rasters
    given = several if isinstance(several, Sequence) else [several]
    periods = [as_raster(raster, f"raster {index}") for index, raster in enumerate(given)]
    if not periods:
        raise SpecError("rasters must have at least one entry, got none")
    for index, period in enumerate(periods):
        if period.shape[1] != periods[0].shape[1] or period.shape[1] == 0:
            width = periods[0].shape[1]
            raise SpecError(
                f"raster {index} has {period.shape[1]} outputs, raster 0 has {width};"
                f" give all the same, and at least one{turned(f'raster {index}', period.shape, lines=width)}"
            )
    return periods
