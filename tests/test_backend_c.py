"""The backend that compiles exported C: on this computer, and bare metal on microcontrollers under QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import random_raster, single_neuron, states_of
from made_up_chips import KINDS, chip_of
from microcontrollers import (
    COMPILER_VARIABLE,
    EVERY_TARGET,
    TARGET_VARIABLE,
    TARGETS,
    RunnerError,
    find_compiler,
    for_target,
)

import snnprog as sp
from snnprog.backends import find_backend, run_backend, status, write_stimulus
from snnprog.chips import Chip, find_chip
from snnprog.conformance import check_conformance, golden_programs
from snnprog.emit import exporting
from snnprog.figures import MICROCONTROLLERS
from snnprog.program import BY_POTENTIAL

RUNNER = find_backend("c").runner
on_c = pytest.mark.snnprog_backend("c")

# ------------------------------------------------------------------------------------------------------ the same spikes


@on_c
def test_golden_and_random_programs() -> None:
    outcome = check_conformance("c", programs=6)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert outcome.left_out == {}
    assert (outcome.golden, outcome.random) == (len(golden_programs("loihi1")), 6)
    assert {"compiler", "numpy", "python"} <= set(outcome.versions)


@on_c
@pytest.mark.parametrize("chip", ["xylo", *(chip_of(kind) for kind in KINDS)], ids=str)
def test_every_rule(chip: str | Chip) -> None:
    """Whatever chip it is: the C is made from its rule."""
    outcome = check_conformance("c", programs=2, golden=False, chip=chip)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert outcome.spikes > 0


@pytest.mark.parametrize("target", EVERY_TARGET)
def test_microcontrollers(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TARGET_VARIABLE, target)
    outcome = check_conformance("c", programs=3)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert (outcome.golden, outcome.random) == (len(golden_programs("loihi1")), 3)
    assert outcome.versions["board"] == TARGETS[target].machines[0].name


@pytest.mark.parametrize("target", [for_target("cortex-m0")])
def test_a_program_that_a_microbit_cannot_hold(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code then runs on a board with more memory, and the versions say on which."""
    monkeypatch.setenv(TARGET_VARIABLE, target)
    delays = np.arange(1, 64)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=300,
        pre=[0] * 63,
        post=range(63),
        delay=delays,
        weight=60,
        threshold=50,
        bias=1,
    )
    raster = random_raster(1, 80, 1, 0.3)
    answer = run_backend(program, [raster], "c", "state")
    assert answer.versions["board"] == "mps2-an386"
    expected = states_of(sp.run(program, raster, record="state"))
    assert all(map(np.array_equal, states_of(answer.traces[0]), expected))


@on_c
def test_potentials_are_read() -> None:
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        outputs=[1, 0],
        pre=[0, 1],
        post=[0, 1],
        weight=[30, -20],
        threshold=[25, find_chip("loihi1").thresholds[1]],
        readout=[0, BY_POTENTIAL],
    )
    raster = random_raster(3, 50, 2, 0.4)
    expected, found = sp.run(program, raster), sp.run(program, raster, "c")
    assert expected.readout is not None
    assert found.readout is not None
    assert expected.readout.any()
    assert np.array_equal(found.readout, expected.readout)
    assert np.array_equal(found.spikes, expected.spikes)


@pytest.mark.parametrize("target", [pytest.param("host", marks=on_c), for_target("riscv32")])
def test_a_simulator_goes_on_in_the_compiled_program(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TARGET_VARIABLE, target)
    trial = golden_programs("loihi1")[0].trial
    raster = trial.inputs[0]
    expected = sp.run(trial.program, raster, record="state")
    with sp.Simulator(trial.program, backend="c", record="state") as simulator:
        for _ in range(2):
            pieces = [simulator.step(raster[:1]), simulator.step(raster[1:4]), simulator.step(raster[4:])]
            for name in ("spikes", "currents", "potentials"):
                joined = np.concatenate([getattr(piece, name) for piece in pieces])
                assert np.array_equal(joined, getattr(expected, name)), name
            simulator.reset()


@on_c
def test_a_fault_in_the_exported_file_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs is the file: with another comparison in it, a potential at the threshold spikes."""
    plant(monkeypatch, lambda text: text.replace(" > 6400", " >= 6400"))
    program = single_neuron(weight=100, threshold=100, current_decay=4095, potential_decay=0)
    raster = np.ones((4, 1), np.bool_)
    found = sp.run(program, raster, "c", "state")
    assert not np.array_equal(found.spikes, sp.run(program, raster).spikes)


def plant(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Change every C file that is exported from now on."""
    honest = exporting.export

    def export(program: sp.Program, path: Path, **options: Any) -> list[Path]:
        written = honest(program, path, **options)
        old = written[0].read_text(encoding="ascii")
        new = change(old)
        assert new != old
        written[0].write_text(new, encoding="ascii")
        return written

    monkeypatch.setattr(exporting, "export", export)


