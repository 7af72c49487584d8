"""A trained network, tick by tick: populations of neurons, connections with whole delays, and real numbers.

With steps of ``dt``, forward Euler as in NIR's documentation, and a spike as a 1 in its step, a `CubaLIF` is::

    u = (1 - dt/tau_syn) u + dt/tau_syn * w_in * S
    v = (1 - dt/tau_mem) v + dt/tau_mem * (v_leak + r u)
    z = 1 if v > v_threshold;   v = v_reset where z

a `LIF` the same with ``u = S``, and an `IF` ``v = v + dt * r * S``. Potentials are relative to ``v_reset``, where they
start, and the factors are included in the weights, so that all neurons are::

    u = current_kept * u + sum of weights that arrive;   v = potential_kept * v + u + bias;   z = 1 where v > threshold

The effect of a spike on ``v`` is the network's `Convention`. A population that does not spike is a readout: its
potential is the output.

In a graph, a connection without a Delay acts in the step of the spike; on a chip it takes at least a tick. So
populations are shifted relative to each other: each starts `Population.start` ticks later, with the same spikes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s
from snnprog.calls import call_checked
from snnprog.display.card import Card, Displayed
from snnprog.names import Names
from snnprog.networks.convention import Convention
from snnprog.networks.node_names import names_of_nodes
from snnprog.networks.weights import Weights, together
from snnprog.table import Table
from snnprog.wording import counted


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one node.

    Attributes
    ----------
    name : str
    shape : tuple of int
        The shape of its array, such as (channels, rows, columns).
    threshold : (neurons,) float
        In units of the weights; infinite if the population does not spike.
    bias, late_bias : (neurons,) float
        Amounts added to the potential, and to the current, in each tick.
    current_kept, potential_kept : (neurons,) float
        The share that remains after one tick.
    start : int
        The tick in which it starts.
    reset_delay : int
        0 or 1: the ticks between a spike and its reset.
    is_clock : bool
        Whether it is a neuron that spikes in every tick, by which constant drives come.
    """

    name: str
    shape: tuple[int, ...]
    threshold: Floats
    bias: Floats
    late_bias: Floats
    current_kept: Floats
    potential_kept: Floats
    start: int = 0
    reset_delay: int = 0
    is_clock: bool = False

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def is_readout(self) -> bool:
        """Whether it is read by its potentials and never spikes."""
        return bool(np.isinf(self.threshold).any())


@dataclass(frozen=True, eq=False)
class Connection:
    """NetworkSynapses from the lines of an input, or the neurons of a population, to the neurons of a population.

    Attributes
    ----------
    source, target : str
    delay : int
        In ticks, at least 1; see the module docstring for the conversion of a graph's delay.
    exact_delay : float
        The delay before rounding.
    weights : Matrix or Kernel
    """

    source: str
    target: str
    delay: int
    exact_delay: float
    weights: Weights


