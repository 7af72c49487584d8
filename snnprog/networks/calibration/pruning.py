"""Pruning: remove the synapses that change what is read out least, and refit the others.

With H the Hessian of the potentials' squared error in a group's weights, removing weight i and adjusting the others to
compensate costs ``w_i² / [H⁻¹]_ii`` (optimal brain surgeon: Hassibi and Stork 1993). Weights of all groups compete by
that cost, for each synapse that carries them. In the last stage it is in squared thresholds. Before it, the error of a
group counts as the share of its drive that is lost, times the cost of removing all weights that it sends its spikes
through: so most of a small network's synapses lead to few neurons, and neurons that nothing depends on disappear.

Weights are removed in rounds. After each, the rest are fitted to the trained potentials, stage by stage, on the spikes
that the pruned stages before really send (Bellec et al. 2018 and Chen et al. 2021, arXiv:2105.04916, prune while they
train; here nothing is trained).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.checks import as_number
from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.fixed_order import Cholesky, Matrix, dot, times
from snnprog.networks.calibration.features import NO_LIMIT, group_bins
from snnprog.networks.calibration.fitting import GroupIntegers, integers_of
from snnprog.networks.calibration.grid import plain_grid, precisions_of
from snnprog.networks.calibration.groups import nearest_on, real_group
from snnprog.networks.calibration.stages import NetworkIntegers, run_stage
from snnprog.networks.calibration.trained import Samples, TrainedLayers
from snnprog.networks.neuron import TINY

ROUNDS = 8
"""Number of rounds of pruning; with 16, accuracies on digits were the same within their noise."""

RIDGE = 1e-3
"""Share of the mean curvature that is added to each weight's own: keeps rarely used weights near the trained
ones, and gives weights of silent lines a small cost by their size."""


def pruned(
    network: TrainedLayers, samples: Samples, *, chip: Chip, keep: float, seed: int
) -> tuple[TrainedLayers, Raster]:
    """Return a network with a share of its synapses, refitted, and the weights that it keeps.

    Parameters
    ----------
    samples : Samples
        Samples for the fit.
    keep : float
        The share of the synapses to keep, above 0.
    seed : int
        Of the choice of bins where there are more than are needed.

    Returns
    -------
    network : TrainedLayers
        The weights that are not kept are 0.
    kept : (parameters,) bool

    Raises
    ------
    SpecError
        If the share is not above 0 and at most 1.
    """
    keep = as_kept_share(keep)
    pruning = _Pruning(network, samples, chip=chip, seed=seed)
    if keep < 1.0:
        pruning.refit()
        for index in range(ROUNDS):
            pruning.remove(keep ** ((index + 1) / ROUNDS))
            pruning.refit()
    return pruning.network, pruning.kept


def as_kept_share(keep: object) -> float:
    """Return the share of the synapses to keep as float.

    Raises
    ------
    SpecError
        If it is not above 0 and at most 1.
    """
    share = as_number("keep", keep)
    if not 0.0 < share <= 1.0:
        raise SpecError(f"keep must be above 0 and at most 1, got {keep!r}; it is a share of the synapses")
    return share


class _Pruning:
    """Removes weights, and fits the others, stage by stage.

    Attributes
    ----------
    network : TrainedLayers
        With the weights so far.
    kept : (parameters,) bool
    """

    def __init__(self, network: TrainedLayers, samples: Samples, *, chip: Chip, seed: int) -> None:
        self.network, self.samples, self.chip, self.seed = network, samples, chip, seed
        self.kept = np.ones(network.n_parameters, np.bool_)
        self._trained = np.concatenate([np.concatenate(samples.inputs), np.concatenate(samples.spikes)], axis=1)
        self._weights = network.weight[network.first_synapse]
        self._given = network
        self._arrived: dict[int, Raster] = {}
        self._groups: dict[int, _Group] = {}

    def remove(self, share: float) -> None:
        """Remove the weights that cost least, until a share of the synapses is left."""
        synapses = np.bincount(self.network.parameter)
        costs = self._costs() / synapses
        order = np.argsort(costs, kind="stable")
        left = synapses[self.kept].sum() - np.cumsum(synapses[order])
        self.kept[order[(left >= share * synapses.sum()) & np.isfinite(costs[order])]] = False

    def refit(self) -> None:
        """Fit the weights that are left, stage by stage, on the spikes of earlier ones."""
        network = self.network
        lines = self._trained.copy()
        lines[:, network.n_inputs :] = False
        for stage in range(network.n_stages):
            columns = network.n_inputs + np.flatnonzero(network.stage >= stage)
            arriving = lines.copy()
            arriving[:, columns] = self._trained[:, columns]
            groups = np.flatnonzero(network.stage_of_group == stage).tolist()
            if stage not in self._arrived or not np.array_equal(self._arrived[stage], arriving):
                self._arrived[stage] = arriving
                self._groups |= {group: self._group(group, arriving) for group in groups}
            for group in groups:
                parameters = network.parameters_of[group]
                self._weights[parameters] = self._groups[group].refitted(self.kept[parameters])
            self.network = replace(self._given, weight=self._weights[network.parameter])
            if stage + 1 < network.n_stages:
                own = network.n_inputs + np.flatnonzero(network.stage == stage)
                lines[:, own] = self._spikes(stage, groups, lines)

    def _spikes(self, stage: int, groups: list[int], lines: Raster) -> Raster:
        """Return the spikes of a stage with the weights so far, in the chip's integers of all bits."""
        network = self.network
        precision = precisions_of(self.chip, network.n_stages, bits=None, is_exponent_shared=None)[stage]
        integers: dict[int, GroupIntegers] = {}
        for group in groups:
            real = real_group(network, self.samples, group=group, chip=self.chip)
            grid = plain_grid(real, self.chip, precision)
            values = nearest_on(grid, self.kept[network.parameters_of[group]])
            integers[group] = integers_of(grid, values, real.linear.unit)
        rounded = NetworkIntegers.of(network, integers)
        return run_stage(network, self.chip, rounded, stage=stage, lines=lines, lengths=self.samples.lengths)

    def _group(self, group: int, arriving: Raster) -> _Group:
        return _Group.of(self._given, self.samples, group, arriving=arriving, chip=self.chip, seed=self.seed)

    def _costs(self) -> Floats:
        """Return (parameters,) the cost of removing each weight; infinite for removed ones."""
        network, costs = self.network, np.full(self.kept.size, np.inf)
        sent = np.zeros(network.n_neurons)  # cost of removing all weights that a neuron sends its spikes through
        for stage in range(network.n_stages - 1, -1, -1):
            own = {
                group: self._groups[group].costs(self._weights[parameters], self.kept[parameters])
                for group in np.flatnonzero(network.stage_of_group == stage).tolist()
                for parameters in [network.parameters_of[group]]
            }
            self._weigh(costs, own, sent)
            sent += self._sent(costs, stage, is_within=True)
            self._weigh(costs, own, sent)
            sent += self._sent(costs, stage, is_within=False)
        return costs

    def _weigh(self, costs: Floats, own: Mapping[int, Floats], sent: Floats) -> None:
        """Set the costs of some groups to those in their own error, times what that error costs where it is read."""
        for group, each in own.items():
            neurons, parameters = self.network.members[group], self.network.parameters_of[group]
            weights, kept = self._weights[parameters], self.kept[parameters]
            is_read = np.isin(neurons, self.network.outputs).any()
            drive = max(self._groups[group].drive(weights), TINY)
            costs[parameters[kept]] = each[kept] * (1.0 if is_read else float(sent[neurons].sum()) / drive)

    def _sent(self, costs: Floats, stage: int, *, is_within: bool) -> Floats:
        """Return (neurons,) the cost of the weights into a stage from itself, or else from earlier ones."""
        network = self.network
        synapses = np.flatnonzero((network.stage[network.post] == stage) & self.kept[network.parameter])
        synapses = synapses[network.pre[synapses] >= network.n_inputs]
        sources = network.pre[synapses] - network.n_inputs
        chosen = (network.stage[sources] == stage) == is_within
        sent = np.zeros(network.n_neurons)
        np.add.at(sent, sources[chosen], costs[network.parameter[synapses[chosen]]])
        return sent


