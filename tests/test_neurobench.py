"""NeuroBench's metrics: NeuroBench's own figures of a network, and matrices that are written out."""

from __future__ import annotations

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.conformance import random_trial

MEASURED = {
    "Footprint": 412,
    "ConnectionSparsity": 0.4792,
    "ActivationSparsity": 0.9292307692307692,
    "SynapticOperations": {"Effective_MACs": 0.0, "Effective_ACs": 516.4, "Dense": 5760.0},
}
"""By NeuroBench 2.3.0, of the network below in PyTorch 2.13 and snnTorch 1.0: two `Linear` without bias, two `Leaky`
with beta 0, threshold 101 and no reset. The footprint is of buffers in the types that the docstring names."""


def layered() -> tuple[sp.Program, list[Raster]]:
    """Return a program of 12 inputs and layers of 9 and 4 neurons without memory, and five patterns."""
    rng = np.random.default_rng(7)
    first = 2 * rng.integers(-30, 50, (9, 12)) * (rng.random((9, 12)) < 0.5)
    second = 2 * rng.integers(-30, 50, (4, 9)) * (rng.random((4, 9)) < 0.7)
    (post, pre), (later, earlier) = np.nonzero(first), np.nonzero(second)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=12,
        n_neurons=13,
        outputs=range(9, 13),
        pre=[*pre, *(earlier + 12)],
        post=[*post, *(later + 9)],
        weight=[*first[post, pre], *second[later, earlier]],
        threshold=101,
        current_decay=4095,
        potential_decay=4095,
    )
    inputs = rng.random((5, 40, 12)) < 0.25
    inputs[:, -2:] = False  # a layer adds a tick here, and none in snnTorch: all spikes come before the end
    return program, list(inputs)


def test_the_figures_are_those_of_neurobench() -> None:
    program, inputs = layered()
    found = sp.activity(program, inputs, dt_ms=2.0).neurobench.as_dict()
    assert found.pop("ModelExecutionRate") == 500.0
    assert found == MEASURED


def test_neurons_in_a_loop_share_a_layer_and_delays_have_matrices() -> None:
    """Input to 0, loop 0-1, then 2: layers {0, 1} and {2}."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=3,
        n_neurons=3,
        outputs=[2],
        pre=[0, 1, 1, 3, 4, 4],
        post=[0, 0, 0, 1, 0, 2],
        delay=[1, 1, 4, 1, 1, 1],
        weight=[2, 4, 6, 8, 8, 8],
        threshold=1000,
    )
    metrics = sp.activity(program, [np.ones((10, 3), bool)]).neurobench
    entries = 2 * (3 * 2) + 2 * 2 + 2 * 1  # inputs to {0, 1} with delays 1 and 4, the loop, and {0, 1} to 2
    assert (metrics.dense, metrics.effective_acs) == (10.0 * entries, 30.0)
    assert metrics.connection_sparsity == pytest.approx(1 - 6 / entries, abs=5e-5)
    assert (metrics.activation_sparsity, metrics.model_execution_rate) == (1.0, None)
    parameters = 2 + 2 + 2 + 1 + 1  # bytes of threshold, decays, bias and refractory period
    waiting = 1 + 4 + 1 + 1  # ticks of delay of the lines that have synapses
    assert metrics.footprint == entries + 3 * (parameters + 4 * len(program.chip.rule.registers)) + waiting


def test_parallel_synapses_are_their_sum() -> None:
    def metrics_of(weights: list[int]) -> sp.Activity:
        program = sp.Program.from_arrays(
            chip="loihi1",
            n_inputs=1,
            n_neurons=1,
            outputs=[0],
            pre=[0] * len(weights),
            post=[0] * len(weights),
            weight=weights,
            threshold=1000,
        )
        return sp.activity(program, [np.ones((4, 1), bool)])

    both, none = metrics_of([100, 100]), metrics_of([100, -100])
    assert (both.total.synaptic_operations, both.neurobench.effective_acs) == (8, 4.0)
    assert both.neurobench.footprint == none.neurobench.footprint + 1  # 200 takes two bytes
    assert (none.neurobench.effective_acs, none.neurobench.connection_sparsity) == (0.0, 1.0)


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_accumulates_are_spikes_at_entries(seed: int) -> None:
    trial = random_trial(seed)
    program = trial.program
    sums: dict[tuple[int, int, int], int] = {}
    for pre, post, delay, weight, exponent in zip(
        *(array.tolist() for array in (program.pre, program.post, program.delay, program.weight, program.exponent)),
        strict=True,
    ):
        sums[pre, post, delay] = sums.get((pre, post, delay), 0) + (weight << exponent)
    everything = sp.Program.from_arrays(
        chip=program.chip,
        n_inputs=program.n_inputs,
        n_neurons=program.n_neurons,
        outputs=range(program.n_neurons),
        **{name: getattr(program, name) for name in ("pre", "post", "delay", "weight", "exponent", "sign_mode")},
        **{name: getattr(program, name) for name in ("threshold", "current_decay", "potential_decay", "bias")},
        refractory=program.refractory,
    )
    accumulates, spikes = 0, 0
    for raster in trial.inputs:
        own = sp.run(everything, raster).spikes
        spikes += int(own.sum())
        sent = [*raster.sum(axis=0), *own.sum(axis=0)]
        accumulates += sum(int(sent[pre]) for (pre, _, _), weight in sums.items() if weight)
    metrics = sp.activity(program, trial.inputs).neurobench
    bins = sum(len(raster) for raster in trial.inputs) * program.n_neurons
    assert metrics.effective_acs == accumulates / len(trial.inputs)
    assert metrics.activation_sparsity == 1 - spikes / bins
