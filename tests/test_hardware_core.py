"""The time-multiplexed core does in hardware what the reference does, states included."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cores import RUNNER, answer_of, check_tools, core_text, differences, expected_of, random_program, random_rasters
from made_up_chips import KINDS, chip_of

import snnprog as sp
from snnprog.chips import CHIPS, Chip
from snnprog.rules.building import clip, scale, select
from snnprog.rules.expressions import Ref, Rounding
from snnprog.simulate import reference

LOIHI = CHIPS["loihi1"]
SUMMING = {kind.name: chip_of(kind) for kind in KINDS if not kind.is_ordered}
SEEDS = range(3)


@pytest.fixture(autouse=True)
def _tools() -> None:
    check_tools("verilator", "icarus")


def small_size(chip: Chip) -> object:
    """Return the size of a core that is quick to simulate."""
    from snnprog.emit.hardware.plan import CoreSize

    longest = (1 << chip.delays[1].bit_length()) - 1
    return CoreSize(neurons=8, inputs=4, synapses=64, longest_delay=longest, most_arriving=1 << 22)


def write_small(path: Path, program: sp.Program, chip: Chip) -> None:
    """Write a program's image and the Verilog of a small core, which may be another chip's."""
    from snnprog.emit.hardware.image import image_of
    from snnprog.emit.hardware.plan import CorePlan, CoreSize

    size = small_size(program.chip)
    assert isinstance(size, CoreSize)
    path.write_text(image_of(program, CorePlan(program.chip, size)).text(), encoding="ascii")
    path.with_name("program_core.v").write_text(core_text(chip, size), encoding="utf-8")


# ------------------------------------------------------------------------------------------------- like the reference


@pytest.mark.parametrize("chip", [LOIHI, *SUMMING.values()], ids=lambda chip: chip.name)
def test_a_core_of_any_summing_rule_is_the_reference(chip: Chip, tmp_path: Path) -> None:
    spikes = 0
    for seed in SEEDS if chip is LOIHI else SEEDS[:1]:
        program, rasters = random_program(chip, seed), random_rasters(seed, 3)
        expected = expected_of(program, rasters)
        write = partial(write_small, program=program, chip=chip)
        found = answer_of(tmp_path, rasters, "icarus", program, write=write)
        assert differences(found, expected) == 0
        spikes += int(expected[0].sum())
    assert spikes > 5


def test_the_backend_is_the_reference() -> None:
    program, rasters = random_program(LOIHI, 3), random_rasters(3, 3)
    found = sp.run(program, rasters, "fpga", "state")
    traces = reference.simulate(program, rasters, state=True)
    for one, other in zip(found, traces, strict=True):
        for name in ("spikes", "currents", "potentials"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_the_netlist_is_the_reference(tmp_path: Path) -> None:
    program, rasters = random_program(LOIHI, 1), random_rasters(1, 3)
    expected = expected_of(program, rasters)
    assert expected[0].sum() > 5
    write = partial(write_small, program=program, chip=LOIHI)
    assert differences(answer_of(tmp_path, rasters, "netlist", program, write=write), expected) == 0


def test_the_backend_steps_on_from_where_it_stands() -> None:
    program, (raster, _) = random_program(LOIHI, 3), random_rasters(3, 3)
    (expected,) = reference.simulate(program, [raster])
    with sp.Simulator(program, backend="fpga") as core:
        parts = [core.step(part).spikes for part in np.split(raster, [20, 21])]
    assert np.array_equal(np.concatenate(parts), expected.spikes)


def test_a_tick_takes_as_many_clocks_as_the_core_says(tmp_path: Path) -> None:
    from snnprog.emit.hardware.core import CLOCKS_PER_LINE, CLOCKS_PER_SYNAPSE
    from snnprog.emit.hardware.core_parts import clocks_per_neuron
    from snnprog.emit.hardware.plan import CorePlan, CoreSize

    program, raster = replace(random_program(LOIHI, 3), outputs=np.arange(6)), random_rasters(3, 3)[0]
    (trace,) = reference.simulate(program, [raster])
    spikes = np.hstack([raster, trace.spikes]).sum(axis=0)
    synapses = np.bincount(program.pre, minlength=9)
    per_neuron = clocks_per_neuron(CorePlan(LOIHI, CoreSize()))
    path = tmp_path / "program.snnp"
    program.save(path)
    sp.export(program, path.with_suffix(".hex"))
    rows = np.hstack([np.full((len(raster), 1), ord("T"), np.uint8), raster.astype(np.uint8)])
    command = [sys.executable, "-I", str(RUNNER), str(path), "-", "-"]
    done = subprocess.run(command, input=b"R" + rows.tobytes() + b"C", stdout=subprocess.PIPE, check=True)
    found = int.from_bytes(done.stdout[-8:], "little")
    walked = int((spikes * (CLOCKS_PER_LINE + CLOCKS_PER_SYNAPSE * synapses)).sum())
    assert found == len(raster) * (1 + 6 * per_neuron) + walked


def test_a_long_burst_over_one_synapse_after_another_misses_no_addition(tmp_path: Path) -> None:
    """Synapses that follow each other in a list, all to one neuron at one tick: each addition reads the one before."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        pre=[0] * 20 + [1] * 20 + [2] * 10 + [3] * 10,
        post=[0] * 20 + [0, 1] * 10 + [0] * 10 + [1] * 10,
        delay=[3] * 40 + [1] * 20,
        weight=range(1, 61),
        threshold=[400, 90],
        current_decay=300,
    )
    rasters = [np.ones((40, 2), bool)]
    found = answer_of(tmp_path, rasters, "icarus", program, write=partial(write_small, program=program, chip=LOIHI))
    expected = expected_of(program, rasters)
    assert expected[0].sum() > 10
    assert differences(found, expected) == 0


