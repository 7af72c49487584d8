"""The group of all commands, and what becomes of what they return or raise."""

from __future__ import annotations

import os
import sys
import warnings
from typing import NoReturn

import click

from snnprog.cli.backends import backends_group
from snnprog.cli.compile import compile_command
from snnprog.cli.convert import convert_command
from snnprog.cli.demo import demo_command
from snnprog.cli.exit_codes import BAD_USAGE, EXACT, EXIT_CODES, INTERNAL_ERROR, INTERRUPTED
from snnprog.cli.explain import explain_command
from snnprog.cli.export import export_command
from snnprog.cli.inspect import inspect_command
from snnprog.cli.options import Invocation
from snnprog.cli.output import print_json, say
from snnprog.cli.quantize import quantize_command
from snnprog.cli.report import report_command
from snnprog.cli.run import run_command
from snnprog.cli.streams import forgiving_streams
from snnprog.cli.verify import verify_command
from snnprog.errors import InfeasibleError, PortabilityWarning, SnnprogError
from snnprog.version import __version__

COMMANDS = (
    compile_command,
    explain_command,
    run_command,
    verify_command,
    inspect_command,
    quantize_command,
    convert_command,
    export_command,
    report_command,
    backends_group,
    demo_command,
)
TRACEBACK_VARIABLE = "SNNPROG_TRACEBACK"
INFEASIBLE_HINT = "'snnprog explain SPEC.toml' shows the proof; 'snnprog compile --closest' makes the nearest program"


@click.group(commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="snnprog")
def commands() -> None:
    """Compile spiking neural networks for neuromorphic chips: from input and target spikes to exact programs."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code; no traceback unless SNNPROG_TRACEBACK is set."""
    warnings.simplefilter("always", PortabilityWarning)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    with forgiving_streams() as output:
        code = _run_command()
        sys.stdout.flush()
        if output is not None and output.error is not None and output.is_incomplete:
            say(f"the output cannot be written: {output.error.strerror}")
            code = code or BAD_USAGE
    sys.exit(code)


def _run_command() -> int:
    invocation = Invocation()
    try:
        return int(commands.main(standalone_mode=False, obj=invocation) or EXACT)
    except (click.ClickException, click.Abort, SnnprogError) as error:
        return _tell_error(error, as_json=invocation.as_json)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _tell_error(error, as_json=invocation.as_json)


def _tell_error(error: Exception, *, as_json: bool) -> int:
    code, message = _explain(error)
    if as_json:
        print_json(
            {"error": {"type": type(error).__name__, "message": message, "exit_code": code, **_conflicts(error)}}
        )
    elif isinstance(error, click.ClickException) and "\n" in message:
        click.echo(message, err=True)  # a group without a command is answered by its help
    else:
        say(message)
        if isinstance(error, InfeasibleError):
            say(INFEASIBLE_HINT)
    return code


def _where_help_is(error: click.ClickException) -> str:
    """Return where the options of a misused command are listed; nothing where the message says all there is to know."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # it was answered by its help
        return ""
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter):
        return ""
    return f" ('{error.ctx.command_path} --help' lists what there is)"


def _conflicts(error: Exception) -> dict[str, list[str]]:
    return {"conflicts": [str(conflict) for conflict in error.conflicts] if isinstance(error, InfeasibleError) else []}


def _explain(error: Exception) -> tuple[int, str]:
    """Return the exit code and the sentence for an error."""
    if isinstance(error, SnnprogError):
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind)), str(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message() + _where_help_is(error)
    if isinstance(error, click.Abort) and not isinstance(error.__cause__, EOFError):
        return INTERRUPTED, "interrupted"
    if isinstance(error, OSError):
        return BAD_USAGE, f"{error.filename or 'a file or process'} cannot be used: {error.strerror or error}"
    error = error.__cause__ if isinstance(error.__cause__, EOFError) else error  # which click takes for Ctrl-D
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    return INTERNAL_ERROR, f"internal error, {what}; please report it ({TRACEBACK_VARIABLE}=1 shows where)"


def _show_warning(message: Warning | str, *_: object) -> None:
    say(f"warning: {message}")
