"""``SYSTEM.toml``: programs and the wires between them, as a file; the programs are files beside it.

::

    wires = [["detector.arm", "machine.start"], ["machine.open", "detector.reset", 3]]    # the third: further ticks

    [parts]
    detector = "detector.snnp"
    machine = "machine.snnp"

    [inputs]                                # optional: by default every line without a wire is an input
    mic = "detector.mic"
    coin = ["machine.coin", ["detector.coin", 2]]

    [outputs]                               # optional: by default every output that drives no wire
    door = "machine.open"
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnprog.archive import read_toml
from snnprog.checks import as_path
from snnprog.errors import FormatError, SpecError
from snnprog.linking.system import System
from snnprog.program import load
from snnprog.wording import did_you_mean, meant_file

KEYS = ("wires", "parts", "inputs", "outputs")


def load_system(path: str | Path) -> System:
    """Read a ``SYSTEM.toml`` and the programs that it names, relative to its own folder.

    Raises
    ------
    FormatError
        If the file or a program is missing or damaged, or has unknown keys.
    SpecError
        If its wires, inputs or outputs do not fit the programs.
    """
    path = as_path("path", path)
    table = read_toml(path)
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        meant = did_you_mean(unknown[0], KEYS) or f"; known keys: {', '.join(KEYS)}"
        raise FormatError(f"{path}: unknown key {unknown[0]!r}{meant}")
    parts = {name: load(file) for name, file in _parts(path, table).items()}
    wires = table.get("wires", [])
    if not isinstance(wires, list):
        raise FormatError(
            f"{path}: wires must be a list of [output, line] or [output, line, further ticks], got {wires!r}"
        )
    try:
        return System(parts, wires, table.get("inputs"), table.get("outputs"))
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def system_files(path: str | Path) -> list[Path]:
    """Return the files that a ``SYSTEM.toml`` consists of: itself, and the programs that it names.

    Raises
    ------
    FormatError
        If it is missing, or not a table of parts.
    """
    path = as_path("path", path)
    return [path, *_parts(path, read_toml(path)).values()]


def _parts(path: Path, table: dict[str, Any]) -> dict[str, Path]:
    """Return the file of each part."""
    parts = table.get("parts")
    if parts is None and "patterns" in table:
        raise FormatError(
            f"{path} is a SPEC.toml, not a SYSTEM.toml; 'snnprog compile {path} -o P.snnp' makes a program of it"
        )
    if isinstance(parts, dict) and isinstance(parts.get("wires"), list):
        raise FormatError(f"{path}: 'wires' stands in [parts]; move it to the top of the file, above [parts]")
    if not isinstance(parts, dict) or not all(isinstance(file, str) for file in parts.values()):
        raise FormatError(f'{path}: [parts] must name a program file for each part, as in detector = "detector.snnp"')
    files = {name: path.parent / file for name, file in parts.items()}
    for file in files.values():
        if not file.exists():
            raise FormatError(f"{file}, named in {path}, does not exist{meant_file(file)}")
    return files
