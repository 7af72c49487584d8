"""Bytes and instructions of programs on microcontrollers, in Python, on the command line and on the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cases import single_neuron
from command_line import Command
from microcontrollers import (
    COMPILER_VARIABLE,
    EVERY_TARGET,
    TARGET_VARIABLE,
    TARGETS,
    RunnerError,
    find_compiler,
    for_target,
    lack_of_target,
)

import snnprog as sp
from snnprog import cli
from snnprog.figures import microcontroller_figures

import figures  # isort: skip  (of the backend's toolchain, which `microcontrollers` has put on the path)

ROOT = Path(__file__).resolve().parents[1]
HEADER = """#include <stdint.h>
#define PROGRAM_INPUTS 2
#define PROGRAM_OUTPUTS 1
void program_reset(void);
void program_tick(const uint8_t *inputs, uint8_t *outputs);
"""
NOPS = """#include "program.h"
static const uint8_t constants[64] = {1};
static uint8_t changed[100] = {2};
static uint8_t cleared[1000];
void program_reset(void) {}
void program_tick(const uint8_t *inputs, uint8_t *outputs)
{
    if (inputs[0]) {
        __asm__ volatile("NOPS");
        outputs[0] = constants[changed[inputs[1]] + cleared[inputs[1]]++];
        changed[inputs[1]]++;
    }
}
"""


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_instructions_are_counted(target: str, tmp_path: Path) -> None:
    """A tick with a spike executes a hundred more than one without; the few around them are the compiler's."""
    source = tmp_path / "program.c"
    source.with_suffix(".h").write_text(HEADER, encoding="ascii")
    source.write_text(NOPS.replace("NOPS", 100 * "nop\\n"), encoding="ascii")
    found = figures.figures_of(source, target, folder=tmp_path)
    quiet, active = found["quiet"], found["active"]
    assert isinstance(quiet, dict)
    assert isinstance(active, dict)
    assert 2 <= quiet["most"] <= 12
    assert 100 <= active["most"] - quiet["most"] <= 125
    assert quiet["mean"] + 5 < active["mean"] < quiet["mean"] + 20  # a tenth of the ticks
    assert found["ram_bytes"] == 1100
    assert found["counted_by"] == f"{TARGETS[target].emulator} {version_of(target)}, -icount, {register(target)}"


def version_of(target: str) -> str:
    """Return the version that QEMU says first."""
    said = subprocess.run([TARGETS[target].emulator, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[3]


def register(target: str) -> str:
    return "rdinstret" if target == "riscv32" else "SysTick"


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_bytes_are_those_of_size(target: str, tmp_path: Path) -> None:
    """Binutils' ``size`` counts text and constants together, and what has initial values by itself."""
    size = shutil.which(find_compiler(target).command[0].replace("gcc", "size"))
    if size is None:
        pytest.skip("size was not found; install binutils for the processor")
    sp.export(single_neuron(), tmp_path / "program.c")
    found = figures.figures_of(tmp_path / "program.c", target, folder=tmp_path)
    printed = subprocess.run([size, tmp_path / "program.o"], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, printed.splitlines()[1].split()[:3])
    assert (found["flash_bytes"], found["ram_bytes"]) == (text + data, data + bss)


def test_what_is_no_object_file(tmp_path: Path) -> None:
    (tmp_path / "program.o").write_bytes(b"MZ")
    with pytest.raises(RunnerError, match=r"program\.o is not a 32-bit little-endian object file"):
        figures.memory_of(tmp_path / "program.o")


@pytest.mark.parametrize("target", [for_target("cortex-m4")])
def test_without_an_emulator(target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bytes are counted, and instead of the instructions a sentence says why they are not."""
    compiler = find_compiler(target).command[0]
    if "python" in compiler:
        pytest.skip("there is no compiler but Zig's, which is no command on PATH")
    for command in (compiler, shutil.which("cc") or ""):
        (tmp_path / Path(command).name).symlink_to(command)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = microcontroller_figures(single_neuron(), target)
    assert (found.quiet, found.active) == (None, None)
    assert found.flash_bytes > found.ram_bytes > 0
    assert found.counted_by == (
        "not counted: qemu-system-arm was not found, which runs programs for cortex-m4; install QEMU"
    )


def test_targets_that_there_are_not(command: Command, detector: Path) -> None:
    with pytest.raises(sp.SpecError, match="target must be one of cortex-m0, cortex-m4, riscv32, got 'avr'"):
        microcontroller_figures(single_neuron(), "avr")
    with pytest.raises(sp.SpecError, match="got 'cortex-m5'; did you mean 'cortex-m0' or 'cortex-m4'"):
        microcontroller_figures(single_neuron(), "cortex-m5")
    code, _, said = command("inspect", detector, "--target", "avr")
    assert (code, "target must be one of" in said) == (cli.BAD_USAGE, True)


@pytest.mark.parametrize("target", [for_target("cortex-m0")])
def test_inspect_and_the_page_show_them(target: str, command: Command, detector: Path, tmp_path: Path) -> None:
    code, printed, _ = command("inspect", detector, "--target", target, "--json")
    assert code == cli.EXACT
    (found,) = json.loads(printed)["targets"]
    assert found == microcontroller_figures(sp.load(detector), target).as_dict()
    assert found["active"]["mean"] > 0
    code, printed, _ = command("inspect", detector, "--target", target)
    assert "As C on a microcontroller" in printed
    assert f"{target}: {found['counted_by']}" in printed
    code, _, _ = command("report", detector, "--target", target, "-o", tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "As C on a microcontroller" in page
    assert found["counted_by"] in page
    assert command("inspect", detector, "--json")[1].count('"targets": []') == 1


@pytest.mark.parametrize("target", [for_target("cortex-m0")])
def test_the_command_of_the_page(target: str, command: Command, detector: Path) -> None:
    """It stands there indented, because it needs more than a compiler for this computer."""
    text = (ROOT / "docs" / "how-to" / "c.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^    snnprog (inspect .*)$", text, re.MULTILINE)
    if target in words and not any(map(lack_of_target, TARGETS)):
        code, printed, _ = command(*words.replace("detector.snnp", str(detector)).split())
        assert code == cli.EXACT
        assert all(f"\n{name} " in printed for name in TARGETS)


def test_the_page_names_every_target() -> None:
    text = (ROOT / "docs" / "how-to" / "c.md").read_text(encoding="utf-8")
    assert f"{COMPILER_VARIABLE}=" in text
    assert f"{TARGET_VARIABLE}=" in text
    for name, target in TARGETS.items():
        assert re.search(rf"^\| `{name}` \|.*`{target.compilers[0]}` \|$", text, re.MULTILINE)
