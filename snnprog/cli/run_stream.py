"""``snnprog run --stream``: spikes from a pipe or a file, in chunks, with immediate output.

All ticks that have ended are run, and their output written, before more is read (see `snnprog.files.chunks`). Where the
input marks a tick's end, so does the output. The command ends with its input, after ``--ticks``, or when its output is
closed. Memory does not depend on the number of ticks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from snnprog.cli.options import JsonCommand
from snnprog.cli.output import say
from snnprog.cli.streams import is_output_gone
from snnprog.errors import FormatError

if TYPE_CHECKING:
    from snnprog.arrays import Bools, Int64s
    from snnprog.files.chunks import StreamFormat
    from snnprog.files.event_stream import Chunk
    from snnprog.program import Program
    from snnprog.trace import Trace

STANDARD_INPUT = "-"
SILENT_TICKS = 1 << 16  # of a chunk; insensitive within a factor of 16
WITH_STREAM = {"program_path", "inputs_path", "is_stream", "backend", "ticks", "merge", "timeout_s", "dt_ms", "ids"}


class StreamCommand(JsonCommand):
    """A command with ``--stream``, which excludes the options for files."""

    def invoke(self, ctx: click.Context) -> object:
        """Check the options beside ``--stream``, then run the command."""
        if ctx.params["is_stream"]:
            for parameter in self.params:
                source = ctx.get_parameter_source(str(parameter.name))
                if parameter.name not in WITH_STREAM and source is click.core.ParameterSource.COMMANDLINE:
                    raise click.UsageError(f"{parameter.opts[-1]} cannot be used with --stream; remove it", ctx)
        return super().invoke(ctx)


def run_stream(
    program: Program,
    inputs: str,
    *,
    backend: str | None,
    ticks: int | None,
    merge: bool,
    timeout_s: float | None,
    dt_ms: float | None = None,
    ids: Sequence[int] | None = None,
) -> None:
    """Run a program on a stream of spikes.

    Parameters
    ----------
    inputs : str
        "-" for standard input, or the path of a file or named pipe.
    ticks : int, optional
        Number of ticks after which to end; those of the stream by default.
    merge : bool
        Whether further spikes of a line in a tick are dropped.
    dt_ms, ids
        As for `snnprog.files.chunks.StreamFormat`.
    """
    from snnprog.backends import BUILT_IN, KERNEL, Simulator
    from snnprog.files.chunks import StreamFormat
    from snnprog.files.event_stream import CHUNK_BINS
    from snnprog.simulate.parameters import most_line_spikes

    # A backend may fail in any tick, after which the output of earlier ones is there.
    most = max(1, CHUNK_BINS // max(program.n_outputs, 1)) if backend in (None, *BUILT_IN) else 1
    form = StreamFormat(program.n_inputs, most_line_spikes(program), most, merge, program.input_names, dt_ms, ids)
    with Simulator(program, backend or KERNEL, timeout_s=timeout_s) as simulator:
        source = _source(inputs, form)
        writer, tick = _Writer(program), 0
        for chunk in _cut(source, form, ticks):
            writer.write(tick, simulator.step(chunk.counts), chunk.is_marked)
            tick += len(chunk.counts)
            if is_output_gone():
                break


def _cut(source: Iterator[Chunk], form: StreamFormat, ticks: int | None) -> Iterator[Chunk]:
    """Yield chunks; with a number of ticks, no more of them, and then silence."""
    import numpy as np

    from snnprog.files.event_stream import Chunk

    left = ticks
    for chunk in source:
        piece = Chunk(chunk.counts[:left], chunk.is_marked[:left])
        yield piece
        if left is not None:
            left -= len(piece.counts)
            if left == 0:
                return
    while left:
        count = min(left, form.ticks, SILENT_TICKS)
        yield Chunk(np.zeros((count, form.neurons), np.uint8), np.zeros(count, np.bool_))
        left -= count


def _source(inputs: str, form: StreamFormat) -> Iterator[Chunk]:
    from snnprog.files.chunks import chunks_of_file, chunks_of_stream

    if inputs != STANDARD_INPUT:
        return chunks_of_file(inputs, form)
    if sys.stdin is None:
        raise FormatError("standard input is closed; give events there, or the path of a file or pipe")
    return chunks_of_stream(sys.stdin.buffer, "standard input", form)


class _Writer:
    """Writes the outputs tick by tick: spikes, or potentials if all outputs are read by them."""

    def __init__(self, program: Program) -> None:
        is_read = program.is_read_by_potential
        self._has_potentials = bool(is_read.all()) and is_read.size > 0
        if is_read.any() and not self._has_potentials:
            say("a stream of spikes has no potentials; outputs that are read by them are skipped")
        self._put("tick,output,potential\n" if self._has_potentials else "tick,neuron\n")

    def write(self, first: int, trace: Trace, is_marked: Bools) -> None:
        """Write the outputs of ticks, and the ends that the input has marked; then flush."""
        if self._has_potentials:
            assert trace.readout is not None, "the outputs are read by their potential"
            values = trace.readout.tolist()
            rows = "".join(
                f"{tick},{output},{value}\n"
                for tick, row in enumerate(values, first)
                for output, value in enumerate(row)
            )
        else:
            tick, neuron = trace.spikes.nonzero()
            rows = _with_marks(tick + first, neuron, is_marked.nonzero()[0] + first)
        if rows:
            self._put(rows)

    def _put(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _with_marks(tick: Int64s, neuron: Int64s, marked: Int64s) -> str:
    """Return spikes in order as text, each mark after the spikes of its tick."""
    texts, begin = [], 0
    for end, mark in zip(tick.searchsorted(marked, side="right").tolist(), marked.tolist(), strict=True):
        texts += [_rows(tick[begin:end], neuron[begin:end]), f"{mark},\n"]
        begin = end
    return "".join([*texts, _rows(tick[begin:], neuron[begin:])])


def _rows(tick: Int64s, neuron: Int64s) -> str:
    values = [0] * (2 * len(tick))
    values[::2], values[1::2] = tick.tolist(), neuron.tolist()
    return "%d,%d\n" * len(tick) % tuple(values)
