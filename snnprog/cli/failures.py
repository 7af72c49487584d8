"""Errors as exit codes and sentences."""

from __future__ import annotations

from shlex import quote

import click

from snnprog.cli.exit_codes import BAD_USAGE, EXIT_CODES, INTERNAL_ERROR, INTERRUPTED
from snnprog.errors import InfeasibleError, SnnprogError

TRACEBACK_VARIABLE = "SNNPROG_TRACEBACK"
INFEASIBLE_HINT = (
    "'snnprog explain {spec}' shows the proof; 'snnprog compile {spec} --closest -o P.snnp' writes the nearest program"
)
"""What can be done about an infeasible specification, with its file and its chip as on the command line."""


def code_and_sentence(error: Exception) -> tuple[int, str]:
    """Return the exit code and the sentence for an error."""
    if isinstance(error, SnnprogError):
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind)), str(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, _in_a_sentence(error)
    if isinstance(error, click.Abort) and not isinstance(error.__cause__, EOFError):
        return INTERRUPTED, "interrupted"
    if isinstance(error, OSError):
        return BAD_USAGE, f"{error.filename or 'a file or process'} cannot be used: {error.strerror or error}"
    error = error.__cause__ if isinstance(error.__cause__, EOFError) else error  # which click would report as Ctrl-D
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    return INTERNAL_ERROR, f"internal error, {what}; please report it ({TRACEBACK_VARIABLE}=1 shows where)"


def infeasible_hint(spec: str | None, chip: str | None) -> str:
    """Return what can be done about the specification of a command line; SPEC.toml where it names none."""
    words = [quote("SPEC.toml" if spec is None else spec), *([] if chip is None else ["--chip", quote(chip)])]
    return INFEASIBLE_HINT.format(spec=" ".join(words))


def conflicts_of(error: Exception) -> list[str]:
    """Return the conflicts that make a spec infeasible, in words; none for other errors."""
    return [str(conflict) for conflict in error.conflicts] if isinstance(error, InfeasibleError) else []


def _in_a_sentence(error: click.ClickException) -> str:
    """Return the message of click on one line, with a hint to the help if it is incomplete."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # its help is printed
        return error.format_message()
    message = " ".join(error.format_message().split())
    is_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    if not isinstance(error, click.UsageError) or error.ctx is None or is_value:
        return message
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Option) and error.param.help:
        help_text = error.param.help
        is_word = help_text[1:2].islower()  # and no abbreviation, such as HTML
        message = f"{message.rstrip('.')}: {help_text[0].lower() if is_word else help_text[0]}{help_text[1:]}"
    end = "" if message.endswith((".", "?", ")")) else "."
    return f"{message}{end} See '{error.ctx.command_path} --help'."
