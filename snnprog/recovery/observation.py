"""The observations of one neuron, as equations in its weights and bias.

The row of a tick is that of `PotentialMap` with its last reset at the last tick with a known potential: the
contribution of the known value is subtracted by the chip's own rule. So truncation matters only after unobserved ticks,
and each equation has a bound on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.potential import NO_RESET, PotentialMap, Ticks
from snnprog.rules.interpreter import Interpreter, Outcome
from snnprog.rules.rule import CURRENT, POTENTIAL, UNSET
from snnprog.spec import FREE, Spec


@dataclass(frozen=True, eq=False)
class Equations:
    """``rows @ unknowns = right`` up to ``errors``; right sides and errors in weight LSBs.

    Attributes
    ----------
    rows : (equations, unknowns) float
    right, errors : (equations,) float
    """

    rows: Floats
    right: Floats
    errors: Floats


class Observation:
    """The observations of one neuron: ticks of all patterns on one axis, potentials in units, 0 if not observed.

    While a neuron is refractory, its potential is 0 and does not depend on its weights.
    """

    def __init__(self, spec: Spec, mapping: PotentialMap, neuron: int, potentials: Int64s) -> None:
        self.spec, self.chip, self.mapping, self.neuron = spec, spec.chip, mapping, neuron
        self.spikes = spec.targets[:, neuron]
        self.is_held = mapping.resets(self.spikes).is_held
        self.seen: Raster = spec.care[:, neuron] & ~self.spikes & ~self.is_held
        self.potentials = np.where(self.seen, potentials[:, neuron], 0)
        self.unit = self.chip.unit
        self.is_biased = spec.bias == FREE
        self.given_bias = 0 if spec.bias == FREE else int(spec.bias)
        self.signs = np.tile(spec.signs or [0] * spec.n_presynaptic, len(spec.delays))
        self._first = np.isin(np.arange(self.spikes.size), mapping.tape.starts)
        self._resets = mapping.resets(self.seen | self.spikes | self.is_held, lasting=1)
        dynamics, rule = spec.dynamics, spec.chip.rule
        own = {"current_decay": dynamics.current_decay, "potential_decay": dynamics.potential_decay}
        values = {each.name: np.array(own.get(each.name, UNSET[each.name]), np.int64) for each in rule.parameters}
        self._interpreter = Interpreter(rule, values | {each.name: np.array(each.hidden) for each in rule.constants})
        self.is_step, self.gained = self._gains()

    def equations(self) -> Equations:
        """Return the equations of the observed ticks in the unknowns: the taps and, if it is free, the bias."""
        ticks, response = np.flatnonzero(self.seen), self.mapping.bias_response(self._resets)
        rows = self.mapping.rows(self._resets, ticks)
        if self.is_biased:
            rows = np.column_stack([rows, response[ticks]])
        either = np.zeros_like(self.spikes), np.ones_like(self.spikes)
        sides = [self.mapping.truncation(self._resets, side, biased=self.spec.bias != 0) for side in either]
        errors = np.maximum(*sides)
        errors = np.where(self.is_step, np.maximum(errors - self.mapping.linear.losses[1], 0.0), errors)[ticks]
        right = (self.gained - self.given_bias * response)[ticks]
        if self.mapping.alpha > 0.0:
            self._take_last_currents(ticks, rows, right=right, errors=errors)
        return Equations(rows, right / self.unit, errors)

    def run(self, weights: Int64s, bias: int | None) -> tuple[Int64s, int]:
        """Return (ticks,) the potential that is compared at each tick, with resets at the spikes; and the bias.

        A bias of None is taken from the first tick at which the current explains the rest of the potential's change.
        """
        currents = self._currents(weights)
        if bias is None:
            step = int(np.flatnonzero(self.is_step)[0])
            bias = int(self.gained[step]) - int(currents[step])
        compared, potential = np.zeros_like(currents), np.zeros((), dtype=np.int64)
        for tick in range(currents.size):
            before = 0 * potential if self._first[tick] else potential
            potential = self._potential_left(before) + currents[tick] + bias
            compared[tick] = potential = 0 * potential if self.is_held[tick] else potential
            potential = 0 * potential if self.spikes[tick] else potential
        return compared, bias

    def place(self, tick: int) -> str:
        """Return the name of a tick among all."""
        pattern, local = self.mapping.tape.where(tick)
        return f"tick {local} of pattern {pattern}"

    def _gains(self) -> tuple[Raster, Floats]:
        """Return where the potential was known one tick before, and its gain since it was last known."""
        last = self._resets.last
        carried = np.where(last == NO_RESET, 0, self.potentials[last])
        is_step = self.seen & (self._first | (last == np.arange(last.size) - 1))
        left = np.where(is_step, self._potential_left(carried), self._resets.kept * carried)
        return is_step, self.potentials - left

    def _take_last_currents(self, ticks: Ticks, rows: Floats, *, right: Floats, errors: Floats) -> None:
        """Subtract the rest of the last known current from each current, in place.

        If it was known one tick before, without a bias, this is exact; otherwise each tick since then may lose one
        truncation.
        """
        alpha, step = self.mapping.alpha, np.flatnonzero(self.is_step[ticks])
        pattern = self.mapping.tape.pattern[ticks[step]]
        again = np.flatnonzero(pattern[1:] == pattern[:-1])
        before, after = step[again], step[again + 1]
        elapsed = ticks[after] - ticks[before]
        kept = alpha**elapsed
        is_exact = (elapsed == 1) & (not self.is_biased)
        whole = self._current_left(np.rint(right[before]).astype(np.int64))
        right[after] -= np.where(is_exact, whole, kept * right[before])
        rows[after] -= kept[:, None] * rows[before]
        lost = self.mapping.linear.losses[0] * (1.0 - kept) / (1.0 - alpha)
        errors[after] = np.where(is_exact, 0.0, lost)

    def _currents(self, weights: Int64s) -> Int64s:
        """Return the current at every tick, (ticks,)."""
        arrivals = np.rint(self.mapping.arrivals(weights.astype(np.float64))).astype(np.int64) * self.unit
        if self.mapping.alpha == 0.0:
            return arrivals
        currents, current = np.zeros_like(arrivals), np.zeros((), dtype=np.int64)
        for tick in range(arrivals.size):
            current = arrivals[tick] + (0 if self._first[tick] else self._current_left(current))
            currents[tick] = current
        return currents

    def _current_left(self, currents: Int64s) -> Int64s:
        """Return currents after one tick without input, by the chip's rule."""
        return self._left(currents, np.zeros_like(currents)).state.get(CURRENT, np.zeros_like(currents))

    def _potential_left(self, potentials: Int64s) -> Int64s:
        """Return potentials after one tick without input, by the chip's rule."""
        return self._left(np.zeros_like(potentials), potentials).compared

    def _left(self, currents: Int64s, potentials: Int64s) -> Outcome:
        state = {**self._interpreter.rest(np.shape(potentials)), CURRENT: currents, POTENTIAL: potentials}
        return self._interpreter.tick(state, np.zeros_like(potentials))
