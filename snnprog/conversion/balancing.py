"""Threshold balancing on data: the activation of each neuron that corresponds to a spike in every tick.

The maximum rate is one spike per tick. So the activations of a layer are divided by a high percentile of them over
the data (Diehl et al. 2015, IJCNN, use the maximum; Rueckauer et al. 2017, doi:10.3389/fnins.2017.00682, the 99.9th
percentile, which is robust against outliers). As a neuron spikes when its potential reaches the threshold, which is
then subtracted, a threshold of that activation gives that rate.

With ``adjust="l4"`` each neuron of a hidden layer has a threshold in proportion to the L4 norm of its weight vector,
and its outgoing weights are multiplied by it (Allred and Roy 2021, arXiv:2111.09446). Where inputs are random spikes
with rates r, the variance of a potential is the sum of ``w² r``: at most ``‖w‖₄² ‖r‖₂``, by Cauchy and Schwarz. So the
standard deviation goes with ``‖w‖₄``, as the mean goes with ``‖w‖₂``. Divided by that norm, the potentials of all
neurons fluctuate by the same share of their thresholds. The real network is the same, in different units for each
neuron. Outputs keep one unit, as their counts are compared.

Outputs are sums of any sign, and spike counts are non-negative. A constant added to all outputs does not change the
class: it is chosen so that the second largest output is positive for nine of ten samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.conversion.ann import INPUT, Ann, AnnLayer, with_sources_scaled
from snnprog.networks.weights import Kernel

L4 = "l4"

SILENT_SHARE = 10.0
"""Percentage of samples whose second largest output may be below 0 spikes; 5 and 20 gave the same accuracy."""


@dataclass(frozen=True, eq=False)
class Balance:
    """One layer's units.

    Attributes
    ----------
    layer : AnnLayer
        With weights for one spike of each source as its unit.
    unit : (neurons,) float
        The activation for which a neuron spikes in every tick.
    offset : float
        Amount added to each sum: 0, except for outputs.
    """

    layer: AnnLayer
    unit: Floats
    offset: float = 0.0


def balanced(
    ann: Ann, activations: Mapping[str, Floats], *, rates: Mapping[str, float], adjust: str | None, percentile: float
) -> tuple[Balance, ...]:
    """Return the units of all layers.

    Parameters
    ----------
    ann : Ann
    activations : mapping of str to (neurons, samples) float
        Including those of the inputs, whose unit is 1.
    rates : mapping of str to float
        For each layer, the spikes per tick of a neuron whose activation is at the percentile.
    adjust : str or None
        "l4" or None.
    percentile : float
        Percentile of the activations of a layer, over its neurons and the samples.
    """
    units: dict[str, Floats] = {INPUT: np.ones(ann.n_inputs)}
    found = []
    for layer in ann.layers:
        parts = {source: with_sources_scaled(weights, units[source]) for source, weights in layer.parts.items()}
        own = AnnLayer(layer.name, layer.shape, parts, layer.constant, layer.is_rectified, layer.ceiling)
        values, is_output = activations[layer.name], layer is ann.output
        offset = _offset(values, is_class=ann.classes is not None) if is_output and not layer.is_rectified else 0.0
        shares = l4_norms(own) if adjust == L4 and not is_output else np.ones(layer.size)
        top = _top(np.maximum(values + offset, 0.0) / shares[:, None], percentile)
        units[layer.name] = shares * (top / rates[layer.name])
        found.append(Balance(own, units[layer.name], offset))
    return tuple(found)


def _top(values: Floats, percentile: float) -> float:
    """Return a percentile of values; the maximum if that is 0, and 1 if all are 0."""
    top = float(np.percentile(values, percentile))
    return top or float(values.max(initial=0.0)) or 1.0


def _offset(values: Floats, *, is_class: bool) -> float:
    """Return the amount added to outputs (outputs, samples)."""
    if not is_class:
        return -float(values.min())
    second = np.sort(values, axis=0)[-2] if len(values) > 1 else values[0]
    return -float(np.percentile(second, SILENT_SHARE))


def l4_norms(layer: AnnLayer) -> Floats:
    """Return the L4 norm of each neuron's weights, ``(Σ w⁴)^(1/4)``; 1 for a neuron without weights.

    Sums are added in the order of the weights, so that they are the same on every machine.
    """
    total = np.zeros(layer.size)
    for weights in layer.parts.values():
        squares = weights.parameters * weights.parameters
        if isinstance(weights, Kernel):
            outs = weights.geometry.channels[1]
            area = weights.geometry.pool[0] * weights.geometry.pool[1]
            rows = np.arange(squares.size) // (squares.size // outs)
            sums = np.bincount(rows, weights=squares * squares, minlength=outs) * area
            total += np.repeat(sums, layer.size // outs)
            continue
        _, target, _ = weights.synapses
        total += np.bincount(target, weights=squares * squares, minlength=layer.size)
    return np.where(total > 0.0, np.sqrt(np.sqrt(total)), 1.0)