# ------------------------------------------------------------------------------------------------------ planted faults

u, v = Ref("current"), Ref("potential")
FAULTS = {
    "a rounding": LOIHI.rule.with_step(
        "current", scale(u, 4095 - Ref("current_decay"), bits=12, rounding=Rounding.FLOOR) + Ref("arrivals")
    ),
    "a comparison": LOIHI.rule.with_step("fire", v >= (Ref("threshold") << 6)),
    "an end": LOIHI.rule.with_step(
        "potential",
        clip(
            scale(v, 4096 - Ref("potential_decay"), bits=12, rounding=Rounding.TOWARD_ZERO) + u + Ref("bias"),
            -(2**18),
            2**18,
        ),
    ),
    "a refractory period": LOIHI.rule.with_step("refractory", select(Ref("spikes"), Ref("refractory"), Ref("held"))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_core_with_a_planted_fault_is_found_out(fault: str, tmp_path: Path) -> None:
    wrong = replace(LOIHI, name="wrong", rule=replace(FAULTS[fault], name="wrong"))
    program, rasters = random_program(LOIHI, 0), random_rasters(0, 3)
    if fault == "a comparison":  # biases that meet their thresholds at once
        program = sp.Program.from_arrays(
            chip="loihi1", n_inputs=3, n_neurons=6, threshold=range(2, 14, 2), bias=range(128, 896, 128)
        )
    found = answer_of(tmp_path, rasters, "icarus", program, write=partial(write_small, program=program, chip=wrong))
    assert differences(found, expected_of(program, rasters)) > 0


@pytest.mark.parametrize("change", [1 << 3, 1 << 9, 1 << 12, 1 << 16])
def test_a_wrong_bit_of_a_synapse_is_found_out(change: int, tmp_path: Path) -> None:
    program, rasters = random_program(LOIHI, 1), random_rasters(1, 3)

    def write(path: Path) -> None:
        write_small(path, program, LOIHI)
        lines = path.read_text(encoding="ascii").splitlines()
        first = lines.index("@00000") + 1
        lines[first : first + 40] = [f"{int(line, 16) ^ change:08x}" for line in lines[first : first + 40]]
        path.write_text("\n".join(lines) + "\n", encoding="ascii")

    found = answer_of(tmp_path, rasters, "icarus", program, write=write)
    assert differences(found, expected_of(program, rasters)) > 0


# ------------------------------------------------------------------------------------------------------- what it holds


def tiny(count: int = 1, *, n_inputs: int = 1, n_neurons: int = 1, weight: int = 1, exponent: int = 0) -> sp.Program:
    """Return a program with so many synapses from its first input to its first neuron."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=[0] * count,
        post=[0] * count,
        weight=[weight] * count,
        exponent=exponent,
        threshold=5,
    )


TOO_LARGE = {
    "neurons must be at most 4096 in 16 cores, got 4097": lambda: tiny(n_neurons=4097),
    "inputs must be at most 4096 in 16 cores, got 4097": lambda: tiny(n_inputs=4097),
    "neuron 0 alone: synaptic memory 16,385 of 16,384 words": lambda: tiny(16385),
    "synapses of one line must be at most 16383 in one core, got 16384": lambda: tiny(16384),
    "what may arrive at neuron 0 in a tick must be below 262144, which the core adds up, got 293760": lambda: tiny(
        9, weight=255, exponent=7
    ),
}


@pytest.mark.parametrize("message", TOO_LARGE)
def test_what_a_core_has_no_room_for_is_refused_before_it_runs(message: str, tmp_path: Path) -> None:
    program = TOO_LARGE[message]()
    with pytest.raises(sp.LimitError) as caught:
        sp.export(program, tmp_path / "p.hex")
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())
    with pytest.raises(sp.LimitError):
        sp.run(program, np.ones((2, program.n_inputs), bool), backend="fpga")


def test_an_image_says_what_a_host_must_know(tmp_path: Path) -> None:
    program = random_program(LOIHI, 0)
    image, core = sp.export(program, tmp_path / "p.hex")
    known = json.loads(image.read_text(encoding="ascii").splitlines()[0].removeprefix("//"))
    assert (known["inputs"], known["outputs"], known["neurons"]) == (3, [0, 1, 2], 6)
    assert [known["places"][output] for output in program.outputs] == [0, 1, 2]
    assert sorted(known["places"]) == list(range(6))
    assert set(known["states"]) == {"current", "potential", "held"}
    text = core.read_text(encoding="utf-8")
    assert "module snnprog_core(" in text
    assert LOIHI.rule.name in text
