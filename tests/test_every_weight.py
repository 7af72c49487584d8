"""Few weights, all tried: the verdict is that of running every integer there is, one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.chips import CHIPS
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.problem import neuron_problem
from snnprog.integers.every_weight import is_countable
from snnprog.integers.integer_problem import IntegerProblem
from snnprog.integers.machine import Machine
from snnprog.simulate import simulate
from snnprog.simulate.neuron import NeuronSimulator

XYLO = CHIPS["xylo"]


def coarse(seed: int, *, recurrent: bool = False) -> sp.Spec:
    """Return a spec of what finer weights than -1, 0 and 1 do, over four inputs."""
    generator = np.random.default_rng(seed)
    dynamics = sp.Dynamics(current_decay=int(generator.integers(1, 4)), potential_decay=int(generator.integers(1, 5)))
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=4,
        n_neurons=1,
        pre=np.arange(4),
        post=0,
        weight=generator.integers(-100, 128, 4),
        threshold=int(generator.integers(40, 120)),
        current_decay=dynamics.current_decay,
        potential_decay=dynamics.potential_decay,
    )
    inputs = [generator.random((ticks, 4)) < 0.25 for ticks in (16, 10)]
    patterns = [
        sp.Pattern(raster, trace.spikes) for raster, trace in zip(inputs, simulate(program, inputs), strict=True)
    ]
    return sp.Spec(patterns, dynamics=dynamics, chip="xylo", weight_bits=2, recurrent=recurrent)


def is_any_exact(spec: sp.Spec) -> bool:
    """Run every weight at every exponent with every threshold that anything could reach."""
    mapping = potential_map(spec)
    simulator, due = NeuronSimulator(XYLO.rule, mapping), mapping.due_of(spec.targets[:, 0])
    for exponent, mantissas in product(range(8), product((-1, 0, 1), repeat=mapping.n_taps)):
        weights = np.array(mantissas) << exponent
        highest = int(simulator.run(weights, 32767, 0).potentials.max(initial=0))
        for threshold in range(1, highest + 2):
            run = simulator.run(weights, threshold, 0)
            if run.is_portable and np.array_equal(run.spikes, due):
                return True
    return False


@pytest.mark.parametrize(
    ("seed", "recurrent", "is_possible"),
    [(1, False, False), (1, True, False), (5, False, True), (9, False, False), (2, False, True)],
)
def test_a_verdict_in_integers_is_that_of_trying_all(seed: int, recurrent: bool, is_possible: bool) -> None:
    spec = coarse(seed, recurrent=recurrent)
    assert is_any_exact(spec) == is_possible
    if is_possible:
        assert sp.verify(sp.compile(spec).program, spec).exact
    else:
        with pytest.raises(sp.InfeasibleError, match="output 0"):
            sp.compile(spec)


def test_weights_that_are_never_zero_are_tried_as_such() -> None:
    spec = coarse(9)
    binary = sp.Spec(spec.patterns, dynamics=spec.dynamics, chip="xylo", weight_bits=1)
    with pytest.raises(sp.InfeasibleError, match=r"no (integers|weights) let output 0"):
        sp.compile(binary)


@pytest.mark.parametrize(
    ("changes", "countable"), [({}, True), ({"bias": "free"}, False), ({"weight_bits": None}, False)]
)
def test_only_few_weights_and_no_free_bias_are_tried(changes: dict[str, Any], countable: bool) -> None:
    spec = coarse(9)
    options: dict[str, Any] = {"dynamics": spec.dynamics, "chip": "xylo", "weight_bits": 2} | changes
    due = sp.Spec(spec.patterns, **options)
    mapping, targets = potential_map(due), due.targets[:, 0]
    problem = neuron_problem(mapping, 0, raster=targets, constrained=np.ones_like(targets), box=box_of(due, mapping))
    machine = Machine(XYLO, mapping, problem.raster)
    assert is_countable(IntegerProblem(problem, XYLO, machine)) == countable


def test_more_weights_than_a_float_counts_are_not_tried() -> None:
    """The 256^150 weights of 150 lines exceed the greatest float, about 256^128."""
    generator = np.random.default_rng(0)
    targets = generator.random((20, 1)) < 0.2
    due = sp.Spec([sp.Pattern(generator.random((20, 150)) < 0.2, targets)], chip="xylo")
    mapping, raster = potential_map(due), targets[:, 0]
    problem = neuron_problem(mapping, 0, raster=raster, constrained=np.ones_like(raster), box=box_of(due, mapping))
    assert not is_countable(IntegerProblem(problem, XYLO, Machine(XYLO, mapping, problem.raster)))
