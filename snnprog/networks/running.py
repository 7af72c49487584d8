"""Simulation of a trained network in real numbers, many samples at a time.

Programs are compared with it. Equations: `snnprog.networks.network`, resets: `snnprog.networks.convention`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from snnprog.arrays import Bools, Floats, Int64s, Raster, UInt16s
from snnprog.calls import call_checked
from snnprog.checks import as_flag
from snnprog.errors import SpecError
from snnprog.networks.convention import AT_LEAST, SUBTRACT, ZERO, Convention
from snnprog.networks.network import Population, TrainedNetwork
from snnprog.raster import as_rasters, turned
from snnprog.wording import counted

MOST_SPIKES = (1 << 16) - 1
"""Maximum spikes of a neuron in a tick: Rockpool's default is one more (``max_spikes_per_dt``), sinabs has no limit."""

REACH_MARGIN = 2.0
"""Range of currents and potentials in multiples of their observed maximum. A choice, not a measurement."""

AT_ONCE = 1 << 24
"""Neuron and line ticks of samples that are run together: 200 MB of records. A choice, not a measurement."""


@call_checked
@dataclass(frozen=True, eq=False)
class RealTrace:
    """One sample's run in real numbers, from rest.

    Attributes
    ----------
    spikes : (ticks, neurons) bool
        Which neurons spiked; readouts never do.
    potentials : (ticks, neurons) float or None
        Before the reset, if recorded.
    counts : (ticks, neurons) uint16
        Number of spikes of each neuron, up to `MOST_SPIKES`; more than one only if the network's convention allows it.
    """

    spikes: Raster
    potentials: Floats | None
    counts: UInt16s


@call_checked
def run_network(network: TrainedNetwork, inputs: Sequence[ArrayLike], *, potentials: bool = False) -> list[RealTrace]:
    """Run a network on each input raster ``(ticks, inputs)`` from rest, and return the traces.

    Parameters
    ----------
    network : TrainedNetwork
    inputs : sequence of (ticks, inputs) bool
    potentials : bool
        Whether to record potentials.

    Raises
    ------
    SpecError
        If an input is not a raster of the network's width.
    """
    potentials = as_flag("potentials", potentials)
    inputs = rasters_for(network, inputs)
    wires = _wires(network)
    return [
        trace
        for members in batches(network, inputs)
        for trace in _NetworkRun(network, members, wires).traces(potentials=potentials)
    ]


def batches(network: TrainedNetwork, inputs: Sequence[Raster]) -> Iterator[Sequence[Raster]]:
    """Yield the input rasters in batches, in order."""
    width, first = network.n_neurons + network.n_inputs, 0
    while first < len(inputs):
        ticks, last = len(inputs[first]), first + 1
        while last < len(inputs):
            ticks = max(ticks, len(inputs[last]))
            if ticks * (last + 1 - first) * max(width, 1) > AT_ONCE:
                break
            last += 1
        yield inputs[first:last]
        first = last


@dataclass(frozen=True, eq=False)
class RealReach:
    """Maximum magnitudes of currents and potentials.

    Attributes
    ----------
    current, potential : (neurons,) float
        Potentials before a reset.
    """

    current: Floats
    potential: Floats


def reach_of(network: TrainedNetwork, inputs: Sequence[ArrayLike]) -> RealReach:
    """Return the maximum magnitudes of each neuron on inputs."""
    rasters, wires = rasters_for(network, inputs), _wires(network)
    current, potential = np.zeros((2, network.n_neurons))
    for members in batches(network, rasters):
        run = _NetworkRun(network, members, wires)
        run.traces(potentials=False)
        current = np.maximum(current, np.concatenate([state.greatest_current for state in run.states]))
        potential = np.maximum(potential, np.concatenate([state.greatest_level for state in run.states]))
    return RealReach(current, potential)


def rasters_for(network: TrainedNetwork, inputs: Sequence[ArrayLike]) -> list[Raster]:
    """Return inputs as rasters of a network's width.

    Raises
    ------
    SpecError
        If one is not such a raster.
    """
    rasters = as_rasters(inputs)
    for index, raster in enumerate(rasters):
        if raster.shape[1] != network.n_inputs:
            wanted, hint = network.n_inputs, turned(f"inputs[{index}]", raster.shape, lines=network.n_inputs)
            raise SpecError(f"inputs[{index}] must have {counted(wanted, 'line')}, got {raster.shape[1]}{hint}")
    return rasters


