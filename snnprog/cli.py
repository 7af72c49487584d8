"""The command line: thin commands over the public functions.

Exit codes: 0 done and exact, 1 ran but not exact, 2 bad usage or bad file, 3 infeasible, 4 does not fit the chip, 5 a
backend failed. Errors are one sentence on standard error; with ``--json`` they are an object on standard output. A
command returns its code instead of leaving with it: whatever leaves is click, which met a closed pipe. Heavy modules
are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from snnprog.errors import (
    BackendError,
    FormatError,
    InfeasibleError,
    LimitError,
    PortabilityWarning,
    SnnprogError,
    SpecError,
    counted,
)
from snnprog.version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.console import Console

    from snnprog.conformance import Conformance
    from snnprog.placement import Placement
    from snnprog.program import Program
    from snnprog.verification import Verification
    from snnprog.workload import Activity

EXACT, NOT_EXACT, BAD_USAGE, INFEASIBLE, DOES_NOT_FIT, BACKEND_FAILED = range(6)
INTERNAL_ERROR = 70
INTERRUPTED = 130
EXIT_CODES: tuple[tuple[type[SnnprogError], int], ...] = (
    (InfeasibleError, INFEASIBLE),
    (LimitError, DOES_NOT_FIT),
    (BackendError, BACKEND_FAILED),
    (SpecError, BAD_USAGE),
    (FormatError, BAD_USAGE),
    (SnnprogError, NOT_EXACT),
)
TRACEBACK_VARIABLE = "SNNPROG_TRACEBACK"

existing_file = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
workers_option = click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes for the design."
)
time_limit_option = click.option(
    "--time-limit", "time_limit_s", type=click.FloatRange(min=0.0), help="Seconds for the design of the outputs."
)
backend_option = click.option(
    "--backend",
    "backends",
    multiple=True,
    help="Where to run, kernel by default; may be repeated.",
)


def main() -> NoReturn:
    """Run the command line and leave with its exit code; no traceback unless SNNPROG_TRACEBACK is set."""
    warnings.simplefilter("always", PortabilityWarning)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be text
    try:
        code = _run_command()
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        _drop_output()
        code = EXACT
    except OSError as error:
        _drop_output()
        click.echo(f"snnprog: the output cannot be written: {error.strerror}", err=True)
        code = BAD_USAGE
    sys.exit(code)


def _run_command() -> int:
    try:
        return int(commands.main(standalone_mode=False) or EXACT)
    except (click.ClickException, click.Abort, SnnprogError) as error:
        return _tell_error(error)
    except OSError as error:
        if error.filename is None:  # standard output is full or closed
            raise
        return _tell_error(error)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _tell_error(error)


def _drop_output() -> None:
    """Send what is still buffered nowhere, or Python would fail on it once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="snnprog")
def commands() -> None:
    """Compile input-output spike transformations for spiking chips: exact, or explained."""


