"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

existing_file = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
time_limit_option = click.option(
    "--time-limit",
    "time_limit_s",
    type=click.FloatRange(min=0.0),
    help="Time limit for the design of the outputs, in seconds.",
)


class NumberList(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """Numbers with commas between them."""

    name = "numbers"

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.kind = kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | float, ...]:
        """Return the numbers of a text."""
        try:
            return tuple(self.kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers, such as 4,7", param, ctx)
