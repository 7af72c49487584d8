"""Automata of graphs and of windows over a stream, as picklable data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata.automaton import Answer, Automaton, Row, State, TableStep, all_rows


@dataclass(frozen=True)
class WindowStep:
    """A step that calculates the outputs from the last rows.

    Attributes
    ----------
    outputs : callable
        From a stream ``(ticks, inputs)`` bool to what the outputs do, ``(ticks, outputs)`` bool. A tick's outputs
        depend on no other ticks than those before it that ``depths`` names.
    depths : tuple of int
        For each line, how many ticks back the outputs depend on it.
    is_monotone : bool
        Whether more input spikes never silence an output. All detectors of `snnprog.specs.timing` are.
    """

    outputs: Callable[[Raster], Raster]
    depths: tuple[int, ...]
    is_monotone: bool = False

    @property
    def start(self) -> tuple[Row, ...]:
        """The state at rest: silence."""
        return ((False,) * len(self.depths),) * max(self.depths)

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state, which is the last rows as far as they matter, and the outputs."""
        assert isinstance(state, tuple)
        ages = range(len(state), 0, -1)
        kept = tuple(
            tuple(spike and age <= depth for spike, depth in zip(each, self.depths, strict=True))
            for age, each in zip(ages, (*state[1:], row), strict=True)
        )
        return kept, _last_outputs(self.outputs, state)


@lru_cache(maxsize=1 << 16)
def _last_outputs(outputs: Callable[[Raster], Raster], state: tuple[Row, ...]) -> Answer:
    """Return the outputs after some rows: they do not depend on the row of their own tick."""
    stream = np.array((*state, state[-1]), np.bool_)
    return tuple(outputs(stream)[-1].tolist())


def window_automaton(outputs: Callable[[Raster], Raster], *, depths: Sequence[int], n_outputs: int) -> Automaton:
    """Return the automaton whose outputs are a monotone function of the last rows; see `WindowStep`."""
    step, n_inputs = WindowStep(outputs, tuple(depths), is_monotone=True), len(depths)
    return Automaton(n_inputs=n_inputs, n_outputs=n_outputs, start=step.start, step=step, symbols=AllRows(n_inputs))


@dataclass(frozen=True)
class AllRows:
    """Every subset of some lines, in every state; computed on request, since there may be too many."""

    n_inputs: int

    def __call__(self, state: State) -> tuple[Row, ...]:
        """Return the rows."""
        return all_rows(self.n_inputs)


def table_automaton(edges: Sequence[Sequence[int]], *, rows: Sequence[Row], outputs: Sequence[Row]) -> Automaton:
    """Return the automaton of a graph: state 0 is the start.

    Parameters
    ----------
    edges : per state, per row, int
        Where each row leads.
    rows : sequence of row
    outputs : per state, row
        What the outputs do in the tick that begins in the state, whatever its row.
    """
    table: dict[State, dict[Row, tuple[State, Answer]]] = {
        state: {row: (after, outputs[state]) for row, after in zip(rows, leads_to, strict=True)}
        for state, leads_to in enumerate(edges)
    }
    step = TableStep(table)
    return Automaton(n_inputs=len(rows[0]), n_outputs=len(outputs[0]), start=0, step=step, symbols=step.rows)