@commands.command("compile")
@click.argument("spec_path", metavar="SPEC.toml", type=existing_file)
@click.option("-o", "--output", "program_path", required=True, type=existing_file, help="The program file to write.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of all random choices.")
@workers_option
@time_limit_option
@click.option("--closest", is_flag=True, help="Where nothing is exact: the program with the fewest wrong bins found.")
@json_option
def compile_command(
    spec_path: Path,
    program_path: Path,
    seed: int,
    workers: int,
    time_limit_s: float | None,
    closest: bool,
    as_json: bool,
) -> int:
    """Compile a specification to a program file."""
    from snnprog.archive import check_place
    from snnprog.compiler import compile
    from snnprog.report.tables import print_deviations, print_neurons, program_summary
    from snnprog.spec_file import load_spec

    spec = load_spec(spec_path)
    check_place(program_path)
    with _executor(workers) as executor, _progress(as_json) as progress:
        result = compile(
            spec,
            seed=seed,
            on_infeasible="closest" if closest else "raise",
            executor=executor,
            progress=progress,
            time_limit_s=time_limit_s,
        )
    result.program.save(program_path)
    misfit = DOES_NOT_FIT if result.report.misfit else EXACT
    code = NOT_EXACT if result.report.wrong_bins else misfit
    if as_json:
        summary = program_summary(result.program)
        _print_json({"program": str(program_path), "summary": summary, **result.report.as_dict()})
        return code
    console = _console()
    print_neurons(console, (*result.report.neurons, *result.report.hidden))
    potential, current = result.report.time_constants
    seconds = ", ".join(f"{step} {value:.2f} s" for step, value in result.report.seconds.items())
    hidden = f"{counted(len(result.report.hidden), 'hidden neuron')}; " if result.report.hidden else ""
    console.print(f"time constants on the chip: potential {potential:.4g}, current {current:.4g} ticks")
    print_deviations(console, result.report.deviations)
    wrong, least = result.report.wrong_bins, result.report.at_least
    outcome = f"closest found: {counted(wrong, 'wrong bin')} (at least {least} in any case)" if wrong else "exact"
    several = "all " if len(spec.patterns) > 1 else ""
    console.print(
        f"{outcome} on {several}{counted(len(spec.patterns), 'pattern')};"
        f" {hidden}{counted(result.report.synapses, 'synapse')}; {seconds}"
    )
    if result.report.placement is not None:
        _print_placement(console, result.report.placement)
    console.print(f"wrote {program_path}")
    if result.report.misfit is not None:
        click.echo(f"snnprog: {spec.chip} does not hold the program: {result.report.misfit}", err=True)
    return code


@commands.command("explain")
@click.argument("spec_path", metavar="SPEC.toml", type=existing_file)
@workers_option
@time_limit_option
@json_option
def explain_command(spec_path: Path, workers: int, time_limit_s: float | None, as_json: bool) -> int:
    """Say of each output whether it can be built, and if not, why: the smallest conflict, and its proof."""
    from snnprog.explanation import explain
    from snnprog.report.explanations import print_explanation
    from snnprog.spec_file import load_spec

    spec = load_spec(spec_path)
    with _executor(workers) as executor, _progress(as_json) as progress:
        explanation = explain(spec, executor=executor, progress=progress, time_limit_s=time_limit_s)
    if as_json:
        _print_json(explanation.as_dict())
    else:
        print_explanation(_console(), explanation)
    if explanation.infeasible:
        return INFEASIBLE
    return EXACT if explanation.is_feasible else NOT_EXACT


@commands.command("run")
@click.argument("program_path", metavar="P.snnp", type=existing_file)
@click.argument("inputs_path", metavar="INPUTS", type=click.Path())
@click.option("-o", "--output", "output_path", type=existing_file, help="Write spikes to .csv or .npz.")
@click.option("--backend", help="Where to run, kernel by default; reference is the plain simulator.")
@click.option("--ticks", type=click.IntRange(min=1), help="Ticks per pattern (needed for .csv inputs).")
@click.option("--patterns", type=click.IntRange(min=1), help="Patterns in a .csv, where the last ones are silent.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0.0), help="Seconds after which a backend has failed."
)
@click.option("--activity", "is_counted", is_flag=True, help="Count spikes, synaptic operations and updates instead.")
@json_option
def run_command(
    program_path: Path,
    inputs_path: str,
    output_path: Path | None,
    backend: str | None,
    ticks: int | None,
    patterns: int | None,
    timeout_s: float | None,
    is_counted: bool,
    as_json: bool,
) -> None:
    """Run a program on input spikes (.npz, FILE.npz:ARRAY or .csv); print or write the output spikes."""
    from snnprog.archive import check_place
    from snnprog.backends import built_in, run_backend
    from snnprog.program import load
    from snnprog.raster import events_of_raster, read_rasters, write_rasters
    from snnprog.workload import activity_of, with_all_outputs

    program = load(program_path)
    if output_path is not None:
        check_place(output_path)
    name, _, key = inputs_path.partition(":") if ".npz:" in inputs_path else (inputs_path, "", "")
    inputs = read_rasters(name, ticks=ticks, neurons=program.n_inputs, key=key or None, patterns=patterns)
    backend = backend or built_in(program)
    answer = run_backend(with_all_outputs(program) if is_counted else program, inputs, backend, timeout_s=timeout_s)
    spikes = [trace.spikes for trace in answer.traces]
    activity = activity_of(program, inputs, spikes, _placement_of(program)) if is_counted else None
    spikes = [raster[:, program.outputs] for raster in spikes] if is_counted else spikes
    if output_path is not None:
        write_rasters(output_path, spikes)
    if as_json:
        events = [{"tick": t.tolist(), "neuron": n.tolist()} for t, n in map(events_of_raster, spikes)]
        counts = {} if activity is None else {"activity": activity.as_dict()}
        _print_json({"backend": backend, "versions": dict(answer.versions), "patterns": events, **counts})
        return
    if activity is not None:
        _print_activity(activity)
    elif output_path is None:
        click.echo("pattern,tick,neuron")
        for index, raster in enumerate(spikes):
            for tick, neuron in zip(*events_of_raster(raster), strict=True):
                click.echo(f"{index},{tick},{neuron}")
    if output_path is not None:
        total = counted(sum(int(raster.sum()) for raster in spikes), "spike")
        click.echo(f"{total} in {counted(len(spikes), 'pattern')}; wrote {output_path}")


