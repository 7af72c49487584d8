"""One neuron under perturbations, before its weights: all its rows in all patterns, and their worst cases.

Weights are ordered as taps are: (delays, lines), or flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.task import Task
from snnprog.robustness.drive import Drive
from snnprog.robustness.perturbation import Perturbation, perturbation_of
from snnprog.robustness.setting import FLOAT_SLACK, LEAST, Setting
from snnprog.robustness.worst import worst_features, worst_potentials, worst_spikes
from snnprog.spec import Robust


@dataclass(frozen=True, eq=False)
class WorstCases:
    """The worst cases of all rows for some weights.

    Attributes
    ----------
    signs : (rows,) float
        +1 where a spike is due, -1 elsewhere.
    reached : (rows,) float
        The potential in the worst case, rounding included, without the bias.
    drives : tuple of Drive
        One per pattern, for these weights.
    """

    signs: Floats
    reached: Floats
    drives: tuple[Drive, ...]


class PerturbedNeuron:
    """A neuron of a task under perturbations.

    Parameters
    ----------
    task : Task
        With the spikes of all lines.
    neuron : int
        Its number in the task.
    raster : (ticks of all patterns,) bool
        Its own spikes.
    robust : Robust

    Attributes
    ----------
    pattern, tick, side : (rows,) int
        Where each row is.
    levels : (rows,) float
        How many thresholds the potential is compared with.
    bias_response : (rows,) float
    """

    def __init__(self, task: Task, neuron: int, *, raster: Raster, robust: Robust) -> None:
        spec, mapping = task.spec, task.mapping
        lines = np.arange(mapping.n_lines)
        is_free = (lines < spec.n_inputs) & ~np.isin(lines, robust.exempt)
        ends = np.cumsum([len(each) for each in task.lines])[:-1]
        is_heard_often = spec.linear_rule.most_spikes > 1 and (neuron < task.n_hidden or spec.recurrent)
        self.task, self.share, self.bias_is_possible = task, float(robust.share), task.box.has_bias
        self.settings = [
            Setting(
                heard,
                spikes,
                is_free=is_free,
                delays=mapping.delays,
                linear=spec.linear_rule,
                robust=robust,
                is_heard_often=is_heard_often,
            )
            for heard, spikes in zip(task.lines, np.split(raster, ends), strict=True)
        ]
        rows = [setting.rows for setting in self.settings]
        self.pattern = np.repeat(np.arange(len(rows)), [each[0].size for each in rows])
        self.tick, self.side, self.levels = (np.concatenate(each) for each in zip(*rows, strict=True))
        self.bias_response = np.concatenate(
            [setting.bias_response[each[0]] for setting, each in zip(self.settings, rows, strict=True)]
        )
        self._rounding = [setting.rounding(is_biased=self.bias_is_possible) for setting in self.settings]

    @cached_property
    def signs(self) -> Floats:
        """(rows,) +1 where a spike is due, -1 elsewhere."""
        return np.where(self.side == LEAST, 1.0, -1.0)

    def ends(self, weights: Floats, *, step: int = 0) -> Floats:
        """Return (2, lines, delays) the least and the greatest of each weight.

        Parameters
        ----------
        weights : (delays, lines) float
            In LSBs.
        step : int
            The LSBs of a mantissa, which changes by whole ones; 0 for real weights.
        """
        error = self.share * np.abs(weights)
        if step:
            error = np.floor(error / step + FLOAT_SLACK) * step  # at most more than the integers' own
        return np.ascontiguousarray(np.stack([weights - error, weights + error]).transpose(0, 2, 1))

    def worst(self, weights: Floats, *, step: int = 0) -> WorstCases:
        """Return the worst cases for weights, as in `ends`."""
        ends, reached, drives = self.ends(weights, step=step), np.empty(self.tick.size), []
        for index, setting in enumerate(self.settings):
            mine, drive = self.pattern == index, setting.drive(ends)
            ticks, sides = self.tick[mine], self.side[mine]
            potential = worst_potentials(drive, ticks, sides)
            reached[mine] = potential + np.where(sides == LEAST, *self._rounding[index][:, ticks])
            drives.append(drive)
        return WorstCases(self.signs, reached, tuple(drives))

    def features(self, cases: WorstCases, rows: Int64s, weights: Floats) -> Floats:
        """Return (rows, taps) what each weight contributes in the worst case of some rows, its own error included."""
        found = np.empty((rows.size, weights.size))
        for index in np.unique(self.pattern[rows]).tolist():
            mine = self.pattern[rows] == index
            at = rows[mine]
            found[mine] = worst_features(cases.drives[index], self.tick[at], self.side[at]).reshape(at.size, -1)
        kept = 1.0 - self.share * self.signs[rows, None] * np.sign(weights.ravel())
        features: Floats = found * kept
        return features

    @cached_property
    def taken(self) -> Floats:
        """(rows,) How far rounding can move the potential to the wrong side, in LSBs."""
        lost = np.empty(self.tick.size)
        for index, rounding in enumerate(self._rounding):
            mine = self.pattern == index
            low, high = rounding[:, self.tick[mine]]
            lost[mine] = np.where(self.side[mine] == LEAST, -low, high)
        return lost

    def perturbation(self, cases: WorstCases, row: int) -> Perturbation:
        """Return the perturbation of a row's worst case."""
        pattern, drive = int(self.pattern[row]), cases.drives[int(self.pattern[row])]
        targets, added = worst_spikes(drive, int(self.tick[row]), int(self.side[row]))
        inputs = self.task.spec.patterns[pattern].inputs
        places = [targets[drive.first[line] : drive.first[line + 1]] for line in range(inputs.shape[1])]
        return perturbation_of(inputs, places, added)

    def is_portable(self, weights: Floats, *, threshold: float, bias: float, step: int) -> bool:
        """Return whether no state can leave the range in which all runtimes agree."""
        ends = self.ends(weights, step=step)
        return all(each.is_portable(ends, threshold=threshold, bias=bias) for each in self.settings)
