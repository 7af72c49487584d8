"""Rounding of a network's real numbers to integers, by neuron, or by channel if weights are shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.networks.convention import AT_LEAST
from snnprog.networks.network import Connection, Population, TrainedNetwork
from snnprog.networks.neuron import SOME_INPUTS, Grid, RealNeuron, ScaledNeuron, grid_of
from snnprog.networks.running import RealReach
from snnprog.networks.scaling import scaled, scaled_alike
from snnprog.networks.sharing import OwnNeuron, with_shared_thresholds
from snnprog.networks.weights import Kernel, Matrix
from snnprog.program import Program
from snnprog.synapses import SharedSynapses
from snnprog.version import __version__

Grids = Mapping[str, Grid]
"""The grid of the weights into each population, by name."""


@dataclass(frozen=True, eq=False)
class RoundedNetwork:
    """A network in a chip's integers.

    Attributes
    ----------
    network : TrainedNetwork
        The network with the weights that were rounded: a convolution is unrolled if neurons of one channel differ.
    chip : Chip
    mantissas, exponents : (weights,) int
        Of each weight of the network; synapses of a convolution share weights.
    thresholds, biases, current_decays, potential_decays : (neurons,) int
    scales : (neurons,) float
        Chip units for each unit of a neuron's weights.
    real_weights : (weights,) float
        The actual value of each weight, in the network's units.
    notes : tuple of str
    """

    network: TrainedNetwork
    chip: Chip
    mantissas: Int64s
    exponents: Int64s
    thresholds: Int64s
    biases: Int64s
    current_decays: Int64s
    potential_decays: Int64s
    scales: Floats
    real_weights: Floats
    notes: tuple[str, ...] = ()

    def program(self, refractory: Int64s) -> Program:
        """Return the program without synapses whose weight became 0."""
        network = self.network
        listed, shared = self._listed(), self._shared()
        return Program.from_arrays(
            chip=self.chip,
            n_inputs=network.n_inputs,
            n_neurons=network.n_neurons,
            outputs=network.outputs,
            input_names=network.input_names,
            neuron_names=network.neuron_names,
            **listed,
            shared=shared,
            threshold=self.thresholds,
            current_decay=self.current_decays,
            potential_decay=self.potential_decays,
            bias=self.biases,
            refractory=refractory,
            readout=network.is_readout.astype(np.int32),
            provenance={
                "network": network.name,
                "dt_ms": network.dt_ms,
                "populations": [[population.name, population.size] for population in network.populations],
                "versions": {"snnprog": __version__},
            },
        )

    def _parts(self) -> Iterator[tuple[Connection, Int64s, Int64s]]:
        """Yield each connection with the mantissas and exponents of its weights."""
        ends = self.network.first_parameters[1:]
        mantissas, exponents = (np.split(each, ends)[:-1] for each in (self.mantissas, self.exponents))
        yield from zip(self.network.connections, mantissas, exponents, strict=True)

    def _listed(self) -> dict[str, Int64s]:
        """Return the synapses without shared weights, except those of weight 0, by line, delay and neuron."""
        network = self.network
        columns: list[tuple[Int64s, ...]] = [(np.zeros(0, np.int64),) * 5]
        for connection, mantissas, exponents in self._parts():
            if isinstance(connection.weights, Kernel):
                continue
            source, target, place = connection.weights.synapses
            kept = np.flatnonzero(mantissas[place])
            pre = source[kept] + network.first[connection.source]
            post = target[kept] + network.first[connection.target] - network.n_inputs
            delay = np.full(kept.size, connection.delay)
            columns.append((pre, post, delay, mantissas[place[kept]], exponents[place[kept]]))
        names = ("pre", "post", "delay", "weight", "exponent")
        arrays = {name: np.concatenate(column) for name, column in zip(names, zip(*columns, strict=True), strict=True)}
        order = np.lexsort((arrays["post"], arrays["delay"], arrays["pre"]))
        return {name: array[order] for name, array in arrays.items()}

    def _shared(self) -> list[SharedSynapses]:
        """Return the convolutions."""
        network = self.network
        return [
            SharedSynapses.of(
                connection.weights.geometry,
                mantissas,
                first_pre=network.first[connection.source],
                first_post=network.first[connection.target] - network.n_inputs,
                delay=connection.delay,
                exponent=exponents,
            )
            for connection, mantissas, exponents in self._parts()
            if isinstance(connection.weights, Kernel)
        ]


def rounded(
    network: TrainedNetwork,
    chip: Chip,
    *,
    bits: int | None = None,
    has_own_exponents: bool = True,
    reach: RealReach | None = None,
    wrong_bins: Callable[[RoundedNetwork], int] | None = None,
) -> RoundedNetwork:
    """Return a network in a chip's integers, each number the nearest at the best scale of its neuron.

    Parameters
    ----------
    network : TrainedNetwork
    chip : Chip
    bits : int, optional
        Bits of weights, including the sign.
    has_own_exponents : bool
        Whether weights of so few bits have an exponent each where the chip has that. Without, scales are chosen
        with which all weights of a neuron are fine; fits to data are better at these (digits at 8 bits: none of the
        fitted bins was wrong, and 35 at the scales for exponents of their own).
    reach : RealReach, optional
        Maximum magnitudes of currents and potentials of neurons, if known.
    wrong_bins : function, optional
        Returns the number of bins that differ from the network. If the synapses of a layer share an exponent, a
        larger one makes decays finer and brings registers nearer to their limits, so the best is found by trying;
        by default the largest with which no register reaches its limit for any input.

    Raises
    ------
    LimitError
        If no scale brings a threshold or a bias into the chip's ranges.
    """
    network = _with_own_weights(network)
    current, potential = decays_of(network, chip)
    unknown = np.full(network.n_neurons, np.inf)
    reach = RealReach(unknown, unknown) if reach is None else reach
    rounding = _Rounding(network, chip, current, potential, reach)
    grid = grid_of(chip, bits, has_own_exponents=has_own_exponents)
    if not chip.is_exponent_shared:
        return rounding.at(dict.fromkeys(rounding.names, grid))
    grids = {
        exponent: replace(grid, exponents=(exponent, exponent), has_small=exponent == chip.exponents[0])
        for exponent in range(chip.exponents[1], chip.exponents[0] - 1, -1)
    }
    best = _best_of(rounding, [dict.fromkeys(rounding.names, each) for each in grids.values()], wrong_bins)
    outer = [each.name for each in network.populations if np.isin(network.neurons_in(each.name), network.outputs).all()]
    if wrong_bins is None or not chip.is_readout_apart or len(outer) == len(rounding.names):
        return best[0]
    others = [dict(best[1]) | dict.fromkeys(outer, each) for each in grids.values()]
    return _best_of(rounding, [best[1], *others], wrong_bins)[0]


def _best_of(
    rounding: _Rounding, tried: Sequence[Grids], wrong_bins: Callable[[RoundedNetwork], int] | None
) -> tuple[RoundedNetwork, Grids]:
    """Return the network with the fewest wrong bins, otherwise the first without notes, and its grids.

    Raises
    ------
    LimitError
        If a threshold or a bias is out of range for all of them.
    """
    found: list[tuple[float, RoundedNetwork, Grids]] = []
    refused: LimitError | None = None
    for grids in tried:
        try:
            network = rounding.at(grids)
        except LimitError as error:
            refused = error
            continue
        if wrong_bins is None and not network.notes:
            return network, grids
        found.append((-len(found) if wrong_bins is None else wrong_bins(network), network, grids))
    if not found:
        assert refused is not None
        raise refused
    _, network, grids = min(found, key=lambda each: each[0])
    return network, grids


def _with_own_weights(network: TrainedNetwork) -> TrainedNetwork:
    """Return a network that shares weights only among neurons with equal numbers, and so one scale."""
    own = {population.name for population in network.populations if not _is_alike(network, population)}
    if not own:
        return network
    connections = tuple(
        replace(each, weights=Matrix(each.weights.matrix)) if each.target in own else each
        for each in network.connections
    )
    return replace(network, connections=connections)


def _is_alike(network: TrainedNetwork, population: Population) -> bool:
    """Return whether the neurons of each channel of a population's convolutions have the same numbers."""
    weights = [each.weights for each in network.connections if each.target == population.name]
    channels = {each.geometry.channels[1] for each in weights if isinstance(each, Kernel)}
    if len(channels) > 1:
        return False
    numbers = (
        population.threshold,
        population.bias,
        population.late_bias,
        population.current_kept,
        population.potential_kept,
    )
    rows = [each.reshape(count, -1) for each in numbers for count in channels]
    return all(bool((row == row[:, :1]).all()) for row in rows)


