"""Balanced layers → spiking network: integrate-and-fire neurons, constant drives, and one tick from layer to layer.

A sample lasts ``ticks`` ticks. An input's spike of tick t reaches the first layer at t + 1, and so on: layer l works
from tick l to ``ticks - 1 + l``. A chip's bias acts from tick 0, so the constant of a layer is spread over
``ticks + l`` ticks. Half a threshold is added to it over the same time: a neuron's count is then its sum rounded to
the nearest, and not down (as with potentials that start at half the threshold: Bu et al. 2022, "Optimal ANN-SNN
conversion").

Where the chip subtracts the threshold, ``|count · threshold - sum| ≤ threshold`` for every neuron that is driven to no
more than one spike per tick. Where it resets to 0, each spike loses what was above the threshold. Two things keep that
small: high thresholds, at which one tick adds little (`LOSING_RATE`), and thresholds lowered by a factor for each
layer, which is fitted on data: it makes counts nearest to those wanted (least squares).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.conversion.ann import INPUT, Ann
from snnprog.conversion.balancing import Balance
from snnprog.conversion.integrator import Integrator
from snnprog.fixed_order import sum_of_products
from snnprog.networks.convention import AT_LEAST
from snnprog.networks.network import Connection, Population, TrainedNetwork
from snnprog.networks.weights import Kernel, Matrix, Weights

FACTORS = np.arange(16, 34) / 32
"""Thresholds tried where spikes are reset to 0, as shares of the balanced ones."""

LEAST_FACTOR = float(FACTORS[0])

LOSING_RATE, FALL = 2.8, 0.5**0.5
"""Where spikes are reset to 0, a neuron of the percentile's activation has the rate ``LOSING_RATE / sqrt(ticks)`` in
the middle layer, and `FALL` of the rate of the layer before. Fewer spikes count coarsely, more lose more; and a spike
that comes from a slower layer is a larger step. On digits, 8 networks of two hidden layers at 128 ticks, these lost .13
points; one rate for all lost .21, rates that halve .17, and rates of 1 in the first layer .6."""

LEAST_SPIKES = 0.25
"""A neuron with fewer spikes on all samples stays silent: half a spike would be one, and others are excluded."""

FIT_SAMPLES = 128
"""Samples that thresholds are fitted on: one number is fitted for each layer. A choice."""

FIT_ELEMENTS = 1 << 22
"""Factors times neurons times samples that are run at once: a choice, some 100 MB."""


@dataclass(frozen=True, eq=False)
class Timing:
    """When a network's layers work.

    Attributes
    ----------
    ticks : int
        That a sample lasts.
    depths : dict of str to int
        Of the input, 0, and of each layer: the ticks by which it is late.
    lag : int
        Further ticks for each layer, where currents outlast their spikes.
    """

    ticks: int
    depths: dict[str, int]
    lag: int = 0

    @property
    def total(self) -> int:
        """Ticks until the outputs have heard all."""
        return self.ticks + max(self.depths.values()) * (1 + self.lag)


def timing_of(ann: Ann, integrator: Integrator, ticks: int) -> Timing:
    """Return when the layers of a network work."""
    depths = {INPUT: 0}
    for layer in ann.layers:
        depths[layer.name] = 1 + max(depths[source] for source in layer.parts)
    return Timing(ticks, depths, lag=2 if integrator.current_kept > 0.0 else 0)


def rates_of(integrator: Integrator, timing: Timing) -> dict[str, float]:
    """Return for each layer the spikes per tick of a neuron whose activation is at the percentile."""
    layers = {name: depth for name, depth in timing.depths.items() if depth > 0}
    if integrator.is_subtracting:
        return dict.fromkeys(layers, 1.0)
    middle = (1 + max(layers.values())) / 2
    return {
        name: min(1.0, LOSING_RATE / timing.ticks**0.5 * FALL ** (depth - middle)) for name, depth in layers.items()
    }


@dataclass(frozen=True, eq=False)
class SpikingLayer:
    """A layer in spikes.

    Attributes
    ----------
    balance : Balance
    threshold : (neurons,) float
    drive : (neurons,) float
        What is added in each tick.
    is_lasting : bool
        Whether one spike of a source drives it from then on.
    """

    balance: Balance
    threshold: Floats
    drive: Floats
    is_lasting: bool


def layer_of(balance: Balance, timing: Timing, *, is_lasting: bool, peak: Floats) -> SpikingLayer:
    """Return a layer whose thresholds are its units.

    Neurons that no input brings to their thresholds have no synapses; nor have those whose greatest activation on the
    data, ``peak``, is less than a quarter of a spike.
    """
    layer = balance.layer
    constant = (layer.constant + balance.offset) * timing.ticks + balance.unit / 2
    highest = constant + timing.total * sum(_upward(weights) for weights in layer.parts.values())
    can_spike = (highest >= balance.unit * LEAST_FACTOR) & (peak * timing.ticks >= LEAST_SPIKES * balance.unit)
    for weights in layer.parts.values():
        if isinstance(weights, Kernel):  # a channel has one set of weights
            places = can_spike.reshape(weights.geometry.channels[1], -1)
            can_spike = np.repeat(places.any(axis=1), places.shape[1])
    parts = {source: weights.scaled(can_spike.astype(np.float64)) for source, weights in layer.parts.items()}
    kept = layer if can_spike.all() else replace(layer, parts=parts)
    drive = np.where(can_spike, constant / (timing.ticks + timing.depths[layer.name]), 0.0)
    return SpikingLayer(replace(balance, layer=kept), balance.unit, drive, is_lasting)


def _upward(weights: Weights) -> Floats:
    """Return the sum of the positive weights of each target."""
    matrix = weights.matrix
    target = np.repeat(np.arange(weights.n_targets), np.diff(matrix.indptr))
    sums: Floats = np.bincount(target, weights=np.maximum(matrix.data, 0.0), minlength=weights.n_targets).astype(float)
    return sums


def with_fitted_thresholds(
    layers: Sequence[SpikingLayer],
    integrator: Integrator,
    timing: Timing,
    *,
    rasters: Sequence[Raster],
    activations: dict[str, Floats],
) -> list[SpikingLayer]:
    """Return layers with thresholds at which counts come nearest to activations, layer after layer.

    Parameters
    ----------
    rasters : sequence of (ticks, inputs) bool
        Of as many samples as there are activations.
    activations : dict of str to (neurons, samples) float
    """
    most = max(layer.threshold.size for layer in layers)
    samples = max(1, min(len(rasters), FIT_SAMPLES, FIT_ELEMENTS // (FACTORS.size * most)))
    spikes = {INPUT: np.stack([*rasters[:samples]], axis=2)}
    found = []
    for layer in layers:
        balance, name = layer.balance, layer.balance.layer.name
        rates = np.maximum(activations[name][:, :samples] + balance.offset, 0.0) / balance.unit[:, None]
        wanted = rates * timing.ticks
        counts = _run(layer, integrator, timing, spikes, FACTORS)[0]
        errors = [sum_of_products(each.ravel(), each.ravel()) for each in counts - wanted]
        factor = FACTORS[int(np.argmin(errors))]
        found.append(replace(layer, threshold=layer.threshold * factor))
        spikes[name] = _run(layer, integrator, timing, spikes, np.array([factor]))[1]
    return found


def _run(
    layer: SpikingLayer, integrator: Integrator, timing: Timing, spikes: dict[str, Raster], factors: Floats
) -> tuple[Floats, Raster]:
    """Run a layer whose neurons are reset to 0, with several thresholds side by side.

    Returns
    -------
    counts : (factors, neurons, samples) float
        Of spikes within the time of the layer.
    spikes : (ticks, neurons, samples) bool
        With the first of the thresholds.
    """
    own, kept = layer.balance.layer, _current_kept(layer, integrator)
    wires = [(_matrix(layer, weights, integrator, timing), source) for source, weights in own.parts.items()]
    depth, samples = timing.depths[own.name], next(iter(spikes.values())).shape[2]
    threshold = factors[:, None, None] * layer.threshold[:, None]
    counts, potential = np.zeros((2, factors.size, own.size, samples))
    current: Floats = np.zeros((own.size, samples))
    sent = np.zeros((timing.total, own.size, samples), np.bool_)
    for tick in range(timing.total):
        current = kept * current
        for matrix, source in wires:
            delay = depth - timing.depths[source]
            if tick >= delay:
                current = current + matrix @ spikes[source][tick - delay].astype(np.float64)
        potential = integrator.potential_kept * potential + (current + layer.drive[:, None])
        fired = potential >= threshold if integrator.convention.compare == AT_LEAST else potential > threshold
        potential = np.where(fired, 0.0, potential)
        counts += fired * (tick < timing.ticks + depth)
        sent[tick] = fired[0]
    return counts, sent


def _current_kept(layer: SpikingLayer, integrator: Integrator) -> float:
    return integrator.lasting_current_kept if layer.is_lasting else integrator.current_kept


def _gain(layer: SpikingLayer, integrator: Integrator, timing: Timing) -> float:
    """Return the factor that makes a spike's whole effect its weight; where it lasts, for one of the first tick."""
    kept = _current_kept(layer, integrator)
    if not layer.is_lasting:
        return 1.0 - kept
    effect = 0.0
    for _ in range(timing.ticks):
        effect = effect * kept + 1.0
    return timing.ticks / effect


