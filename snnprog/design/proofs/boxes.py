"""Boxes: a range for every integer of one neuron, and its inputs and targets.

Many boxes stand in parallel in one array ``(2, boxes, taps + 3)``: the lower ends and the upper ones, of the mantissas
of the taps that can act, of the exponent, the bias and the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.design.completion import Matched, Windows
from snnprog.design.designer import is_open_loop
from snnprog.rules.expressions import Add, Const, Hold, Mul, Ref
from snnprog.rules.rule import COUNT, WEIGHT, Rule
from snnprog.spec import Pattern, Spec
from snnprog.spec.options import NO_WINDOW

MANY_SPIKES = 1 << 20
"""The number of spikes in one tick if the rule sets no limit."""

EXPONENT, BIAS, THRESHOLD = -3, -2, -1
"""The last columns of a box; mantissas stand before them."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Heard:
    """Over which taps spikes arrive in one tick, by their columns.

    Attributes
    ----------
    sure : sequence of int
        Over these, one arrives.
    perhaps : sequence of int
        Over these, one may arrive: of outputs of which it is open whether they spike.
    own : sequence of (int, int)
        Over these, one arrives if the neuron itself spiked at this tick before.
    """

    sure: Sequence[int]
    perhaps: Sequence[int] = ()
    own: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, eq=False)
class Bins:
    """The inputs and targets of one neuron in one pattern.

    Attributes
    ----------
    heard : sequence of Heard
        For each tick.
    due : (ticks,) int
        1 where it must spike, 0 where it must not, -1 where either may do.
    relevant : (ticks,) bool
        Where its potential must be such that it does; elsewhere it does so for any the potential is.
    counts : (ticks,) bool
        Which bins count.
    matched : Matched or None
        How target spikes may be matched, where they have windows.
    """

    heard: Sequence[Heard]
    due: Int64s
    relevant: Raster
    counts: Raster
    matched: Matched | None = None


@dataclass(frozen=True, eq=False)
class BoxNeuron:
    """A neuron whose integers are searched.

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
        The largest mantissa of a bias.
    bias_exponents : (int, int)
    taps : sequence of (int, int)
        The line and the delay of each mantissa.
    may_answer : bool
        Whether integers that reproduce its targets are an answer. In an open loop they are not: there the spikes that
        the neuron receives depend on what outputs do in open bins.
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
    may_answer: bool = True

    @cached_property
    def limits(self) -> dict[str, int]:
        """The limit of each watched step."""
        return {watch.step: watch.limit for watch in self.rule.watched}

    @cached_property
    def adds_within(self) -> float:
        """The largest magnitude to which arriving spikes are added in any order; -1 if they are not added."""
        gather = self.rule.gather
        if self.rule.is_sum:
            return math.inf
        total = Add(Ref(gather.target), Mul(Ref(WEIGHT), Ref(COUNT)))
        if not isinstance(gather.expression, Hold) or gather.expression.operand != total:
            return -1
        ends = (-gather.expression.low, gather.expression.high, self.limits.get(gather.name, math.inf) - 1)
        return min(ends)

    @cached_property
    def most_spikes(self) -> int:
        """How often it may spike in a tick."""
        if self.is_heard_often:
            return 1
        most = self.rule.firing.most
        if isinstance(most, Const):
            return most.value
        return self.parameters[most.name] if isinstance(most, Ref) else MANY_SPIKES

    def restricted_to(self, relevant: Raster) -> BoxNeuron:
        """Return the neuron with fewer target bins, (ticks of all patterns,)."""
        ends = np.cumsum([bins.due.size for bins in self.patterns])[:-1]
        parts = zip(self.patterns, np.split(relevant, ends), strict=True)
        return replace(self, patterns=[replace(bins, relevant=part) for bins, part in parts])

    @classmethod
    def of(cls, spec: Spec, output: int, document: Document) -> BoxNeuron | None:
        """Return an output of a spec with the ranges of the spec's document; None if hidden neurons may feed it."""
        if spec.hidden != 0:
            return None
        ranges, parameters = document["ranges"], document["parameters"]
        heard = range(spec.n_outputs) if spec.recurrent else [output]
        known = [_known(pattern, spec.window, heard) for pattern in spec.patterns]
        events = [_arrivals(spec, pattern, dues, output) for pattern, dues in zip(spec.patterns, known, strict=True)]
        taps = sorted({tap for pattern in events for tick in pattern for tap, _ in tick})
        column = {tap: index for index, tap in enumerate(taps)}
        ends = [
            *(ranges["mantissas"][line] for line, _ in taps),
            ranges["exponents"],
            ranges["bias"],
            ranges["threshold"],
        ]
        lower, upper = np.array(ends, np.int64).T
        patterns = [
            Bins(
                [_heard(tick, column, spec.n_inputs + output) for tick in arriving],
                dues[:, output],
                pattern.care[:, output],
                pattern.care[:, output],
                _matched(pattern, output, spec.window),
            )
            for arriving, pattern, dues in zip(events, spec.patterns, known, strict=True)
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
            may_answer=not is_open_loop(spec),
        )