@dataclass(frozen=True, eq=False)
class _Group:
    """The error of one group's weights in squared thresholds: ``w · hessian w - 2 slope · w``, the ridge included."""

    hessian: Matrix
    slope: Floats

    @classmethod
    def of(
        cls, network: TrainedLayers, samples: Samples, group: int, *, arriving: Raster, chip: Chip, seed: int
    ) -> _Group:
        first, linear = int(network.members[group][0]), network.linear_rule(group, chip)
        bins = group_bins(network, samples, arriving, group=group, linear=linear, seed=seed, repairable=NO_LIMIT)
        weights = network.weight[network.first_synapse[network.parameters_of[group]]]
        fixed = np.array([network.threshold[first], network.bias[first]])
        slope = bins.slope[:-2] - times(bins.hessian[:-2, -2:], fixed)
        hessian = bins.hessian[:-2, :-2].copy()
        diagonal = np.arange(weights.size)
        ridge = RIDGE * (float(hessian[diagonal, diagonal].mean()) if weights.size else 0.0)
        hessian[diagonal, diagonal] += ridge
        square = float(network.threshold[first]) ** 2
        return cls(hessian / square, (slope + ridge * weights) / square)

    def drive(self, weights: Floats) -> float:
        """Return how much the error rises if all weights are removed."""
        return 2.0 * dot(self.slope, weights) - dot(weights, times(self.hessian, weights))

    def costs(self, weights: Floats, kept: Raster) -> Floats:
        """Return the cost of removing each weight; infinite for removed ones."""
        costs, left = np.full(kept.size, np.inf), np.flatnonzero(kept)
        factor = Cholesky(self.hessian[np.ix_(left, left)])
        for place, index in enumerate(left.tolist()):
            unit = np.zeros(left.size)
            unit[place] = 1.0
            own = factor.solve(unit)[place] if factor.is_found else 1.0 / self.hessian[index, index]
            costs[index] = weights[index] ** 2 / own
        return costs

    def refitted(self, kept: Raster) -> Floats:
        """Return the weights of minimum error, 0 for removed ones."""
        weights, left = np.zeros(kept.size), np.flatnonzero(kept)
        factor = Cholesky(self.hessian[np.ix_(left, left)])
        if left.size and factor.is_found:
            weights[left] = factor.solve(self.slope[left])
        return weights
