"""``snnprog run``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.labels import LabelsFile, labels_of
from snnprog.cli.names import BACKEND
from snnprog.cli.numbers import IntegerOption, NumberList, NumberOption
from snnprog.cli.options import json_option, view_options
from snnprog.cli.output import print_json, say, terminal
from snnprog.cli.outputs import OutputFile, ProgramFile, RasterFile
from snnprog.cli.progress import working
from snnprog.cli.run_stream import STANDARD_INPUT, StreamCommand, run_stream
from snnprog.errors import LimitError, SpecError
from snnprog.wording import counted, runs_of

if TYPE_CHECKING:
    from snnprog.arrays import Integers, Raster
    from snnprog.files.event_view import EventView
    from snnprog.placement import Placement
    from snnprog.program import Program
    from snnprog.trace import Trace
    from snnprog.workload import Activity


@click.command("run", cls=StreamCommand)
@click.argument("program_path", metavar="P.snnp", type=ProgramFile())
@click.argument("inputs_path", metavar="INPUTS", type=RasterFile())
@click.option(
    "-o",
    "--output",
    "output_path",
    type=OutputFile(".csv", ".npz", ".h5"),
    help="File to write the output spikes to: .csv, .npz or .h5 (SONATA).",
)
@click.option(
    "--potentials",
    "potentials_path",
    type=OutputFile(".csv", ".npz"),
    help="File to write the potentials of outputs that are read by them to: .csv or .npz.",
)
@click.option(
    "--stream",
    "is_stream",
    is_flag=True,
    help="Run in pieces, as spikes come: INPUTS is - for standard input or a pipe, of CSV with tick,neuron, or a file.",
)
@click.option("--backend", type=BACKEND, help="Backend to run on. Default: kernel, or reference for small inputs.")
@click.option(
    "--ticks",
    type=IntegerOption(min=1),
    help="Number of ticks per pattern (required for all but .npz).",
)
@click.option(
    "--patterns",
    type=IntegerOption(min=1),
    help="Number of patterns in a .csv file (needed if the last ones are silent).",
)
@click.option("--timeout", "timeout_s", type=NumberOption(min=0.0), help="Time limit for the backend, in seconds.")
@click.option(
    "--dt-ms",
    type=NumberOption(0.0, min_open=True),
    help="Length of a tick in milliseconds, for files that store spike times.",
)
@click.option("--layout", help="Order of the axes of an .npz array, e.g. neurons,ticks.")
@click.option("--starts-ms", type=NumberList(float), help="Start time of each pattern in a recording, e.g. 0,1000.")
@click.option("--ids", type=NumberList(int), help="Nodes or units of a recording to use as inputs, e.g. 4,7.")
@click.option("--merge", is_flag=True, help="Merge spikes of one neuron that fall into the same tick.")
@view_options
@click.option(
    "--classes",
    "is_classified",
    is_flag=True,
    help="Print the output with most spikes, or the highest last potential, of each pattern; the first of several.",
)
@click.option(
    "--labels",
    "labels_path",
    type=LabelsFile(),
    help="The right class of each pattern, as for quantize: print also how many of --classes are right.",
)
@click.option("--activity", "is_counted", is_flag=True, help="Count spikes and operations instead of printing spikes.")
@click.option(
    "--multiplications",
    type=IntegerOption(min=1),
    help="Multiply-accumulates of an artificial network for a pattern, to compare with --activity.",
)
@json_option
def run_command(
    program_path: Path,
    inputs_path: str,
    output_path: Path | None,
    potentials_path: Path | None,
    is_stream: bool,
    backend: str | None,
    ticks: int | None,
    patterns: int | None,
    timeout_s: float | None,
    dt_ms: float | None,
    layout: str | None,
    starts_ms: tuple[float, ...] | None,
    ids: tuple[int, ...] | None,
    merge: bool,
    is_classified: bool,
    labels_path: str | None,
    is_counted: bool,
    multiplications: int | None,
    view: EventView | None,
    as_json: bool,
) -> None:
    """Run a program on input spikes.

    INPUTS is an .npz file (FILE.npz:ARRAY selects one of its arrays), a .csv file of events, an .h5 file (SONATA), an
    .nwb file, or a recording of an event camera or a cochlea (.aedat4, .raw, .dat, .bin, .npy, .hdf5; also .npz and .h5
    with --sensor-size). The output spikes are printed, as a table on a terminal and as CSV in a pipe, or written to a
    file; so are the potentials of outputs that are read by them. With --stream, INPUTS is read while it arrives.
    """
    from snnprog.backends import built_in, run_backend
    from snnprog.files import split_key, write_rasters
    from snnprog.files.rasters import read_recording
    from snnprog.files.reading import LINES, Reading
    from snnprog.files.readouts import check_potentials, write_readouts
    from snnprog.program import load
    from snnprog.raster import events_of_raster
    from snnprog.workload import activity_of, with_all_outputs

    program = load(program_path)
    if labels_path is not None and not is_classified:
        raise SpecError("--labels are compared with the classes that --classes prints; add --classes")
    if is_stream:
        run_stream(
            program,
            inputs_path,
            backend=backend,
            ticks=ticks,
            merge=merge,
            timeout_s=timeout_s,
            dt_ms=dt_ms,
            ids=ids,
        )
        return
    if multiplications is not None and not is_counted:
        raise SpecError("--multiplications is compared with the operations that --activity counts; add --activity")
    if inputs_path == STANDARD_INPUT:
        raise SpecError(f"{STANDARD_INPUT} stands for standard input, which only --stream reads; add --stream")
    if potentials_path is not None:
        check_potentials(potentials_path, program.is_read_by_potential)
    name, key = split_key(inputs_path)
    # A length of ticks may be meant for what is written or counted; all others are for the spikes that are read.
    is_written = output_path is not None and output_path.suffix == ".h5"
    is_for_output = (is_written or is_counted) and not _holds_times(name, key, view)
    reading = Reading(
        ticks=ticks,
        neurons=program.n_inputs,
        patterns=patterns,
        key=key,
        layout=layout,
        dt_ms=None if is_for_output else dt_ms,
        starts_ms=starts_ms,
        ids=ids,
        merge=merge,
        view=view,
        names=program.input_names,
        source=LINES,
    )
    inputs = read_recording(Path(name), reading).rasters
    backend = backend or built_in(program, inputs)
    with working(f"running on {backend}", as_json):
        answer = run_backend(with_all_outputs(program) if is_counted else program, inputs, backend, timeout_s=timeout_s)
    spikes = [trace.spikes for trace in answer.traces]
    activity = None
    if is_counted:
        place = _placement_of(program)
        activity = activity_of(
            program, inputs, spikes=spikes, placement=place, multiplications=multiplications, dt_ms=dt_ms
        )
    spikes = [raster[:, program.outputs] for raster in spikes] if is_counted else spikes
    readouts = _readouts_of(program, answer.traces, is_counted=is_counted)
    classes = _classes_of(program, spikes, readouts) if is_classified else None
    right = None if classes is None or labels_path is None else _count_right(labels_path, classes)
    if output_path is not None:
        length = dt_ms if output_path.suffix == ".h5" else None
        write_rasters(output_path, spikes, dt_ms=length, names=program.output_names)
    if potentials_path is not None:
        write_readouts(potentials_path, readouts, program.is_read_by_potential, program.output_names)
    if as_json:
        events: list[dict[str, object]] = [
            {"tick": t.tolist(), "neuron": n.tolist(), "readout": None} for t, n in map(events_of_raster, spikes)
        ]
        for pattern, readout in zip(events, readouts, strict=False):
            pattern["readout"] = readout.tolist()
        counts = None if activity is None else activity.as_dict()
        versions = dict(answer.versions)
        common = {"backend": backend, "versions": versions, "output_names": program.output_names, "patterns": events}
        print_json(common | {"classes": classes, "right": right, "activity": counts})
        return
    if activity is not None:
        _print_activity(activity)
    if classes is not None:
        _print_classes(program, classes, backend)
        if right is not None:
            say(f"the class of {right} of {counted(len(classes), 'pattern')} is right ({right / len(classes):.1%})")
    elif output_path is None and activity is None:
        _print_answer(program, spikes, readouts, backend=backend, is_written=potentials_path is not None)
    elif readouts and potentials_path is None and activity is None:
        say(_left_out(program))
    if output_path is not None:
        total = counted(sum(int(raster.sum()) for raster in spikes), "spike")
        click.echo(f"{total} in {counted(len(spikes), 'pattern')}; wrote {output_path}")


def _holds_times(name: str, key: str | None, view: EventView | None) -> bool:
    from snnprog.files import options_of

    return "dt_ms" in options_of(Path(name), key, has_view=view is not None)


def _readouts_of(program: Program, traces: Sequence[Trace], *, is_counted: bool) -> list[Integers]:
    """Return the readouts ``(ticks, outputs)``; None if all outputs are read by their spikes."""
    if not program.is_read_by_potential.any():
        return []
    found = [trace.readout for trace in traces if trace.readout is not None]
    return [readout[:, program.outputs] for readout in found] if is_counted else found


def _classes_of(program: Program, spikes: Sequence[Raster], readouts: Sequence[Integers]) -> list[int]:
    """Return the class of each pattern: the number of an output, or `NO_CLASS` where no output spikes.

    Of several outputs with as many spikes, or as high a potential, it is the first, as `snnprog.quantize` counts.

    Raises
    ------
    SpecError
        If some outputs are read by their spikes, and others by their potentials.
    """
    from snnprog.coding.decoders import NO_CLASS

    is_read = program.is_read_by_potential
    if is_read.any() and not is_read.all():
        raise SpecError("--classes needs outputs that are all read by their spikes, or all by their potentials")
    if is_read.all():
        return [int(each[-1].argmax()) if len(each) else NO_CLASS for each in readouts]
    return [int(each.sum(axis=0).argmax()) if each.any() else NO_CLASS for each in spikes]


def _count_right(path: str, classes: Sequence[int]) -> int:
    """Return how many classes are those of a file."""
    labels = labels_of(path).tolist()
    if len(labels) != len(classes):
        raise SpecError(f"{path} must hold a class for each of {counted(len(classes), 'pattern')}, got {len(labels)}")
    return sum(ours == theirs for ours, theirs in zip(classes, labels, strict=True))


def _print_classes(program: Program, classes: Sequence[int], backend: str) -> None:
    """Print a table on a terminal, else CSV."""
    if sys.stdout.isatty():
        from snnprog.report.terminal import print_table
        from snnprog.report.trains import classes_table

        print_table(terminal(), classes_table(classes, backend=backend, names=program.output_names))
        return
    click.echo("pattern,class")
    for pattern, number in enumerate(classes):
        click.echo(f"{pattern},{number}")


def _left_out(program: Program) -> str:
    outputs = runs_of([index for index, is_read in enumerate(program.is_read_by_potential.tolist()) if is_read])
    if program.is_read_by_potential.sum() == 1:
        name = program.output_label(int(program.is_read_by_potential.argmax()))
        return f"the potential of {name} is not written; add --potentials FILE"
    return f"the potentials of outputs {outputs} are not written; add --potentials FILE"


def _print_answer(
    program: Program, spikes: Sequence[Raster], readouts: Sequence[Integers], *, backend: str, is_written: bool
) -> None:
    """Print spikes, and potentials that are not written to a file: two tables on a terminal, else one kind of CSV."""
    from snnprog.files.readouts import readout_texts

    if not sys.stdout.isatty() and program.is_read_by_potential.all() and not is_written:
        for text in readout_texts(readouts, program.is_read_by_potential, program.output_names):
            click.echo(text, nl=False)
        return
    _print_spikes(program, spikes, backend)
    if not readouts or is_written:
        return
    if sys.stdout.isatty():
        from snnprog.report.readouts import readouts_table
        from snnprog.report.terminal import print_table

        print_table(terminal(), readouts_table(readouts, program.is_read_by_potential, program.output_names))
    else:
        say(_left_out(program))


def _print_spikes(program: Program, spikes: Sequence[Raster], backend: str) -> None:
    """Print a table on a terminal, else events in CSV."""
    from snnprog.files.events import csv_texts

    if sys.stdout.isatty():
        from snnprog.report.terminal import print_table
        from snnprog.report.trains import trains_table

        print_table(terminal(), trains_table(spikes, backend=backend, names=program.output_names))
        return
    for text in csv_texts(spikes, program.output_names):
        click.echo(text, nl=False)


def _print_activity(activity: Activity) -> None:
    from snnprog.report.cores import activity_table, neurobench_table
    from snnprog.report.terminal import print_table

    print_table(terminal(), activity_table(activity))
    print_table(terminal(), neurobench_table(activity))


def _placement_of(program: Program) -> Placement | None:
    from snnprog.placement import place

    try:
        return place(program)
    except LimitError as error:
        say(f"all neurons are counted as on one core: {error}")
        return None
