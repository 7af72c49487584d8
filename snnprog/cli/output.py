"""Output of commands: objects for programs, tables for people, and sentences on standard error."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

FILE_WIDTH = 1000
INDENT = "  "


def print_json(value: Mapping[str, object]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(_json_value(value), indent=1, default=str, allow_nan=False))


def _json_value(value: object) -> object:
    """Return a value with infinities, which JSON does not support, as the text "inf"."""
    if isinstance(value, Mapping):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def terminal() -> Console:
    """Return the console for tables: as wide as the terminal, with lines broken at words; in a file, in full."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False, markup=False)
    return Console(width=FILE_WIDTH, highlight=False, markup=False, soft_wrap=True)


def tell(text: str) -> None:
    """Print sentences on standard output; on a terminal, broken at words."""
    click.echo(_fitted(text) if sys.stdout.isatty() else text)


def say(message: str) -> None:
    """Print a message on standard error, after the program's name; on a terminal, broken at words."""
    text = f"snnprog: {message}"
    text = _fitted(text, indent=INDENT) if sys.stderr.isatty() else text
    if not os.environ.get("NO_COLOR"):
        text = text.replace("snnprog:", click.style("snnprog:", bold=True), 1)
    click.echo(text, err=True)


def _fitted(text: str, *, indent: str = "") -> str:
    """Return lines that are broken at words to the width of the terminal."""
    wrapper = textwrap.TextWrapper(
        shutil.get_terminal_size().columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapper.fill(line) for line in text.split("\n"))
