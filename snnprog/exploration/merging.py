"""Proofs for programs with too many states: intervals of currents and potentials, everything else exact.

Decays lead to too many states for exact exploration. States with the same spikes in progress, the same other registers
and the same state of the monitor are merged to one *place*; each of its currents and potentials is an interval that
holds all of theirs. Intervals grow until one tick leads out of none of them (Cousot and Cousot 1977). Where an interval
lies on both sides of the threshold, the tick goes on both ways. So every state that can be reached lies in some place;
if no place can make a wrong output, the claim is proved. If one can, nothing follows: its intervals may hold states
that cannot be reached.

Then places are refined: they also remember the spikes of more ticks than are still in progress. What a potential was
so many ticks ago has decayed by then, so the intervals become narrow where it matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Bytes, Floats, Int64s, UInt64s
from snnprog.exploration.spans import values_after_firing, values_until_firing
from snnprog.exploration.states import StateSet, as_words
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import WRONG_NUMBER, Watching
from snnprog.rules.ranges import Span
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES

MERGED = (CURRENT, POTENTIAL)
"""Registers that are merged; others, such as a refractory period's, count and take few values."""

MEMORIES = (0, 4, 8, 12, 16, 24, 32)
"""Ticks that places remember, tried in this order: each step makes more places with narrower intervals. A choice."""

CHUNK = 1 << 11
"""Places that are advanced together: some megabytes of arrays, as a place may have many cases. A choice."""

LEAST_WORK = 1 << 8
"""What a chunk counts at least, in ticks of places: one place takes as long as 500 of 1 neuron, and as 16 of 199
neurons, and places come one by one where a program counts far. A choice: 4,000 chunks, some seconds, by default."""

MOST_FORKS = 1 << 16
"""Cases of the ticks of a chunk, 32 for each place: with more, the intervals are too wide to prove much. A choice."""


EXACT_SUM = 1 << 53
"""Sums of float64 are exact below it."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Places with their intervals: registers from ``low`` to ``high``, both ``(places, registers, neurons)``."""

    low: Int64s
    high: Int64s
    history: Bytes
    monitor: Int64s

    def __len__(self) -> int:
        return len(self.history)

    def chosen(self, which: Int64s) -> Boxes:
        """Return some of the places."""
        return Boxes(self.low[which], self.high[which], self.history[which], self.monitor[which])

    def with_more(self, more: Boxes) -> Boxes:
        """Return these places, then others."""
        return Boxes(
            np.concatenate([self.low, more.low]),
            np.concatenate([self.high, more.high]),
            np.concatenate([self.history, more.history]),
            np.concatenate([self.monitor, more.monitor]),
        )


