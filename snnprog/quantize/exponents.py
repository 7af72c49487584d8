"""One exponent for all neurons, where a chip has but one: the same network on each of its grids.

Where a neuron's scale is free, weights, bias and threshold grow with the grid, so that only decays truncate otherwise;
else the weights stay as they were designed, and what the grid makes of them is left to rounding and repair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from snnprog.chips import Chip
from snnprog.network import Network, Neuron
from snnprog.spec import FREE, Spec


def networks_at_exponents(spec: Spec, chip: Chip, network: Network) -> Iterator[Network]:
    """Yield a network as it is, or where the chip has one exponent for all, at each it has, the coarsest grid first."""
    if not chip.is_exponent_shared:
        yield network
        return
    is_scalable = spec.threshold == FREE and spec.bias in (FREE, 0)
    for exponent in range(chip.exponents[1], chip.exponents[0] - 1, -1):
        neurons = tuple(_at(neuron, exponent, is_scalable=is_scalable) for neuron in network.neurons)
        yield replace(network, neurons=neurons)


def _at(neuron: Neuron, exponent: int, *, is_scalable: bool) -> Neuron:
    """Return a neuron for the grid of another exponent; its margin is that of its own."""
    factor = 2.0 ** (exponent - neuron.exponent) if is_scalable else 1.0
    return replace(
        neuron,
        weights=neuron.weights * factor,
        threshold=neuron.threshold * factor,
        bias=neuron.bias * factor,
        exponent=exponent,
    )
