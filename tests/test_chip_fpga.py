"""The FPGA core's chips: four rules, compared with loops over Python's integers, and what a program for them is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cases import states_of, toward_zero
from made_up_chips import rounded

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import CHIPS
from snnprog.chips.fpga import FPGA_CHIPS, FPGA_CORE
from snnprog.conformance.trials import random_trial
from snnprog.rules.expressions import Rounding

NAMES = [chip.name for chip in FPGA_CHIPS]
TOP = 1 << 23


def plain_run(program: sp.Program, raster: Raster) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Return spikes, currents and potentials of all neurons; the options are read from the chip's name alone."""
    is_subtracting, is_equal_a_spike = "-subtract" in program.chip.name, program.chip.name.endswith("-ge")
    n = program.n_neurons
    u, v, held = [0] * n, [0] * n, [0] * n
    due: dict[tuple[int, int], int] = {}
    spikes, currents, potentials = [], [], []
    for tick in range(len(raster)):
        fired = [0] * n
        for i in range(n):
            arriving = (due.pop((tick, i), 0) * 64 + 2**31) % 2**32 - 2**31
            u[i] = toward_zero(u[i], 4095 - int(program.current_decay[i])) + arriving
            u[i] += 2 * TOP * ((u[i] <= -TOP) - (u[i] > TOP))
            kept = rounded(v[i] * (4096 - int(program.potential_decay[i])), 4096, Rounding.TOWARD_ZERO)
            reached = 0 if held[i] else kept + u[i] + int(program.bias[i])
            v[i] = max(1 - TOP, min(TOP - 1, reached))
            limit = 64 * int(program.threshold[i])
            fired[i] = int(v[i] > limit or (is_equal_a_spike and v[i] == limit))
            held[i] = int(program.refractory[i]) - 1 if fired[i] else max(held[i] - 1, 0)
            if fired[i]:
                v[i] = v[i] - limit if is_subtracting else 0
        spikes.append(fired)
        currents.append(list(u))
        potentials.append(list(v))
        lines = [*raster[tick].tolist(), *fired]
        for s in range(program.n_synapses):
            if lines[int(program.pre[s])]:
                key = tick + int(program.delay[s]), int(program.post[s])
                due[key] = due.get(key, 0) + int(program.weight[s]) * 2 ** int(program.exponent[s])
    return spikes, currents, potentials


@pytest.mark.parametrize("backend", ["kernel", "reference"])
@pytest.mark.parametrize("name", NAMES)
def test_programs_run_as_plain_loops_do(name: str, backend: str) -> None:
    for seed in range(6):
        trial = random_trial(seed, name)
        for raster in trial.inputs:
            trace = sp.run(trial.program, raster, backend=backend, record="state")
            spikes, currents, potentials = plain_run(trial.program, raster)
            assert np.array_equal(trace.spikes, np.array(spikes, bool)[:, trial.program.outputs])
            for found, expected in zip(states_of(trace), (currents, potentials), strict=True):
                assert np.array_equal(found, expected)


def on_the_threshold(name: str) -> sp.Program:
    """Return a neuron that is given its threshold at every tick but the first."""
    return sp.Program.from_arrays(
        chip=name, n_inputs=1, n_neurons=1, pre=0, post=0, weight=64, threshold=64, potential_decay=0
    )


@pytest.mark.parametrize(
    ("name", "spikes", "potentials"),
    [
        ("fpga", [0, 0, 1, 0], [0, 4096, 0, 4096]),
        ("fpga-subtract", [0, 0, 1, 1], [0, 4096, 4096, 4096]),
        ("fpga-ge", [0, 1, 1, 1], [0, 0, 0, 0]),
        ("fpga-subtract-ge", [0, 1, 1, 1], [0, 0, 0, 0]),
    ],
)
def test_a_potential_on_the_threshold(name: str, spikes: list[int], potentials: list[int]) -> None:
    trace = sp.run(on_the_threshold(name), np.ones((4, 1), bool), record="state")
    assert trace.spikes[:, 0].tolist() == [bool(spike) for spike in spikes]
    assert trace.potentials is not None
    assert trace.potentials[:, 0].tolist() == potentials


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_compiled_and_its_file_needs_no_name(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    inputs = generator.random((40, 4)) < 0.25
    targets = np.zeros((40, 2), bool)
    targets[1:, 0], targets[3:, 1] = inputs[:-1, 0], inputs[:-3, 1]
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 5), chip=name)
    program = sp.compile(spec).program
    assert sp.verify(program, spec, ["kernel", "reference"]).exact
    program.save(tmp_path / "p.snnp")
    found = sp.load(tmp_path / "p.snnp")
    assert found.chip == CHIPS[name]
    assert b'"hardware"' in (tmp_path / "p.snnp").read_bytes()
    assert sp.place(program).cores == 1


def test_what_the_word_of_a_synapse_cannot_hold_is_refused() -> None:
    with pytest.raises(sp.LimitError, match=r"weight\[0\] must be 0 to 16383, got 16384"):
        sp.Program.from_arrays(chip="fpga", n_inputs=1, n_neurons=1, pre=0, post=0, weight=16384, threshold=1)
    with pytest.raises(sp.LimitError, match="delay"):
        sp.Program.from_arrays(chip="fpga", n_inputs=1, n_neurons=1, pre=0, post=0, weight=1, delay=64, threshold=1)
    with pytest.raises(sp.LimitError, match="exponent"):
        sp.Program.from_arrays(chip="fpga", n_inputs=1, n_neurons=1, pre=0, post=0, weight=1, exponent=8, threshold=1)


def test_a_word_holds_any_synapse() -> None:
    memory = FPGA_CORE.memory
    assert memory is not None
    weights = np.array([-16384, 16383])
    assert memory.weight_width(weights, is_mixed=True) == memory.weight_width(weights, is_mixed=False) == 15
    assert memory.word_bits == 15 + 6 + 8 + 3
    assert memory.words_for(7, 15 + 6 + 8) == 7


def test_programs_beyond_a_core_are_placed_on_several() -> None:
    around = np.arange(300)
    ring = sp.Program.from_arrays(
        chip="fpga", n_inputs=0, n_neurons=300, threshold=1, pre=around, post=np.roll(around, -1), weight=1
    )
    placement = sp.place(ring)
    assert placement.cores == 2
    assert max(used.neurons for used in placement.usage) <= 256
    pre, post = np.repeat(np.arange(100), 200), np.tile(np.arange(200), 100)
    dense = sp.Program.from_arrays(chip="fpga", n_inputs=100, n_neurons=200, threshold=1, pre=pre, post=post, weight=1)
    assert sp.place(dense).cores == 2
    assert sp.place(dense).total("words") == 20000
