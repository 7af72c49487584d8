"""Specs with refractory periods: verdicts, proofs and programs, compared with plain integers and every choice."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from cases import plain_run, random_raster, teach, with_wishes
from test_freedom import contradicts, fillings, free_spec
from test_verdicts import check_spec
from test_windows import can_be_built, random_spec
from verdict_specs import ExactNeuron, tiny_spec

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.design import design
from snnprog.design.conflicts import leaves
from snnprog.simulate import kernel

DECAYS = (sp.Dynamics(205, 4095), sp.Dynamics(0, 4095), sp.Dynamics(400, 1500))


# --------------------------------------------------------------------------------------------- verdicts and proofs


@pytest.mark.parametrize("first", range(0, 160, 40))
def test_verdicts_agree_with_whole_numbers(first: int) -> None:
    said = [
        check_spec(with_wishes(tiny_spec(seed), refractory=2 + seed % 3), f"seed {seed}")
        for seed in range(first, first + 40)
    ]
    assert said.count("exact") > 5
    assert said.count("infeasible") > 10


def test_a_spike_too_near_is_named() -> None:
    """The third spike is not: it is too near only to one that cannot be."""
    targets = np.zeros((12, 1), dtype=bool)
    targets[[3, 6, 9]] = True
    inputs = np.zeros_like(targets)
    inputs[[2, 5, 8]] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)], refractory=4)
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(spec)
    assert [conflict.reason for conflict in caught.value.conflicts] == [
        "output 0 must spike at tick 6 of pattern 0, but is refractory for 4 ticks from its spike at tick 3: it can"
        " spike again at tick 7"
    ]
    biased = with_wishes(spec, bias="free")
    assert [conflict.tick for conflict in design(biased).conflicts] == [6]
    assert not design(with_wishes(spec, refractory=3)).conflicts


def test_don_t_cares_agree_with_every_filling() -> None:
    kinds = set()
    for seed in range(40):
        spec = with_wishes(free_spec(seed), refractory=2 + seed % 3)
        designed = design(spec)
        (outcome,) = designed.outcomes
        possible = any(ExactNeuron(spec, raster=raster).is_possible() for raster in fillings(spec))
        assert (outcome.neuron is not None) == possible, f"seed {seed}: {outcome.conflicts}"
        kinds.add(possible)
        if outcome.certificate is not None:
            for raster in fillings(spec):
                assert any(contradicts(spec, raster, leaf) for leaf in leaves(outcome.certificate)), f"seed {seed}"
    assert kinds == {False, True}


def tiny_integers(generator: np.random.Generator) -> tuple[sp.Program, list[Raster]]:
    """Return a neuron of weights 0 and ±1 with a refractory period, and its inputs."""
    lines, delays = int(generator.integers(1, 3)), [1, 2][: int(generator.integers(1, 3))]
    taps = lines * len(delays)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=1,
        pre=list(range(lines)) * len(delays),
        post=0,
        delay=np.repeat(delays, lines),
        weight=generator.integers(-1, 2, taps),
        threshold=generator.integers(1, 8),
        current_decay=generator.choice([4095, 2047]),
        potential_decay=generator.choice([0, 205, 1000]),
        refractory=generator.integers(2, 5),
    )
    return program, [generator.random((14, lines)) < 0.5 for _ in range(2)]


def every_choice(program: sp.Program) -> sp.Program:
    """Return a program with a copy of the only neuron for each choice of weights 0 and ±1 and of an exponent."""
    choices = list(itertools.product(itertools.product([-1, 0, 1], repeat=program.n_synapses), range(8)))
    weights = np.array([weight for weight, _ in choices]).ravel()
    return sp.Program.from_arrays(
        chip=program.chip,
        n_inputs=program.n_inputs,
        n_neurons=len(choices),
        pre=np.tile(program.pre, len(choices)),
        post=np.repeat(np.arange(len(choices)), program.n_synapses),
        delay=np.tile(program.delay, len(choices)),
        weight=weights,
        exponent=np.repeat([exponent for _, exponent in choices], program.n_synapses),
        threshold=int(program.threshold[0]),
        current_decay=int(program.current_decay[0]),
        potential_decay=int(program.potential_decay[0]),
        refractory=int(program.refractory[0]),
    )


def test_integers_are_found_or_there_are_none() -> None:
    """Every choice of weights and exponents is tried where integers are refused."""
    said = set()
    for seed in range(24):
        generator = np.random.default_rng(seed)
        program, inputs = tiny_integers(generator)
        targets = [trace.spikes.copy() for trace in kernel.simulate(program, inputs)]
        targets[0][generator.integers(14)] ^= generator.random() < 0.5
        spec = sp.Spec(
            [sp.Pattern(*pair) for pair in zip(inputs, targets, strict=True)],
            sorted(set(program.delay.tolist())),
            dynamics=sp.Dynamics(int(program.potential_decay[0]), int(program.current_decay[0])),
            threshold=int(program.threshold[0]),
            weight_bits=2,
            refractory=int(program.refractory[0]),
        )
        try:
            compiled = sp.compile(spec).program
        except sp.InfeasibleError:
            said.add("infeasible")
            traces = kernel.simulate(every_choice(program), inputs)
            is_other = [(trace.spikes != target).any(axis=0) for trace, target in zip(traces, targets, strict=True)]
            assert np.any(is_other, axis=0).all(), seed
            continue
        said.add("exact")
        for raster, target in zip(inputs, targets, strict=True):
            assert plain_run(compiled, raster).spikes == target.tolist()
    assert said == {"exact", "infeasible"}


# ------------------------------------------------------------------------------------------------------- end to end


def taught(seed: int, period: int, **wishes: Any) -> sp.Spec:
    """Return a spec of what random integers with a refractory period do."""
    inputs = [random_raster(seed, 40, 5, 0.3), random_raster(seed + 100, 25, 5, 0.4)]
    shape: dict[str, Any] = {"delays": [1, 3], "dynamics": DECAYS[seed % 3], "recurrent": seed % 2 == 1}
    patterns = teach(seed, inputs, n_outputs=2, refractory=period, **shape)
    return sp.Spec(patterns, refractory=period, **(shape | wishes))


@pytest.mark.parametrize("seed", range(12))
def test_what_is_compiled_does_what_is_asked(seed: int) -> None:
    spec = taught(seed, [2, 3, 5, 20][seed % 4])
    program = sp.compile(spec).program
    assert (program.refractory == spec.refractory).all()
    for pattern in spec.patterns:
        assert plain_run(program, pattern.inputs).spikes == pattern.targets.tolist()


@pytest.mark.parametrize("dynamics", DECAYS, ids=str)
@pytest.mark.parametrize("period", [2, 6])
def test_larger_ones_take_the_faster_methods(period: int, dynamics: sp.Dynamics) -> None:
    """Random targets, a period apart at least, for more taps than the simplex method is asked for."""
    generator = np.random.default_rng(period)
    inputs, targets = generator.random((300, 60)) < 0.1, np.zeros((300, 1), dtype=bool)
    targets[np.cumsum(period + generator.integers(3, 20, 12)), 0] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2, 4], dynamics=dynamics, refractory=period)
    result = sp.compile(spec)
    assert plain_run(result.program, inputs).spikes == targets.tolist()
    assert result.report.neurons[0].status == "certified"


@pytest.mark.parametrize("wish", [{"sparse": True}, {"noise": 2.0}, {"weight_bits": 6}, {"bias": "free"}], ids=str)
def test_other_wishes_go_with_it(wish: dict[str, Any]) -> None:
    spec = taught(4, 3, **wish)
    result = sp.compile(spec)
    for pattern in spec.patterns:
        assert plain_run(result.program, pattern.inputs).spikes == pattern.targets.tolist()


def test_hidden_neurons_have_the_period_too() -> None:
    """Two coincidences that one neuron cannot tell apart; and a spike that the period forbids helps nobody."""
    inputs = np.zeros((40, 2), dtype=bool)
    inputs[[2, 12, 22, 32], 0] = inputs[[2, 17, 22, 37], 1] = True
    targets = np.zeros((40, 1), dtype=bool)
    targets[[14, 19, 34, 39]] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2], hidden="auto", refractory=3)
    assert design(with_wishes(spec, hidden=0)).conflicts
    program = sp.compile(spec).program
    assert program.n_neurons > 1
    assert set(program.refractory.tolist()) == {3}
    assert np.array_equal(sp.run(program, inputs).spikes, targets)
    targets[35] = True
    with pytest.raises(sp.InfeasibleError, match="refractory for 3 ticks from its spike at tick 34"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2], hidden="auto", refractory=3))


def test_windows_keep_spikes_apart() -> None:
    """What is refused has no choice in plain enumeration; what is chosen lies a period apart."""
    said = set()
    for seed in (0, 1, 2, 4, *range(6, 12)):  # 3 and 5 take 10 s each, and then are undecided
        spec = with_wishes(random_spec(seed, (1, 1)), refractory=3)
        possible = any(can_be_built(spec, raster) for raster in spaced_choices(spec))
        try:
            result = sp.compile(spec)
        except sp.InfeasibleError:
            assert not possible, f"seed {seed}"
            said.add("infeasible")
            continue
        said.add("built")
        for pattern, chosen in zip(spec.patterns, result.chosen, strict=True):
            assert plain_run(result.program, pattern.inputs).spikes == chosen.tolist()
            ticks, wanted = np.flatnonzero(chosen[:, 0]), np.flatnonzero(pattern.targets[:, 0])
            assert (np.diff(ticks) >= 3).all()
            assert (np.abs(ticks - wanted) <= 1).all()
    assert said == {"infeasible", "built"}


def spaced_choices(spec: sp.Spec) -> list[Raster]:
    """Return every raster that windows and the refractory period allow."""
    before, after = spec.window
    columns = []
    for pattern in spec.patterns:
        ranges = [
            range(max(tick - before, 0), min(tick + after, pattern.ticks - 1) + 1)
            for tick in np.flatnonzero(pattern.targets[:, 0]).tolist()
        ]
        allowed = [ticks for ticks in itertools.product(*ranges) if (np.diff(ticks) >= spec.refractory).all()]
        columns.append([np.isin(np.arange(pattern.ticks), ticks) for ticks in allowed])
    return [np.concatenate(chosen)[:, None] for chosen in itertools.product(*columns)]


def test_the_closest_program_rests_too() -> None:
    targets = random_raster(9, 50, 1, 0.4)
    targets[:3] = False
    spec = sp.Spec([sp.Pattern(random_raster(8, 50, 4, 0.3), targets)], delays=[1, 2], refractory=3)
    result = sp.compile(spec, on_infeasible="closest")
    (trace,) = [plain_run(result.program, pattern.inputs) for pattern in spec.patterns]
    ticks = np.flatnonzero(np.array(trace.spikes)[:, 0])
    assert ticks.size > 3
    assert np.diff(ticks).min() >= 3
    assert (np.array(trace.spikes) != targets).sum() < targets.sum()


def test_weights_come_back_from_potentials() -> None:
    for seed, dynamics in enumerate(DECAYS):
        inputs = [random_raster(seed, 300, 4, 0.15)]
        patterns = teach(seed, inputs, n_outputs=2, refractory=4, delays=[1, 3], dynamics=dynamics)
        spec = sp.Spec(patterns, refractory=4, delays=[1, 3], dynamics=dynamics)
        program = sp.compile(spec).program
        potentials = [np.array(plain_run(program, raster).potentials) for raster in inputs]
        recovery = sp.recover(spec, potentials)
        assert recovery.program is not None, recovery.obstacle
        assert all(one.is_complete for one in recovery.neurons)
        assert (recovery.program.refractory == 4).all()
        for raster, seen in zip(inputs, potentials, strict=True):
            assert plain_run(recovery.program, raster).potentials == seen.tolist()
