"""What was seen of one neuron, as equations in its weights and bias.

The row of a tick is that of `PotentialMap` with its last reset at the last tick at which the potential was known: what
was known there is taken away by the chip's own rule. So a truncation is felt only where something was not seen, and
each equation says how much of it there can be.
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
    """What was seen of one neuron: ticks of all patterns on one axis, potentials in units and 0 where none was seen.

    While a neuron is refractory, its potential is known to be 0, which tells nothing of its weights.
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
        """Return what the seen ticks say of the unknowns: the taps and, where it is free, the bias."""
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
        """Return (ticks,) the potential that is compared at each tick, with resets where the spikes are; and the bias.

        A bias of None is read off the first tick at which the current alone explains what the potential gained.
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
        """Name a tick among all."""
        pattern, local = self.mapping.tape.where(tick)
        return f"tick {local} of pattern {pattern}"

    def _gains(self) -> tuple[Raster, Floats]:
        """Return where the potential was known a tick before, and what it gained since it was known last."""
        last = self._resets.last
        carried = np.where(last == NO_RESET, 0, self.potentials[last])
        is_step = self.seen & (self._first | (last == np.arange(last.size) - 1))
        left = np.where(is_step, self._potential_left(carried), self._resets.kept * carried)
        return is_step, self.potentials - left

    def _take_last_currents(self, ticks: Ticks, rows: Floats, *, right: Floats, errors: Floats) -> None:
        """Take from each current what is left of the last one that is known, in place.

        Of the tick before, and with no bias in it, that is known to the unit; else each tick since may lose as much as
        a truncation does.
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
        """Return what the chip's rule leaves of currents after one tick in which nothing arrives."""
        return self._left(currents, np.zeros_like(currents)).state.get(CURRENT, np.zeros_like(currents))

    def _potential_left(self, potentials: Int64s) -> Int64s:
        """Return what the chip's rule leaves of potentials after one tick in which nothing flows in."""
        return self._left(np.zeros_like(potentials), potentials).compared

    def _left(self, currents: Int64s, potentials: Int64s) -> Outcome:
        state = {**self._interpreter.rest(np.shape(potentials)), CURRENT: currents, POTENTIAL: potentials}
        return self._interpreter.tick(state, np.zeros_like(potentials))
