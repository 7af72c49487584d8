"""Conversion of single events, in order of ticks, to ticks: from an iterator, or from lines of CSV in a pipe.

A stream has the columns ``tick,neuron`` of a file of events. A tick ends, and can run,

- with the first event of a later tick;
- with a row that has no neuron, as in ``7,``: it marks the end of tick 7, with or without events;
- with the end of the stream.

Ticks in between are silent. A sender that waits for the output marks the end of each tick; the output has marks for
the same ticks.

A CSV is read in blocks, as much as has arrived at a time, and becomes chunks of ticks. So a pipe is answered at once,
and a file is read fast; memory depends on neither's length. A block of plain numbers is parsed by NumPy, any other one,
and one with an error, line by line: so the message has the line's number, and all ticks before it have run.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

import numpy as np

from snnprog.arrays import Bools, Bytes, Int64s
from snnprog.calls import call_checked
from snnprog.errors import FormatError, SnnprogError, SpecError
from snnprog.files.event_rows import LINE_LIMIT, TICK_HEADER, fields_of, header_of, is_mark, values_of
from snnprog.files.events import plain_columns
from snnprog.names import Names
from snnprog.wording import counted, not_utf8

BLOCK_BYTES = 1 << 20
"""Most bytes that are parsed at a time: some 0.1 s of work. Insensitive within × 4."""

PLAIN_BYTES = 1 << 12
"""From this size on, NumPy parses a block faster than Python does: its call takes as long as 50 lines."""

CHUNK_BINS = 1 << 22
"""Most bins of a chunk, of its inputs or outputs: 4 MiB. Insensitive within × 4."""


class Chunk(NamedTuple):
    """Consecutive ticks.

    Attributes
    ----------
    counts : (ticks, lines) uint8
        The spikes of each line.
    is_marked : (ticks,) bool
        Whether the stream marked the end of a tick.
    """

    counts: Bytes
    is_marked: Bools


class _Event(NamedTuple):
    """One row: a spike of a line, or None for the end of the tick; ``place`` is its name in messages."""

    tick: int
    line: int | str | None
    place: str


@call_checked
def ticks_of_events(events: Iterable[tuple[int, int | str | None]]) -> Iterator[list[int | str]]:
    """Yield the lines that spike in each tick, from tick 0 on, as soon as the tick has ended.

    Parameters
    ----------
    events : iterable of (int, int or str)
        Tick and line (its number or its name), in order of ticks. (tick, None) marks the end of a tick; otherwise it
        ends with the first event of a later tick, or with the last event.

    Yields
    ------
    list of int or str
        An input of `Simulator.step`; empty for a silent tick.

    Raises
    ------
    SpecError
        If a tick is negative, or has ended already.

    Examples
    --------
    >>> list(sp.ticks_of_events([(1, 3), (1, 0), (4, 2)]))
    [[], [3, 0], [], [], [2]]
    """
    tick = 0
    lines: list[int | str] = []
    for number, (when, line) in enumerate(events):
        _check_order(_Event(when, line, f"event {number}"), tick, error=SpecError)
        while tick < when:
            yield lines
            tick, lines = tick + 1, []
        if line is None:
            yield lines
            tick, lines = tick + 1, []
        else:
            lines.append(line)
    if lines:
        yield lines


def read_chunks(
    file: BinaryIO,
    name: str,
    *,
    neurons: int,
    most: int = 1,
    merge: bool = False,
    names: Names | None = None,
    ticks: int = CHUNK_BINS,
) -> Iterator[Chunk]:
    """Yield the ticks of a CSV stream, as soon as they have ended.

    Parameters
    ----------
    file
        The file, which is read as it arrives.
    name : str
        Its name in messages.
    neurons : int
        Number of lines.
    most : int
        Maximum number of spikes of a line in a tick.
    merge : bool
        Whether further spikes of a line in a tick are dropped.
    names : tuple of str, optional
        The names of the lines, which may stand in place of their numbers.
    ticks : int
        Maximum number of ticks of a chunk.

    Raises
    ------
    FormatError
        If a line is not an event or a mark, or is out of order; the message has its number. Finished ticks are yielded
        first.
    """
    reader = _ChunkReader(name, neurons, most, is_merging=merge, names=names, ticks=ticks)
    blocks = _blocks(file)
    first = next(blocks, b"")
    header, _, rest = first.partition(b"\n")
    header_of(name, header, allowed=(TICK_HEADER,))
    for block in chain((rest,), blocks):
        yield from reader.read(block)
    yield from reader.end()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield complete lines, as many as have arrived; a line that is too long, or the last one, may be incomplete."""
    kept = b""
    read = getattr(file, "read1", file.read)
    while content := read(BLOCK_BYTES):
        lines, end, kept = (kept + content).rpartition(b"\n")
        if end:
            yield lines + end
        elif len(kept) >= LINE_LIMIT:
            yield kept
            kept = b""
    if kept:
        yield kept


