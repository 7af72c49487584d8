"""Bounds of what a program does after any cue with a few changed bins: a proof without running them.

The program runs once for all of them, with intervals instead of numbers. In each tick, at most so many of the arrivals
of the cue are changed, and the worst for a neuron are those that change its sum most: these bound its arrivals. Its
currents and potentials are the spans of `snnprog.rules.ranges`. If they leave open whether it spikes, both is possible,
and the arrivals from it are open, too. The bounds are safe: they may contain what no cue leads to, since each tick and
each neuron has its own worst cue. If nothing is open after the cue, all these cues lead to the same spikes; if nothing
is open in a whole state, they continue as the perfect cue does, which is one of them.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.exploration.spans import values_after_firing, values_until_firing
from snnprog.program import Program
from snnprog.rules.ranges import Span, Spans
from snnprog.rules.rule import SPIKES
from snnprog.simulate.layout import lean_rule
from snnprog.simulate.parameters import parameters_of


class CueBounds:
    """A program, to be bounded for cues with changed bins.

    Parameters
    ----------
    program : Program
        One that `snnprog.recall.runs.CueRuns` accepts.
    """

    def __init__(self, program: Program) -> None:
        self._rule, self._n_inputs, self._n_neurons = lean_rule(program), program.n_inputs, program.n_neurons
        self._known = {name: Span.of(values) for name, values in parameters_of(program).items()}
        shape = (program.n_inputs + program.n_neurons, program.n_neurons)
        self._weights: dict[int, Int64s] = {}
        for delay in np.unique(program.delay).tolist():
            matrix, of = np.zeros(shape, np.int64), program.delay == delay
            np.add.at(matrix, (program.pre[of], program.post[of]), program.effective_weight()[of])
            self._weights[delay] = matrix

    def is_same_for_all(self, cue: Raster, changes: int, ticks: int) -> bool:
        """Return whether all cues with at most so many changed bins surely lead to the same spikes after the cue.

        Parameters
        ----------
        cue : (ticks, inputs) bool
            The perfect cue.
        changes : int
        ticks : int
            For how many ticks to try, the cue included. True is a proof for all later ticks, too.
        """
        sure = np.zeros((ticks, self._n_neurons), np.bool_)
        is_open = np.zeros_like(sure)
        spans: Spans = {name: Span.of(np.zeros(self._n_neurons, np.int64)) for name in self._rule.registers}
        decided = len(cue) + max(self._weights, default=1)
        for tick in range(ticks):
            arriving = self._arriving(tick, cue, changes, sure=sure, is_open=is_open)
            spans = self._after(spans, arriving)
            sure[tick], is_open[tick] = spans[SPIKES].low > 0, spans[SPIKES].low < spans[SPIKES].high
            if tick >= len(cue) and is_open[tick].any():
                return False
            if tick >= decided and all(spans[name].is_known for name in self._rule.registers):
                return True
        return False

    def _after(self, registers: Spans, arriving: Span) -> Spans:
        """Return all values of a tick, by name."""
        values = {**self._known, **{name: registers[name] for name in self._rule.registers}}
        return values_after_firing(self._rule, values_until_firing(self._rule, values, arriving))

    def _arriving(self, tick: int, cue: Raster, changes: int, *, sure: Raster, is_open: Raster) -> Span:
        """Return bounds of the sum of arrivals of a tick, for each neuron."""
        low, high = np.zeros((2, self._n_neurons), np.int64)
        gains = []
        for delay, weights in self._weights.items():
            sent = tick - delay
            if sent < 0:
                continue
            lines, neurons = weights[: self._n_inputs], weights[self._n_inputs :]
            certain, possible = neurons[sure[sent]].sum(axis=0), neurons[is_open[sent]]
            low += certain + np.minimum(possible, 0).sum(axis=0)
            high += certain + np.maximum(possible, 0).sum(axis=0)
            if sent < len(cue):
                perfect = lines[cue[sent]].sum(axis=0)
                low, high = low + perfect, high + perfect
                gains.append(np.where(cue[sent][:, None], -lines, lines))
        if gains:
            together = np.ascontiguousarray(np.concatenate(gains).T)
            low += np.minimum(_least(together, changes), 0).sum(axis=1)
            high -= np.minimum(_least(-together, changes), 0).sum(axis=1)
        return Span(low, high)


def _least(values: Int64s, count: int) -> Int64s:
    """Return the least so many values of each row, or all if there are fewer."""
    if count >= values.shape[1]:
        return values
    found: Int64s = np.partition(values, count - 1, axis=1)[:, :count]
    return found
