"""Integers of one neuron that are right under every perturbation, found row by row.

The loop: meet the rows so far, round to the chip's integers, and calculate the worst case of every row for these
integers. If some threshold separates all silences from all spikes, the neuron is done. Otherwise the worst rows come
in, as they are in their worst case, which no weights escape (Kelley's cutting planes, 1960). If the rows exclude one
another, their perturbations are returned instead: a proof needs no others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.compiler.robust.meeting import Meeting, met, widest
from snnprog.compiler.robust.neuron import PerturbedNeuron, WorstCases
from snnprog.design.problem import NeuronProblem
from snnprog.integers.rounding import FLOAT_SLACK
from snnprog.integers.thresholds import threshold_between
from snnprog.network import Neuron
from snnprog.robustness.perturbation import Perturbation
from snnprog.solver import check_time

ROUNDS = 60
"""After how many rounds of rows the search ends. A choice."""

MOST_NEW, MOST_OF_PATTERN = 150, 6
"""How many rows a round may add, in all and of one pattern. The double of both: 1.15 of the time, on 20 specs."""

NEAR = 0.3
"""Rows come in if their distance is below this share of the typical one. A half of it: .9 of the time, 1.7 of it: 1.05,
on 20 specs."""

KEPT = 0.1
"""The share of the typical distance that is enough for a row at the start. Rows that are not there yet have at least
`NEAR` of it: where no row had enough, the first round lost most of these, and designs took twice as long. 3 and 6 times
the share: 1.3 and 1.8 of the time; a third and a tenth: 1.1 and 1.4."""

MOST_NUMBERS = 10_000_000
"""How many numbers all rows may have, over the rounds that take linear programs. A choice: half a minute."""

SMALLER = 0.7
"""What weights are multiplied by until no register can reach its end. A choice."""


@dataclass(frozen=True, eq=False)
class Separated:
    """The result: a neuron of integers, or patterns with perturbations that exclude one another, or neither.

    Attributes
    ----------
    neuron : Neuron, optional
    blamed : tuple of (int, Perturbation)
    rows : int
        How many rows were written out.
    is_too_large : bool
        Whether there were too many of them to decide.
    """

    neuron: Neuron | None = None
    blamed: tuple[tuple[int, Perturbation], ...] = ()
    rows: int = 0
    is_too_large: bool = False


@dataclass(frozen=True, eq=False)
class _Integers:
    """Integers of a neuron: weights (delays, lines), threshold and bias in LSBs, and the worst cases of all rows."""

    weights: Floats
    threshold: int
    bias: float
    cases: WorstCases
    distances: Floats
    is_right: bool

    @property
    def typical(self) -> float:
        """The median distance of rows from the threshold."""
        return float(np.median(np.abs(self.distances)))


class RobustSearch:
    """The search for one neuron.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron without perturbations, with its ranges.
    perturbed : PerturbedNeuron
    start : Neuron
        Weights to begin with; if the specification asks for few synapses, no others are used.
    """

    def __init__(self, problem: NeuronProblem, perturbed: PerturbedNeuron, start: Neuron) -> None:
        self.problem, self.perturbed, self.start = problem, perturbed, start
        spec, weights, box = perturbed.task.spec, start.weights.ravel(), problem.box
        may_act = (box.weight_lower != 0.0) | (box.weight_upper != 0.0)
        self.taps: Int64s = np.flatnonzero(may_act & (weights != 0.0) if spec.may_taps_be_absent else may_act)
        self.chip, self.noise = spec.chip, spec.noise
        self.rows = np.empty((0, self.taps.size + 2))
        self.least, self.sizes = np.empty(0), np.empty(0)
        self.known: set[bytes] = set()
        self.places: list[tuple[WorstCases, int]] = []

    def result(self) -> Separated:
        """Return the neuron, or what excludes it."""
        start = np.concatenate([self.start.weights.ravel()[self.taps], [self.start.threshold, self.start.bias]])
        numbers = 0
        answer: Meeting | None
        answer = Meeting(start[:-2], float(start[-2]), float(start[-1]), self.start.bound)
        for number in range(ROUNDS):
            check_time()
            found = self._integers(answer)
            if found.is_right:
                return Separated(self._neuron(found, answer), rows=len(self.rows))
            is_new = self._take_in(found)
            if not is_new and answer.prices is not None:
                break
            begin = np.concatenate([answer.weights, [answer.threshold, answer.bias]])
            room = answer.margin if number else KEPT * found.typical / float(np.median(self.sizes))
            start = begin / room if room > 0.0 else begin
            # Rows that are met, but not by the integers, need more room.
            meet = met if is_new else widest
            answer = meet(self.problem, self.rows, least=self.least, taps=self.taps, start=start)
            numbers += self.rows.size * (answer is None or answer.prices is not None)
            if answer is None or numbers > MOST_NUMBERS:
                return Separated(rows=len(self.rows), is_too_large=True)
            if answer.margin <= self.problem.tolerance:
                return self._excluded(answer)
        return Separated(rows=len(self.rows))

    def _excluded(self, answer: Meeting) -> Separated:
        prices = np.zeros(len(self.rows)) if answer.prices is None else answer.prices
        priced = np.flatnonzero(prices > prices.max(initial=0.0) * 1e-9)
        pattern, perturbation = self.perturbed.pattern, self.perturbed.perturbation
        blamed = ((int(pattern[row]), perturbation(cases, row)) for cases, row in (self.places[at] for at in priced))
        return Separated(blamed=tuple(blamed), rows=len(self.rows))

    def _integers(self, answer: Meeting) -> _Integers:
        """Round an answer, with smaller weights if registers could reach their ends, and calculate all worst cases."""
        box, scale = self.problem.box, 1.0
        shape = self.start.weights.shape
        while True:
            weights = np.zeros(shape[0] * shape[1])
            weights[self.taps] = scale * answer.weights
            rounded = box.nearest_weights(weights).astype(np.float64).reshape(shape)
            bias = self.chip.nearest_bias(scale * answer.bias * self.chip.unit) / self.chip.unit
            threshold = scale * answer.threshold
            if not box.is_scale_free or self.perturbed.is_portable(rounded, threshold=threshold, bias=bias, step=1):
                break
            scale *= SMALLER
        cases = self.perturbed.worst(rounded, step=1)
        return self._with_threshold(rounded, bias, cases, near=threshold)

    def _with_threshold(self, weights: Floats, bias: float, cases: WorstCases, *, near: float) -> _Integers:
        """Return the integers with the threshold that separates silences from spikes, or nearly does."""
        perturbed, box = self.perturbed, self.problem.box
        reached = (cases.reached + bias * perturbed.bias_response - cases.signs * self.noise) / perturbed.levels
        due = cases.signs > 0
        low = float(reached[~due].max(initial=-np.inf)) + FLOAT_SLACK  # greater thresholds keep the silences
        high = float(reached[due].min(initial=np.inf)) - FLOAT_SLACK  # lesser thresholds keep the spikes
        first, last = (int(np.clip(end, *self.chip.thresholds)) for end in box.threshold)
        first = max(first, math.floor(low) + 1) if math.isfinite(low) else first
        last = min(last, math.ceil(high) - 1) if math.isfinite(high) else last
        is_right = first <= last
        if is_right:
            threshold = threshold_between(first, last, raster=due)
        else:
            ends = [end for end in (low, high) if math.isfinite(end)]
            threshold = round(float(np.clip(sum(ends) / len(ends) if ends else near, *self.chip.thresholds)))
        distances = cases.signs * (reached - threshold) * perturbed.levels
        return _Integers(weights, threshold, bias, cases, distances, is_right)

    def _take_in(self, found: _Integers) -> bool:
        """Add the worst rows; return whether there were any that were not there."""
        order = np.argsort(found.distances, kind="stable")
        order = order[found.distances[order] < NEAR * found.typical] if found.distances.min() < 0 else order[:MOST_NEW]
        chosen = np.array(list(self._spread(order.tolist())), np.int64)
        features = self.perturbed.features(found.cases, chosen, found.weights)
        signs, levels = found.cases.signs[chosen], self.perturbed.levels[chosen]
        sizes = np.abs(features).sum(axis=1) + levels
        responses = self.perturbed.bias_response[chosen] * self.problem.box.has_bias
        columns = [features[:, self.taps] * signs[:, None], -signs * levels, signs * responses]
        rows = np.column_stack(columns) / sizes[:, None]
        # what rounding of the chip and the noise take of the row
        taken = self.perturbed.taken[chosen] + self.noise
        keys = [row.tobytes() for row in rows]
        new = [index for index, key in enumerate(keys) if key not in self.known]
        self.known.update(keys)
        self.rows = np.concatenate([self.rows, rows[new]])
        self.least = np.concatenate([self.least, (taken / sizes)[new]])
        self.sizes = np.concatenate([self.sizes, sizes[new]])
        self.places += [(found.cases, int(row)) for row in chosen[new]]
        return bool(new)

    def _spread(self, rows: list[int]) -> Iterable[int]:
        """Yield the first rows, and few of each pattern."""
        counts: Counter[int] = Counter()
        total = 0
        for row in rows:
            pattern = int(self.perturbed.pattern[row])
            counts[pattern] += 1
            if counts[pattern] <= MOST_OF_PATTERN:
                total += 1
                yield row
            if total >= MOST_NEW:
                return

    def _neuron(self, found: _Integers, answer: Meeting) -> Neuron:
        margin = float(found.distances.min(initial=np.inf))
        return replace(
            self.start,
            weights=found.weights,
            threshold=float(found.threshold),
            bias=found.bias,
            exponent=0,
            margin=margin,
            bound=max(margin, answer.margin),
            is_integral=True,
        )