def joined(connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return connections with those of equal source, target and delay merged, in order of first occurrence."""
    found: dict[tuple[str, str, int], Connection] = {}
    for each in connections:
        key = each.source, each.target, each.delay
        old = found.get(key)
        found[key] = each if old is None else replace(each, weights=together(old.weights, each.weights))
    return tuple(found.values())


@dataclass(frozen=True, eq=False)
class NetworkSynapses:
    """All synapses of a network, one by one.

    Attributes
    ----------
    pre, post, delay : (synapses,) int
        As in a `Program`: ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``.
    exact_delay, weight : (synapses,) float
    parameter : (synapses,) int
        Index of the network's weight of each: the synapses of a convolution share weights.
    """

    pre: Int64s
    post: Int64s
    delay: Int64s
    exact_delay: Floats
    weight: Floats
    parameter: Int64s


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class TrainedNetwork(Displayed):
    """A network in real numbers and whole ticks.

    Attributes
    ----------
    name : str
        Where it came from.
    dt_ms : float
        Milliseconds of a tick.
    convention : Convention
        The step of its neurons.
    inputs : mapping of str to tuple of int
        Shapes of the Input nodes, by name; their lines follow one another.
    populations : tuple of Population
        By name, or in the order of the file's layers; their neurons follow one another.
    connections : tuple of Connection
    outputs : (outputs,) int
        The neurons that are read out: those of all Output nodes, by name.
    latency : (outputs,) int
        Delay of each in ticks, relative to the graph.
    notes : tuple of str
        Differences from the graph, except later rounding.
    names : mapping of str to tuple of str
        The names of the lines of an input, or of the neurons of a population, if they have any.
    """

    name: str
    dt_ms: float
    convention: Convention
    inputs: Mapping[str, tuple[int, ...]]
    populations: tuple[Population, ...]
    connections: tuple[Connection, ...]
    outputs: Int64s
    latency: Int64s
    notes: tuple[str, ...] = ()
    names: Mapping[str, Names] = field(default_factory=dict)

    @property
    def input_names(self) -> Names | None:
        """The names of all input lines, or None."""
        return names_of_nodes(self.names, ((name, int(np.prod(shape))) for name, shape in self.inputs.items()))

    @property
    def neuron_names(self) -> Names | None:
        """The names of all neurons, or None."""
        return names_of_nodes(self.names, ((population.name, population.size) for population in self.populations))

    @cached_property
    def first(self) -> Mapping[str, int]:
        """The first line of each input and population; neurons follow the input lines."""
        names = [*self.inputs, *(population.name for population in self.populations)]
        sizes = [int(np.prod(shape)) for shape in self.inputs.values()] + [each.size for each in self.populations]
        return dict(zip(names, np.concatenate([[0], np.cumsum(sizes)]).tolist(), strict=False))

    @property
    def n_inputs(self) -> int:
        """Number of input lines."""
        return sum(int(np.prod(shape)) for shape in self.inputs.values())

    @property
    def n_neurons(self) -> int:
        """Number of neurons, readouts included."""
        return sum(population.size for population in self.populations)

    @property
    def n_parameters(self) -> int:
        """Number of different weights."""
        return int(self.parameters.size)

    @property
    def n_synapses(self) -> int:
        """Number of synapses, without those of weight 0 in matrices; counted without unrolling."""
        return sum(connection.weights.n_synapses for connection in self.connections)

    def _summary(self) -> str:
        size = f"{counted(len(self.populations), 'population')}, {counted(self.n_neurons, 'neuron')}"
        return f"{self.name}, {counted(self.n_inputs, 'input')}, {size}, {self.outputs.size} read out"

    def _card(self) -> Card:
        rows = [(each.name, " × ".join(map(str, each.shape)), each.size) for each in self.populations]
        return Card(table=Table.plain("", columns=("population", "shape", "neurons"), rows=rows), notes=self.notes)

    def unused_name(self, name: str) -> str:
        """Return a name, with primes added while an input or a population has it."""
        while name in self.first:
            name += "'"
        return name

    def neurons_of(self, name: str) -> slice:
        """Return the index of a population's neurons among all."""
        (population,) = (each for each in self.populations if each.name == name)
        first = self.first[name] - self.n_inputs
        return slice(first, first + population.size)

    def neurons_in(self, name: str) -> Int64s:
        """(neurons,) Return the numbers of the neurons of a population."""
        place = self.neurons_of(name)
        return np.arange(place.start, place.stop)

    @cached_property
    def synapses(self) -> NetworkSynapses:
        """All synapses, one by one, connection after connection."""
        columns: list[tuple[np.ndarray[tuple[int, ...], np.dtype[np.generic]], ...]] = [(np.zeros(0),) * 6]
        parameters = 0
        for connection in self.connections:
            source, target, place = connection.weights.synapses
            values = connection.weights.parameters
            columns.append(
                (
                    source + self.first[connection.source],
                    target + self.first[connection.target] - self.n_inputs,
                    np.full(source.size, connection.delay),
                    np.full(source.size, connection.exact_delay),
                    values[place],
                    place + parameters,
                )
            )
            parameters += values.size
        whole = (0, 1, 2, 5)
        joined = [
            np.concatenate(column).astype(np.int64 if index in whole else np.float64)
            for index, column in enumerate(zip(*columns, strict=True))
        ]
        return NetworkSynapses(*joined)

    @cached_property
    def first_parameters(self) -> Int64s:
        """(connections + 1,) The first index of the weights of each connection, and the end of the last."""
        sizes = [connection.weights.parameters.size for connection in self.connections]
        return np.cumsum([0, *sizes]).astype(np.int64)

    @cached_property
    def parameters(self) -> Floats:
        """(weights,) The weights of all connections, one after the other; synapses of a convolution share them."""
        return np.concatenate([np.zeros(0), *(connection.weights.parameters for connection in self.connections)])

    def unrolled(self) -> Iterator[tuple[Int64s, Int64s, Floats]]:
        """Yield neuron, parameter and weight of each synapse as in `synapses`, in parts to save memory."""
        first = 0
        for connection in self.connections:
            values = connection.weights.parameters
            for _, target, place in connection.weights.in_parts():
                yield target + self.first[connection.target] - self.n_inputs, place + first, values[place]
            first += values.size

    @cached_property
    def largest_weight(self) -> Floats:
        """(neurons,) The largest magnitude of a weight to each neuron."""
        largest = np.zeros(self.n_neurons)
        for post, _, weight in self.unrolled():
            np.maximum.at(largest, post, np.abs(weight))
        return largest

    @cached_property
    def is_readout(self) -> Bools:
        """(neurons,) Whether each is read by its potential and never spikes."""
        return np.isinf(self.threshold)

    @cached_property
    def threshold(self) -> Floats:
        """(neurons,) See `Population`."""
        return np.concatenate([population.threshold for population in self.populations])

    @cached_property
    def bias(self) -> Floats:
        """(neurons,) The amount added to the potential in each tick after a constant current has settled."""
        return np.concatenate(
            [each.bias + each.late_bias / np.maximum(1.0 - each.current_kept, 1e-12) for each in self.populations]
        )

    @cached_property
    def current_kept(self) -> Floats:
        """(neurons,) See `Population`."""
        return np.concatenate([population.current_kept for population in self.populations])

    @cached_property
    def potential_kept(self) -> Floats:
        """(neurons,) See `Population`."""
        return np.concatenate([population.potential_kept for population in self.populations])
