"""``snnprog completion``: the script that makes a shell complete commands, options, names and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from snnprog.cli.options import JsonCommand

SHELLS = ("bash", "zsh", "fish")
COMPLETION_VARIABLE = "_SNNPROG_COMPLETE"
"""The variable that click reads for the program name snnprog."""


HELP = """\
Print the script for tab completion in bash, zsh or fish.

\b
To have it in every new shell:
  bash   echo 'eval "$(snnprog completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(snnprog completion zsh)"' >> ~/.zshrc
  fish   snnprog completion fish > ~/.config/fish/completions/snnprog.fish

Bash must be 4.4 or later. In zsh, compinit must have run before.
"""


@click.command("completion", cls=JsonCommand, help=HELP)
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """Print the script for tab completion."""
    root = click.get_current_context().find_root().command
    completion = get_completion_class(shell)
    assert completion is not None, "click supports these shells"
    click.echo(completion(root, {}, "snnprog", COMPLETION_VARIABLE).source())
