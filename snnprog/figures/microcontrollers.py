"""Flash, RAM and instructions per tick of a program as C on a microcontroller.

The program is exported, and ``toolchain/figures.py`` of the backend folder ``c`` compiles it and runs it under QEMU:
that folder alone knows compilers and boards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from snnprog.backends import find_backend
from snnprog.backends.environment import interpreter_of
from snnprog.emit.exporting import export
from snnprog.errors import BackendError, SpecError
from snnprog.processes.commands import failure_of
from snnprog.processes.isolation import isolated
from snnprog.program import Program
from snnprog.temporaries import temporary_folder
from snnprog.wording import did_you_mean

BACKEND, SCRIPT = "c", "figures.py"
TOOLCHAIN = "toolchain"

MICROCONTROLLERS = ("cortex-m0", "cortex-m4", "riscv32")
"""Processors that programs are compiled for; the folder's ``machines.py`` has the same."""

LIMIT_SECONDS = 900.0
"""When the tools count as hung: each of them has its own limit of minutes."""


@dataclass(frozen=True)
class TickInstructions:
    """Instructions that a tick takes.

    Attributes
    ----------
    mean, most : int
        Of the ticks that were counted.
    """

    mean: int
    most: int


@dataclass(frozen=True)
class MicrocontrollerFigures:
    """The use of a microcontroller by a program.

    Attributes
    ----------
    target : str
        One of `MICROCONTROLLERS`.
    compiler : str
        What compiled it, with its level of optimization.
    flash_bytes : int
        Code, constants, and the initial values of what changes.
    ram_bytes : int
        What changes, without the stack.
    quiet, active : TickInstructions or None
        Instructions of a tick from rest on without input spikes, and with spikes on a tenth of the lines at each tick;
        None if they could not be counted.
    counted_by : str
        What counted them, or why nothing did.
    """

    target: str
    compiler: str
    flash_bytes: int
    ram_bytes: int
    quiet: TickInstructions | None
    active: TickInstructions | None
    counted_by: str

    def as_dict(self) -> dict[str, object]:
        """Return them as plain data, by the names of the attributes."""
        return asdict(self)


def microcontroller_figures(program: Program, target: str) -> MicrocontrollerFigures:
    """Export a program as C, compile it for a microcontroller, and count.

    Parameters
    ----------
    program : Program
    target : str
        One of `MICROCONTROLLERS`.

    Raises
    ------
    SpecError
        If the target is unknown.
    LimitError
        If the program cannot be written as C.
    BackendError
        If no compiler for the target is found, or the program does not compile.
    """
    if target not in MICROCONTROLLERS:
        raise SpecError(
            f"target must be one of {', '.join(MICROCONTROLLERS)}, got {target!r}"
            f"{did_you_mean(target, MICROCONTROLLERS)}"
        )
    backend = find_backend(BACKEND)
    with temporary_folder() as folder:
        source, result = folder / "program.c", folder / "figures.json"
        export(program, source)
        command = isolated(
            interpreter_of(backend), str(backend.folder / TOOLCHAIN / SCRIPT), str(source), target, str(result)
        )
        failure = failure_of(command, limit_s=LIMIT_SECONDS, folder=folder, variables=backend.passed_variables)
        if failure:
            raise BackendError(f"the figures for {target} cannot be measured: {SCRIPT} {failure}")
        return _read(result, target)


def _read(path: Path, target: str) -> MicrocontrollerFigures:
    record = json.loads(path.read_text(encoding="utf-8"))
    return MicrocontrollerFigures(
        target=target,
        compiler=record["compiler"],
        flash_bytes=record["flash_bytes"],
        ram_bytes=record["ram_bytes"],
        quiet=TickInstructions(**record["quiet"]) if "quiet" in record else None,
        active=TickInstructions(**record["active"]) if "active" in record else None,
        counted_by=f"{record['counted_by']}, {record['board']}"
        if "counted_by" in record
        else f"not counted: {record['lack']}",
    )
