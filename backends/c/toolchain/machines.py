"""Where an exported program runs: this computer, or a microcontroller under QEMU; and how it is compiled for each.

A microcontroller needs no C library: ``bare.c`` starts it, and reads and writes QEMU's standard streams. Compilers are
looked for on PATH; where there is none, Zig's (`ziglang` on PyPI) compiles for all of these machines.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parent
COMPILER_VARIABLE, TARGET_VARIABLE = "SNNPROG_C_COMPILER", "SNNPROG_C_TARGET"
HOST = "host"

COMMON_FLAGS = ("-std=c99", "-w")
HOST_FLAGS = ("-O3",)
BARE_FLAGS = ("-Os", "-ffreestanding", "-fno-asynchronous-unwind-tables")
"""Small code counts more than fast code where flash is counted in KiB. Sections of their own for functions and tables
would cost a literal each: 302 bytes and not 270 were measured for the program of docs/how-to/c.md on a Cortex-M0."""

QEMU_FLAGS = ("-display", "none", "-monitor", "none", "-serial", "none")
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")

COMPILE_SECONDS = 240.0
"""When a compiler counts as hung: programs of a million synapses take gcc some seconds, a first run of Zig's 15 s."""


class RunnerError(Exception):
    """The program cannot be compiled or run; the message is the sentence shown to the caller."""


@dataclass(frozen=True)
class Machine:
    """A board that QEMU has.

    Attributes
    ----------
    name : str
        Its name in QEMU.
    flash, ram : tuple of int
        Where each starts, and how many bytes it has.
    clock_hz : int
        How fast its SysTick counts; 0 where instructions are counted by a register.
    flags : tuple of str
        Further options of QEMU's command line.
    """

    name: str
    flash: tuple[int, int]
    ram: tuple[int, int]
    clock_hz: int = 0
    flags: tuple[str, ...] = ()

    def layout(self) -> str:
        """Return the linker's list of memories."""
        regions = (("FLASH (rx)", self.flash), ("RAM (rwx)", self.ram))
        lines = (f"{name} : ORIGIN = {start}, LENGTH = {size}" for name, (start, size) in regions)
        return "MEMORY { " + "  ".join(lines) + " }\n"


# hw/arm/nrf51_soc.c, mps2.c and hw/riscv/virt.c of QEMU say where memory is, and how fast clocks are.
MICROBIT = Machine("microbit", flash=(0, 256 << 10), ram=(0x20000000, 16 << 10), clock_hz=16_000_000)
MPS2 = Machine("mps2-an386", flash=(0, 4 << 20), ram=(0x21000000, 16 << 20), clock_hz=25_000_000)
VIRT = Machine("virt", flash=(0x80000000, 32 << 20), ram=(0x82000000, 64 << 20), flags=("-bios", "none"))


@dataclass(frozen=True)
class Target:
    """A processor that programs are compiled for.

    Attributes
    ----------
    compilers : tuple of str
        Commands, the first one found counts.
    flags, zig_flags : tuple of str
        What tells them, or Zig's compiler, which processor it is.
    emulator : str
        The command of QEMU.
    machines : tuple of Machine
        Boards that execute its code; a program runs on the first whose memory it fits.
    """

    compilers: tuple[str, ...]
    flags: tuple[str, ...]
    zig_flags: tuple[str, ...]
    emulator: str
    machines: tuple[Machine, ...]


HOST_COMPILERS = ("cc", "gcc", "clang")
ARM_COMPILERS = ("arm-none-eabi-gcc",)
RISCV_COMPILERS = ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc")

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        # A Cortex-M4 executes the code of a Cortex-M0 unchanged, so larger programs run on the larger board.
        "cortex-m0": Target(
            ARM_COMPILERS,
            ("-mcpu=cortex-m0", "-mthumb"),
            ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0"),
            "qemu-system-arm",
            (MICROBIT, MPS2),
        ),
        "cortex-m4": Target(
            ARM_COMPILERS,
            ("-mcpu=cortex-m4", "-mthumb"),
            ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4"),
            "qemu-system-arm",
            (MPS2,),
        ),
        "riscv32": Target(
            RISCV_COMPILERS,
            ("-march=rv32imac", "-mabi=ilp32"),
            ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+a+c"),
            "qemu-system-riscv32",
            (VIRT,),
        ),
    }
)


def chosen_target() -> str:
    """Return the target that the environment names; the host, unless it does."""
    name = os.environ.get(TARGET_VARIABLE) or HOST
    if name != HOST and name not in TARGETS:
        raise RunnerError(f"{TARGET_VARIABLE} must be one of {', '.join([HOST, *TARGETS])}, got {name}")
    return name


# ----------------------------------------------------------------------------------------------------------- compilers


