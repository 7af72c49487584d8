"""All integers of one neuron, in boxes: many boxes are run at once on intervals, and halved until each of them fails.

A box is a range for every unknown: the mantissas of the taps that can act, the exponent, the bias and the threshold.
The chip's rule, run on intervals, tells whether a box can do what its bins ask; the threshold's range is narrowed on
the way. A box that is left is halved as `snnprog.check_proof` halves it, so what ends here ends there, after as much
work. A box of one point that is left is an answer: integers that do what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.proof import Row
from snnprog.rules.expressions import Const, Expression, Hold, Leak, Ref, children
from snnprog.rules.interpreter import rounded
from snnprog.rules.ranges import SPANS, Span
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step
from snnprog.solver import check_time
from snnprog.spec import Pattern, Spec, presynaptic_raster
from snnprog.spec.options import NO_WINDOW

AT_ONCE = 4096
"""Boxes that are run at once; numpy's cost of an operation is then that of its elements."""

MANY_SPIKES = 1 << 20
"""Stands for spikes in one tick where the rule sets no limit."""

TRIES, LONGEST_REST = 8, 4
"""Boxes for which a cut is looked for before all are halved; and how many times they are halved at most before the next
look, where none was found."""

MOST_CUTS = 60
"""Every box is held against all cuts."""

SLACK = 1e-9
"""What sums of floats may be wrong by, as a share of their parts: cuts are calculated in integers by the checker."""

FARTHEST = 2.0**40
"""Beyond all integers of a chip."""

EXPONENT, BIAS, THRESHOLD = -3, -2, -1
"""The last columns of a box; mantissas stand before them."""

Document = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Bins:
    """What one neuron hears and is to do in one pattern.

    Attributes
    ----------
    arriving : sequence of (int, ...)
        For each tick, the columns of the taps over which a spike arrives.
    due : (ticks,) int
        1 where it must spike, 0 where it must not, -1 where either will do.
    """

    arriving: Sequence[Sequence[int]]
    due: Int64s


@dataclass(frozen=True, eq=False)
class BoxNeuron:
    """A neuron whose integers are looked for.

    Attributes
    ----------
    rule : Rule
    parameters : mapping of str to int
        Those that are known.
    patterns : sequence of Bins
    lower, upper : (taps + 3,) int
        Of mantissas, exponent, bias and threshold.
    may_be_zero : bool
        Whether a mantissa may be 0.
    fan_in : int or None
        Mantissas that may differ from 0.
    gaps : (int, int)
        By how many units of the potential silence and a spike must clear the threshold.
    is_heard_often : bool
        Whether it must not spike twice in a tick.
    bias_most : int
        The greatest mantissa of a bias.
    bias_exponents : (int, int)
    taps : sequence of (int, int)
        The line and the delay of each mantissa.
    """

    rule: Rule
    parameters: Mapping[str, int]
    patterns: Sequence[Bins]
    lower: Int64s
    upper: Int64s
    may_be_zero: bool
    fan_in: int | None
    gaps: tuple[int, int]
    is_heard_often: bool
    bias_most: int
    bias_exponents: tuple[int, int]
    taps: Sequence[tuple[int, int]]

    @cached_property
    def limits(self) -> dict[str, int]:
        """The limit of each watched step."""
        return {watch.step: watch.limit for watch in self.rule.watched}

    @cached_property
    def most_spikes(self) -> int:
        """How often it may spike in a tick."""
        if self.is_heard_often:
            return 1
        most = self.rule.firing.most
        if isinstance(most, Const):
            return most.value
        return self.parameters[most.name] if isinstance(most, Ref) else MANY_SPIKES

    @classmethod
    def of(cls, spec: Spec, output: int, document: Document) -> BoxNeuron | None:
        """Return an output of a spec, as the document of the spec has its ranges; None where its lines are not known.

        These are not known where outputs feed outputs and some bins are open.
        """
        if spec.hidden != 0 or spec.window != NO_WINDOW or (spec.recurrent and not spec.care.all()):
            return None
        ranges, parameters = document["ranges"], document["parameters"]
        events = [_arrivals(presynaptic_raster(spec, pattern), spec.delays) for pattern in spec.patterns]
        taps = sorted({tap for pattern in events for tick in pattern for tap in tick})
        column = {tap: index for index, tap in enumerate(taps)}
        ends = [
            *(ranges["mantissas"][line] for line, _ in taps),
            ranges["exponents"],
            ranges["bias"],
            ranges["threshold"],
        ]
        lower, upper = np.array(ends, np.int64).T
        patterns = [
            Bins([[column[tap] for tap in tick] for tick in arriving], _due(pattern, output))
            for arriving, pattern in zip(events, spec.patterns, strict=True)
        ]
        equal = spec.chip.rule.is_equal_a_spike
        return cls(
            rule=spec.chip.rule,
            parameters=parameters,
            patterns=patterns,
            lower=lower,
            upper=upper,
            may_be_zero=ranges["may_be_zero"],
            fan_in=spec.fan_in,
            gaps=(document["noise"] + equal, document["noise"] + 1 - equal),
            is_heard_often=document["once"],
            bias_most=max(ranges["bias_mantissas"]),
            bias_exponents=tuple(ranges["bias_exponents"]),
            taps=taps,
        )


