"""The group of all commands, and the handling of their results and errors."""

from __future__ import annotations

import os
import sys
import warnings
from typing import NoReturn

import click

from snnprog.cli.backends import backends_group
from snnprog.cli.compile import compile_command
from snnprog.cli.completion import completion_command
from snnprog.cli.convert import convert_command
from snnprog.cli.demo import demo_command
from snnprog.cli.exit_codes import BAD_USAGE, EXACT
from snnprog.cli.explain import explain_command
from snnprog.cli.export import export_command
from snnprog.cli.failures import TRACEBACK_VARIABLE, code_and_sentence, conflicts_of, infeasible_hint
from snnprog.cli.groups import CommandSections
from snnprog.cli.init import init_command
from snnprog.cli.inspect import inspect_command
from snnprog.cli.journal import journal_command
from snnprog.cli.link import link_command
from snnprog.cli.options import Invocation
from snnprog.cli.output import print_json, say
from snnprog.cli.prove import prove_command
from snnprog.cli.quantize import quantize_command
from snnprog.cli.report import report_command
from snnprog.cli.run import run_command
from snnprog.cli.streams import forgiving_streams
from snnprog.cli.units import units_command
from snnprog.cli.verify import verify_command
from snnprog.cli.versions import show_versions
from snnprog.cli.watch import watch_command
from snnprog.errors import InfeasibleError, PortabilityWarning, SnnprogError

SECTIONS = {
    "Design": (
        init_command,
        explain_command,
        units_command,
        compile_command,
        journal_command,
        link_command,
        watch_command,
        demo_command,
    ),
    "Run and check": (run_command, verify_command, prove_command, inspect_command, report_command),
    "Import and export": (quantize_command, convert_command, export_command),
    "Backends and shell": (backends_group, completion_command),
}

commands = CommandSections(
    SECTIONS,
    name="snnprog",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=show_versions,
            help="Show the versions of snnprog, Python, its packages and the installed backends, and exit.",
        )
    ],
    help="Compile spiking neural networks for neuromorphic chips: from input and target spikes to exact programs.",
    epilog="Start with 'snnprog init': it writes a small SPEC.toml and prints the next commands.",
)


def main() -> NoReturn:
    """Run the command line and exit with its exit code; no traceback unless SNNPROG_TRACEBACK is set."""
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
        return _tell_error(error, invocation)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _tell_error(error, invocation)


def _tell_error(error: Exception, invocation: Invocation) -> int:
    code, message = code_and_sentence(error)
    if invocation.as_json:
        kind = type(error).__name__
        print_json({"error": {"type": kind, "message": message, "exit_code": code, "conflicts": conflicts_of(error)}})
    elif isinstance(error, click.ClickException) and "\n" in message:
        click.echo(message, err=True)  # a group without a command prints its help
    else:
        say(message)
        if isinstance(error, InfeasibleError):
            say(infeasible_hint(invocation.spec, invocation.chip))
    return code


def _show_warning(message: Warning | str, *_: object) -> None:
    say(f"warning: {message}")
