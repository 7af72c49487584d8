"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

existing_file = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
time_limit_option = click.option(
    "--time-limit", "time_limit_s", type=click.FloatRange(min=0.0), help="Seconds for the design of the outputs."
)
