"""The linear map from a group's weights to its potentials on samples, for given spikes.

With the resets known, a neuron's distance to its threshold is linear in its weights, bias and threshold (Rostro-
Gonzalez, Cessac, Vasquez, Viéville 2009, arXiv:0905.4810, section 2; `snnprog.potential`)::

    V[k] - threshold = w · φ[k] + bias β[k] - threshold τ[k]

Here φ has one entry for each trained number, to which all synapses that carry it add, and resets are those of the
trained network. The spikes that arrive may be the trained network's, or those of integers that were fitted before. In
the other ticks of a refractory period the potential is 0 for any weights: these bins are not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.fixed_order import Matrix, gram, times, transposed_times
from snnprog.jit import compiled
from snnprog.networks.calibration.trained import Samples, TrainedLayers
from snnprog.rules.linear import NONE, SUBTRACT, LinearRule

# The weight of a bin's squared error, by its distance from the threshold, in thresholds: 1 / (1 + (distance / NEAR)²).
# Between .2 and 1 the wrong spikes of three nets changed by less than a tenth.
NEAR = 0.5
# A bin whose inputs changed so much that the trained weights themselves miss its potential by this many thresholds
# counts a quarter: no weights repair single wrong spikes, and trying to costs other bins. Measured on a readout at 8
# bits: without it, 1.4 times as many wrong bins as plain rounding; with it, fewer than plain rounding.
REPAIRABLE = 0.1
# For a pruned network, in which the inputs of nearly all bins have changed: no bin counts less.
NO_LIMIT = float("inf")
# Number of MappedBins in a group's quadratic error: more than 10 for each weight, and about a second of work.
MOST_BINS = 1 << 15
# Number of MappedBins nearest to the threshold, by the trained potential, whose spikes are checked.
MOST_NEAR = 1024


@dataclass(frozen=True, eq=False)
class MappedBins:
    """The linear map of a group at some bins of some of its neurons.

    Attributes
    ----------
    rows : (bins, unknowns) float
        φ, then ``-τ``, then β.
    distance : (bins,) float
        Potential minus threshold in the trained network.
    is_spike : (bins,) bool
        Spikes of the trained network.
    importance : (bins,) float
        The weight of a bin's squared error.
    """

    rows: Floats
    distance: Floats
    is_spike: Raster
    importance: Floats

    def some(self, chosen: Int64s) -> MappedBins:
        """Return some of the bins."""
        return MappedBins(self.rows[chosen], self.distance[chosen], self.is_spike[chosen], self.importance[chosen])


@dataclass(frozen=True, eq=False)
class GroupBins:
    """The data of the samples for the fit of one group.

    Attributes
    ----------
    hessian : (unknowns, unknowns) float
        Hessian of half the weighted squared error of the potentials.
    slope : (unknowns,) float
        ``Σ importance distance row``.
    constant : float
        ``Σ importance distance²``.
    near : MappedBins
        Those nearest to the threshold.
    is_silent : (parameters,) bool
        Whether no spike of the samples arrives through a weight.
    """

    hessian: Matrix
    slope: Floats
    constant: float
    near: MappedBins
    is_silent: Raster

    def error(self, real: Floats) -> float:
        """Return the weighted squared error of unknowns in units of the trained weights."""
        quadratic = float((real * times(self.hessian, real)).sum())
        return quadratic - 2.0 * float((real * self.slope).sum()) + self.constant


def group_bins(
    network: TrainedLayers,
    samples: Samples,
    lines: Raster,
    *,
    group: int,
    linear: LinearRule,
    seed: int,
    repairable: float = REPAIRABLE,
) -> GroupBins:
    """Return the data of the samples for one group.

    Parameters
    ----------
    lines : (ticks of all samples, inputs + neurons) bool
        The arriving spikes.
    linear : LinearRule
        Of the group's neurons.
    seed : int
        Seed of the choice of bins if there are too many.
    repairable : float
        The error by changed inputs, in thresholds, from which on a bin counts less.
    """
    neurons = network.members[group]
    parameters = network.parameters_of[group]
    first = int(neurons[0])
    trained = np.concatenate([network.weight[network.first_synapse[parameters]], [network.threshold[first]]])
    trained = np.append(trained, network.bias[first])
    share = max(1, MOST_BINS // neurons.size)
    generator = np.random.default_rng([seed, group])
    hessian, slope, constant = np.zeros((trained.size,) * 2), np.zeros(trained.size), 0.0
    kept: list[MappedBins] = []
    is_silent = np.ones(parameters.size, np.bool_)
    for bins in _bins_of(network, samples, lines, neurons, parameters, trained, linear, repairable):
        is_silent &= ~(bins.rows[:, :-2] != 0).any(axis=0)
        near = np.argsort(np.abs(bins.distance), kind="stable")[:MOST_NEAR]
        kept.append(bins.some(near))
        if bins.distance.size > share:
            bins = bins.some(np.sort(generator.choice(bins.distance.size, share, replace=False)))
        root = np.sqrt(bins.importance)
        upper = np.triu(gram(bins.rows * root[:, None]))
        hessian += upper + np.triu(upper, 1).T
        slope += transposed_times(bins.rows, bins.importance * bins.distance)
        constant += float((bins.importance * bins.distance**2).sum())
    return GroupBins(hessian, slope, constant, _nearest(kept), is_silent)


def _nearest(kept: list[MappedBins]) -> MappedBins:
    together = MappedBins(
        np.concatenate([bins.rows for bins in kept]),
        np.concatenate([bins.distance for bins in kept]),
        np.concatenate([bins.is_spike for bins in kept]),
        np.concatenate([bins.importance for bins in kept]),
    )
    return together.some(np.sort(np.argsort(np.abs(together.distance), kind="stable")[:MOST_NEAR]))


def _bins_of(
    network: TrainedLayers,
    samples: Samples,
    lines: Raster,
    neurons: Int64s,
    parameters: Int64s,
    trained: Floats,
    linear: LinearRule,
    repairable: float,
) -> Iterator[MappedBins]:
    """Yield the bins of one neuron after another."""
    threshold = float(trained[-2])
    for neuron in neurons.tolist():
        synapses = network.synapses_into[neuron]
        spikes = np.concatenate([raster[:, neuron] for raster in samples.spikes])
        rows = neuron_rows(
            lines,
            samples.age,
            slot=np.searchsorted(parameters, network.parameter[synapses]),
            pre=network.pre[synapses],
            delay=network.delay[synapses],
            spikes=spikes,
            n_slots=parameters.size,
            linear=linear,
        )
        distance = np.concatenate([each[:, neuron] for each in samples.potentials]) - threshold
        missed = (times(rows, trained) - distance) / (repairable * threshold)
        importance = 1.0 / (1.0 + (distance / (NEAR * threshold)) ** 2) / (1.0 + missed**2) ** 2
        bins = MappedBins(rows, distance, spikes, importance)
        yield bins if linear.refractory == 1 else bins.some(np.flatnonzero(rows[:, -1] > 0.0))


def neuron_rows(
    lines: Raster,
    age: Int64s,
    *,
    slot: Int64s,
    pre: Int64s,
    delay: Int64s,
    spikes: Raster,
    n_slots: int,
    linear: LinearRule,
) -> Floats:
    """Return φ, -τ and β of one neuron at all ticks, (ticks, n_slots + 2).

    β is 0 where the neuron is held at 0 after a spike, and 1 or more in all other ticks.

    Parameters
    ----------
    lines : (ticks, lines) bool
        The arriving spikes.
    age : (ticks,) int
        Ticks since the start of the sample.
    slot, pre, delay : (synapses,) int
        Of each synapse: the column of φ that it adds to, where it comes from, and its delay.
    spikes : (ticks,) bool
        When the neuron is reset.
    """
    rows = np.zeros((age.size, n_slots + 2))
    shares = float(linear.current), float(linear.potential), float(linear.gain)
    kind = {SUBTRACT: 1, NONE: 2}.get(linear.reset, 0)
    _fill_rows(rows, lines, age, slot, pre, delay, spikes, np.array(shares), kind, linear.refractory)
    return rows


@compiled(nogil=True)
def _fill_rows(
    rows: Floats,
    lines: Raster,
    age: Int64s,
    slot: Int64s,
    pre: Int64s,
    delay: Int64s,
    spikes: Raster,
    shares: Floats,
    kind: int,
    refractory: int,
) -> None:
    alpha, gamma, gain = shares
    n_slots = rows.shape[1] - 2
    current, potential = np.zeros(n_slots), np.zeros(n_slots)
    taken, driven, held = 0.0, 0.0, 0
    for k in range(age.size):
        if age[k] == 0:
            current[:] = 0.0
            potential[:] = 0.0
            taken, driven, held = 0.0, 0.0, 0
        for j in range(n_slots):
            current[j] *= alpha
            potential[j] *= gamma
        for i in range(slot.size):
            if delay[i] <= age[k] and lines[k - delay[i], pre[i]]:
                current[slot[i]] += gain
        if held > 0:
            held -= 1
            rows[k, n_slots] = -1.0
            continue
        taken, driven = gamma * taken, gamma * driven + 1.0
        for j in range(n_slots):
            potential[j] += current[j]
            rows[k, j] = potential[j]
        rows[k, n_slots] = -1.0 - taken
        rows[k, n_slots + 1] = driven
        if spikes[k] and kind == 0:
            potential[:] = 0.0
            driven, held = 0.0, refractory - 1
        if spikes[k] and kind == 1:
            taken += 1.0