class _ChunkReader:
    """Turns blocks of lines into chunks; it keeps the tick that has not ended."""

    def __init__(
        self, name: str, neurons: int, most: int, *, is_merging: bool, names: Names | None, ticks: int
    ) -> None:
        self._name, self._neurons, self._names = name, neurons, names
        self._most, self._is_merging = most, is_merging
        self._ticks = max(1, min(ticks, CHUNK_BINS // max(neurons, 1)))
        self._tick, self._counts = 0, np.zeros(neurons, np.uint8)
        self._line = 1

    def read(self, block: bytes) -> Iterator[Chunk]:
        """Yield the ticks that a block ends."""
        columns = self._plain(block) if len(block) >= PLAIN_BYTES else None
        if columns is None:
            for event in self._events(block):
                yield from self._add(event)
        else:
            self._line += block.count(b"\n")
            yield from self._add_all(*columns)

    def end(self) -> Iterator[Chunk]:
        """Yield the last tick, if it has a spike."""
        if self._counts.any():
            yield self._ended(is_marked=False)

    def _plain(self, block: bytes) -> tuple[Int64s, Int64s] | None:
        """Return ticks and lines of a block, -1 for a mark, if all are in order; None if it is to be read by line."""
        if b"-" in block:
            return None
        body = block.replace(b",\r\n", b",-1\n").replace(b",\n", b",-1\n")
        columns = plain_columns(TICK_HEADER, body)
        if columns is None or not columns[0].size:
            return None
        tick, line = columns[0].astype(np.int64), columns[1].astype(np.int64)
        is_mark = line < 0
        rises = np.diff(tick, prepend=self._tick)
        if (rises < 0).any() or (rises[1:] < is_mark[:-1]).any() or (line >= self._neurons).any():
            return None
        return None if self._has_too_many(tick[~is_mark], line[~is_mark]) else (tick, line)

    def _has_too_many(self, tick: Int64s, line: Int64s) -> bool:
        """Return whether a line spikes too often in a tick, the one that has not ended included."""
        if self._is_merging:
            return False
        open_lines = np.repeat(np.arange(self._neurons), self._counts)
        bins = np.concatenate([tick - self._tick, np.zeros(open_lines.size, np.int64)]) * max(self._neurons, 1)
        bins = np.sort(bins + np.concatenate([line, open_lines]))
        return bool(bins.size > self._most and (bins[self._most :] == bins[: -self._most]).any())

    def _add_all(self, tick: Int64s, line: Int64s) -> Iterator[Chunk]:
        """Take events in order; yield the ticks before the last one, and that one if it is marked."""
        is_mark = line < 0
        end = int(tick[-1]) + bool(is_mark[-1])
        marked, tick, line = tick[is_mark], tick[~is_mark], line[~is_mark]
        while self._tick < end:
            stop = min(end, self._tick + self._ticks)
            counts = np.zeros((stop - self._tick, self._neurons), np.uint8)
            counts[0] = self._counts
            upto, marks = np.searchsorted(tick, stop), np.searchsorted(marked, stop)
            self._count(counts, tick[:upto] - self._tick, line[:upto])
            is_marked = np.zeros(len(counts), np.bool_)
            is_marked[marked[:marks] - self._tick] = True
            yield Chunk(counts, is_marked)
            tick, line, marked = tick[upto:], line[upto:], marked[marks:]
            self._tick, self._counts = stop, np.zeros(self._neurons, np.uint8)
        self._count(self._counts[None], tick - self._tick, line)

    def _count(self, counts: Bytes, tick: Int64s, line: Int64s) -> None:
        """Add spikes to the counts of ticks, (ticks, lines), in place."""
        if self._most == 1:
            counts[tick, line] = 1
            return
        bins = tick * self._neurons + line
        added = np.bincount(bins, minlength=counts.size)[: counts.size] + counts.ravel()
        counts[:] = np.minimum(added, self._most).reshape(counts.shape)

    def _events(self, block: bytes) -> Iterator[_Event]:
        """Yield the events of a block, line by line."""
        file = io.BytesIO(block)
        for content in iter(lambda: file.readline(LINE_LIMIT), b""):
            self._line += 1
            place = f"{self._name}, line {self._line}"
            try:
                row = fields_of(self._name, self._line, line=content.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise FormatError(f"{place} cannot be read: {not_utf8(error)}") from error
            if not row:
                continue
            if is_mark(row, TICK_HEADER):
                yield _Event(int(row[0]), None, place)
                continue
            tick, neuron = map(int, values_of(self._name, self._line, row=row, header=TICK_HEADER, names=self._names))
            if not 0 <= neuron < self._neurons:
                raise FormatError(f"{place}: neuron {neuron}; the program has lines 0 to {self._neurons - 1}")
            yield _Event(tick, neuron, place)

    def _add(self, event: _Event) -> Iterator[Chunk]:
        """Take one event; yield the ticks that it ends."""
        _check_order(event, self._tick, error=FormatError)
        if event.tick > self._tick:
            yield self._ended(is_marked=False)
        while event.tick > self._tick:
            silent = min(self._ticks, event.tick - self._tick)
            yield Chunk(np.zeros((silent, self._neurons), np.uint8), np.zeros(silent, np.bool_))
            self._tick += silent
        if event.line is None:
            yield self._ended(is_marked=True)
            return
        line = int(event.line)
        if self._counts[line] < self._most:
            self._counts[line] += 1
        elif not self._is_merging:
            raise FormatError(
                f"{event.place}: neuron {line} has more than {counted(self._most, 'spike')} in tick {event.tick};"
                " list each event once, or allow merging (merge=True, --merge)"
            )

    def _ended(self, *, is_marked: bool) -> Chunk:
        """Return the tick that has not ended as a chunk, and begin the next."""
        chunk = Chunk(self._counts[None], np.array([is_marked]))
        self._tick, self._counts = self._tick + 1, np.zeros(self._neurons, np.uint8)
        return chunk


def _check_order(event: _Event, tick: int, *, error: type[SnnprogError]) -> None:
    """Raise an error if an event is of a tick that has ended."""
    if event.tick < tick:
        raise error(f"{event.place}: tick {event.tick} has ended; the next events are of tick {tick} or later")
