"""Spikes in chunks of ticks, for runs of any length in little memory: from a pipe, or from a file of any format.

===========  =========================================================================================================
suffix       what memory grows with
===========  =========================================================================================================
.npz, .zarr  nothing: rows are read piece by piece
.h5, .nwb    the number of spikes: times are read whole, and become ticks piece by piece
others       nothing: CSV, see `snnprog.files.event_stream`
===========  =========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import rows_of_array
from snnprog.arrays import Bytes, Int64s
from snnprog.errors import FormatError, SpecError
from snnprog.files.event_stream import CHUNK_BINS, Chunk, read_chunks
from snnprog.files.nwb import times_of_nwb
from snnprog.files.rasters import split_key
from snnprog.files.reading import LINES
from snnprog.files.sonata import times_of_sonata
from snnprog.files.spike_times import SpikeTimes
from snnprog.names import Names
from snnprog.raster import check_bin_ms, tick_of_time, turned
from snnprog.wording import counted

MOST_TICKS = 1 << 53
"""No recording has more ticks, and each is exact as a float."""

TIMED = (".h5", ".nwb")
STORES = (".npz", ".zarr", *TIMED)


@dataclass(frozen=True)
class StreamFormat:
    """What the lines of a program accept, and how a file is read for them.

    Attributes
    ----------
    neurons : int
        Number of lines.
    most : int
        Maximum number of spikes of a line in a tick.
    ticks : int
        Maximum number of ticks of a chunk.
    merge : bool
        Whether further spikes of a line in a tick are dropped.
    names : tuple of str, optional
        Names of the lines, for CSV.
    dt_ms : float, optional
        Milliseconds of a tick, for files of times.
    ids : sequence of int, optional
        Nodes or units of a recording, in the order of the lines.
    """

    neurons: int
    most: int
    ticks: int
    merge: bool = False
    names: Names | None = None
    dt_ms: float | None = None
    ids: Sequence[int] | None = None


def chunks_of_file(name: str, form: StreamFormat) -> Iterator[Chunk]:
    """Yield the ticks of a file or named pipe, in chunks.

    Parameters
    ----------
    name : str
        Its path, with ``:KEY`` for an array of an ``.npz`` or a population of an ``.h5``.

    Raises
    ------
    FormatError
        If it is missing, damaged or of another format, does not fit the lines, or options are missing.
    SpecError
        If an option is malformed, or a package is missing.
    """
    file, key = split_key(name)
    path = Path(file)
    if path.suffix in TIMED:
        return _of_times(_times(path, key, form), form)
    _check_has_no_times(str(path), form)
    if path.suffix == ".npz":
        return _of_rows(path, rows_of_array(path, key, _rows_at_a_time(form)), form)
    if path.suffix == ".zarr":
        return _of_rows(path, _zarr_rows(path, form), form)
    return _of_csv(_opened(path), str(path), form)


def chunks_of_stream(file: BinaryIO, name: str, form: StreamFormat) -> Iterator[Chunk]:
    """Yield the ticks of a CSV stream; see `read_chunks`."""
    _check_has_no_times(name, form)
    return read_chunks(
        file, name, neurons=form.neurons, most=form.most, merge=form.merge, names=form.names, ticks=form.ticks
    )


def _check_has_no_times(name: str, form: StreamFormat) -> None:
    for option in ("dt_ms", "ids"):
        if getattr(form, option) is not None:
            raise FormatError(f"{option} does not apply to {name}; omit it")


def _rows_at_a_time(form: StreamFormat) -> Callable[[int], int]:
    """Return the function that says how many rows of a length are read at a time."""
    return lambda length: max(1, min(form.ticks, CHUNK_BINS // max(length, 1)))


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise FormatError(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from error


def _of_csv(file: BinaryIO, name: str, form: StreamFormat) -> Iterator[Chunk]:
    with file:
        yield from chunks_of_stream(file, name, form)


def _of_rows(path: Path, pieces: Iterator[NDArray[np.generic]], form: StreamFormat) -> Iterator[Chunk]:
    """Yield chunks of pieces of an array of bools or spike counts."""
    for piece in pieces:
        if piece.shape[1] != form.neurons:
            hint = turned(str(path), piece.shape, lines=form.neurons)
            raise FormatError(
                f"{path} must have {counted(form.neurons, 'neuron')} ({LINES}), got {piece.shape[1]}{hint}"
            )
        yield Chunk(_counts(path, piece, form.most), np.zeros(len(piece), np.bool_))


def _counts(path: Path, piece: NDArray[np.generic], most: int) -> Bytes:
    if piece.dtype.kind not in "biu" or (piece.size and (piece.min() < 0 or piece.max() > most)):
        what = f"{piece.dtype}" if piece.dtype.kind not in "biu" else f"{piece.min()} to {piece.max()}"
        raise FormatError(f"{path} must hold bools or integers from 0 to {most}, got {what}")
    return piece.astype(np.uint8)


def _times(path: Path, key: str | None, form: StreamFormat) -> SpikeTimes:
    if path.suffix == ".nwb":
        times = times_of_nwb(path, form.ids)
    else:
        times = times_of_sonata(path, key=key, neurons=form.neurons, ids=form.ids)
    if times.neurons != form.neurons:
        raise FormatError(f"{path} must have {counted(form.neurons, 'neuron')} ({LINES}), got {times.neurons}")
    return times


def _of_times(times: SpikeTimes, form: StreamFormat) -> Iterator[Chunk]:
    """Yield chunks of spike times, up to the last spike."""
    if form.dt_ms is None:
        raise FormatError(f"{times.name} holds times; give dt_ms, the milliseconds of a tick (--dt-ms)")
    bin_ms = check_bin_ms("dt_ms", form.dt_ms)
    order = np.argsort(times.seconds, kind="stable")
    line = times.neuron[order]
    tick = tick_of_time(times.seconds[order], start_s=0.0, bin_ms=bin_ms, ticks=MOST_TICKS, share=times.share)
    begin, end = 0, int(tick[-1]) + 1 if tick.size else 0
    rows = _rows_at_a_time(form)(form.neurons)
    while begin < end:
        stop = min(end, begin + rows)
        first, last = np.searchsorted(tick, [begin, stop])
        counts = _binned(times.name, tick[first:last], line[first:last], shape=(begin, stop, form))
        yield Chunk(counts, np.zeros(len(counts), np.bool_))
        begin = stop


def _binned(name: str, tick: Int64s, line: Int64s, *, shape: tuple[int, int, StreamFormat]) -> Bytes:
    begin, stop, form = shape
    size = (stop - begin) * form.neurons
    counts = np.bincount((tick - begin) * form.neurons + line, minlength=size).reshape(-1, form.neurons)
    if counts.max(initial=0) > form.most and not form.merge:
        where, neuron = np.argwhere(counts > form.most)[0].tolist()
        raise FormatError(
            f"{name}: neuron {neuron} has {counts[where, neuron]} spikes in tick {begin + where};"
            " take a shorter tick, or allow merging (merge=True, --merge)"
        )
    return np.minimum(counts, form.most).astype(np.uint8)


def _zarr_rows(path: Path, form: StreamFormat) -> Iterator[NDArray[np.generic]]:
    """Yield the rows of an array of two axes in a Zarr folder or zip.

    Raises
    ------
    FormatError
        If it is not such an array.
    SpecError
        If Zarr is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise SpecError(f"reading {path} needs Zarr; install it with: pip install 'snnprog[zarr]'") from error
    try:
        array: Any = zarr.open_array(str(path), mode="r")
        shape = tuple(array.shape)
        if len(shape) != 2:
            raise FormatError(f"{path} must have shape (ticks, neurons), got {shape}")
        rows = _rows_at_a_time(form)(shape[1])
        for first in range(0, shape[0], rows):
            yield np.asarray(array[first : first + rows])
    except FormatError:
        raise
    except Exception as error:  # readers of chunks raise errors of many packages
        raise FormatError(f"{path} is not a Zarr array: {type(error).__name__}: {error}") from error
