"""The group of all commands: help in sections, and the nearest command for a misspelt one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

import click

from snnprog.wording import did_you_mean

FULL_LENGTH = 1000
"""Of a summary, which wraps in its column instead of being cut off: longer than any."""

COMMANDS_FOR = {".toml": "compile", ".snnp": "inspect", ".nir": "quantize", ".net": "quantize", ".onnx": "convert"}
"""What is usually done with a file; for whoever names it in the place of a command."""


class CommandSections(click.Group):
    """A group whose help lists its commands by purpose."""

    def __init__(self, sections: Mapping[str, Sequence[click.Command]], **options: object) -> None:
        """Take the commands of each section, in the order in which help lists them."""
        self.sections = {title: tuple(commands) for title, commands in sections.items()}
        commands = [command for each in self.sections.values() for command in each]
        super().__init__(commands=commands, **options)  # type: ignore[arg-type]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list for each section, all in the same columns."""
        widest = max(len(name) for name in self.commands)
        for title, commands in self.sections.items():
            with formatter.section(title):
                rows = [(str(each.name).ljust(widest), each.get_short_help_str(FULL_LENGTH)) for each in commands]
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; refuse an unknown one with what may be meant."""
        name = str(args[0])
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            usual = COMMANDS_FOR.get(PurePath(name).suffix)
            meant = f"; did you mean 'snnprog {usual} {name}'?" if usual else did_you_mean(name, self.commands)
            raise click.UsageError(f"No such command {name!r}{meant or '.'}", ctx)
        return super().resolve_command(ctx, args)
