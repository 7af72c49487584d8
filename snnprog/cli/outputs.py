"""Kinds of paths on the command line, and checks of output paths.

Every option or argument that names a file has one of these kinds, and `check_outputs` runs before every command. So no
command can overwrite what it reads, or write two outputs into one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from snnprog.calls import SWAPPED
from snnprog.cli.files import PROGRAM, RASTERS, SPEC, completed_files
from snnprog.errors import FormatError
from snnprog.wording import meant_file, suffix_in_words

ADVICE = {
    **dict.fromkeys(RASTERS, "'snnprog run P.snnp {}' runs a program on those spikes"),
    PROGRAM: "'snnprog inspect {}' shows that program",
    SPEC: "'snnprog compile {} -o P.snnp' makes a program of that specification",
    ".nir": "'snnprog quantize {} -o P.snnp' makes a program of that network",
    ".net": "'snnprog quantize {} -o P.snnp' makes a program of that network",
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "export that network as .nir with the tool that trained it, or nirtorch"),
    ".onnx": "'snnprog convert {} --data SAMPLES.npz -o P.snnp' makes a program of that network",
}
"""The use of each kind of file, for the error of a command that cannot use it."""

ZIP = b"PK"
"""The first bytes of a zip archive, and so of each .snnp and .npz (PKWARE's APPNOTE.TXT, 4.3)."""


class InputFile(click.Path):
    """A file that a command reads."""

    wanted = ""

    def __init__(self, *suffixes: str, wanted: str = "") -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self.suffixes = suffixes
        self.wanted = wanted or self.wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; raise `FormatError` if it is clearly a file of another kind."""
        path = Path(str(super().convert(value, param, ctx)))
        if not path.exists():
            meant = meant_file(path, self.suffixes)
            self.fail(f"File {str(path)!r} does not exist{meant or '.'}", param, ctx)
        if self.wanted and self.is_other(path):
            is_argument = isinstance(param, click.Argument)
            raise FormatError(f"{path} is not {self.wanted}{(is_argument and _swapped(ctx, path)) or _advice(path)}")
        return path

    def is_other(self, path: Path) -> bool:
        """Return whether a file is clearly of another kind, by its suffix."""
        return path.suffix not in self.suffixes and path.suffix in ADVICE

    def files(self, path: Path) -> Iterable[Path]:
        """Return all files that are read with this one."""
        return [path]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the files with these suffixes that complete a name."""
        return completed_files(incomplete, self.suffixes)


class ProgramFile(InputFile):
    """A program."""

    wanted = "a .snnp program"

    def __init__(self) -> None:
        super().__init__(PROGRAM)

    def is_other(self, path: Path) -> bool:
        """Return whether a file is not a program, by its suffix or its first bytes."""
        return path.suffix != PROGRAM and (path.suffix in (SPEC, *RASTERS) or not _begins_as_zip(path))


class SpecFile(InputFile):
    """A specification; the raster files that it names are read, too."""

    wanted = "a SPEC.toml"

    def __init__(self, *suffixes: str) -> None:
        super().__init__(SPEC, *suffixes)

    def is_other(self, path: Path) -> bool:
        """Return whether a file is not a specification, by its suffix or its first bytes."""
        return path.suffix not in self.suffixes and (path.suffix in ADVICE or _begins_as_zip(path))

    def files(self, path: Path) -> Iterable[Path]:
        """Return the file and those that it names."""
        from snnprog.spec_file import spec_files

        return spec_files(path)


class SystemFile(SpecFile):
    """A system of programs; the programs that it names are read, too."""

    wanted = "a SYSTEM.toml"

    def files(self, path: Path) -> Iterable[Path]:
        """Return the file and those that it names."""
        from snnprog.linking.system_file import system_files

        return system_files(path)


class SubjectFile(SpecFile):
    """A program, or a specification if it ends in .toml."""

    wanted = "a .snnp program or a SPEC.toml"

    def __init__(self) -> None:
        super().__init__(PROGRAM)

    def files(self, path: Path) -> Iterable[Path]:
        """Return the file and, if it is a specification, those that it names."""
        return super().files(path) if path.suffix == ".toml" else [path]


class RasterFile(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in some versions of click
    """A file of spikes, as FILE or FILE:ARRAY; the reader reports a missing file."""

    name = "file"
    suffixes: tuple[str, ...] = RASTERS

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text; raise `FormatError` if it names a program or a specification."""
        path = Path(str(value))
        if path.suffix in (PROGRAM, SPEC):
            own = f"; 'snnprog verify P.snnp {path}' runs a program on the inputs of that specification"
            advice = own if path.suffix == SPEC else _advice(path)
            raise FormatError(f"{path} is not a file of input spikes ({', '.join(RASTERS[:4])}, ...){advice}")
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the files of spikes that complete a name."""
        return completed_files(incomplete, self.suffixes)

    def files(self, text: str) -> Iterable[Path]:
        """Return the file without the name of its array."""
        from snnprog.files import split_key

        return [Path(split_key(text)[0])]


class OutputFile(click.Path):
    """A file that a command writes; its name must end in one of some suffixes."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self.suffixes = suffixes

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the files with these suffixes that complete a name."""
        return completed_files(incomplete, self.suffixes)

    def check_suffix(self, path: Path) -> None:
        """Raise `FormatError` unless the suffix of a path is right."""
        if path.suffix not in self.suffixes:
            raise FormatError(f"{path} {suffix_in_words(path)}; this command writes {' or '.join(self.suffixes)}")

    def check_place(self, path: Path) -> Path:
        """Return the path of the file; raise `FormatError` if it cannot be written there."""
        from snnprog.output_files import check_place

        return check_place(path)


class OutputFolder(click.Path):
    """A folder that a command writes files to, and creates if necessary."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; raise `FormatError` if it is a file."""
        if Path(str(value)).is_file():
            raise FormatError(f"{value} is a file; name a folder")
        return Path(str(super().convert(value, param, ctx)))


class InputFolder(OutputFolder):
    """A folder that a command reads."""


def _begins_as_zip(path: Path) -> bool:
    if not path.is_file():  # a pipe can be read only once
        return False
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _advice(path: Path) -> str:
    """Return the command for a file, if there is one."""
    command = ADVICE.get(path.suffix, "")
    return f"; {command.format(path)}" if command else ""


def _swapped(context: click.Context | None, path: Path) -> str:
    """Return a question if another argument of the command accepts such a file; else an empty text."""
    arguments = context.command.params if context is not None else ()
    kinds = [parameter.type for parameter in arguments if isinstance(parameter, click.Argument)]
    takes = any(path.suffix in kind.suffixes for kind in kinds if isinstance(kind, (InputFile, RasterFile)))
    return SWAPPED if takes else ""


def check_outputs(context: click.Context) -> None:
    """Check that the outputs of a command can be written, and that each is neither an input nor another output.

    Raises
    ------
    FormatError
        If one of them cannot be written, or is another file under the same or another name (links included).
    """
    outputs = [(kind, value) for kind, value in _values(context) if isinstance(kind, OutputFile)]
    if not outputs:
        return
    readers = [(kind, value) for kind, value in _values(context) if isinstance(kind, (InputFile, RasterFile))]
    inputs = [file for kind, value in readers for file in kind.files(value)]
    places: dict[Path, Path] = {}
    for kind, output in outputs:
        for file in inputs:
            if output.exists() and file.exists() and output.samefile(file):
                raise FormatError(
                    f"{output} cannot be written: it is the input file {file}; give the output another name"
                )
        kind.check_suffix(output)
        other = places.setdefault(kind.check_place(output), output)
        if other is not output:
            raise FormatError(f"{output} cannot be written: {other} is the same file; give each output its own")


def check_given_once(command: click.Command, context: click.Context, words: list[str]) -> None:
    """Raise `click.UsageError` if an output is named twice, of which only the last would be written."""
    _, _, order = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        if isinstance(parameter.type, (OutputFile, OutputFolder)) and order.count(parameter) > 1:
            raise click.UsageError(f"{' / '.join(parameter.opts)} is given more than once; name one output", context)


def check_arguments(command: click.Command, context: click.Context, words: list[str]) -> None:
    """Raise `click.UsageError` if there are too many arguments, with the option that the first of them is meant for."""
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    if rest:
        file = str(rest[0])
        kinds = [(each.opts[0], each.type) for each in command.params if isinstance(each, click.Option)]
        takers = [
            name
            for name, kind in kinds
            if isinstance(kind, (InputFile, RasterFile, OutputFile)) and Path(file).suffix in kind.suffixes
        ]
        meant = f"; did you mean '{takers[0]} {file}'?" if takers else ""
        raise click.UsageError(f"Unexpected argument {file!r}{meant}", context)


def _values(context: click.Context) -> Iterator[tuple[object, Any]]:
    """Yield the kind and the value of each parameter that was given; one by one where it may be repeated."""
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        values = value if parameter.multiple or parameter.nargs != 1 else [value]
        yield from ((parameter.type, item) for item in values or () if item is not None)