Wires = Mapping[str, list[tuple[csr_array, str, int]]]
"""Weights, source and delay of all connections to each population."""


def _wires(network: TrainedNetwork) -> Wires:
    wires: dict[str, list[tuple[csr_array, str, int]]] = {population.name: [] for population in network.populations}
    for connection in network.connections:
        wires[connection.target].append((connection.weights.matrix, connection.source, connection.delay))
    return wires


class _NetworkRun:
    """Samples of one batch, in parallel: arrays are (neurons, samples)."""

    def __init__(self, network: TrainedNetwork, inputs: Sequence[Raster], wires: Wires) -> None:
        self.network, self.inputs, self.wires = network, inputs, wires
        self.ticks = max((len(raster) for raster in inputs), default=0)
        self.lines = np.zeros((self.ticks, network.n_inputs, len(inputs)), np.bool_)
        for sample, raster in enumerate(inputs):
            self.lines[: len(raster), :, sample] = raster
        self.states = [_State(population, network.convention, len(inputs)) for population in network.populations]

    def traces(self, *, potentials: bool) -> list[RealTrace]:
        network, samples = self.network, len(self.inputs)
        counts = np.zeros((self.ticks, network.n_neurons, samples), dtype=np.uint16)
        levels = np.zeros((self.ticks if potentials else 0, network.n_neurons, samples))
        for tick in range(self.ticks):
            for state in self.states:
                place = network.neurons_of(state.population.name)
                arriving = self._arriving(state.population, tick, counts)
                counts[tick, place] = state.tick(arriving, tick)
                if potentials:
                    levels[tick, place] = state.level
        return [
            RealTrace(
                spikes=counts[: len(raster), :, sample] > 0,
                potentials=levels[: len(raster), :, sample] if potentials else None,
                counts=counts[: len(raster), :, sample],
            )
            for sample, raster in enumerate(self.inputs)
        ]

    def _arriving(self, population: Population, tick: int, counts: UInt16s) -> Floats:
        total = np.zeros((population.size, len(self.inputs)))
        for matrix, source, delay in self.wires[population.name]:
            if tick < delay:
                continue
            if source in self.network.inputs:
                first = self.network.first[source]
                total += matrix @ self.lines[tick - delay, first : first + matrix.shape[1]].astype(np.float64)
            else:
                total += matrix @ counts[tick - delay, self.network.neurons_of(source)].astype(np.float64)
        return total


class _State:
    """A population's currents and potentials."""

    def __init__(self, population: Population, convention: Convention, samples: int) -> None:
        self.population, self.convention = population, convention
        self.current, self.potential = np.zeros((2, population.size, samples))
        self.level = self.potential
        self.spiked: Int64s | Floats = np.zeros_like(self.potential)
        self.greatest_current, self.greatest_level = np.zeros((2, population.size))

    def tick(self, arriving: Floats, tick: int) -> Floats:
        """Advance by a tick; return the number of spikes of each neuron."""
        own = self.population
        is_on = float(tick >= own.start)
        drive = arriving + is_on * own.late_bias[:, None]
        self.current = own.current_kept[:, None] * self.current + drive
        level = own.potential_kept[:, None] * self.potential + self.current + is_on * own.bias[:, None]
        if own.reset_delay:
            level = self._reset(level)
        self.level = level
        np.maximum(self.greatest_current, np.abs(self.current).max(axis=1), out=self.greatest_current)
        np.maximum(self.greatest_level, np.abs(level).max(axis=1), out=self.greatest_level)
        self.spiked = self._fired(level)
        self.potential = level if own.reset_delay else self._reset(level)
        return self.spiked

    def _reset(self, level: Floats) -> Floats:
        if self.convention.reset == SUBTRACT:
            limit = np.where(np.isinf(self.population.threshold), 0.0, self.population.threshold)
            left: Floats = level - self.spiked * limit[:, None]
            return left
        return np.where(self.spiked > 0, 0.0, level) if self.convention.reset == ZERO else level

    def _fired(self, level: Floats) -> Floats:
        threshold = self.population.threshold[:, None]
        if self.convention.holds_back:
            threshold = np.where(self.potential > threshold, 2.0 * threshold, threshold)
        above: Bools = level >= threshold if self.convention.compare == AT_LEAST else level > threshold
        if not self.convention.many:
            return above.astype(np.float64)
        times = level / threshold
        most = np.floor(times) if self.convention.compare == AT_LEAST else np.ceil(times) - 1.0
        return np.where(above, np.clip(most, 1.0, MOST_SPIKES), 0.0)
