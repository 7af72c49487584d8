"""Conversion of single events, in order of ticks, to ticks: from an iterator, or from lines of CSV in a pipe.

A stream has the columns ``tick,neuron`` of a file of events. A tick ends, and can run,

- with the first event of a later tick;
- with a row that has no neuron, as in ``7,``: it marks the end of tick 7, with or without events;
- with the end of the stream.

Ticks in between are silent. A sender that waits for the output marks the end of each tick; the output has marks for
the same ticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from snnprog.errors import FormatError, SnnprogError, SpecError
from snnprog.files.event_rows import LINE_LIMIT, TICK_HEADER, fields_of, header_of, is_mark, values_of
from snnprog.names import Names
from snnprog.wording import counted


class StreamedTick(NamedTuple):
    """One tick.

    Attributes
    ----------
    lines : list of int or str
        The lines that spike; a line that spikes several times is repeated.
    is_marked : bool
        Whether the stream marked its end.
    """

    lines: list[int | str]
    is_marked: bool


class _Event(NamedTuple):
    """One row: a spike of a line, or None for the end of the tick; ``place`` is its name in messages."""

    tick: int
    line: int | str | None
    place: str


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
    named = (_Event(tick, line, f"event {number}") for number, (tick, line) in enumerate(events))
    for streamed in _grouped(named, most=None, merge=True, error=SpecError):
        yield streamed.lines


def read_ticks(
    file: BinaryIO, name: str, *, neurons: int, most: int = 1, merge: bool = False, names: Names | None = None
) -> Iterator[StreamedTick]:
    """Yield the ticks of a CSV stream, each as soon as it has ended.

    Parameters
    ----------
    file
        The file, whose lines are read as they arrive.
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

    Raises
    ------
    FormatError
        If a line is not an event or a mark, or is out of order; the message has its number. Finished ticks are yielded
        first.
    """
    return _grouped(_events(file, name, neurons, names=names), most=most, merge=merge, error=FormatError)


def _events(file: BinaryIO, name: str, neurons: int, *, names: Names | None) -> Iterator[_Event]:
    lines = iter(lambda: file.readline(LINE_LIMIT), b"")
    header_of(name, next(lines, b""), allowed=(TICK_HEADER,))
    for number, content in enumerate(lines, 2):
        place = f"{name}, line {number}"
        try:
            row = fields_of(name, number, line=content.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise FormatError(f"{place} cannot be read: {error}") from error
        if not row:
            continue
        if is_mark(row, TICK_HEADER):
            yield _Event(int(row[0]), None, place)
            continue
        tick, neuron = map(int, values_of(name, number, row=row, header=TICK_HEADER, names=names))
        if not 0 <= neuron < neurons:
            raise FormatError(f"{place}: neuron {neuron}; the program has lines 0 to {neurons - 1}")
        yield _Event(tick, neuron, place)


def _grouped(
    events: Iterable[_Event], *, most: int | None, merge: bool, error: type[SnnprogError]
) -> Iterator[StreamedTick]:
    tick, counts = 0, dict[int | str, int]()  # of the current tick
    lines: list[int | str] = []
    for event in events:
        if event.tick < tick:
            raise error(f"{event.place}: tick {event.tick} has ended; the next events are of tick {tick} or later")
        while tick < event.tick:
            yield StreamedTick(lines, is_marked=False)
            tick, counts, lines = tick + 1, {}, []
        if event.line is None:
            yield StreamedTick(lines, is_marked=True)
            tick, counts, lines = tick + 1, {}, []
            continue
        count = counts.get(event.line, 0)
        if most is None or count < most:
            lines.append(event.line)
            counts[event.line] = count + 1
        elif not merge:
            raise error(
                f"{event.place}: neuron {event.line} has more than {counted(most, 'spike')} in tick {tick};"
                " list each event once, or allow merging (merge=True, --merge)"
            )
    if lines:
        yield StreamedTick(lines, is_marked=False)
