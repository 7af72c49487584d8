"""Machines of neurons that feed each other every tick, and walks through all their states.

All synapses take one tick and no neuron has a memory, so the spikes at a tick depend only on the spikes
of the neurons and of the inputs one tick before, the *configuration* and the *row*. A spec that contains every
configuration that can be reached from rest, with every row that may follow, determines the next
configuration in all cases; so a program that is exact on it is exact on every stream of such rows, by induction over
ticks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.automata.steps import table_automaton
from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.names import Names
from snnprog.spec import Pattern, Spec
from snnprog.specs.needs import check_delays, no_memory
from snnprog.specs.streams import check_ticks

NEURON_LIMIT = 1 << 12

Row = tuple[bool, ...]
Step = Callable[[Row, Row], Row]


@dataclass(frozen=True)
class StateMachine:
    """Neurons in a loop, described by their next configuration.

    Attributes
    ----------
    name : str
        For messages.
    n_neurons : int
    rows : tuple of row
        The possible inputs of a tick; the first is silence.
    step : callable
        (row, configuration) -> the configuration one tick later. Each neuron of it must be a threshold function of
        both, and silence at rest must lead to rest.
    advice : str
        What to try if there are too many configurations.
    chip : Chip
        The target chip.
    input_names, output_names : tuple of str or None
        Names of the lines, and of the neurons.
    """

    name: str
    n_neurons: int
    rows: tuple[Row, ...]
    step: Step
    advice: str
    chip: Chip
    input_names: Names | None = None
    output_names: Names | None = None

    @property
    def rest(self) -> Row:
        """The configuration in which nothing fires."""
        return (False,) * self.n_neurons

    def spec(self) -> Spec:
        """Return the recurrent spec of all transitions of the machine: outputs are its neurons, in order.

        Raises
        ------
        SpecError
            If there are too many, or the chip's neurons have memory.
        """
        dynamics = no_memory(self.name, self.chip)
        check_delays(self.name, self.chip, delays=(1,))
        if self.n_neurons > NEURON_LIMIT:
            raise SpecError(
                f"{self.name} must take at most {NEURON_LIMIT} neurons, got {self.n_neurons}; {self.advice}"
            )
        configurations, edges = self._graph()
        patterns = [self._pattern(walk) for walk in walks(edges)]
        automaton = table_automaton(edges, rows=self.rows, outputs=configurations)
        return Spec(
            patterns,
            (1,),
            recurrent=True,
            dynamics=dynamics,
            chip=self.chip,
            automaton=automaton,
            input_names=self.input_names,
            output_names=self.output_names,
        )

    def _graph(self) -> tuple[list[Row], list[list[int]]]:
        """Return the configurations that can be reached, rest first, and for each of them where each row leads."""
        numbers, open_ones, edges = {self.rest: 0}, deque([self.rest]), []
        while open_ones:
            here = open_ones.popleft()
            reached = [self.step(row, here) for row in self.rows]
            for configuration in reached:
                if configuration not in numbers:
                    numbers[configuration] = len(numbers)
                    open_ones.append(configuration)
            check_ticks(self.name, len(numbers) * len(self.rows), advice=self.advice)
            edges.append([numbers[configuration] for configuration in reached])
        return list(numbers), edges

    def _pattern(self, walk: Sequence[int]) -> Pattern:
        """Return the pattern of a walk from rest, with a last silent tick that shows its final configuration."""
        configurations = [self.rest]
        for row in walk:
            configurations.append(self.step(self.rows[row], configurations[-1]))
        inputs = np.array([self.rows[row] for row in (*walk, 0)], dtype=np.bool_)
        return Pattern(inputs, np.array(configurations, dtype=np.bool_))


def walks(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return walks from node 0 that cover every edge of a graph.

    Each walk takes the next unused edge, or the shortest path to one; if none can be reached, a
    new walk begins. Nodes from which no unused edge can be reached are excluded from later searches.

    Parameters
    ----------
    edges : per node, where its edges lead
        All nodes can be reached from node 0.

    Returns
    -------
    Per walk, which edge is taken at each node.
    """
    left = [deque(range(len(targets))) for targets in edges]
    found: list[list[int]] = []
    ways, done = [_first_edges(targets) for targets in edges], set[int]()
    while any(left):
        walk: list[int] = []
        here = 0
        while (way := _way_to_open(ways, left, start=here, done=done)) is not None:
            for edge in way:
                here = edges[here][edge]
            edge = left[here].popleft()
            walk += [*way, edge]
            here = edges[here][edge]
        found.append(walk)
    return found


def _first_edges(targets: Sequence[int]) -> dict[int, int]:
    """Return the nodes that edges lead to, and the first edge to each."""
    first: dict[int, int] = {}
    for edge, there in enumerate(targets):
        first.setdefault(there, edge)
    return first


def _way_to_open(
    ways: Sequence[dict[int, int]], left: Sequence[deque[int]], *, start: int, done: set[int]
) -> list[int] | None:
    """Return the shortest path from a node to one with unused edges, or None; mark dead ends."""
    if start in done:
        return None
    came_from: dict[int, tuple[int, int] | None] = {start: None}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if left[here]:
            return _way_back(came_from, here)
        for there, edge in ways[here].items():
            if there not in came_from and there not in done:
                came_from[there] = here, edge
                queue.append(there)
    done |= came_from.keys()
    return None


def _way_back(came_from: dict[int, tuple[int, int] | None], here: int) -> list[int]:
    way: list[int] = []
    while (step := came_from[here]) is not None:
        here, edge = step
        way.append(edge)
    return way[::-1]