def _matrix(layer: SpikingLayer, weights: Weights, integrator: Integrator, timing: Timing) -> csr_array:
    return csr_array(weights.matrix * _gain(layer, integrator, timing))


# ---------------------------------------------------------------- the network


def network_of(ann: Ann, layers: Sequence[SpikingLayer], *, integrator: Integrator, timing: Timing) -> TrainedNetwork:
    """Return the spiking network of layers."""
    populations = tuple(_population(layer, integrator) for layer in layers)
    connections = tuple(
        Connection(
            source,
            layer.balance.layer.name,
            timing.depths[layer.balance.layer.name] - timing.depths[source],
            float(timing.depths[layer.balance.layer.name] - timing.depths[source]),
            _weights(layer, weights, _gain(layer, integrator, timing)),
        )
        for layer in layers
        for source, weights in layer.balance.layer.parts.items()
    )
    first = sum(population.size for population in populations[:-1])
    outputs: Int64s = np.arange(first, first + populations[-1].size)
    return TrainedNetwork(
        name=ann.name,
        dt_ms=1.0,
        convention=integrator.convention,
        inputs={INPUT: ann.input_shape},
        populations=populations,
        connections=connections,
        outputs=outputs,
        latency=np.full(outputs.size, timing.depths[ann.output.name]),
    )


def _population(layer: SpikingLayer, integrator: Integrator) -> Population:
    own, ones = layer.balance.layer, np.ones(layer.threshold.size)
    return Population(
        name=own.name,
        shape=own.shape,
        threshold=layer.threshold,
        bias=layer.drive,
        late_bias=0.0 * ones,
        current_kept=_current_kept(layer, integrator) * ones,
        potential_kept=integrator.potential_kept * ones,
    )


def _weights(layer: SpikingLayer, weights: Weights, gain: float) -> Weights:
    """Return weights times a gain; as a matrix where neurons of a channel differ otherwise."""
    if isinstance(weights, Kernel):
        channels = weights.geometry.channels[1]
        each = np.stack([layer.threshold, layer.drive]).reshape(2, channels, -1)
        if (each == each[:, :, :1]).all():
            return Kernel(weights.geometry, weights.values * gain)
    return Matrix(csr_array(weights.matrix * gain))
