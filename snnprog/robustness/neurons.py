"""The neurons of a program under perturbed inputs: how far each stays on the right side of its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.program import Program
from snnprog.robustness.drive import Drive
from snnprog.robustness.setting import FLOAT_SLACK, GREATEST, LEAST, Setting
from snnprog.robustness.worst import worst_potentials, worst_spikes
from snnprog.spec import Robust


@dataclass(frozen=True, eq=False)
class Fibres:
    """What reaches one neuron: its lines, and the range of each weight under error.

    Attributes
    ----------
    lines : (lines,) int
        Inputs, then neurons, by their number among the program's lines.
    delays : (delays,) int
    weights : (2, lines, delays) float
        The least and the greatest sum of the synapses of a line with a delay, in LSBs.
    """

    lines: Int64s
    delays: Int64s
    weights: Floats


@dataclass(frozen=True, eq=False)
class NeuronRows:
    """The rows of one neuron in one pattern.

    Attributes
    ----------
    ticks, sides : (rows,) int
        Side 0 (the least potential counts) where a spike is due, 1 (the greatest) where a silence is.
    rooms : (rows,) float
        How far the worst potential stays on the right side, in LSBs; where it is 0 or more, the row holds.
    """

    ticks: Int64s
    sides: Int64s
    rooms: Floats


def weight_errors(program: Program, robust: Robust) -> Int64s:
    """Return (synapses,) the most that each mantissa may change."""
    values, index = np.unique(program.weight, return_inverse=True)
    return np.array([int(abs(value) * robust.share) for value in values.tolist()], np.int64)[index]


def fibres_of(program: Program, neuron: int, robust: Robust) -> Fibres:
    """Return what reaches a neuron of a program."""
    chosen = program.post == neuron
    mantissas, error = program.weight[chosen].astype(np.int64), weight_errors(program, robust)[chosen]
    lines, line = np.unique(program.pre[chosen], return_inverse=True)
    delays, slot = np.unique(program.delay[chosen], return_inverse=True)
    weights = np.zeros((2, lines.size, max(delays.size, 1)))
    shift = program.exponent[chosen].astype(np.int64)
    for side, sign in ((LEAST, -1), (GREATEST, 1)):
        np.add.at(weights[side], (line, slot), (mantissas + sign * error) << shift)
    return Fibres(lines.astype(np.int64), (delays if delays.size else np.ones(1)).astype(np.int64), weights)


class DrivenNeuron:
    """One neuron of a program in one pattern.

    Parameters
    ----------
    program : Program
    neuron : int
    fibres : Fibres
        Of the neuron.
    rasters : (ticks, lines) bool
        The spikes of all lines of the program, and those of the neuron itself among them.
    robust : Robust
        What is perturbed.
    """

    def __init__(self, program: Program, neuron: int, *, fibres: Fibres, rasters: Raster, robust: Robust) -> None:
        self.program, self.neuron, self.fibres, self._rasters = program, neuron, fibres, rasters
        self.linear = program.chip.linear_rule(
            int(program.current_decay[neuron]), int(program.potential_decay[neuron]), int(program.refractory[neuron])
        )
        self.threshold = float(program.threshold[neuron])
        self.bias = float(program.bias[neuron]) / program.chip.unit
        lines = fibres.lines
        self.setting = Setting(
            rasters[:, lines],
            rasters[:, program.n_inputs + neuron],
            is_free=(lines < program.n_inputs) & ~np.isin(lines, robust.exempt),
            delays=fibres.delays,
            linear=self.linear,
            robust=robust,
            is_heard_often=self.linear.most_spikes > 1 and neuron not in program.outputs,
        )

    @cached_property
    def drive(self) -> Drive:
        """What drives it."""
        return self.setting.drive(self.fibres.weights)

    @cached_property
    def rows(self) -> NeuronRows:
        """All rows of the neuron: each tick at which it is not refractory."""
        unit = self.program.chip.unit
        ticks, sides, levels = self.setting.rows
        excess = (self._farthest(ticks, sides) - levels * self.threshold) * unit
        slack, equal = FLOAT_SLACK * unit, self.linear.is_equal_a_spike
        below = np.ceil(excess - slack) - 1 + equal
        above = -np.floor(excess + slack) - equal
        return NeuronRows(ticks, sides, np.where(sides == LEAST, below, above) / unit)

    @property
    def band(self) -> Int64s:
        """(2, ticks) The least and the greatest potential before the reset over all perturbations, in the chip's units.

        Bounds on rounding are included, so no run is outside for as long as every neuron spikes as in the rasters.
        """
        unit, setting = self.program.chip.unit, self.setting
        ticks = np.arange(setting.ticks, dtype=np.int64)
        taken = (setting.resets.threshold_response - 1.0) * self.threshold
        least, greatest = (
            (self._farthest(ticks, np.full_like(ticks, side)) - taken) * unit for side in (LEAST, GREATEST)
        )
        ends = np.stack([np.ceil(least - FLOAT_SLACK * unit), np.floor(greatest + FLOAT_SLACK * unit)])
        return np.where(setting.resets.is_held, 0, ends).astype(np.int64)

    def _farthest(self, ticks: Int64s, sides: Int64s) -> Floats:
        """Return (rows,) the least or greatest potential at each tick, without subtracted thresholds, in LSBs."""
        setting = self.setting
        potential = worst_potentials(self.drive, ticks, sides) + self.bias * setting.bias_response[ticks]
        rounding = setting.rounding(is_biased=self.bias != 0.0)[:, ticks]
        farthest: Floats = potential + np.where(sides == LEAST, *rounding)
        return farthest

    def worst_case(self, tick: int, side: int) -> tuple[list[Int64s], Int64s]:
        """Return where the spikes of each input go in the worst case of a row, and those that are added."""
        targets, added = worst_spikes(self.drive, tick, side)
        first, lines = self.drive.first, self.fibres.lines
        places = [np.flatnonzero(self._rasters[:, line]) for line in range(self.program.n_inputs)]
        for index, line in enumerate(lines.tolist()):
            if line < self.program.n_inputs:
                places[line] = targets[first[index] : first[index + 1]]
        return places, np.stack([lines[added[:, 0]], added[:, 1]], axis=1)

    @property
    def is_portable(self) -> bool:
        """Whether no state can leave the range in which all runtimes agree, under any perturbation."""
        return self.setting.is_portable(self.fibres.weights, threshold=self.threshold, bias=self.bias)


def neurons_that_count(program: Program, counted: Sequence[int]) -> list[int]:
    """Return the neurons that some outputs, by their number, depend on: themselves, and all that reach them."""
    pre, post, first = program.pre, program.post, program.n_inputs
    wanted = {int(program.outputs[output]) for output in counted}
    waiting = list(wanted)
    while waiting:
        feeding = pre[(post == waiting.pop()) & (pre >= first)] - first
        new = set(feeding.tolist()) - wanted
        wanted |= new
        waiting += sorted(new)
    return sorted(wanted)
