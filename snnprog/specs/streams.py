"""Input streams that contain all possible inputs of neurons without memory.

A potential that keeps 1/4096 of itself per tick is equivalent to one that keeps nothing (`snnprog.specs.needs`): a
neuron's spikes depend only on the spikes that arrive at that tick. So a stream with every possible combination of
arrivals determines a neuron completely, and a program that is exact on it is exact on every stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.errors import SpecError

TICK_LIMIT = 1 << 17


def de_bruijn(symbols: int, order: int) -> Int64s:
    """Return symbols 0 to ``symbols - 1`` in an order in which every run of ``order`` of them occurs exactly once.

    It begins with ``order`` zeros, and has ``symbols**order + order - 1`` entries. The words that are joined are the
    Lyndon words whose length divides the order (Fredricksen and Maiorana 1978), in the order of Duval (1988).
    """
    sequence: list[int] = []
    word = [-1]
    while word:
        word[-1] += 1
        if order % len(word) == 0:
            sequence += word
        word = [word[index % len(word)] for index in range(order)]
        while word and word[-1] == symbols - 1:
            word.pop()
    return np.array(sequence + sequence[: order - 1])


def stream_of(spikes: Iterable[tuple[int, int]], ticks: int, *, lines: int) -> Raster:
    """Return the stream ``(ticks, lines)`` of a few spikes, given as (tick, line)."""
    stream = np.zeros((ticks, lines), dtype=np.bool_)
    for tick, line in spikes:
        stream[tick, line] = True
    return stream


def pauses(groups: Iterable[tuple[Sequence[int], int]], lines: int, *, spacing: int) -> Raster:
    """Return a stream in which every line spikes at every tick, except in pauses.

    Parameters
    ----------
    groups : iterable of (lines, ticks)
        Lines that pause together, and for how long.
    lines : int
        Number of lines.
    spacing : int
        Number of ticks of all lines before, between and after the pauses.
    """
    parts = [np.ones((spacing, lines), dtype=np.bool_)]
    for silent, ticks in groups:
        pause = np.ones((ticks + spacing, lines), dtype=np.bool_)
        pause[:ticks, list(silent)] = False
        parts.append(pause)
    return np.concatenate(parts)


def delayed(spikes: Raster, delay: int) -> Raster:
    """Return spikes ``(ticks, …)`` shifted by some ticks, with silence at the start, truncated at the end."""
    late = np.zeros_like(spikes)
    late[delay:] = spikes[: max(0, len(spikes) - delay)]
    return late


def recent(spikes: Raster, ticks: int) -> Raster:
    """Return where a spike occurred at this tick or up to ``ticks`` before."""
    found = spikes.copy()
    for delay in range(1, ticks + 1):
        found |= delayed(spikes, delay)
    return found


def check_ticks(what: str, ticks: int, *, advice: str, limit: int = TICK_LIMIT) -> None:
    """Raise `SpecError` if a stream with all possible inputs is too long for the design."""
    if ticks > limit:
        raise SpecError(f"{what} must have at most {limit} ticks to cover all possible inputs, got {ticks}; {advice}")
