"""One neuron's rows with integer unknowns only: mantissas, and a free threshold and bias.

In steps of the weights' grid, for each tick k, with s = +1 where a spike is due and -1 where silence is::

    s (Σ_j m_j φ_j[k] + b β[k] - τ[k] θ)  >=  ρ[k]

ρ[k] is what truncating decays can do; where it is met everywhere, the chip reproduces the targets. Columns come signed,
so that every row asks for its sum to be large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip, Range
from snnprog.design.margins.answer import WidestMargin
from snnprog.design.problem import NeuronProblem
from snnprog.integers.machine import Machine
from snnprog.integers.rounding import FLOAT_SLACK, IntegerNeuron
from snnprog.potential import Ticks
from snnprog.rounding import half_even_integer


@dataclass(frozen=True, eq=False)
class IntegerProblem:
    """A `NeuronProblem` at its exponent, for integers.

    Unknowns are ordered: mantissas of the taps that act, then the threshold and the bias where they are free.
    """

    problem: NeuronProblem
    chip: Chip
    machine: Machine

    @cached_property
    def taps(self) -> Ticks:
        """Which taps act."""
        box = self.problem.box
        return np.flatnonzero((box.weight_lower != 0.0) | (box.weight_upper != 0.0))

    @property
    def bias_step(self) -> int:
        """The value of one mantissa of a free bias, in units of the potential."""
        return 1 << self.problem.box.bias_exponent

    @cached_property
    def columns(self) -> Floats:
        """(unknowns, ticks) The effect of one step of each unknown on each row."""
        problem = self.problem
        columns = [problem.features(np.arange(problem.raster.size)).T[self.taps]]
        if problem.box.is_threshold_free:
            columns.append(-problem.threshold_response[None] / problem.step)
        if problem.box.is_bias_free:
            columns.append(problem.bias_response[None] * (self.bias_step / self.machine.unit / problem.step))
        return np.concatenate(columns) * problem.signs

    @property
    def given(self) -> Floats:
        """(ticks,) The effect of a fixed threshold and bias on each row."""
        box, problem = self.problem.box, self.problem
        threshold = 0.0 if box.is_threshold_free else box.threshold[0]
        bias = 0.0 if box.is_bias_free else box.bias[0]
        given: Floats = (
            problem.signs * (bias * problem.bias_response - threshold * problem.threshold_response) / problem.step
        )
        return given

    @property
    def truncation(self) -> Floats:
        """(ticks,) ρ, and a little more than floats can be wrong by."""
        return self.problem.truncation / self.problem.step + FLOAT_SLACK

    @property
    def leeway(self) -> Floats:
        """(ticks,) The largest gain of a row by rounding, with a tolerance for floats."""
        return self.problem.leeway / self.problem.step + FLOAT_SLACK

    @property
    def ranges(self) -> tuple[Int64s, Int64s]:
        """The least and the largest of each unknown."""
        box = self.problem.box
        ends = [np.stack([box.weight_lower[self.taps], box.weight_upper[self.taps]]).astype(np.int64)]
        ends += [np.array([self.chip.thresholds]).T] if box.is_threshold_free else []
        ends += [np.array([self.chip.bias_mantissas]).T] if box.is_bias_free else []
        lower, upper = np.concatenate(ends, axis=1)
        return lower, upper

    def unknowns(self, mantissas: Int64s, threshold: float, bias: float) -> Int64s:
        """Return the unknowns of weights (taps,), and of a threshold and a bias in LSBs, within their ranges."""
        box = self.problem.box
        values = [mantissas[self.taps]]
        if box.is_threshold_free:
            values.append(np.array([math.floor(threshold)]))
        if box.is_bias_free:
            values.append(np.array([half_even_integer(bias * self.machine.unit / self.bias_step)]))
        return np.clip(np.concatenate(values), *self.ranges).astype(np.int64)

    def rounded(self, answer: WidestMargin) -> Int64s:
        """Return the unknowns that are nearest to an answer in real weights."""
        mantissas = self.problem.box.nearest_weights(answer.weights / self.problem.step)
        return self.unknowns(mantissas, answer.threshold, answer.bias)

    def exact_neuron(self, unknowns: Int64s, rounding: str, *, allowed: Range | None = None) -> IntegerNeuron | None:
        """Return the neuron if it is exact in the chip's integers, its threshold in the middle of the exact range.

        Parameters
        ----------
        allowed : (int, int), optional
            The thresholds that it may have; all that the spec and the chip allow, by default.
        """
        mantissas, bias = self._weights(unknowns), self._bias(unknowns)
        allowed = self._allowed_thresholds if allowed is None else allowed
        weights = mantissas << self.problem.exponent
        threshold = self.machine.threshold(weights, bias, allowed) if allowed[0] <= allowed[1] else None
        if threshold is None:
            return None
        potential = self.problem.potential((mantissas * self.problem.step).astype(np.float64), bias / self.machine.unit)
        distance = self.problem.signs * (potential - threshold * self.problem.threshold_response)
        return self._neuron(mantissas, threshold, bias, margin=float(distance.min()), rounding=rounding)

    def run_neuron(self, unknowns: Int64s, rounding: str, *, counts: Raster) -> IntegerNeuron:
        """Return the neuron of these unknowns, with the margin of its run in the bins that count (ticks played,)."""
        mantissas, bias, box = self._weights(unknowns), self._bias(unknowns), self.problem.box
        threshold = int(unknowns[self.taps.size]) if box.is_threshold_free else int(box.threshold[0])
        run = self.machine.simulator.run(mantissas << self.problem.exponent, threshold, bias)
        distance = np.abs(run.potentials / self.machine.unit - threshold)[: counts.size][counts]
        margin = float(distance.min(initial=np.inf))
        return self._neuron(mantissas, threshold, bias, margin=margin, rounding=rounding)

    def _weights(self, unknowns: Int64s) -> Int64s:
        mantissas = np.zeros(self.problem.potential_map.n_taps, np.int64)
        mantissas[self.taps] = unknowns[: self.taps.size]
        return mantissas

    def _bias(self, unknowns: Int64s) -> int:
        """Return the bias in units of the potential."""
        box = self.problem.box
        if box.is_bias_free:
            return int(unknowns[-1]) * self.bias_step
        return half_even_integer(box.bias[0] * self.machine.unit)

    def _neuron(self, mantissas: Int64s, threshold: int, bias: int, *, margin: float, rounding: str) -> IntegerNeuron:
        return IntegerNeuron(
            mantissas=mantissas.reshape(self.problem.potential_map.delays.size, -1),
            exponent=self.problem.exponent,
            threshold=threshold,
            bias=bias,
            scale=1.0,
            certified=False,
            margin=margin,
            rounding=rounding,
        )

    @property
    def _allowed_thresholds(self) -> Range:
        (low, high), chip = self.problem.box.threshold, self.chip.thresholds
        return max(int(low), chip[0]), min(int(high), chip[1])
