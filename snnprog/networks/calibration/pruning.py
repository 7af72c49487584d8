"""Pruning: remove the synapses that change potentials least, and refit the others.

With H the Hessian of the potentials' squared error in a group's weights, removing weight i and adjusting the others to
compensate costs ``w_i² / [H⁻¹]_ii`` (optimal brain surgeon: Hassibi and Stork 1993). Weights of all groups compete
by that cost, in squared thresholds, for each synapse that carries them. They are removed in rounds, and after each
round the rest are fitted to the trained potentials (Bellec et al. 2018 and Chen et al. 2021, arXiv:2105.04916,
prune while they train; here nothing is trained).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.fixed_order import Cholesky, Matrix, times
from snnprog.networks.calibration.features import group_bins
from snnprog.networks.calibration.trained import Samples, TrainedLayers

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
    if not 0.0 < keep <= 1.0:
        raise SpecError(f"keep must be above 0 and at most 1, got {keep!r}; it is a share of the synapses")
    kept = np.ones(network.n_parameters, np.bool_)
    if keep == 1.0:
        return network, kept
    groups = [_Group.of(network, samples, group, chip=chip, seed=seed) for group in range(len(network.members))]
    synapses = np.bincount(network.parameter)
    weights = network.weight[network.first_synapse].copy()
    for index in range(ROUNDS):
        target = synapses.sum() * keep ** ((index + 1) / ROUNDS)
        costs = np.full(kept.size, np.inf)
        for parameters, group in zip(network.parameters_of, groups, strict=True):
            costs[parameters] = group.costs(weights[parameters], kept[parameters])
        order = np.argsort(costs / synapses, kind="stable")
        left = synapses[kept].sum() - np.cumsum(synapses[order])
        kept[order[(left >= target) & np.isfinite(costs[order])]] = False
        for parameters, group in zip(network.parameters_of, groups, strict=True):
            weights[parameters] = group.refitted(kept[parameters])
    return replace(network, weight=weights[network.parameter]), kept


@dataclass(frozen=True, eq=False)
class _Group:
    """The error of one group's weights in squared thresholds: ``w · hessian w - 2 slope · w``, the ridge included."""

    hessian: Matrix
    slope: Floats

    @classmethod
    def of(cls, network: TrainedLayers, samples: Samples, group: int, *, chip: Chip, seed: int) -> _Group:
        first = int(network.members[group][0])
        trained = np.concatenate([np.concatenate(samples.inputs), np.concatenate(samples.spikes)], axis=1)
        bins = group_bins(network, samples, trained, group=group, linear=network.linear_rule(group, chip), seed=seed)
        weights = network.weight[network.first_synapse[network.parameters_of[group]]]
        fixed = np.array([network.threshold[first], network.bias[first]])
        slope = bins.slope[:-2] - times(bins.hessian[:-2, -2:], fixed)
        hessian = bins.hessian[:-2, :-2].copy()
        diagonal = np.arange(weights.size)
        ridge = RIDGE * (float(hessian[diagonal, diagonal].mean()) if weights.size else 0.0)
        hessian[diagonal, diagonal] += ridge
        square = float(network.threshold[first]) ** 2
        return cls(hessian / square, (slope + ridge * weights) / square)

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
