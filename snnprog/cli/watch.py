"""``snnprog watch``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnprog.cli.failures import code_and_sentence
from snnprog.cli.options import JsonCommand, check_title, chip_option, seed_option, time_limit_option, title_option
from snnprog.cli.output import say
from snnprog.cli.outputs import OutputFile, SpecFile
from snnprog.cli.serving import PageServer
from snnprog.cli.watching import stamps_of, wait_for_change
from snnprog.cli.workers import processes, workers_option
from snnprog.errors import FormatError, InfeasibleError
from snnprog.wording import counted

if TYPE_CHECKING:
    from snnprog.chips import Chip
    from snnprog.compiler import CompileResult
    from snnprog.report.page import Page
    from snnprog.spec import Spec


@click.command("watch", cls=JsonCommand)
@click.argument("spec_path", metavar="SPEC.toml", type=SpecFile())
@click.option(
    "-o", "--output", "program_path", required=True, type=OutputFile(".snnp"), help="Program file to write (.snnp)."
)
@click.option(
    "--report",
    "page_path",
    type=OutputFile(".html"),
    help="HTML report to write (.html). It is also served on 127.0.0.1, where it reloads by itself.",
)
@title_option
@seed_option
@chip_option
@workers_option
@time_limit_option
@click.option("--closest", is_flag=True, help="If no exact program is found, write one with few wrong bins.")
def watch_command(
    spec_path: Path,
    program_path: Path,
    page_path: Path | None,
    title: str | None,
    seed: int,
    chip: Chip | None,
    workers: int,
    time_limit_s: float | None,
    closest: bool,
) -> None:
    """Compile again on every change of a specification.

    SPEC.toml and the files that it names are watched. After a change, the program and the report are written again, and
    a line shows the result. Errors are shown, and watching continues. Ctrl-C ends it.
    """
    check_title(title, page_path)
    how = Build(
        spec_path, program_path, page_path, title, seed=seed, chip=chip, time_limit_s=time_limit_s, closest=closest
    )
    server = None if page_path is None else _server()
    files: Sequence[Path] = [spec_path]
    while True:
        files = _files(spec_path, files)
        stamps = stamps_of(files)
        _build(how, workers=workers, server=server)
        wait_for_change(stamps)


@dataclass(frozen=True)
class Build:
    """The compilation after each change."""

    spec_path: Path
    program_path: Path
    page_path: Path | None
    title: str | None
    seed: int
    chip: Chip | None
    time_limit_s: float | None
    closest: bool


def _files(spec_path: Path, known: Sequence[Path]) -> Sequence[Path]:
    """Return the files to watch; the known ones if the specification cannot be read now."""
    from snnprog.spec_file import spec_files

    try:
        return spec_files(spec_path)
    except FormatError:
        return known


def _server() -> PageServer | None:
    try:
        return PageServer()
    except OSError as error:
        say(f"the report is written, but not served: {error.strerror}")
        return None


def _build(how: Build, *, workers: int, server: PageServer | None) -> None:
    """Compile once, and print a line with the result or the error."""
    start = time.perf_counter()
    try:
        text = _compiled(how, workers=workers, server=server)
    except Exception as error:
        say(f"{time.strftime('%H:%M:%S')} {code_and_sentence(error)[1]}")
        return
    click.echo(f"{time.strftime('%H:%M:%S')} {text} ({time.perf_counter() - start:.1f} s)")


def _compiled(how: Build, *, workers: int, server: PageServer | None) -> str:
    from snnprog.compiler import compile
    from snnprog.spec_file import load_spec

    spec = load_spec(how.spec_path, how.chip)
    with processes(workers) as executor:
        try:
            result = compile(
                spec,
                seed=how.seed,
                on_infeasible="closest" if how.closest else "raise",
                executor=executor,
                time_limit_s=how.time_limit_s,
            )
        except InfeasibleError:
            _write_page(how, spec, None, server=server)  # which shows the reason
            raise
    result.program.save(how.program_path)
    _write_page(how, spec, result, server=server)
    written = " and ".join(str(path) for path in (how.program_path, how.page_path) if path is not None)
    return f"{_summary(result, spec)}; wrote {written}"


def _summary(result: CompileResult, spec: Spec) -> str:
    patterns = counted(len(spec.patterns), "pattern")
    wrong = result.report.wrong_bins
    exact = f"{counted(wrong, 'wrong bin')} on {patterns}" if wrong else f"exact on {patterns}"
    misfit = f"; does not fit {spec.chip.name}: {result.report.misfit}" if result.report.misfit else ""
    return f"{exact}, {counted(result.program.n_synapses, 'synapse')}{misfit}"


def _write_page(how: Build, spec: Spec, result: CompileResult | None, *, server: PageServer | None) -> None:
    """Write the report of a program, or of a specification that has none; update the served page."""
    from snnprog.report.page import html_of, write_page

    if how.page_path is None:
        return
    page = _page_of(how, spec, result)
    write_page(how.page_path, page)
    if server is None:
        return
    server.show(html_of(page, is_live=True))
    if server.version == 1:
        click.echo(f"open {server.address} in a browser; the report reloads by itself")


def _page_of(how: Build, spec: Spec, result: CompileResult | None) -> Page:
    from snnprog.explanation import explain
    from snnprog.report.page import page_of_program, page_of_spec

    if result is None:
        explanation = explain(spec, time_limit_s=how.time_limit_s)
        return page_of_spec(spec, explanation, title=how.title or how.spec_path.name)
    return page_of_program(result.program, spec, title=how.title or how.program_path.name, source=how.program_path)