def decays_of(network: TrainedNetwork, chip: Chip) -> tuple[Int64s, Int64s]:
    """Return the decays of each neuron that keep the nearest shares, among those with which spikes have an effect."""
    current, potential = chip.decays_that_keep(network.current_kept, network.potential_kept)
    low, high = chip.current_decays
    for decay in np.unique(current).tolist():
        usable = [each for each in range(low, high + 1) if high < 64 and chip.linear_rule(each, 0).gain > 0]
        if usable and decay not in usable:
            current[current == decay] = min(usable, key=lambda each: abs(each - decay))
    return current, potential


@dataclass(frozen=True, eq=False)
class _Rounding:
    """Rounds the neurons of a network, given their decays."""

    network: TrainedNetwork
    chip: Chip
    current: Int64s
    potential: Int64s
    reach: RealReach

    @property
    def names(self) -> list[str]:
        """Names of the populations."""
        return [population.name for population in self.network.populations]

    def at(self, grids: Grids) -> RoundedNetwork:
        """Return the network with weights of each population on its grid."""
        network = self.network
        size = network.parameters.size
        mantissas, exponents = np.zeros((2, size), dtype=np.int64)
        real = np.zeros(size)
        thresholds, biases = np.zeros((2, network.n_neurons), dtype=np.int64)
        scales, wide = np.zeros(network.n_neurons), []
        groups = [group for population in network.populations for group in self._groups(population)]
        own = [each for population in network.populations for each in self._by_themselves(population, grids)]
        shared = with_shared_thresholds(own, self.chip)
        for (neurons, places, _), each, found in zip(groups, own, shared, strict=True):
            mantissas[places], exponents[places] = found.mantissas, found.exponents
            real[places] = found.mantissas * 2.0**found.exponents / found.scale * float(each.real.rule.gain)
            thresholds[neurons] = found.threshold
            biases[neurons] = found.bias + self._left_of_drive(neurons, places, found, real[places])
            scales[neurons] = found.scale
            wide += [int(neurons[0])] * (found.portable_for == SOME_INPUTS)
        return RoundedNetwork(
            network=network,
            chip=self.chip,
            mantissas=mantissas,
            exponents=exponents,
            thresholds=thresholds,
            biases=biases,
            current_decays=self.current,
            potential_decays=self.potential,
            scales=scales,
            real_weights=real,
            notes=_wide_note(wide),
        )

    def _by_themselves(self, population: Population, grids: Grids) -> list[OwnNeuron]:
        """Return the neurons of a population, each at its own best scale, readouts at one."""
        groups, grid = self._groups(population), grids[population.name]
        real = [self._neuron(*group) for group in groups]
        if population.is_readout:
            rounded = scaled_alike(real, self.chip, grid=grid)
        else:
            rounded = [scaled(neuron, self.chip, grid=grid) for neuron in real]
        return [
            OwnNeuron(neuron, found, grid, count=members.size)
            for (members, _, _), neuron, found in zip(groups, real, rounded, strict=True)
        ]

    def _left_of_drive(self, neurons: Int64s, places: Int64s, found: ScaledNeuron, got: Floats) -> int:
        """Return the bias that corrects the rounding of a constant drive through a synapse."""
        is_drive = np.isin(places, self.drives)
        if not is_drive.any():
            return 0
        left = float((self.network.parameters[places] - got)[is_drive][0]) * found.scale * self.chip.unit
        lasting = 1.0 - float(self.network.current_kept[neurons[0]])
        bias = found.bias + left / max(lasting, 1.0 / self.chip.unit)
        return self.chip.nearest_bias(min(max(bias, -self.chip.bias_limit), self.chip.bias_limit)) - found.bias

    @cached_property
    def drives(self) -> Int64s:
        """The weights of constant drives."""
        first, clocks = self.network.first_parameters, {each.name for each in self.network.populations if each.is_clock}
        own = [
            np.arange(start, end)
            for connection, start, end in zip(self.network.connections, first[:-1], first[1:], strict=True)
            if connection.source in clocks
        ]
        return np.concatenate([np.zeros(0, np.int64), *own])

    def _groups(self, population: Population) -> list[tuple[Int64s, Int64s, Int64s]]:
        """Return the neurons that are scaled together, the weights that lead to them, and how often each occurs."""
        neurons = self.network.neurons_in(population.name)
        into = [
            (connection.weights, int(start))
            for connection, start in zip(self.network.connections, self.network.first_parameters[:-1], strict=True)
            if connection.target == population.name
        ]
        kernels = [weights.geometry for weights, _ in into if isinstance(weights, Kernel)]
        channels = kernels[0].channels[1] if kernels else population.size
        members = neurons.reshape(channels, -1)
        places: list[list[Int64s]] = [[np.zeros(0, np.int64)] for _ in range(channels)]
        copies: list[list[Int64s]] = [[np.zeros(0, np.int64)] for _ in range(channels)]
        for weights, start in into:
            if isinstance(weights, Kernel):
                each = np.arange(weights.parameters.size).reshape(channels, -1) + start
                area = weights.geometry.pool[0] * weights.geometry.pool[1]
                for channel in range(channels):
                    places[channel].append(each[channel])
                    copies[channel].append(np.full(each.shape[1], area))
                continue
            _, target, place = weights.synapses
            ends = np.searchsorted(target, np.arange(channels + 1) * (population.size // channels))
            is_most = _is_of_most_driven(weights.parameters[place], target, members)
            for channel in range(channels):
                own = slice(ends[channel], ends[channel + 1])
                places[channel].append(place[own] + start)
                copies[channel].append(is_most[own].astype(np.int64))
        return [
            (own, np.concatenate(place), np.concatenate(copy))
            for own, place, copy in zip(members, places, copies, strict=True)
        ]

    def _neuron(self, neurons: Int64s, places: Int64s, copies: Int64s) -> RealNeuron:
        network, first = self.network, int(neurons[0])
        rule = self.chip.linear_rule(int(self.current[first]), int(self.potential[first]))
        return RealNeuron(
            name=f"neuron {first}",
            weights=network.parameters[places] / float(rule.gain),
            copies=copies,
            threshold=float(network.threshold[first]),
            bias=float(network.bias[first]),
            is_equal_a_spike=network.convention.compare == AT_LEAST,
            rule=rule,
            reach=float(self.reach.potential[neurons].max()),
            current_reach=float(self.reach.current[neurons].max()),
        )


def _is_of_most_driven(weights: Floats, target: Int64s, members: Int64s) -> Bools:
    """Return which synapses lead to the neurons of each channel with the largest positive or negative input sums.

    The synapses of different neurons are not added: these two bound the inputs of all neurons of a channel.

    Parameters
    ----------
    weights, target : (synapses,)
        Target neurons counted in their population.
    members : (channels, neurons of each) int
    """
    is_most = np.zeros(members.size, bool)
    for sides in (np.maximum(weights, 0.0), np.maximum(-weights, 0.0)):
        sums = np.bincount(target, sides, minlength=members.size).reshape(members.shape)
        is_most[np.arange(len(members)) * members.shape[1] + sums.argmax(axis=1)] = True
    chosen: Bools = is_most[target]
    return chosen


def _wide_note(neurons: list[int]) -> tuple[str, ...]:
    if not neurons:
        return ()
    more = f" and {len(neurons) - 1} more" if len(neurons) > 1 else ""
    return (f"neuron {neurons[0]}{more}: some inputs may take its state out of the range in which all runtimes agree",)