class Merged:
    """Exploration of places.

    Attributes
    ----------
    is_proved : bool
        Whether no place can make a wrong output.
    work : int
        Ticks of places that were run; small chunks count as larger ones.
    """

    def __init__(self, ticks: ProgramTicks, watching: Watching) -> None:
        self.ticks, self.watching = ticks, watching
        rule = ticks.rule
        self.is_merged = np.array([name in MERGED for name in rule.registers])
        self._known = {name: Span.of(values) for name, values in ticks.parameters.items()}
        self.is_proved, self.work = False, 0
        self._weights = _matrix(ticks)
        self._newest = np.flatnonzero(ticks.depth)
        registers = np.zeros((1, len(rule.registers), ticks.program.n_neurons), np.int64)
        silence = np.zeros((1, int(ticks.first[-1])), np.uint8)
        self._boxes = Boxes(registers, registers, silence, np.array([watching.start]))
        keys = self._keys(self._boxes)
        self._set = StateSet(keys.shape[1])
        self._set.add(keys)

    def __len__(self) -> int:
        return len(self._set)

    def explore(self, most_work: int) -> None:
        """Widen intervals until none changes, a wrong output is possible, or the work limit is reached."""
        changed = np.array([0], np.int64)
        while changed.size:
            grown: list[Int64s] = []
            for first in range(0, len(changed), CHUNK):
                here = self._boxes.chosen(changed[first : first + CHUNK])
                self.work += max(len(here), LEAST_WORK)
                after = self._advanced(here)
                if after is None or self.work > most_work:
                    return
                grown.append(self._joined(after))
            changed = np.unique(np.concatenate(grown))
        self.is_proved = True

    def _keys(self, boxes: Boxes) -> UInt64s:
        exact = boxes.low[:, ~self.is_merged].reshape(len(boxes), -1)
        history = as_words(np.packbits(boxes.history, axis=1))
        return np.concatenate([boxes.monitor[:, None], exact, history.view(np.int64)], axis=1).view(np.uint64)

    def _joined(self, after: Boxes) -> Int64s:
        """Add the places that were reached; return the numbers of those that are new or have grown."""
        known = len(self._set)
        numbers, fresh = self._set.add(self._keys(after))
        self._boxes = self._boxes.with_more(after.chosen(fresh))
        reached = np.unique(numbers)
        low, high = self._boxes.low[reached], self._boxes.high[reached]
        np.minimum.at(self._boxes.low, numbers, after.low)
        np.maximum.at(self._boxes.high, numbers, after.high)
        has_grown = (self._boxes.low[reached] < low) | (self._boxes.high[reached] > high)
        return reached[has_grown.any(axis=(1, 2)) | (reached >= known)]

    def _advanced(self, boxes: Boxes) -> Boxes | None:
        """Return the places after a tick; None if the outputs may be wrong, or there are too many cases."""
        before = self._until_firing(boxes)
        forks = self._forks(before)
        if forks is None:
            return None
        places, spikes = forks
        values = {name: _taken(span, places) for name, span in before.items()}
        low, high = self._after_firing(values, spikes)
        outputs = spikes[:, self.ticks.program.outputs] > 0
        pairs, answers = self.watching.paired(self.watching.keys(boxes.monitor[places], outputs))
        counts = np.diff(answers.first)[pairs]
        here = np.repeat(np.arange(len(pairs)), counts)
        chosen = np.repeat(answers.first[pairs] - np.cumsum(counts) + counts, counts) + np.arange(len(here))
        after = answers.after[chosen]
        if (after == WRONG_NUMBER).any():
            return None
        sent = np.concatenate([self.watching.row_table[answers.row[chosen]], spikes[here].astype(np.uint8)], axis=1)
        return Boxes(low[here], high[here], self._remembered(boxes.history[places[here]], sent), after)

    def _remembered(self, history: Bytes, sent: Bytes) -> Bytes:
        """Return the history after a tick in which lines spiked."""
        after = np.empty_like(history)
        after[:, 1:] = history[:, :-1]
        after[:, self.ticks.first[self._newest]] = sent[:, self._newest]
        return after

    def _until_firing(self, boxes: Boxes) -> dict[str, Span]:
        rule, shape = self.ticks.rule, (len(boxes), self.ticks.program.n_neurons)
        values = dict(self._known)
        for index, name in enumerate(rule.registers):
            values[name] = Span(boxes.low[:, index], boxes.high[:, index])
        arrived = (boxes.history @ self._weights).astype(np.int64)
        found = values_until_firing(rule, values, Span.of(arrived))
        return {name: _spread(span, shape) for name, span in found.items()}

    def _forks(self, before: dict[str, Span]) -> tuple[Int64s, Int64s] | None:
        """Return each case of the ticks: its place, and which neurons spike."""
        low, high = before[SPIKES].low, before[SPIKES].high
        places = np.arange(len(low))
        for neuron in range(low.shape[1]):
            is_open = low[:, neuron] < high[:, neuron]
            if not is_open.any():
                continue
            if len(places) + int(is_open.sum()) > MOST_FORKS:
                return None
            order = np.concatenate([np.arange(len(places)), np.flatnonzero(is_open)])
            is_second = np.arange(len(order)) >= len(places)
            low, high, places = low[order].copy(), high[order].copy(), places[order]
            first = np.flatnonzero(is_open)
            high[first, neuron] = 0
            low[is_second, neuron] = 1
        return places, low

    def _after_firing(self, values: dict[str, Span], spikes: Int64s) -> tuple[Int64s, Int64s]:
        """Return the registers after the tick, given which neurons spike."""
        rule = self.ticks.rule
        limit = values["threshold"].low * rule.unit
        below, above = (limit - 1, limit) if rule.is_equal_a_spike else (limit, limit + 1)
        potential = values[POTENTIAL]
        is_spike: Bools = spikes > 0
        values[POTENTIAL] = Span(
            np.where(is_spike, np.maximum(potential.low, above), potential.low),
            np.where(is_spike, potential.high, np.minimum(potential.high, below)),
        )
        values[SPIKES] = Span.of(spikes)
        values = values_after_firing(rule, values)
        ends = []
        for end in ("low", "high"):
            arrays = [np.broadcast_to(getattr(values[name], end), spikes.shape) for name in rule.registers]
            ends.append(np.where(self.ticks.is_live, np.stack(arrays, axis=1), 0))
        return ends[0], ends[1]


def can_be_merged(ticks: ProgramTicks) -> bool:
    """Return whether places can be made: arrivals are sums, and a neuron spikes at most once in a tick."""
    total = int(np.abs(ticks.synapses.effective_weight.astype(np.float64)).sum())
    return ticks.rule.is_sum and ticks.most_spikes == 1 and total < EXACT_SUM


def _matrix(ticks: ProgramTicks) -> Floats:
    """Return what a spike of each slot adds to each neuron; products of matrices of float64 are quick."""
    matrix = np.zeros((int(ticks.first[-1]), ticks.program.n_neurons))
    np.add.at(matrix, (ticks.slots, ticks.synapses.post), ticks.synapses.effective_weight)
    return matrix


def _spread(span: Span, shape: tuple[int, int]) -> Span:
    return Span(np.broadcast_to(span.low, shape), np.broadcast_to(span.high, shape))


def _taken(span: Span, places: Int64s) -> Span:
    return Span(span.low[places], span.high[places])
