"""A folder with all files for a board: sources, pins, a program's image, a Makefile, a testbench and a README."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined

from snnprog.arrays import Raster
from snnprog.documents import parse_json
from snnprog.emit.hardware.array import hardware_of
from snnprog.emit.hardware.boards import BAUD, FpgaBoard, find_board, plan_for
from snnprog.emit.hardware.identity import identity_of
from snnprog.emit.hardware.image import Image, image_of
from snnprog.emit.hardware.link import SerialSystem
from snnprog.emit.hardware.plan import CorePlan
from snnprog.emit.hardware.protocol import (
    ADDRESS_BYTES,
    END_OF_EVENTS,
    EVENT_BYTES,
    LONGEST_PAYLOAD,
    WORD_BYTES,
    answer,
    events,
    frame,
)
from snnprog.emit.hardware.yosys import verilog_of
from snnprog.errors import FormatError
from snnprog.output_files import write_bytes
from snnprog.program import Program
from snnprog.simulate import simulate

TEMPLATES = Path(__file__).with_name("board_folder")
SYSTEM, ABOUT = "snnprog_system", "board.json"
HZ_IN_MHZ = 1_000_000

TEST_TICKS, TEST_SEED, TEST_SHARE = 40, 0, 0.1
"""Of the testbench: its ticks, and the share of lines that spike at each. A choice: Icarus takes seconds for them."""

Exchange = tuple[bytes, bytes]
"""A frame, and the required answer."""


def write_board_folder(folder: Path, program: Program, board_name: str) -> list[Path]:
    """Write a folder that builds a core for a program on a board; return its files.

    Raises
    ------
    SpecError
        If the board is unknown, or no core can be made for the rule of the program's chip.
    LimitError
        If the board's core has no room for the program.
    FormatError
        If a file cannot be written.
    """
    board = find_board(board_name)
    files = folder_files(program, board, plan_for(program, board))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder {folder} cannot be made: {error.strerror}; name another") from error
    for name, text in files.items():
        write_bytes(folder / name, text.encode("utf-8"))
    return [folder / name for name in files]


def folder_files(program: Program, board: FpgaBoard, plan: CorePlan) -> dict[str, str]:
    """Return the files of a folder for a program on a board with given cores, name -> text.

    Raises
    ------
    LimitError
        If the cores have no room for the program.
    """
    image = image_of(program, plan)
    exchanges = [(frame(b"I"), answer(b"I", identity_of(plan))), *_loading(image), *_ticks(program, image)]
    numbers = numbers_of(program, image)
    return board_files(board, system_verilog(plan), image=image.text(), exchanges=exchanges, numbers=numbers)


@lru_cache(maxsize=8)
def system_verilog(plan: CorePlan) -> str:
    """Return the Verilog of cores on a serial line: the module `SYSTEM`, and its submodules."""
    return verilog_of(SerialSystem(hardware_of(plan), identity=identity_of(plan)), name=SYSTEM)


def numbers_of(program: Program, image: Image) -> dict[str, dict[str, int]]:
    """Return the numbers of the events of lines and outputs that have names, for what is connected to the board."""
    outputs: list[int] = np.asarray(image.about["outputs"], np.int64).tolist()
    named = {"inputs": (program.input_names, range(program.n_inputs)), "outputs": (program.output_names, outputs)}
    return {kind: dict(zip(names, numbers, strict=True)) for kind, (names, numbers) in named.items() if names}


def board_of(folder: Path) -> str:
    """Return the name of the board that a folder was written for.

    Raises
    ------
    FormatError
        If it is not such a folder.
    """
    try:
        return str(parse_json((folder / ABOUT).read_bytes())["board"])
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"{folder} is not a folder that 'snnprog export --board' wrote: {error!r}") from error


def board_files(
    board: FpgaBoard,
    system: str,
    *,
    image: str,
    exchanges: Sequence[Exchange],
    numbers: Mapping[str, Mapping[str, int]],
) -> dict[str, str]:
    """Return the files of a board's folder, name -> text.

    Parameters
    ----------
    system : str
        The Verilog of cores on a serial line.
    image : str
        The program's image.
    exchanges : sequence of (bytes, bytes)
        What the testbench sends, and what it must be answered.
    numbers : mapping
        See `numbers_of`.
    """
    pins = "pcf" if board.device.family == "ice40" else "lpf"
    script = _script(exchanges)
    names = ["README.md", "Makefile", "top.v", f"pins.{pins}", "testbench.v", "simulator.cpp"]
    context = {"numbers": numbers, "board": board, "baud": BAUD, "pins": pins, "script_bytes": len(script), "mhz": _mhz}
    about = {"board": board.name, "device": board.device.name, "clock_hz": board.device.clock_hz, "baud": BAUD}
    about |= numbers
    return {name: _render(name, context) for name in names} | {
        ABOUT: json.dumps(about, indent=1) + "\n",
        "core.v": system,
        "program.hex": image,
        "testbench.hex": "".join(f"{byte:02x}\n" for byte in script),
    }


def _mhz(hertz: int) -> int:
    return hertz // HZ_IN_MHZ


def _render(name: str, context: Mapping[str, object]) -> str:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return environment.from_string(text).render(context)


def _script(exchanges: Sequence[Exchange]) -> bytes:
    parts = [
        len(sent).to_bytes(2, "little") + len(answered).to_bytes(2, "little") + sent + answered
        for sent, answered in exchanges
    ]
    return b"".join([*parts, bytes(4)])


def _loading(image: Image) -> Iterator[Exchange]:
    """Yield the frames that load an image."""
    most = (LONGEST_PAYLOAD - ADDRESS_BYTES) // WORD_BYTES
    starts = np.flatnonzero(np.diff(image.addresses, prepend=-2) != 1)
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), image.addresses.size], strict=True):
        for at in range(first, end, most):
            numbers = [int(image.addresses[at]), *image.words[at : min(at + most, end)].tolist()]
            yield frame(b"W", b"".join(each.to_bytes(WORD_BYTES, "little") for each in numbers)), answer(b"W")


def _ticks(program: Program, image: Image) -> Iterator[Exchange]:
    """Yield the frames of ticks from rest with random spikes, and the answers of the reference."""
    events_of = np.asarray(image.about["outputs"], np.int64)
    yield frame(b"R"), answer(b"R")
    raster: Raster = np.random.default_rng(TEST_SEED).random((TEST_TICKS, program.n_inputs)) < TEST_SHARE
    (trace,) = simulate(program, [raster])
    most = LONGEST_PAYLOAD // EVENT_BYTES
    for lines, outputs in zip(raster, trace.spikes, strict=True):
        numbers = np.flatnonzero(lines).tolist()
        parts = [numbers[at : at + most] for at in range(0, max(1, len(numbers)), most)]
        yield from ((frame(b"E", events(part)), answer(b"E")) for part in parts[:-1])
        found = [*np.sort(events_of[outputs]).tolist(), END_OF_EVENTS]
        yield frame(b"T", events(parts[-1])), answer(b"T", events(found))
