"""What an exported program takes of a microcontroller: ``figures.py program.c TARGET FIGURES.json``.

Flash and RAM are those of the program's own object file, read from its sections: code and constants, and the initial
values of what changes; what changes. The stack is not in it. Instructions of a tick are counted under QEMU with
``-icount`` (by which each takes the same time): by the register of retired instructions on RISC-V, by SysTick on Arm,
whose clock advances once or twice an instruction. The call itself is not counted.

FIGURES.json has ``compiler``, ``flash_bytes``, ``ram_bytes``, ``counted_by``, ``board``, ``quiet`` and ``active``, each
of these two with the ``mean`` and the ``most`` instructions of a tick; or ``lack``, why nothing was counted.
"""

from __future__ import annotations

import json
import random
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # isolated interpreters look in no folder of a script
from machines import BARE_FLAGS, TARGETS, Image, RunnerError, build, find_compiler

TICKS = 200
"""Ticks that are counted of each kind. A choice, not a measurement."""

ACTIVE_PERCENT, SEED = 10, 0
"""How many of the input lines spike at a tick that is called active, drawn from this seed. Choices."""

NS_BITS = 6
"""An instruction takes 2**6 ns, so that a SysTick of 16 MHz or more advances at least once in each."""

COUNT_SECONDS = 120.0
"""When QEMU counts as hung. A choice: it executes some 10 million instructions a second while it counts."""


def memory_of(path: Path) -> tuple[int, int]:
    """Return the bytes of flash and of RAM that an object file takes, from its table of sections (32-bit ELF)."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x01\x01":
        raise RunnerError(f"{path.name} is not a 32-bit little-endian object file")
    (table,) = struct.unpack_from("<I", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x2E)
    flash = ram = 0
    for index in range(count):
        kind, flags, _, _, length = struct.unpack_from("<IIIII", data, table + index * size + 4)
        is_loaded, is_written = flags & 2, flags & 1
        if is_loaded and kind != EXIDX:
            ram += length if is_written else 0
            flash += 0 if kind == NOBITS else length
    return flash, ram


NOBITS, EXIDX = 8, 0x70000001
"""Sections that are zero at the start, and tables for exceptions of C++, which the linker drops."""


def played(n_inputs: int, percent: int) -> bytes:
    """Return the commands of ticks at which so many percent of the lines spike."""
    generator = random.Random(SEED)
    return b"".join(b"T" + bytes(generator.random() * 100 < percent for _ in range(n_inputs)) for _ in range(TICKS))


def instructions(image: Image, commands: bytes) -> dict[str, int]:
    """Return the mean and the most instructions of a tick."""
    command = [*image.command, "-icount", f"shift={NS_BITS}"]
    try:
        done = subprocess.run(command, input=commands, capture_output=True, timeout=COUNT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunnerError(f"{TICKS} ticks did not end in {COUNT_SECONDS:.0f} s under QEMU") from error
    words = struct.unpack(f"<{len(done.stdout) // 4}I", done.stdout) if len(done.stdout) % 4 == 0 else ()
    if done.returncode or len(words) != 2 * TICKS:
        raise RunnerError(f"QEMU ended with code {done.returncode} and counted {len(words) // 2} of {TICKS} ticks")
    assert image.machine is not None
    ns = 1e9 / image.machine.clock_hz if image.machine.clock_hz else 1.0
    ticks = [(whole - empty) * ns / (1 << NS_BITS) for whole, empty in zip(words[::2], words[1::2], strict=True)]
    return {"mean": round(sum(ticks) / TICKS), "most": round(max(ticks))}


def count_of_inputs(header: Path) -> int:
    """Return how many input lines a program has, from its header."""
    found = re.search(r"#define PROGRAM_INPUTS (\d+)", header.read_text(encoding="ascii"))
    if found is None:
        raise RunnerError(f"{header} does not define PROGRAM_INPUTS")
    return int(found[1])


def figures_of(source: Path, target: str, *, folder: Path) -> dict[str, object]:
    """Compile a program and count; see the module's text."""
    compiler = find_compiler(target)
    compiled = folder / "program.o"
    failure = compiler.compile([*BARE_FLAGS, "-c", str(source), "-o", str(compiled)], folder=folder)
    if failure:
        raise RunnerError(f"the program does not compile for {target}: {failure[-1000:]}")
    flash, ram = memory_of(compiled)
    figures: dict[str, object] = {"compiler": f"{compiler.version()}, {BARE_FLAGS[0]}"}
    figures |= {"flash_bytes": flash, "ram_bytes": ram}
    try:
        image = build(source, "count.c", target=target, folder=folder)
        assert image.machine is not None
        n_inputs = count_of_inputs(source.with_suffix(".h"))
        counts = {
            name: instructions(image, played(n_inputs, percent))
            for name, percent in (("quiet", 0), ("active", ACTIVE_PERCENT))
        }
    except RunnerError as error:
        return figures | {"lack": str(error)}
    by, emulator = "SysTick" if image.machine.clock_hz else "rdinstret", TARGETS[target].emulator
    return (
        figures
        | counts
        | {"counted_by": f"{emulator} {image.versions[emulator]}, -icount, {by}", "board": image.machine.name}
    )


def main(arguments: Sequence[str]) -> None:
    """Write the figures of a program."""
    if len(arguments) != 3 or arguments[1] not in TARGETS:
        raise RunnerError(f"usage: figures.py program.c TARGET FIGURES.json, with a target among {', '.join(TARGETS)}")
    with tempfile.TemporaryDirectory() as name:
        figures = figures_of(Path(arguments[0]).resolve(), arguments[1], folder=Path(name).resolve())
    Path(arguments[2]).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        sys.exit(f"figures.py: {error}")
