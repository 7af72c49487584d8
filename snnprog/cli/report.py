"""``snnprog report``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnprog.cli.exit_codes import EXACT, INFEASIBLE, NOT_EXACT
from snnprog.cli.names import BACKEND
from snnprog.cli.numbers import IntegerOption, NumberList, NumberOption
from snnprog.cli.options import (
    JsonCommand,
    board_option,
    chip_option,
    held_out_option,
    json_option,
    target_option,
    time_limit_option,
    title_option,
    view_options,
)
from snnprog.cli.output import print_json
from snnprog.cli.outputs import OutputFile, RasterFile, SpecFile, SubjectFile
from snnprog.cli.perturbations import perturbation_options, robust_of
from snnprog.cli.progress import progress_bar, working
from snnprog.cli.workers import processes, workers_option
from snnprog.errors import SpecError

if TYPE_CHECKING:
    from snnprog.arrays import Raster
    from snnprog.chips import Chip
    from snnprog.files.event_view import EventView
    from snnprog.report.page import Page
    from snnprog.spec import Robust, Spec


@click.command("report", cls=JsonCommand)
@click.argument("subject_path", metavar="P.snnp|SPEC.toml", type=SubjectFile())
@click.option(
    "-o", "--output", "page_path", required=True, type=OutputFile(".html"), help="HTML file to write (.html)."
)
@title_option
@click.option("--spec", "spec_path", type=SpecFile(), help="Specification to check the program against.")
@held_out_option
@perturbation_options
@click.option(
    "--inputs",
    "inputs_path",
    type=RasterFile(),
    help="Input spikes to run the program on, if there is no specification.",
)
@click.option(
    "--ticks", type=IntegerOption(min=1), help="Number of ticks per pattern of the inputs (required for all but .npz)."
)
@click.option(
    "--dt-ms",
    type=NumberOption(0.0, min_open=True),
    help="Length of a tick in milliseconds, for inputs that hold spike times.",
)
@click.option("--starts-ms", type=NumberList(float), help="Start time of each pattern in a recording, e.g. 0,1000.")
@click.option("--merge", is_flag=True, help="Merge spikes of one input that fall into the same tick.")
@view_options
@click.option(
    "--backend", "backends", multiple=True, type=BACKEND, help="Backend to run on; can be repeated. Default: kernel."
)
@target_option
@board_option
@chip_option
@workers_option
@time_limit_option
@json_option
def report_command(
    subject_path: Path,
    page_path: Path,
    title: str | None,
    spec_path: Path | None,
    test_path: Path | None,
    perturbed: Mapping[str, object],
    inputs_path: str | None,
    ticks: int | None,
    dt_ms: float | None,
    starts_ms: tuple[float, ...] | None,
    merge: bool,
    view: EventView | None,
    backends: tuple[str, ...],
    targets: tuple[str, ...],
    boards: tuple[str, ...],
    chip: Chip | None,
    workers: int,
    time_limit_s: float | None,
    as_json: bool,
) -> int:
    """Write an HTML report about a program or a specification.

    The page is one file and needs no network. A file that ends in .toml is a specification: the page says which outputs
    can be built, and why the others cannot. Nothing is compiled.
    """
    from snnprog.report.page import write_page
    from snnprog.spec_file import load_spec

    is_spec = subject_path.suffix == ".toml"
    if is_spec:
        if any(each is not None for each in (spec_path, test_path, inputs_path)) or any(
            (backends, targets, boards, perturbed)
        ):
            raise SpecError(
                f"{subject_path} is a specification; --spec, --test, --inputs, --backend, --target, --board and"
                " perturbations are for a program"
            )
        described = load_spec(subject_path, chip)
        page, code = _page_of_spec(
            described, title or subject_path.name, workers=workers, time_limit_s=time_limit_s, quiet=as_json
        )
    else:
        if spec_path is not None and inputs_path is not None:
            raise SpecError("--spec and --inputs exclude each other: a specification has inputs of its own; give one")
        spec = None if spec_path is None else load_spec(spec_path, chip)
        if spec is None and perturbed:
            raise SpecError("perturbations are checked against a specification; give it with --spec")
        said = {"ticks": ticks, "dt_ms": dt_ms, "starts_ms": starts_ms, "merge": merge, "view": view}
        read = None if inputs_path is None else partial(_rasters, inputs_path, said)
        page, code = _page_of_program(
            subject_path,
            spec,
            read=read,
            backends=backends,
            targets=targets,
            boards=boards,
            test=None if test_path is None else load_spec(test_path, chip),
            robust=None if spec is None else robust_of(spec, perturbed),
            title=title or subject_path.name,
            quiet=as_json,
        )
    write_page(page_path, page)
    if as_json:
        print_json({"page": str(page_path), **asdict(page.headline)})
    else:
        click.echo(f"{page.headline.text}; wrote {page_path}")
    return code


def _page_of_spec(spec: Spec, title: str, *, workers: int, time_limit_s: float | None, quiet: bool) -> tuple[Page, int]:
    from snnprog.explanation import explain
    from snnprog.report.page import page_of_spec

    with processes(workers) as executor, progress_bar(quiet) as progress:
        explanation = explain(spec, executor=executor, progress=progress, time_limit_s=time_limit_s)
    feasible = EXACT if explanation.is_feasible else NOT_EXACT
    return page_of_spec(spec, explanation, title=title), INFEASIBLE if explanation.infeasible else feasible


def _page_of_program(
    path: Path,
    spec: Spec | None,
    *,
    read: Callable[[int], list[Raster]] | None,
    backends: tuple[str, ...],
    targets: tuple[str, ...],
    boards: tuple[str, ...],
    test: Spec | None,
    robust: Robust | None,
    title: str,
    quiet: bool,
) -> tuple[Page, int]:
    from snnprog.display.card import BAD
    from snnprog.program import load
    from snnprog.report.page import page_of_program

    program = load(path)
    rasters = None if read is None else read(program.n_inputs)
    with working(f"running on {', '.join(backends) or 'the built-in simulators'}", quiet):
        page = page_of_program(
            program,
            spec,
            inputs=rasters,
            backends=backends or None,
            targets=targets,
            boards=boards,
            test=test,
            robust=robust,
            title=title,
            source=path,
        )
    return page, NOT_EXACT if page.headline.kind == BAD else EXACT


def _rasters(name: str, said: Mapping[str, Any], neurons: int) -> list[Raster]:
    from snnprog.files import split_key
    from snnprog.files.rasters import read_recording
    from snnprog.files.reading import LINES, Reading

    path, key = split_key(name)
    return read_recording(Path(path), Reading(neurons=neurons, key=key, source=LINES, **said)).rasters
