"""Run the chip's rule on intervals, for many boxes at once, and drop boxes that cannot reproduce the targets."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.design.proofs.boxes import BIAS, THRESHOLD, Bins, BoxNeuron, Heard, ends_of
from snnprog.rules.expressions import Add, Expression, Hold, Leak, Mul, Ref, Shr, children
from snnprog.rules.interpreter import rounded
from snnprog.rules.ranges import SPANS, Span
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Step

ONCE, EITHER = Span.of(1), Span(np.array(0), np.array(1))


class BoxRun:
    """Boxes that run in parallel; those that fail are omitted.

    Attributes
    ----------
    boxes : (2, boxes, columns) int
        Those that are left, with narrowed thresholds.
    left : (boxes,) int
        Which of the boxes that were given these are.
    work : int
        Ticks and events that were run, as `snnprog.check_proof` counts them.
    """

    def __init__(self, neuron: BoxNeuron, boxes: Int64s) -> None:
        self.neuron, self.work = neuron, 0
        self.boxes: Int64s = boxes
        self.left: Int64s = np.arange(boxes.shape[1])
        self.values: dict[str, Span] = {}
        self.fails = np.zeros(boxes.shape[1], np.bool_)
        self.weights: list[Span] = []
        self.matched = ONCE
        self.own: dict[int, Span] = {}
        self.limit: int | None = None
        self.has_held = False

    def all_patterns(self) -> None:
        """Run all patterns, as long as any box is left."""
        known = {name: Span.of(value) for name, value in self.neuron.parameters.items()}
        least, greatest = ends_of(self.boxes)
        self.weights = [Span(least[:, tap], greatest[:, tap]) for tap in range(len(self.neuron.taps))]
        for pattern in self.neuron.patterns:
            zero = np.zeros(self.left.size, np.int64)
            self.values = {**known, "bias": self._column(BIAS)}
            self.values |= {name: Span.of(zero) for name in self.neuron.rule.registers}
            self.matched, self.own = Span.of(zero), {}
            for tick, heard in enumerate(pattern.heard):
                if not self.left.size:
                    return
                self.work += self.left.size * (1 + len(heard.sure) + len(heard.perhaps) + len(heard.own))
                self._tick(pattern, tick)

    def _column(self, column: int) -> Span:
        return Span(self.boxes[0, :, column], self.boxes[1, :, column])

    def _tick(self, pattern: Bins, tick: int) -> None:
        rule, due = self.neuron.rule, int(pattern.due[tick])
        self.values["threshold"] = self._column(THRESHOLD)
        self._gather(pattern.heard[tick])
        for step in rule.steps:
            if step.target == SPIKES:
                is_given = due >= 0 and not pattern.relevant[tick]
                self.values[SPIKES] = self._given(due) if is_given else self._asked(pattern, tick)
                self.values["threshold"] = self._column(THRESHOLD)
            else:
                self.values[step.target] = self._value(step)
        if self.neuron.is_heard_often:
            limit = self.boxes[1, :, THRESHOLD] * rule.unit - self.values[POTENTIAL].low
            self.fails |= (self.values[SPIKES].low > 0) & (limit < self.neuron.gaps[0])
        if due < 0 and not self.neuron.may_answer:
            self.own[tick] = self.values[SPIKES]
        self._leave_out()

    def _gather(self, heard: Heard) -> None:
        gather = self.neuron.rule.gather
        if gather.target not in self.neuron.rule.registers:
            self.values[gather.target] = Span.of(np.zeros(self.left.size, np.int64))
        weights = [self.weights[column] for column in heard.sure]
        weights += [_perhaps(self.weights[column], EITHER) for column in heard.perhaps]
        weights += [_perhaps(self.weights[column], self.own[sent]) for column, sent in heard.own]
        target = self.values[gather.target]
        if target.magnitude + sum(each.magnitude for each in weights) <= self.neuron.adds_within:
            low = sum((each.low for each in weights), target.low)
            high = sum((each.high for each in weights), target.high)
            self.values[gather.target] = Span(low, high)
            return
        self.values[COUNT] = ONCE
        for weight in weights:
            self.values[WEIGHT] = weight
            self.values[gather.target] = self._value(gather)

    def _given(self, due: int) -> Span:
        """Return the given number of spikes of each box, which does not depend on its potential."""
        times = np.full(self.left.size, due)
        return Span(times, times * self.neuron.most_spikes)

    def _asked(self, pattern: Bins, tick: int) -> Span:
        """Return the number of spikes of each box, given the target or the windows."""
        due, matched = pattern.due[tick], pattern.matched
        if matched is None or not pattern.counts[tick]:
            return self._demanded(self.values[POTENTIAL], may_rest=due != 1, may_spike=due != 0)
        least, (low, high) = matched.least[tick], (self.matched.low, self.matched.high)
        first, last = np.maximum(low, max(matched.first[tick], least - 1)), np.minimum(high, matched.last[tick])
        spikes = self._demanded(self.values[POTENTIAL], may_rest=high >= least, may_spike=first <= last)
        can_rest, can_spike = spikes.low == 0, spikes.high > 0
        self.matched = Span(
            np.where(can_rest, np.maximum(low, least), first + 1),
            np.where(can_spike, np.where(can_rest, np.maximum(high, last + 1), last + 1), high),
        )
        return spikes

    def _demanded(self, compared: Span, *, may_rest: Raster | np.bool_, may_spike: Raster | np.bool_) -> Span:
        """Return the number of spikes of each box; narrow its threshold accordingly, or mark it as failed."""
        silence, spike = self.neuron.gaps
        low, high = self.boxes[..., THRESHOLD]
        most = (compared.high - spike) // self.neuron.rule.unit
        least = -((-compared.low - silence) // self.neuron.rule.unit)
        can_spike, can_rest = (low <= most) & may_spike, (high >= least) & may_rest
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
        if isinstance(node, Mul) and parts[1] is ONCE:
            return parts[0]
        if isinstance(node, Add):
            return Span(parts[0].low + parts[1].low, parts[0].high + parts[1].high)
        if isinstance(node, Shr | Leak) and parts[1].is_known:
            lost = [rounded(end, parts[1].low, node.rounding) for end in (parts[0].low, parts[0].high)]
            return Span(*lost) if isinstance(node, Shr) else Span(parts[0].low - lost[0], parts[0].high - lost[1])
        if isinstance(node, Hold) and self.limit is not None:
            self.has_held = True
            parts = [self._watched(parts[0], self.limit)]
            if node.low <= 1 - self.limit and self.limit - 1 <= node.high:
                return parts[0]
        return SPANS[type(node)](node, *parts)

    def _watched(self, value: Span, limit: int) -> Span:
        """Return a watched value: only values below its limit count."""
        low, high = np.maximum(value.low, 1 - limit), np.minimum(value.high, limit - 1)
        self.fails |= low > high
        return Span(np.minimum(low, limit - 1), np.maximum(high, 1 - limit))

    def _leave_out(self) -> None:
        """Remove the boxes that have failed."""
        if not self.fails.any():
            return
        kept = np.flatnonzero(~self.fails)
        self.boxes, self.left = np.take(self.boxes, kept, axis=1), self.left[kept]
        size, self.fails = self.fails.size, np.zeros(kept.size, np.bool_)
        self.values = {name: _of(span, kept, size) for name, span in self.values.items()}
        self.weights = [_of(span, kept, size) for span in self.weights]
        self.matched = _of(self.matched, kept, size)
        self.own = {tick: _of(span, kept, size) for tick, span in self.own.items()}


def _perhaps(weight: Span, spikes: Span) -> Span:
    """Return the arrivals over a tap for none or one of its spikes."""
    low = np.where(spikes.low > 0, weight.low, np.minimum(weight.low, 0))
    high = np.where(spikes.low > 0, weight.high, np.maximum(weight.high, 0))
    return Span(np.where(spikes.high > 0, low, 0), np.where(spikes.high > 0, high, 0))


def _of(span: Span, kept: Int64s, size: int) -> Span:
    """Return the span of some boxes; one value for all boxes is unchanged."""
    low, high = (end[kept] if end.shape == (size,) else end for end in (span.low, span.high))
    return Span(low, high)