# ------------------------------------------------------------------------------------------------------------- refusals


@on_c
def test_c_that_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, lambda text: text + "\nthis is not C\n")
    with pytest.raises(
        sp.BackendError, match=r"(?s)backend c ended with code 1; .*the program does not compile: .*this"
    ):
        sp.run(single_neuron(), np.ones((2, 1), np.bool_), "c")


@on_c
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (TARGET_VARIABLE, "z80", "SNNPROG_C_TARGET must be one of host, cortex-m0, cortex-m4, riscv32, got z80"),
        (COMPILER_VARIABLE, "no-such-cc -O1", "SNNPROG_C_COMPILER names the compiler no-such-cc, which was not found"),
    ],
)
def test_variables_that_mean_nothing(variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(sp.BackendError, match=message):
        sp.run(single_neuron(), np.ones((2, 1), np.bool_), "c")


@on_c
def test_the_compiler_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With options of its own: the macro is only defined there."""
    plant(monkeypatch, lambda text: text + "\n#ifndef SNNPROG_TEST\n#error not this one\n#endif\n")
    compiler = find_compiler("host").command[0]
    raster = np.ones((2, 1), np.bool_)
    with pytest.raises(sp.BackendError, match="not this one"):
        sp.run(single_neuron(), raster, "c")
    monkeypatch.setenv(COMPILER_VARIABLE, f"{compiler} -DSNNPROG_TEST")
    assert np.array_equal(sp.run(single_neuron(), raster, "c").spikes, sp.run(single_neuron(), raster).spikes)


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The backend is not ready, and says how to install one; its own sentence is for those who call it by hand."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not status(replace(find_backend("c"), distributions={"no-such-distribution": "1"})).is_ready
    for target in ("host", *TARGETS):
        with pytest.raises(RunnerError, match=f"no C compiler for {target} was found .*pip install ziglang"):
            find_compiler(target)


@pytest.mark.parametrize("target", [for_target("riscv32")])
def test_zig_compiles_too(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no other compiler is on PATH, its package is one."""
    pytest.importorskip("ziglang", reason="Zig's compiler is not installed: pip install ziglang")
    monkeypatch.setenv(TARGET_VARIABLE, target)
    monkeypatch.setenv(COMPILER_VARIABLE, f"{sys.executable} -m ziglang cc")
    trial = golden_programs("loihi1")[0].trial
    found, expected = (run_backend(trial.program, trial.inputs, name, "state") for name in ("c", "reference"))
    for one, other in zip(found.traces, expected.traces, strict=True):
        assert all(map(np.array_equal, states_of(one), states_of(other)))


@on_c
def test_the_runner_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    program, stimulus, result = (tmp_path / name for name in ("p.snnp", "stimulus.npz", "result.npz"))
    single_neuron().save(program)
    write_stimulus(stimulus, [np.ones((3, 1), np.bool_)], state=False)
    files = [str(program), str(stimulus), str(result)]
    assert said_by_runner(files) == f"runner.py: cannot read {tmp_path / 'p.c'}: snnprog export writes it"
    sp.export(single_neuron(), tmp_path / "p.c", prefix="program")
    assert said_by_runner(files[:2]).startswith("runner.py: usage: runner.py PROGRAM STIMULUS RESULT, or")
    write_stimulus(stimulus, [np.ones((3, 2), np.bool_)], state=False)
    assert said_by_runner(files) == "runner.py: the raster has 2 input lines; the program has 1"
    np.savez(stimulus, raster=np.ones((3, 1), np.bool_), lengths=[2], state=False)
    assert said_by_runner(files) == "runner.py: the pattern lengths add up to 2 ticks, the raster has 3"
    stimulus.write_bytes(b"PK")
    assert said_by_runner(files).startswith(f"runner.py: cannot read {stimulus}: ")
    program.write_bytes(program.read_bytes()[:50])
    assert said_by_runner(files) == f"runner.py: cannot read {program}: File is not a zip file"
    assert not result.exists()


def said_by_runner(arguments: list[str]) -> str:
    """Return the last line that the runner says, which has ended with code 1."""
    command = [sys.executable, "-I", str(RUNNER), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_snnprog_and_the_folder_know_the_same_microcontrollers() -> None:
    assert tuple(TARGETS) == MICROCONTROLLERS
