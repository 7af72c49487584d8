"""Names on the command line that a shell can complete: backends, chips, microcontrollers and boards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from snnprog.wording import did_you_mean


class KnownName(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """One of some names; the function that looks it up refuses others."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self.name = "name"
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names with this beginning."""
        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


class NamedChoice(click.Choice):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """One of a few names; the message about another one names what is close to it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        try:
            return str(super().convert(value, param, ctx))
        except click.BadParameter as error:
            meant = did_you_mean(value, map(str, self.choices))
            self.fail(f"{error.message.rstrip('.')}{meant or '.'}", param, ctx)


def backends() -> list[str]:
    """Return the names of all backends, the built-in ones first."""
    from snnprog.backends import BUILT_IN, backend_names

    return [*BUILT_IN, *backend_names()]


def chips() -> list[str]:
    """Return the names of all chips, registered ones too."""
    from snnprog.chips import CHIPS
    from snnprog.chips.registered import registered_names

    return sorted({*CHIPS, *registered_names()})


def microcontrollers() -> list[str]:
    """Return the names of the microcontrollers that programs are measured on."""
    from snnprog.figures import MICROCONTROLLERS

    return list(MICROCONTROLLERS)


def boards() -> list[str]:
    """Return the names of the FPGA boards."""
    from snnprog.emit.board_names import BOARD_NAMES

    return list(BOARD_NAMES)


BACKEND, MICROCONTROLLER, BOARD = KnownName(backends), KnownName(microcontrollers), KnownName(boards)