def _print_activity(activity: Activity) -> None:
    from snnprog.report.cores import print_activity

    print_activity(_console(), activity)


def _placement_of(program: Program) -> Placement | None:
    try:
        return _placed(program, None)
    except LimitError as error:
        click.echo(f"snnprog: all neurons are counted as on one core: {error}", err=True)
        return None


@commands.command("verify")
@click.argument("program_path", metavar="P.snnp", type=existing_file)
@click.argument("spec_path", metavar="SPEC.toml", type=existing_file)
@backend_option
@click.option("--against", default="reference", show_default=True, help="The backend that all are compared with.")
@click.option("--state", is_flag=True, help="Compare currents and potentials, too.")
@json_option
def verify_command(
    program_path: Path, spec_path: Path, backends: tuple[str, ...], against: str, state: bool, as_json: bool
) -> int:
    """Run a program on its spec's patterns and compare with the targets, on every backend named."""
    from snnprog.program import load
    from snnprog.report.tables import print_verification
    from snnprog.spec_file import load_spec
    from snnprog.verification import verify

    program, spec = load(program_path), load_spec(spec_path)
    with _working(f"running on {', '.join(backends) or 'the built-in simulators'}", as_json):
        verification = verify(program, spec, backends or None, record="state" if state else "spikes", against=against)
    if as_json:
        _print_json(_verification_data(verification))
    else:
        print_verification(_console(), verification)
    return EXACT if verification.exact else NOT_EXACT


@commands.command("inspect")
@click.argument("program_path", metavar="P.snnp", type=existing_file)
@click.option("--cores", "is_placed", is_flag=True, help="Show on which cores of the chip it goes, and what it fills.")
@click.option("--max-cores", type=click.IntRange(min=1), help="Cores that there are, if not those of one chip.")
@json_option
def inspect_command(program_path: Path, is_placed: bool, max_cores: int | None, as_json: bool) -> None:
    """Show what a program file holds and where it came from."""
    from snnprog.program import load
    from snnprog.report.tables import print_program, print_provenance, program_summary

    program = load(program_path)
    placement = _placed(program, max_cores) if is_placed or max_cores is not None else None
    if as_json:
        _print_json(program_summary(program) | ({} if placement is None else {"cores": placement.as_dict()}))
        return
    console = _console()
    print_program(console, program)
    print_provenance(console, program)
    if placement is not None:
        _print_placement(console, placement)


def _placed(program: Program, max_cores: int | None) -> Placement:
    from snnprog.placement import place

    return place(program, max_cores=max_cores)


def _print_placement(console: Console, placement: Placement) -> None:
    from snnprog.report.cores import print_placement

    print_placement(console, placement)


@commands.group("backends")
def backends_group() -> None:
    """List, install and check the runtimes that programs run on."""


