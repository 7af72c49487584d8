"""What a potential had reached before its reset, from recorded states: it must leave just what was recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import single_neuron
from made_up_chips import KINDS, chip_of

from snnprog.chips import Chip, find_chip
from snnprog.conformance import Golden, golden_programs
from snnprog.conformance.trials import random_trial
from snnprog.rules.building import scale
from snnprog.rules.expressions import Ref, Rounding
from snnprog.rules.loihi import LOIHI_RULE
from snnprog.simulate import simulate
from snnprog.simulate.before_reset import fires, potentials_before_reset, thresholds_in_units
from snnprog.simulate.reference import compared_potentials

GOLDEN = golden_programs("loihi1")


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_resetting_it_leaves_what_was_recorded(golden: Golden) -> None:
    program = golden.trial.program
    thresholds = thresholds_in_units(program)
    for raster, trace in zip(golden.trial.inputs, golden.expected, strict=True):
        reached = potentials_before_reset(program, trace, raster)
        spikes = fires(find_chip("loihi1").rule, reached, thresholds)
        assert (spikes[:, program.outputs] == trace.spikes).all()
        assert (np.where(spikes, 0, reached) == trace.potentials).all()


def test_some_golden_neurons_fire() -> None:
    assert sum(int(trace.spikes.sum()) for golden in GOLDEN for trace in golden.expected) > 100


@pytest.mark.parametrize("seed", range(12))
def test_subtracting_thresholds_leaves_what_was_recorded(seed: int) -> None:
    """Hidden neurons may fire several times at once, so as many thresholds are taken off."""
    trial = random_trial(seed, "xylo")
    program = trial.program
    trace = simulate(program, trial.inputs[:1], state=True)[0]
    rule = find_chip("xylo").rule
    reached, thresholds = potentials_before_reset(program, trace, trial.inputs[0]), thresholds_in_units(program)
    (limit,) = rule.constants
    assert (limit.hidden, limit.readout) == (31, 1)
    most = np.full(program.n_neurons, limit.hidden)
    most[program.outputs] = limit.readout
    taken = np.minimum(np.maximum(reached, 0) // thresholds, most)
    assert (reached - taken * thresholds == trace.potentials).all()
    assert (fires(rule, reached, thresholds) == (taken > 0)).all()
    assert (fires(rule, reached, thresholds)[:, program.outputs] == trace.spikes).all()


def test_it_is_what_a_neuron_alone_reaches() -> None:
    """One synapse, one spike: 60 LSBs arrive at tick 2, and 60 · 64 is what is compared with 50 · 64."""
    program = single_neuron()
    raster = np.zeros((4, 1), dtype=bool)
    raster[1] = True
    trace = simulate(program, [raster], state=True)[0]
    assert potentials_before_reset(program, trace, raster)[:, 0].tolist() == [0, 0, 3840, 0]


def late_decay() -> Chip:
    """Return a chip whose current decays at the end of a tick: a trace does not hold what the potential got."""
    current, count_down = Ref("current"), 4095 - Ref("current_decay")
    steps = list(LOIHI_RULE.steps)
    decay = next(step for step in steps if step.target == "current")
    steps[steps.index(decay)] = replace(decay, expression=current + Ref("arrivals"))
    steps.append(replace(decay, name="late", expression=scale(current, count_down, bits=12, rounding=Rounding.FLOOR)))
    return replace(find_chip("loihi1"), name="late", rule=replace(LOIHI_RULE, name="late", steps=tuple(steps)))


@pytest.mark.parametrize("chip", [*map(chip_of, KINDS), late_decay()], ids=lambda chip: chip.name)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_the_reference_compares(chip: Chip, seed: int) -> None:
    trial = random_trial(seed, chip)
    trace = simulate(trial.program, trial.inputs[:1], state=True)[0]
    reached = potentials_before_reset(trial.program, trace, trial.inputs[0])
    assert (reached == compared_potentials(trial.program, trial.inputs[0])).all()
