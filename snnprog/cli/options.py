"""Options that several commands share, and the checks before each command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from snnprog.cli.names import BOARD, MICROCONTROLLER, NamedChoice, chips
from snnprog.cli.numbers import IntegerOption, NumberList, NumberOption
from snnprog.cli.outputs import SpecFile, check_arguments, check_given_once, check_outputs
from snnprog.errors import SpecError
from snnprog.wording import a_type

if TYPE_CHECKING:
    from snnprog.chips import Chip
    from snnprog.files.event_view import EventView

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
target_option = click.option(
    "--target",
    "targets",
    type=MICROCONTROLLER,
    multiple=True,
    help="Count bytes and instructions of the program as C on cortex-m0, cortex-m4 or riscv32; can be repeated.",
)
board_option = click.option(
    "--board",
    "boards",
    type=BOARD,
    multiple=True,
    metavar="BOARD",
    help="Show how the program fills the core of an FPGA board: its name, or a folder of export --board, which adds the"
    " figures of the tools once it is built. Can be repeated.",
)
held_out_option = click.option(
    "--test",
    "test_path",
    metavar="HELDOUT.toml",
    type=SpecFile(),
    help="Patterns that the program was not compiled from: hits, misses and false alarms of each output.",
)
seed_option = click.option(
    "--seed", default=0, show_default=True, type=IntegerOption(min=0), help="Seed for all random choices."
)
title_option = click.option("--title", help="Title of the report. Default: the name of the file that it shows.")
time_limit_option = click.option(
    "--time-limit",
    "time_limit_s",
    type=NumberOption(min=0.0),
    help="Time limit for all steps together, in seconds.",
)


VIEW_OPTIONS = (
    click.option(
        "--sensor-size",
        type=NumberList(int),
        help="Width and height of the sensor of an event recording, e.g. 34,34; channels of a cochlea.",
    ),
    click.option(
        "--polarity",
        type=NamedChoice(["both", "merged", "on", "off"]),
        help="Which events of a recording become inputs: a channel for each polarity, one for both, or only one.",
    ),
    click.option("--region", type=NumberList(int), help="Part of the sensor to use, as x0,y0,x1,y1."),
    click.option("--downsample", type=IntegerOption(min=1), help="How many pixels (and rows) become one."),
    click.option(
        "--time-unit",
        type=NamedChoice(["s", "ms", "us", "ns"]),
        help="Unit of the times of an .npy or .npz of events.",
    ),
    click.option(
        "--origin",
        type=NamedChoice(["zero", "first"]),
        help="Time 0: time stamp 0, or the first event. Default: zero.",
    ),
)


def view_options(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of `snnprog.EventView`, passed as one argument ``view``, or None."""

    @wraps(command)
    def with_view(**given: object) -> object:
        names = ("sensor_size", "polarity", "region", "downsample", "time_unit", "origin")
        said = {name: value for name in names if (value := given.pop(name)) is not None}
        return command(**given, view=_view_of(said) if said else None)

    for option in reversed(VIEW_OPTIONS):
        with_view = option(with_view)
    return with_view


def _view_of(said: dict[str, object]) -> EventView:
    from snnprog.files.event_view import EventView

    return EventView(**said)  # type: ignore[arg-type]


def check_title(title: str | None, page_path: Path | None) -> None:
    """Raise `SpecError` if a title is given, but no report is written."""
    if title is not None and page_path is None:
        raise SpecError("--title is the title of the report; name its file with --report, too")


@dataclass
class Invocation:
    """What errors need to know of a command line.

    Attributes
    ----------
    as_json : bool
        Whether they are printed as JSON.
    spec, chip : str or None
        The specification and the chip that the command line names.
    """

    as_json: bool = False
    spec: str | None = None
    chip: str | None = None


class JsonCommand(click.Command):
    """A command with ``--json``: errors in its other arguments are reported as JSON, too. It overwrites no input."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether JSON is wanted, then parse."""
        invocation = ctx.find_object(Invocation)
        if invocation is not None:
            invocation.as_json = self._wants_json(ctx, args)
        if not ctx.resilient_parsing:  # while a shell completes, words may be unfinished
            check_given_once(self, ctx, args)
            check_arguments(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Check the output paths, then run the command."""
        check_outputs(ctx)
        invocation, spec = ctx.find_object(Invocation), ctx.params.get("spec_path")
        if invocation is not None and spec is not None:
            invocation.spec = str(spec)
        return super().invoke(ctx)

    def _wants_json(self, ctx: click.Context, args: Sequence[str]) -> bool:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            return bool(parser.parse_args(list(args))[0].get("as_json"))
        except click.BadOptionUsage:  # the last word is an option that lacks its value
            return len(args) > 1 and self._wants_json(ctx, args[:-1])


class ChipName(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """A chip: a registered one by its name, or an object in a module of the user's as MODULE:NAME.

    Such an option alone imports code of the current folder, because ``--chip mychip:CHIP`` requests that
    explicitly. Neither a ``SPEC.toml`` nor a program file can.
    """

    name = "chip"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Chip:
        """Return the chip that a text names."""
        from snnprog.chips import find_chip

        text = str(value)
        invocation = None if ctx is None else ctx.find_object(Invocation)
        if invocation is not None:
            invocation.chip = text
        module, colon, name = text.partition(":")
        if module.endswith(".py"):
            raise SpecError(f"--chip must be MODULE:NAME, got {text}; give {Path(module).stem}:{name or 'CHIP'}")
        if colon:
            return _imported(module, name)
        try:
            return find_chip(module)
        except SpecError as error:
            is_file = Path(f"{module}.py").is_file()
            if module in chips() or (str(error).endswith("?") and not is_file):
                raise
            hint = f"a Chip of {module}.py is --chip {module}:NAME" if is_file else "a Chip of your own is MODULE:NAME"
            raise SpecError(f"{error}; {hint}") from error

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the registered names with this beginning."""
        return [CompletionItem(name) for name in chips() if name.startswith(incomplete)]


def _imported(module: str, name: str) -> Chip:
    """Return an object of a module, which may be in the current folder.

    The folder is last on the import path: a file in it never takes the place of an installed module.
    """
    from snnprog.chips import Chip

    sys.path.append(str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except (Exception, SystemExit) as error:  # whatever a user's module raises, it is not a chip
        raise SpecError(f"chip {module}:{name} cannot be loaded: {_reason(error, module, name)}") from error
    finally:
        sys.path.pop()
    if not isinstance(found, Chip):
        raise SpecError(f"{module}:{name} must be a Chip, got {a_type(found)}")
    return found


def _reason(error: BaseException, module: str, name: str) -> str:
    """Return why an object of a module cannot be loaded."""
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        return f"there is no {module}.py in this folder and no installed module {module}"
    if isinstance(error, AttributeError) and error.name == name:
        file = getattr(sys.modules.get(module), "__file__", None)
        return f"{file or f'the module {module}'} has no {name!r}; give MODULE:NAME of a Chip"
    return " ".join(f"{type(error).__name__}: {error}".split())


target_chip_option = click.option(
    "--chip", type=ChipName(), default="loihi1", show_default=True, help="Target chip: NAME or MODULE:NAME."
)
chip_option = click.option(
    "--chip",
    type=ChipName(),
    help="Chip to use instead of that in SPEC.toml: a registered name, or MODULE:NAME, which runs MODULE.py of this"
    " folder.",
)
