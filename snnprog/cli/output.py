"""What commands print: objects for programs, tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


def print_json(value: Mapping[str, object]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(_json_value(value), indent=1, default=str, allow_nan=False))


def _json_value(value: object) -> object:
    """Return a value whose infinities, which JSON lacks, are the text "inf"."""
    if isinstance(value, Mapping):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json_value(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def terminal() -> Console:
    """Return where tables are printed: as wide as the terminal, or as a file likes them."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, soft_wrap=True)
