"""``snnprog run --stream``: events from a pipe, line by line, with immediate output.

Each tick is run, and its output written, as soon as it has ended (see `snnprog.files.event_stream`). Where the
input marks a tick's end, so does the output. The command ends with its input, after ``--ticks``, or when its output is
closed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from snnprog.cli.options import JsonCommand
from snnprog.cli.output import say
from snnprog.cli.streams import is_output_gone
from snnprog.errors import FormatError

if TYPE_CHECKING:
    from snnprog.program import Program
    from snnprog.trace import Trace

STANDARD_INPUT = "-"
WITH_STREAM = {"program_path", "inputs_path", "is_stream", "backend", "ticks", "merge", "timeout_s"}


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
) -> None:
    """Run a program on a stream of events.

    Parameters
    ----------
    inputs : str
        "-" for standard input, or the path of a file or named pipe.
    ticks : int, optional
        Number of ticks after which to end; those of the stream by default.
    merge : bool
        Whether further spikes of a line in a tick are dropped.
    """
    from snnprog.backends import KERNEL, Simulator
    from snnprog.files.event_stream import StreamedTick, read_ticks
    from snnprog.simulate.parameters import most_line_spikes

    with _opened(inputs) as (file, name), Simulator(program, backend or KERNEL, timeout_s=timeout_s) as simulator:
        writer = _Writer(program)
        streamed: Iterator[StreamedTick] = read_ticks(
            file,
            name,
            neurons=program.n_inputs,
            most=most_line_spikes(program),
            merge=merge,
            names=program.input_names,
        )
        if ticks is not None:
            streamed = islice(chain(streamed, repeat(StreamedTick([], is_marked=False))), ticks)
        for tick, (lines, is_marked) in enumerate(streamed):
            writer.write(tick, simulator.step(lines), is_marked=is_marked)
            if is_output_gone():
                break


@contextmanager
def _opened(inputs: str) -> Iterator[tuple[BinaryIO, str]]:
    """Give the stream to read, and its name in messages."""
    if inputs == STANDARD_INPUT:
        if sys.stdin is None:
            raise FormatError("standard input is closed; give events there, or the path of a file or pipe")
        yield sys.stdin.buffer, "standard input"
        return
    try:
        file = Path(inputs).open("rb")  # noqa: SIM115  (closed below, separate from errors of opening)
    except (OSError, ValueError) as error:
        raise FormatError(f"{inputs} cannot be read: {getattr(error, 'strerror', error)}") from error
    with file:
        yield file, inputs


class _Writer:
    """Writes the outputs tick by tick: spikes, or potentials if all outputs are read by them."""

    def __init__(self, program: Program) -> None:
        is_read = program.is_read_by_potential
        self._has_potentials = bool(is_read.all()) and is_read.size > 0
        if is_read.any() and not self._has_potentials:
            say("a stream of spikes has no potentials; outputs that are read by them are skipped")
        self._put("tick,output,potential\n" if self._has_potentials else "tick,neuron\n")

    def write(self, tick: int, trace: Trace, *, is_marked: bool) -> None:
        """Write a tick's outputs, and its end if the input has marked it; then flush."""
        if self._has_potentials:
            assert trace.readout is not None, "the outputs are read by their potential"
            rows = [f"{tick},{output},{value}\n" for output, value in enumerate(trace.readout[0].tolist())]
        else:
            rows = [f"{tick},{neuron}\n" for neuron in trace.spikes[0].nonzero()[0].tolist()]
            rows += [f"{tick},\n"] if is_marked else []
        if rows:
            self._put("".join(rows))

    def _put(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
