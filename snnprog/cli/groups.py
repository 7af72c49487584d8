"""Groups of commands: help in sections, and the nearest command for a misspelt one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

import click

from snnprog.wording import did_you_mean

FULL_LENGTH = 1000
"""Longest summary: longer than any, so that none is cut off; long ones wrap in their column."""

COMMANDS_FOR = {".toml": "compile", ".snnp": "inspect", ".nir": "quantize", ".net": "quantize", ".onnx": "convert"}
"""The usual command for each suffix, suggested if a file is given in place of a command."""


class CommandGroup(click.Group):
    """A group that suggests a command for a misspelt one, or for a file in its place."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries in full."""
        self.write_section("Commands", list(self.commands.values()), formatter=formatter)

    def write_section(self, title: str, commands: Sequence[click.Command], *, formatter: click.HelpFormatter) -> None:
        """Write some commands, with their summaries in the column of all."""
        widest = max(len(name) for name in self.commands)
        with formatter.section(title):
            formatter.write_dl(
                [(str(each.name).ljust(widest), each.get_short_help_str(FULL_LENGTH)) for each in commands]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of the first word; refuse an unknown one with a suggestion."""
        name = str(args[0])
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            usual = COMMANDS_FOR.get(PurePath(name).suffix)
            meant = f"; did you mean '{ctx.command_path} {usual} {name}'?" if usual in self.commands else ""
            raise click.UsageError(f"No such command {name!r}{meant or did_you_mean(name, self.commands)}", ctx)
        return super().resolve_command(ctx, args)


class CommandSections(CommandGroup):
    """A group whose help lists its commands by purpose."""

    def __init__(self, sections: Mapping[str, Sequence[click.Command]], **options: object) -> None:
        """Take the commands of each section, in the order in which help lists them."""
        self.sections = {title: tuple(commands) for title, commands in sections.items()}
        commands = [command for each in self.sections.values() for command in each]
        super().__init__(commands=commands, **options)  # type: ignore[arg-type]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list for each section."""
        for title, commands in self.sections.items():
            self.write_section(title, commands, formatter=formatter)