def _arrivals(raster: Raster, delays: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return for each tick the taps, as (line, delay), over which a spike arrives."""
    ticks = raster.shape[0]
    return [
        sorted(
            (line, delay) for delay in delays if tick >= delay for line in np.flatnonzero(raster[tick - delay]).tolist()
        )
        for tick in range(ticks)
    ]


def _due(pattern: Pattern, output: int) -> Int64s:
    return np.where(pattern.care[:, output], pattern.targets[:, output].astype(np.int64), -1)


@dataclass(frozen=True, eq=False)
class Exhaustion:
    """What became of all boxes.

    Attributes
    ----------
    answer : (taps + 3,) int or None
        Integers that do what is asked.
    is_complete : bool
        Whether all boxes failed.
    work : int
        Ticks and events that were run, as `snnprog.check_proof` counts them.
    cuts : tuple of tuple of row
    """

    answer: Int64s | None
    is_complete: bool
    work: int
    cuts: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, eq=False)
class Cut:
    """What every box must keep: ``constant + Σ multiples * unknowns >= 0``.

    Attributes
    ----------
    constant : float
    multiples : (taps + 3,) float
        Of what one spike over each tap adds, 0 for the exponent, of the bias and the threshold.
    rows : tuple of row
        Where it comes from.
    """

    constant: float
    multiples: Floats
    rows: tuple[Row, ...]


class Cutter(Protocol):
    """Finds cuts."""

    def cut(self, least: Int64s, greatest: Int64s) -> Cut | None:
        """Return a cut that no unknowns between two ends keep, (taps + 3,) each; None where none is found."""


def exhausted(neuron: BoxNeuron, most_work: int, cutter: Cutter | None = None) -> Exhaustion:
    """Halve boxes until all of them fail, one is an answer, or the work allowed is done.

    Raises
    ------
    UndecidedError
        If the time that `snnprog.solver.until` allows runs out.
    """
    waiting, work, cuts = [np.stack([neuron.lower, neuron.upper])[:, None]], 0, list[Cut]()
    rest = skipped = 0
    while waiting:
        check_time()
        boxes = waiting.pop()
        if boxes.shape[1] > AT_ONCE:
            waiting.append(boxes[:, :-AT_ONCE])
            boxes = boxes[:, -AT_ONCE:]
        work += len(cuts) * boxes.shape[1]
        boxes = _tightened(neuron, boxes)
        for cut in cuts:
            boxes = _cut_down(boxes, cut)
        boxes = _tightened(neuron, boxes)
        before = boxes[..., THRESHOLD].copy()
        run = _BoxRun(neuron, boxes)
        run.all_patterns()
        work += run.work
        boxes, before = run.boxes, before[:, run.left]
        is_point = (boxes[0] == boxes[1]).all(axis=1)
        is_new = (before != boxes[..., THRESHOLD]).any(axis=0)
        if (is_point & ~is_new).any():
            return Exhaustion(boxes[0, np.flatnonzero(is_point & ~is_new)[0]], False, work, ())
        if work > most_work:
            return Exhaustion(None, False, work, ())
        if cutter is not None and boxes.size and len(cuts) < MOST_CUTS:
            if rest:
                rest -= 1
            else:
                found = _found_cut(cutter, boxes)
                skipped = 0 if found is not None else min(2 * skipped + 1, LONGEST_REST)
                rest = skipped
                if found is not None:
                    cuts.append(found)
                    waiting.append(boxes)
                    continue
        following = np.concatenate([boxes[:, is_point], _halved(boxes[:, ~is_point])], axis=1)
        if following.size:
            waiting.append(following)
    return Exhaustion(None, True, work, tuple(cut.rows for cut in cuts))


def _found_cut(cutter: Cutter, boxes: Int64s) -> Cut | None:
    """Return a cut that breaks a box: the widest, the farthest from 0, or one of some others."""
    least, greatest = ends_of(boxes)
    near = np.where((least <= 0) & (greatest >= 0), 0, np.minimum(np.abs(least), np.abs(greatest)))
    wide, far = _bits(boxes[1] - boxes[0]), _bits(near)
    some = np.linspace(0, wide.size - 1, TRIES).astype(np.int64).tolist()
    for place in dict.fromkeys((int(wide.argmax()), int(far.argmax()), *some)):
        found = cutter.cut(least[place], greatest[place])
        if found is not None:
            return found
    return None


def _bits(values: Int64s) -> Int64s:
    """Return how many bits the integers of each row, none negative, have together."""
    bits: Int64s = np.frexp(values.astype(np.float64))[1].astype(np.int64).sum(axis=1)
    return bits


def ends_of(boxes: Int64s) -> tuple[Int64s, Int64s]:
    """Return the ends of what one spike over each tap adds, and of the others, of boxes (2, ..., columns)."""
    low, high = boxes.copy()
    for end, sign in ((low, -1), (high, 1)):
        mantissas = end[..., :EXPONENT]
        first, last = boxes[..., EXPONENT]
        shift = np.where(mantissas * sign > 0, last[..., None], first[..., None])
        end[..., :EXPONENT] = mantissas << shift
    return low, high


def _cut_down(boxes: Int64s, cut: Cut) -> Int64s:
    """Return boxes without ends that break a cut, and without those that break it altogether."""
    least, greatest = ends_of(boxes)
    columns = np.flatnonzero(cut.multiples)
    most = {
        column: np.maximum(cut.multiples[column] * least[:, column], cut.multiples[column] * greatest[:, column])
        for column in columns.tolist()
    }
    total: Floats = np.full(boxes.shape[1], cut.constant)
    size: Floats = np.abs(total)
    for each in most.values():
        total, size = total + each, size + np.abs(each)
    total = total + SLACK * size
    boxes = boxes.copy()
    exponents: Int64s = boxes[0, :, EXPONENT]
    is_fixed = exponents == boxes[1, :, EXPONENT]
    for column, each in most.items():
        by = cut.multiples[column]
        end = (each - total) / by
        scale = 1 << exponents if column < boxes.shape[2] + EXPONENT else 1
        end = np.clip(end / scale, -FARTHEST, FARTHEST)
        if by > 0:
            new = np.ceil(end - SLACK * np.abs(end) - SLACK).astype(np.int64)
            boxes[0, :, column] = np.where(is_fixed, np.maximum(boxes[0, :, column], new), boxes[0, :, column])
        else:
            new = np.floor(end + SLACK * np.abs(end) + SLACK).astype(np.int64)
            boxes[1, :, column] = np.where(is_fixed, np.minimum(boxes[1, :, column], new), boxes[1, :, column])
    kept = (total >= 0) & (boxes[0] <= boxes[1]).all(axis=1)
    return boxes[:, kept]


def _tightened(neuron: BoxNeuron, boxes: Int64s) -> Int64s:
    """Return boxes (2, boxes, columns) without ends that cannot be, and without those of which nothing is left."""
    low, high = boxes
    mantissas, bias = slice(None, EXPONENT), BIAS
    if not neuron.may_be_zero:
        low[:, mantissas] += low[:, mantissas] == 0
        high[:, mantissas] -= high[:, mantissas] == 0
    first, last = neuron.bias_exponents
    nearest = np.where((low[:, bias] <= 0) & (high[:, bias] >= 0), 0, np.abs(boxes[..., bias]).min(axis=0))
    steps = 1 << np.arange(first, last + 1)
    place = np.searchsorted(neuron.bias_most * steps[:-1], nearest) if last > first else np.zeros(nearest.size, int)
    step = steps[place]
    low[:, bias], high[:, bias] = -(-low[:, bias] // step) * step, high[:, bias] // step * step
    kept = (low <= high).all(axis=1)
    if neuron.fan_in is not None and neuron.may_be_zero:
        kept &= ((low > 0) | (high < 0))[:, mantissas].sum(axis=1) <= neuron.fan_in
    return boxes[:, kept]


def _halved(boxes: Int64s) -> Int64s:
    """Return both halves of each box: of its exponent, then of its widest mantissa, then of the others."""
    low, high = boxes
    wide, every = high - low, np.arange(low.shape[0])
    mantissas = np.concatenate([wide[:, :EXPONENT], np.zeros((low.shape[0], 1), np.int64)], axis=1)
    widest, others = mantissas.argmax(axis=1), np.where(wide[:, BIAS] > 0, BIAS, THRESHOLD)
    chosen = np.where(mantissas[every, widest] > 0, widest, others)
    column = np.where(wide[:, EXPONENT] > 0, EXPONENT, chosen)
    middle = (low[every, column] + high[every, column]) // 2
    lesser, greater = boxes.copy(), boxes.copy()
    lesser[1, every, column], greater[0, every, column] = middle, middle + 1
    return np.stack([greater, lesser], axis=2).reshape(2, -1, low.shape[1])


class _BoxRun:
    """Boxes (2, boxes, columns) that run side by side; those that fail are left out, and `left` says which stay."""

    def __init__(self, neuron: BoxNeuron, boxes: Int64s) -> None:
        self.neuron, self.work = neuron, 0
        self.boxes: Int64s = boxes
        self.left: Int64s = np.arange(boxes.shape[1])
        self.values: dict[str, Span] = {}
        self.fails = np.zeros(boxes.shape[1], np.bool_)
        self.weights: list[Span] = []
        self.limit: int | None = None
        self.has_held = False

    def all_patterns(self) -> None:
        """Run all patterns, as long as any box is left."""
        known = {name: Span.of(value) for name, value in self.neuron.parameters.items()}
        self.weights = [self._weight(column) for column in range(self.boxes.shape[2] + EXPONENT)]
        for pattern in self.neuron.patterns:
            zero = np.zeros(self.left.size, np.int64)
            self.values = {**known, "bias": self._column(BIAS)}
            self.values |= {name: Span.of(zero) for name in self.neuron.rule.registers}
            for arriving, due in zip(pattern.arriving, pattern.due.tolist(), strict=True):
                if not self.left.size:
                    return
                self.work += self.left.size * (1 + len(arriving))
                self._tick(arriving, due)

    def _column(self, column: int) -> Span:
        return Span(self.boxes[0, :, column], self.boxes[1, :, column])

    def _weight(self, column: int) -> Span:
        """Return what one spike over a tap adds."""
        (low, high), exponents = self.boxes[..., column], self.boxes[..., EXPONENT]
        least, greatest = np.where(low < 0, exponents[1], exponents[0]), np.where(high > 0, exponents[1], exponents[0])
        return Span(low << least, high << greatest)

    def _tick(self, arriving: Sequence[int], due: int) -> None:
        rule = self.neuron.rule
        self.values["threshold"] = self._column(THRESHOLD)
        self._gather(arriving)
        for step in rule.steps:
            if step.target == SPIKES:
                self.values[SPIKES] = self._demanded(self.values[POTENTIAL], due)
                self.values["threshold"] = self._column(THRESHOLD)
            else:
                self.values[step.target] = self._value(step)
        if self.neuron.is_heard_often:
            limit = self.boxes[1, :, THRESHOLD] * rule.unit - self.values[POTENTIAL].low
            self.fails |= (self.values[SPIKES].low > 0) & (limit < self.neuron.gaps[0])
        self._leave_out()

    def _gather(self, arriving: Sequence[int]) -> None:
        gather = self.neuron.rule.gather
        if gather.target not in self.neuron.rule.registers:
            self.values[gather.target] = Span.of(np.zeros(self.left.size, np.int64))
        if self.neuron.rule.is_sum:
            target, weights = self.values[gather.target], [self.weights[column] for column in arriving]
            low, high = (
                sum((each.low for each in weights), target.low),
                sum((each.high for each in weights), target.high),
            )
            self.values[gather.target] = Span(low, high)
            return
        self.values[COUNT] = Span.of(1)
        for column in arriving:
            self.values[WEIGHT] = self.weights[column]
            self.values[gather.target] = self._value(gather)

    def _demanded(self, compared: Span, due: int) -> Span:
        """Return how often each box spikes; narrow its threshold to what allows that, or note that it fails."""
        silence, spike = self.neuron.gaps
        low, high = self.boxes[..., THRESHOLD]
        most = (compared.high - spike) // self.neuron.rule.unit
        least = -((-compared.low - silence) // self.neuron.rule.unit)
        can_spike, can_rest = (low <= most) & (due != 0), (high >= least) & (due != 1)
        self.fails |= ~can_spike & ~can_rest
        self.boxes[1, :, THRESHOLD] = np.where(can_spike & ~can_rest, np.minimum(high, most), high)
        self.boxes[0, :, THRESHOLD] = np.where(can_rest & ~can_spike, np.maximum(low, least), low)
        times = np.where(can_spike, self.neuron.most_spikes, 0)
        return Span(np.where(can_rest, 0, 1), times)

    def _value(self, step: Step) -> Span:
        self.limit, self.has_held = self.neuron.limits.get(step.name), False
        value = self._evaluated(step.expression)
        return value if self.limit is None or self.has_held else self._watched(value, self.limit)

    def _evaluated(self, node: Expression) -> Span:
        if isinstance(node, Ref):
            return self.values[node.name]
        parts = [self._evaluated(child) for child in children(node)]
        if isinstance(node, Leak) and parts[1].is_known:
            operand, bits = parts
            ends = (end - rounded(end, bits.low, node.rounding) for end in (operand.low, operand.high))
            return Span(*ends)
        if isinstance(node, Hold) and self.limit is not None:
            self.has_held = True
            parts = [self._watched(parts[0], self.limit)]
        return SPANS[type(node)](node, *parts)

    def _watched(self, value: Span, limit: int) -> Span:
        """Return a watched value: what is not below its limit does not count."""
        low, high = np.maximum(value.low, 1 - limit), np.minimum(value.high, limit - 1)
        self.fails |= low > high
        return Span(np.minimum(low, limit - 1), np.maximum(high, 1 - limit))

    def _leave_out(self) -> None:
        """Leave out the boxes that have failed."""
        if not self.fails.any():
            return
        kept = np.flatnonzero(~self.fails)
        self.boxes, self.left = np.take(self.boxes, kept, axis=1), self.left[kept]
        size, self.fails = self.fails.size, np.zeros(kept.size, np.bool_)
        self.values = {name: _of(span, kept, size) for name, span in self.values.items()}
        self.weights = [_of(span, kept, size) for span in self.weights]


def _of(span: Span, kept: Int64s, size: int) -> Span:
    """Return the span of some boxes; what is the same in all of them stays as it is."""
    low, high = (end[kept] if end.shape == (size,) else end for end in (span.low, span.high))
    return Span(low, high)
