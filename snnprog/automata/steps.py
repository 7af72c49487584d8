"""Automata of graphs and of windows over a stream, made of data that can travel to other processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata.automaton import Answer, Automaton, Row, State, TableStep, all_rows


@dataclass(frozen=True)
class WindowStep:
    """Calculates the outputs from the last rows.

    Attributes
    ----------
    outputs : callable
        From a stream ``(ticks, inputs)`` bool to what the outputs do, ``(ticks, outputs)`` bool; a tick's outputs
        depend on the ``depth`` ticks before it and on no others.
    depth : int
    """

    outputs: Callable[[Raster], Raster]
    depth: int

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state, which is the last rows, and the outputs."""
        assert isinstance(state, tuple)
        stream = (*state, row)
        return stream[1:], tuple(self.outputs(np.array(stream, np.bool_))[-1].tolist())


def window_automaton(outputs: Callable[[Raster], Raster], *, depth: int, n_inputs: int, n_outputs: int) -> Automaton:
    """Return the automaton whose outputs are a function of the last rows; see `WindowStep`."""
    silence = (False,) * n_inputs
    return Automaton(
        n_inputs=n_inputs,
        n_outputs=n_outputs,
        start=(silence,) * depth,
        step=WindowStep(outputs, depth),
        symbols=AllRows(n_inputs),
    )


@dataclass(frozen=True)
class AllRows:
    """Every subset of some lines, in every state; made when it is asked for, as there may be too many."""

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