@backends_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List all backends and whether they are ready."""
    from snnprog.backends import BUILT_IN, backend_names
    from snnprog.report.tables import print_table

    rows: list[dict[str, object]] = [
        {"name": name, "ready": True, "python": "", "summary": text, "lacks": "", "gaps": {}}
        for name, text in BUILT_IN.items()
    ]
    rows += [_backend_row(name) for name in backend_names()]
    if as_json:
        _print_json({"backends": rows})
    else:
        columns = ("name", "ready", "python", "summary", "lacks")
        print_table(_console(), "Backends", columns, [[row[column] for column in columns] for row in rows])


def _backend_row(name: str) -> dict[str, object]:
    from snnprog.backends import find_backend, status

    try:
        backend = find_backend(name)
    except BackendError as error:
        return {"name": name, "ready": False, "python": "", "summary": f"broken: {error}", "lacks": "", "gaps": {}}
    return {
        "name": name,
        "ready": status(backend).is_ready,
        "python": backend.python_text,
        "summary": backend.summary,
        "lacks": str(backend.gaps),
        "gaps": backend.gaps.named(),
        "semantics": list(backend.semantics),
    }


@backends_group.command("install")
@click.argument("name")
@json_option
def install_command(name: str, as_json: bool) -> None:
    """Build a backend's environment in the user's cache folder."""
    from snnprog.backends import find_backend, install

    python = install(find_backend(name), say=lambda line: click.echo(line, err=as_json))
    if as_json:
        _print_json({"name": name, "python": str(python)})


@backends_group.command("check")
@click.argument("name")
@click.option(
    "--programs", default=5, show_default=True, type=click.IntRange(0, 100_000), help="Random programs to run."
)
@click.option("--large", is_flag=True, help="Random programs of up to 400 neurons and 650 ticks, instead of 6 and 65.")
@json_option
def check_command(name: str, programs: int, large: bool, as_json: bool) -> int:
    """Run the golden programs and random ones on a backend: spikes, currents and potentials must be equal."""
    from snnprog.conformance import LARGE, SMALL, check_conformance

    with _working(f"running golden and {programs} random programs on {name}", as_json):
        outcome = check_conformance(name, programs=programs, scale=LARGE if large else SMALL)
    if as_json:
        _print_json(
            {
                "backend": name,
                "identical": outcome.divergence is None,
                "golden": outcome.golden,
                "left_out": dict(outcome.left_out),
                "random": outcome.random,
                "programs": outcome.programs,
                "neuron_ticks": outcome.neuron_ticks,
                "spikes": outcome.spikes,
                "versions": dict(outcome.versions),
                "program": outcome.program,
                "divergence": None if outcome.divergence is None else str(outcome.divergence),
                "divergence_parts": None if outcome.divergence is None else outcome.divergence.as_dict(),
            }
        )
    else:
        _print_conformance(name, outcome)
    return EXACT if outcome.divergence is None else NOT_EXACT


def _print_conformance(name: str, outcome: Conformance) -> None:
    compared = f"{outcome.golden} golden and {outcome.random} random programs"
    click.echo(f"{name} ran {compared} on {', '.join(' '.join(item) for item in outcome.versions.items())}")
    for program, reason in outcome.left_out.items():
        click.echo(f"golden program {program} is left out: {reason}")
    if outcome.divergence is None:
        counts = f"{outcome.neuron_ticks} neuron-ticks and {outcome.spikes} spikes"
        click.echo(f"{name} equals the reference: {counts} compared, currents and potentials too, no difference")
    else:
        click.echo(f"{outcome.program}: {outcome.divergence}")


@commands.command("demo")
@click.option("-o", "--output", "folder", default="demo-output", show_default=True, type=existing_file)
@click.option(
    "--backend", "extra", multiple=True, help="Check there, too; installed ones are used unless this is given."
)
@json_option
def demo_command(folder: Path, extra: tuple[str, ...], as_json: bool) -> int:
    """Compile Fisher's Iris for Loihi 1, check it, and judge it on unseen flowers."""
    from snnprog.backends import REFERENCE, backend_names, find_backend
    from snnprog.chips import find_chip

    try:
        from snnprog.demo import run_demo
    except ModuleNotFoundError as error:
        raise SpecError(f"the demo needs {error.name}; install it with: pip install 'snnprog[demo]'") from error

    ready = [name for name in backend_names() if _backend_row(name)["ready"]]
    rule = find_chip("loihi1").semantics.name
    ready = [name for name in ready if rule in find_backend(name).semantics]
    names = [REFERENCE, *(extra or ready)]
    with _progress(as_json) as progress:
        demo = run_demo(folder, backends=names, progress=progress, say=lambda line: click.echo(line, err=True))
    data = {
        "accuracy": demo.accuracy,
        "baseline_accuracy": demo.baseline,
        "train_accuracy": demo.train_accuracy,
        "unseen_identical": demo.unseen_identical,
        "seconds": demo.seconds,
        "program": str(demo.program_path),
        "picture": str(demo.picture_path),
        **_verification_data(demo.verification),
    }
    if as_json:
        _print_json(data)
    else:
        _print_demo(_console(), demo.verification, data, demo.result.report.neurons)
    return EXACT if demo.verification.exact and demo.unseen_identical else NOT_EXACT


