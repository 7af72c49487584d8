"""What several commands share: kinds of paths, options, and how a command that prints JSON is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

input_file = click.Path(exists=True, dir_okay=False, path_type=Path)
output_file = click.Path(dir_okay=False, writable=True, path_type=Path)
output_folder = click.Path(file_okay=False, writable=True, path_type=Path)
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


@dataclass
class Invocation:
    """What is known of a command line before it is valid."""

    as_json: bool = False


class JsonCommand(click.Command):
    """A command with ``--json``: even an error in its other words is then told as JSON."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether JSON is wanted, then parse."""
        invocation = ctx.find_object(Invocation)
        if invocation is not None:
            invocation.as_json = self._wants_json(ctx, args)
        return super().parse_args(ctx, args)

    def _wants_json(self, ctx: click.Context, args: Sequence[str]) -> bool:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            return bool(parser.parse_args(list(args))[0].get("as_json"))
        except click.BadOptionUsage:  # the last word is an option that lacks its value
            return len(args) > 1 and self._wants_json(ctx, args[:-1])