@dataclass(frozen=True)
class Compiler:
    """A C compiler for one target.

    Attributes
    ----------
    command : tuple of str
        Its command, and what tells it the target.
    """

    command: tuple[str, ...]

    def compile(self, arguments: Sequence[str], *, folder: Path) -> str:
        """Compile in a folder; return what the compiler says where it fails, and nothing otherwise."""
        done = _done([*self.command, *COMMON_FLAGS, *arguments], folder=folder)
        return "" if done.returncode == 0 else done.stderr.strip() or f"it ended with code {done.returncode}"

    def version(self) -> str:
        """Return the first line of what it says of itself."""
        lines = _done([*self.command, "--version"], folder=FOLDER).stdout.splitlines()
        return lines[0] if lines else self.command[0]


def find_compiler(target: str) -> Compiler:
    """Return the compiler of a target: the one that the environment names, one on PATH, or Zig's.

    Raises
    ------
    RunnerError
        If no compiler for the target is installed.
    """
    flags, zig_flags = ((), ()) if target == HOST else (TARGETS[target].flags, TARGETS[target].zig_flags)
    named = shlex.split(os.environ.get(COMPILER_VARIABLE, ""))
    if named:
        if shutil.which(named[0]) is None:
            raise RunnerError(f"{COMPILER_VARIABLE} names the compiler {named[0]}, which was not found")
        return Compiler((*named, *(zig_flags if any("zig" in word for word in named) else flags)))
    names = HOST_COMPILERS if target == HOST else TARGETS[target].compilers
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is not None:
        return Compiler((found, *flags))
    if importlib.util.find_spec("ziglang") is not None:
        return Compiler((sys.executable, "-I", "-m", "ziglang", "cc", *zig_flags))
    raise RunnerError(
        f"no C compiler for {target} was found (looked for {', '.join(names)}); install one, or 'pip install ziglang'"
        f" beside snnprog, or name a command in {COMPILER_VARIABLE}"
    )


def emulator_version(command: str) -> str:
    """Return the version of QEMU, without that of the package which it came in."""
    said = _done([command, "--version"], folder=FOLDER).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else said


def _done(command: Sequence[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMPILE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise RunnerError(f"{command[0]} did not finish in {COMPILE_SECONDS:.0f} s") from error
    except OSError as error:
        raise RunnerError(f"{command[0]} cannot be started: {error}") from error


# ------------------------------------------------------------------------------------------------------------- images


@dataclass(frozen=True)
class Image:
    """A compiled program.

    Attributes
    ----------
    command : tuple of str
        What runs it; it speaks on its standard streams as ``main.c`` says.
    machine : Machine or None
        The board; None for this computer.
    versions : mapping
        Name -> version of what compiled it and of what runs it.
    """

    command: tuple[str, ...]
    machine: Machine | None
    versions: Mapping[str, str]


def build(source: Path, main: str, *, target: str, folder: Path, defined: Sequence[str] = ()) -> Image:
    """Compile an exported program with one of the main functions of this folder.

    Parameters
    ----------
    source : Path
        ``program.c``; its header is beside it.
    main : str
        The file with the main function.
    target : str
    folder : Path
        Where the image is put; nothing else may be in it.
    defined : sequence of str
        Macros to define, as NAME or NAME=VALUE.

    Raises
    ------
    RunnerError
        If there is no compiler or emulator, the program does not compile, or fits no board.
    """
    compiler = find_compiler(target)
    image = folder / ("program.exe" if target == HOST else "program.elf")
    sources = [str(source), str(FOLDER / main), str(FOLDER / ("host.c" if target == HOST else "bare.c"))]
    arguments = [*(f"-D{macro}" for macro in defined), f"-I{source.parent}", f"-I{FOLDER}", *sources, "-o", str(image)]
    versions = {"compiler": compiler.version()}
    if target == HOST:
        _must(compiler.compile([*HOST_FLAGS, *arguments], folder=folder))
        return Image((str(image),), None, versions)
    wanted = TARGETS[target]
    emulator = shutil.which(wanted.emulator)
    if emulator is None:
        raise RunnerError(f"{wanted.emulator} was not found, which runs programs for {target}; install QEMU")
    linked = [*BARE_FLAGS, *arguments, "-nostdlib", "-T", str(FOLDER / "bare.ld"), "-lgcc"]
    linked = linked if "zig" not in " ".join(compiler.command) else linked[:-1]  # which brings what libgcc has
    for machine in wanted.machines:
        (folder / "memory.ld").write_text(machine.layout(), encoding="ascii")
        failure = compiler.compile(linked, folder=folder)
        if not failure:
            command = (emulator, "-M", machine.name, *machine.flags, "-kernel", str(image), *QEMU_FLAGS, *SEMIHOSTING)
            versions |= {wanted.emulator: emulator_version(emulator), "board": machine.name}
            return Image(command, machine, versions)
        if "region" not in failure:  # what linkers say of a memory that is too small
            break
    _must(failure)
    raise AssertionError("a target has a machine")


def _must(failure: str) -> None:
    if failure:
        raise RunnerError(f"the program does not compile: {failure[-1000:]}")