def _print_demo(console: Console, verification: Verification, data: Mapping[str, object], neurons: object) -> None:
    from snnprog.report.tables import print_neurons, print_table, print_verification

    print_neurons(console, neurons)  # type: ignore[arg-type]
    console.print()
    print_verification(console, verification)
    console.print()
    rows = [
        ("compiled flowers", f"{data['train_accuracy']:.1%}", ""),
        ("unseen flowers", f"{data['accuracy']:.1%}", f"{data['baseline_accuracy']:.1%}"),
    ]
    print_table(console, "Accuracy on Iris", ("which", "spiking program", "logistic regression"), rows)
    foreign = [name for name in verification.backends if name != "reference"]
    if foreign:
        answer = "yes" if data["unseen_identical"] else "NO"
        console.print(f"decisions on unseen flowers identical on {', '.join(foreign)}: {answer}")
    else:
        console.print("no other runtime is installed; 'snnprog backends install lava' adds Lava (it needs Python 3.10)")
    console.print(f"wrote {data['program']} and {data['picture']} in {data['seconds']:.1f} s")


def _verification_data(verification: Verification) -> dict[str, object]:
    checks = {
        name: {
            "exact": check.exact,
            "wrong_bins": check.wrong_bins,
            f"identical_to_{verification.against}": check.is_identical,
            "portable": check.is_portable,
            "first_divergence": None if check.first_divergence is None else str(check.first_divergence),
            "divergence_parts": None if check.first_divergence is None else check.first_divergence.as_dict(),
            "versions": dict(check.versions),
        }
        for name, check in verification.backends.items()
    }
    return {"exact": verification.exact, "against": verification.against, "backends": checks}


def _tell_error(error: Exception) -> int:
    code, message = _explain(error)
    if "--json" in sys.argv:
        conflicts = [str(conflict) for conflict in error.conflicts] if isinstance(error, InfeasibleError) else []
        _print_json({"error": {"type": type(error).__name__, "message": message, "conflicts": conflicts}})
    elif isinstance(error, click.ClickException) and "\n" in message:
        click.echo(message, err=True)  # a group without a command is answered by its help
    else:
        click.echo(f"snnprog: {message}", err=True)
    return code


def _explain(error: Exception) -> tuple[int, str]:
    """Return the exit code and the sentence for an error."""
    if isinstance(error, SnnprogError):
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind)), str(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, click.Abort):
        return INTERRUPTED, "interrupted"
    if isinstance(error, OSError):
        return BAD_USAGE, f"{error.filename} cannot be used: {error.strerror}"
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    return INTERNAL_ERROR, f"internal error, {what}; please report it ({TRACEBACK_VARIABLE}=1 shows where)"


def _show_warning(message: Warning | str, *_: object) -> None:
    click.echo(f"snnprog: warning: {message}", err=True)


def _print_json(value: Mapping[str, object]) -> None:
    click.echo(json.dumps(_json_value(value), indent=1, default=str, allow_nan=False))


def _json_value(value: object) -> object:
    """Return a value whose infinities, which JSON lacks, are the text "inf"."""
    if isinstance(value, Mapping):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    if workers == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # workers are the parallelism; threads beside them only wait
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield executor


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a bar with the time left on standard error, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {"design": bar.add_task("design", total=None)}

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield advance


@contextmanager
def _working(what: str, quiet: bool) -> Iterator[None]:
    """Show that something is going on, on standard error, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield
