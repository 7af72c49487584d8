"""Spikes in transit in a network: the input of each neuron in each tick, summed by the rule.

If the rule's gathering is a plain sum, weights are added when they are sent, by the tick of their arrival. If
a register clips after each event, events are stored, and gathered in the order of lines, then delays, then synapses.
Arrays have the axes ``(patterns, neurons)`` or ``(patterns, lines)``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Int64s, Integers
from snnprog.program import Program
from snnprog.rules.interpreter import Interpreter, Note


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of a network, each array ``(synapses,)`` integers; one adds ``weight << exponent``."""

    pre: Integers
    post: Integers
    delay: Integers
    weight: Integers
    exponent: Integers

    @classmethod
    def of(cls, program: Program) -> Synapses:
        """Return a program's synapses, not copied: there may be millions."""
        return cls(**{field.name: getattr(program, field.name) for field in fields(cls)})

    @property
    def widened(self) -> Synapses:
        """The same in 64 bits, for callers that change the numbers."""
        return Synapses(**{field.name: getattr(self, field.name).astype(np.int64) for field in fields(self)})

    @property
    def effective_weight(self) -> Int64s:
        """The amount that each synapse adds for a spike."""
        added = self.weight.astype(np.int64)
        added <<= self.exponent
        return added

    def chosen(self, which: Int64s) -> Synapses:
        """Return some of them, in the given order."""
        return Synapses(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def in_order(self) -> Synapses:
        """Return them in the order in which they act within a tick: by line, then by delay."""
        return self.chosen(np.lexsort((self.delay, self.pre)))


class Arrivals:
    """Spikes in transit, from a tick on.

    Parameters
    ----------
    interpreter : Interpreter
        The rule.
    synapses : Synapses
    shape : (patterns, neurons, lines)
    first_tick : int
        Earlier arrivals are ignored.
    """

    def __init__(
        self, interpreter: Interpreter, synapses: Synapses, shape: tuple[int, int, int], *, first_tick: int = 0
    ) -> None:
        _, neurons, lines = shape
        self.interpreter, self.first_tick = interpreter, first_tick
        ordered = synapses.in_order()
        self.post, self.delay, self.weight = ordered.post, ordered.delay, ordered.effective_weight
        self.first = np.searchsorted(ordered.pre, np.arange(lines + 1, dtype=ordered.pre.dtype))  # no wider copy
        self.longest = int(self.delay.max(initial=1))
        width = neurons if interpreter.rule.is_sum else lines
        self.due = np.zeros((self.longest + 1, shape[0], width), np.int64)
        self.batches = [] if interpreter.rule.is_sum else _batches(ordered)

    def send(self, tick: int, sent: Int64s) -> None:
        """Add the spikes ``(patterns, lines)`` that lines have sent in a tick."""
        if not self.interpreter.rule.is_sum:
            self.due[tick % len(self.due)] += sent
            return
        pattern, line = np.nonzero(sent)
        counts = self.first[line + 1] - self.first[line]
        ends = np.cumsum(counts)
        synapse = np.arange(counts.sum()) + np.repeat(self.first[line] - (ends - counts), counts)
        arrival = tick + self.delay[synapse]
        in_time = arrival >= self.first_tick
        place = (arrival % len(self.due), np.repeat(pattern, counts), self.post[synapse])
        added = self.weight[synapse] * np.repeat(sent[pattern, line], counts)
        np.add.at(self.due, tuple(each[in_time] for each in place), added[in_time])

    def gathered(self, tick: int, before: Int64s, note: Note | None = None) -> Int64s:
        """Return the gathering's target ``(patterns, neurons)`` after a tick's arrivals, from its value before."""
        if self.interpreter.rule.is_sum:
            slot = self.due[tick % len(self.due)]
            gathered: Int64s = before + slot
            slot[:] = 0
            return gathered
        kept = before.copy()
        for line, delay, chosen in self.batches:
            counts = self.due[(tick - delay) % len(self.due), :, line, None]
            if counts.any():
                self._gather(kept, counts, chosen, note)
        self.due[(tick + 1) % len(self.due)] = 0
        return kept

    def _gather(self, gathered: Int64s, counts: Int64s, chosen: Int64s, note: Note | None) -> None:
        """Gather one line's spikes, of one delay, in place; recorded values of others are 0."""
        posts = self.post[chosen]

        def note_all(step: str, values: Int64s) -> None:
            everyone = np.zeros_like(gathered)
            everyone[:, posts] = np.where(counts > 0, values, 0)
            if note is not None:
                note(step, everyone)

        after = self.interpreter.gather(gathered[:, posts], self.weight[chosen], counts, note_all)
        gathered[:, posts] = np.where(counts > 0, after, gathered[:, posts])


def _batches(synapses: Synapses) -> list[tuple[int, int, Int64s]]:
    """Return the synapses of each line and delay, in order; those of a neuron in sequence."""
    batches = []
    keys = np.stack([synapses.pre, synapses.delay, synapses.post])
    inverse = np.unique(keys, axis=1, return_inverse=True)[1]
    seen: dict[int, int] = {}
    rank = np.zeros(synapses.pre.size, np.int64)
    for index, key in enumerate(inverse.ravel().tolist()):
        rank[index] = seen[key] = seen.get(key, -1) + 1
    order = np.lexsort((rank, synapses.delay, synapses.pre))
    cuts = np.flatnonzero(np.diff(synapses.pre[order]) | np.diff(synapses.delay[order]) | np.diff(rank[order]))
    for chosen in np.split(order, cuts + 1):
        if chosen.size:
            batches.append((int(synapses.pre[chosen[0]]), int(synapses.delay[chosen[0]]), chosen))
    return batches