def _known(pattern: Pattern, window: tuple[int, int], outputs: Iterable[int]) -> Int64s:
    """(ticks, all outputs) Return 1 for a target spike of some outputs, 0 for a target silence; -1 elsewhere."""
    known = np.full(pattern.targets.shape, -1)
    for output in outputs:
        windows = Windows.of(pattern.targets[:, output], pattern.care[:, output], window)
        for tick, (can_rest, can_spike) in enumerate(windows.open_values({}) or ()):
            known[tick, output] = -1 if can_rest and can_spike else can_spike
    return known


def _matched(pattern: Pattern, output: int, window: tuple[int, int]) -> Matched | None:
    if window == NO_WINDOW:
        return None
    return Windows.of(pattern.targets[:, output], pattern.care[:, output], window).matched()


Arrival = tuple[tuple[int, int], int | None]
"""The line and the delay of a tap over which a spike arrives, or may; in the latter case, when it was sent."""


def _arrivals(spec: Spec, pattern: Pattern, known: Int64s, output: int) -> list[list[Arrival]]:
    """Return the arrivals of each tick, by line, then by delay."""
    lines = pattern.inputs.astype(np.int64)
    if spec.recurrent:
        lines = np.concatenate([lines, known], axis=1)
    arriving: list[list[Arrival]] = []
    for tick in range(pattern.ticks):
        sent = [(line, delay) for delay in spec.delays if tick >= delay for line in np.flatnonzero(lines[tick - delay])]
        arriving.append(
            [
                ((int(line), delay), tick - delay if lines[tick - delay, line] < 0 else None)
                for line, delay in sorted(sent)
            ]
        )
    return arriving


def _heard(arriving: Sequence[Arrival], column: Mapping[tuple[int, int], int], own: int) -> Heard:
    """Return the arrivals of a tick by column; ``own`` is the line of the neuron itself."""
    sure = [column[tap] for tap, sent in arriving if sent is None]
    perhaps = [column[tap] for tap, sent in arriving if sent is not None and tap[0] != own]
    return Heard(sure, perhaps, [(column[tap], sent) for tap, sent in arriving if sent is not None and tap[0] == own])


def ends_of(boxes: Int64s) -> tuple[Int64s, Int64s]:
    """Return the bounds of the effects of one spike over each tap, and of the others, of boxes (2, ..., columns)."""
    low, high = boxes.copy()
    for end, sign in ((low, -1), (high, 1)):
        mantissas = end[..., :EXPONENT]
        first, last = boxes[..., EXPONENT]
        shift = np.where(mantissas * sign > 0, last[..., None], first[..., None])
        end[..., :EXPONENT] = mantissas << shift
    return low, high


def tightened(neuron: BoxNeuron, boxes: Int64s) -> Int64s:
    """Return boxes (2, boxes, columns) without impossible ends, and without empty ones."""
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
    is_greater = (low[:, EXPONENT] == high[:, EXPONENT]) & (low[:, EXPONENT] > neuron.lower[EXPONENT])
    least, most = neuron.lower[mantissas], neuron.upper[mantissas]
    has_lesser = ((2 * low[:, mantissas] >= least) & (2 * high[:, mantissas] <= most)).all(axis=1)
    return boxes[:, kept & ~(is_greater & has_lesser)]  # the next lesser exponent has the same weights


def halved(boxes: Int64s) -> Int64s:
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
