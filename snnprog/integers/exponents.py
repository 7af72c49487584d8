"""One exponent for all neurons, for chips with a shared exponent: the same network on each grid.

Where a neuron's scale is free, weights, bias and threshold grow with the grid, so that only decays truncate otherwise;
else the weights stay as they were designed, and what the grid makes of them is left to rounding and repair. Where some
neuron is integers already, its grid is the only one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from snnprog.chips import Chip
from snnprog.network import Network, Neuron
from snnprog.spec import FREE, Spec

TINY = 1e-9  # in place of a divisor of 0; any number far below 1 LSB does


def networks_at_exponents(spec: Spec, network: Network) -> Iterator[Network]:
    """Yield a network unchanged, or, if the chip has one exponent for all, at each exponent, coarsest first."""
    chip = spec.chip
    if not chip.is_exponent_shared:
        yield network
        return
    given = {neuron.exponent for neuron in network.neurons if neuron.is_integral}
    is_scalable = spec.threshold == FREE and spec.bias in (FREE, 0)
    for exponent in given or range(chip.exponents[1], chip.exponents[0] - 1, -1):
        neurons = tuple(_at(neuron, exponent, chip=chip if is_scalable else None) for neuron in network.neurons)
        yield replace(network, neurons=neurons)


def _at(neuron: Neuron, exponent: int, *, chip: Chip | None) -> Neuron:
    """Return a neuron for the grid of another exponent; for a given one, as large as the chip allows."""
    factor = 1.0
    if neuron.is_integral:
        return neuron
    if chip is not None:
        unit = chip.unit
        room = (chip.bias_limit / unit / max(abs(neuron.bias), TINY), chip.thresholds[1] / max(neuron.threshold, TINY))
        factor = min(2.0 ** (exponent - neuron.exponent), *room)
    return replace(
        neuron,
        weights=neuron.weights * factor,
        threshold=neuron.threshold * factor,
        bias=neuron.bias * factor,
        exponent=exponent,
    )
