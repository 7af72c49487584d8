"""The showpieces of the examples: each part and each whole is proved, and runs as its automaton says."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import snnprog as sp

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def pieces() -> ModuleType:
    """Return the benchmark of the showpieces, which imports them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
        return importlib.import_module("showpieces")


@pytest.fixture(scope="module")
def parts(pieces: ModuleType) -> dict[str, Any]:
    """Return the compiled parts of the computer."""
    return dict(pieces.tables.compiled())


def check_on(backend: str, pieces: ModuleType, piece: tuple[sp.Program, sp.Automaton], *, ticks: int) -> None:
    """Run a piece on a random stream, and compare every bin of its outputs with its automaton."""
    program, automaton = piece
    inputs, wanted = pieces.random_stream(automaton, ticks)
    spikes = sp.run(program, inputs, backend).spikes
    assert spikes.any()
    np.testing.assert_array_equal(spikes, wanted)


def computer(pieces: ModuleType, parts: dict[str, Any], name: str) -> tuple[sp.Program, sp.Automaton]:
    """Return the computer with a program, and its automaton."""
    words, program = pieces.run.computer(parts, EXAMPLES / "computer" / "programs" / f"{name}.asm")
    return program, pieces.emulator.automaton(words, ports=pieces.PORTS.get(name, (0,)))


@pytest.mark.parametrize("name", ["lock", "adder", "gestures"])
def test_small_pieces_are_proved_and_run(pieces: ModuleType, name: str) -> None:
    (piece,) = pieces.PIECES[name]().values()
    assert sp.prove(*piece).holds
    check_on("kernel", pieces, piece, ticks=20_000)
    check_on("reference", pieces, piece, ticks=500)


def test_the_lock_needs_its_robust_detector(pieces: ModuleType) -> None:
    spec, claim = pieces.lock.detector(), pieces.lock.detector_automaton()
    brittle = sp.compile(replace(spec, robust=None)).program
    assert sp.prove(brittle, claim).verdict == "refuted"
    assert sp.prove(pieces.lock.compiled()["detector"], claim).holds


def test_the_serial_adder_adds(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "serial_adder.py"), run_name="__main__")
    first, last = capsys.readouterr().out.splitlines()
    assert "proved for every input stream" in first
    assert last == "1000000 ticks: 15625 sums of numbers of 32 bits, 0 wrong"


def test_the_lock_prints_what_its_readme_says(pieces: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pieces.lock.main()
    lines = capsys.readouterr().out.splitlines()
    readme = (EXAMPLES / "combination_lock" / "README.md").read_text(encoding="utf-8")
    assert len(lines) == 4
    assert all(f"    {line}\n" in readme for line in lines)


def test_gestures_in_real_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    if find_spec("aeon") is None:
        pytest.skip("the recordings come with the package aeon: pip install --no-deps aeon")
    runpy.run_path(str(EXAMPLES / "gestures.py"), run_name="__main__")
    found = capsys.readouterr().out.splitlines()
    assert found[0].startswith("PickupGestureWiimoteZ: 6 steps, 4 swings; proved for every input stream")
    assert found[3].startswith("BasicMotions: 4 steps, 3 swings; proved for every input stream")
    shown = ("10 of 10", "0 of 40"), ("7 of 10", "1 of 40"), ("20 of 20", "0 of 20"), ("20 of 20", "0 of 20")
    for line, (gestures, others) in zip(found[1:3] + found[4:6], shown, strict=True):
        assert f"{gestures} gestures found, {others} others; 0 bins differ from the count" in line


def test_gestures_count_swings(pieces: ModuleType) -> None:
    swings = [[0], [0], [1], [0], [1], [2], [1]]  # rise, rise, fall, rise, fall, end, fall
    stream = np.array([[line in lines for line in range(3)] for lines in swings])
    assert pieces.gestures.swings(stream).tolist() == [1, 1, 2, 3, 4, 0, 1]


def test_the_parts_of_the_computer_are_proved(parts: dict[str, Any]) -> None:
    assert len(parts) == 20
    assert {name for name, part in parts.items() if not sp.prove(part.program, part.automaton).holds} == set()


@pytest.mark.parametrize(("name", "states"), [("countdown", 709), ("fibonacci", 48_516), ("multiply", 17_077)])
def test_the_computer_does_what_the_emulator_does(
    pieces: ModuleType, parts: dict[str, Any], name: str, states: int
) -> None:
    piece = computer(pieces, parts, name)
    proof = sp.prove(*piece)
    assert (proof.holds, proof.states) == (True, states)
    assert piece[0].n_neurons == 279
    assert sp.place(piece[0]).core_of.max() == 0
    check_on("kernel", pieces, piece, ticks=20_000)


@pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.snnprog_backend(name)) for name in ("c", "lava", "fpga")]
)
def test_the_computer_runs_on_other_backends(pieces: ModuleType, parts: dict[str, Any], backend: str) -> None:
    check_on(backend, pieces, computer(pieces, parts, "fibonacci"), ticks=200)


def test_a_computer_with_another_program_is_refuted(pieces: ModuleType, parts: dict[str, Any]) -> None:
    program, _ = computer(pieces, parts, "countdown")
    other = pieces.emulator.assembled("LD #10\nnext: ST port\nJZ done\nSUB #2\nJMP next\ndone: HALT")
    refuted = sp.prove(program, pieces.emulator.automaton(other))
    assert refuted.counterexample is not None
    assert refuted.counterexample.sum() == 1  # a start, and the second number is 9, not 8


@pytest.mark.parametrize("seed", range(4))
def test_random_programs(pieces: ModuleType, parts: dict[str, Any], seed: int) -> None:
    """Every operation, with operands of all kinds, in random order; jumps lead anywhere."""
    emulator, random = pieces.emulator, np.random.default_rng(seed)
    names = [name for name in emulator.OPERATIONS if name and (name != "HALT" or seed == 0)]
    draws = random.integers(0, (2, 256), (32, 2)).tolist()
    words = [emulator.Word(str(random.choice(names)), bool(is_number), operand) for is_number, operand in draws]
    words[::4] = [emulator.Word("ST", False, 3)] * 8
    whole = pieces.run.linked(parts | {"memory": pieces.run.memory(words)})
    check_on("kernel", pieces, (whole, emulator.automaton(words, ports=range(256))), ticks=12_000)


def test_the_programs_are_right(pieces: ModuleType) -> None:
    """The emulator, whose programs are known by other means."""

    def written(name: str, numbers: list[int], instructions: int) -> list[int]:
        text = (EXAMPLES / "computer" / "programs" / f"{name}.asm").read_text(encoding="utf-8")
        words, state, found, read = pieces.emulator.assembled(text), pieces.emulator.State(), [], iter(numbers)
        for _ in range(instructions):
            word = words[state.address]
            port = next(read) if word == ("LD", False, pieces.emulator.PORT) else 0
            state, number = pieces.emulator.executed(state, word, port)
            found += [] if number is None else [number]
        return found

    assert written("countdown", [], 44) == list(range(10, -1, -1))
    assert written("fibonacci", [], 200)[:14] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
    assert written("multiply", [7, 6, 0, 9, 255, 3, 31, 0], 188) == [42, 0, 253, 0]


def test_the_readme_of_the_computer_is_true(pieces: ModuleType, parts: dict[str, Any]) -> None:
    readme = (EXAMPLES / "computer" / "README.md").read_text(encoding="utf-8")
    places = len(importlib.import_module("machine").PLACES)
    assert f"{places} places" in readme
    assert f"{len(parts)} parts" in readme
    assert re.search(r"279\s+neurons", readme)
