"""A planted fault is found and named: in a simulator that shares nothing with the code that looks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import after, plain_run, random_raster, single_neuron
from planted import FAULTS, LOUD_FAULTS, SIMULATOR, Changes, write_planted
from planted_made_up import FAULTS as MADE_UP_FAULTS
from planted_made_up import MADE_UP, ODD
from planted_made_up import SIMULATOR as MADE_UP_SIMULATOR
from runtimes import Rasters, Runtimes

import snnprog as sp
from snnprog.backends import Gaps, Run, run_backend
from snnprog.conformance import check_conformance, random_trial
from snnprog.divergence import Divergence
from snnprog.divergence.catalogue import variations
from snnprog.divergence.replay import Model, Start, replay
from snnprog.divergence.variation import Variation
from snnprog.simulate import simulate
from snnprog.verification import compare_runs, explain_difference

pytestmark = pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")

SEEDS = 60
EVERY_FAULT = FAULTS | LOUD_FAULTS


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> Runtimes:
    """Return the simulators that are run wherever a backend would be."""
    runtimes = Runtimes(SIMULATOR)
    monkeypatch.setattr("snnprog.divergence.sight.run_backend", runtimes.run)
    monkeypatch.setattr("snnprog.verification.run_backend", runtimes.run)
    return runtimes


def quiet_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a random program with delays of at most eight ticks, and its patterns."""
    trial = random_trial(seed, gaps=Gaps(refractory=False))
    return trial.program.with_synapses(delay=1 + trial.program.delay % 8), trial.inputs


def refractory_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return such a program with short refractory periods."""
    program, inputs = quiet_trial(seed)
    periods = np.random.default_rng(seed).integers(1, 6, program.n_neurons).astype(np.int32)
    return replace(program, refractory=periods), inputs


def loud_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose arrivals, currents and potentials leave their registers, both ways."""
    generator = np.random.default_rng(seed)
    count, n_inputs, n_neurons = 24, 6, 3
    weight = generator.integers(100, 256, count) * np.where(generator.random(count) < 0.6, 1, -1)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=generator.integers(0, n_inputs, count),
        post=generator.integers(0, n_neurons, count),
        delay=generator.integers(1, 4, count),
        weight=np.clip(weight, -255, 255),
        exponent=7,
        threshold=131071,
        current_decay=generator.choice([0, 5, 400], n_neurons),
        potential_decay=generator.choice([0, 3], n_neurons),
    )
    return program, [generator.random((60, n_inputs)) < 0.5 for _ in range(2)]


def threshold_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose potential now and then equals the threshold."""
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        pre=[0, 1, 2],
        post=[0, 0, 1],
        delay=[1, 2, 1],
        weight=[5, 10, 15],
        threshold=15,
        potential_decay=[0, 7],
    )
    return program, [random_raster(seed, 40, 2, 0.3)]


def slow_program(seed: int) -> sp.Program:
    """Return a program whose potentials leak little and come close to the threshold by small steps of both signs."""
    generator = np.random.default_rng(seed)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=4,
        n_neurons=2,
        pre=[0, 1, 2, 3, 0, 1, 2, 3],
        post=[0, 1] * 4,
        delay=generator.integers(1, 5, 8),
        weight=[3, 4, 3, 4, -3, -3, 2, 2],
        threshold=[6, 7],
        current_decay=[4095, 3000],
        potential_decay=generator.integers(10, 60, 2),
        bias=[3, 64],
    )


def trials_for(name: str) -> Iterator[tuple[sp.Program, Rasters]]:
    draw = refractory_trial if name.startswith("refractory") else quiet_trial
    draw = loud_trial if name in LOUD_FAULTS else threshold_trial if name == "fires at the threshold" else draw
    yield from map(draw, range(SEEDS))


def answered(program: sp.Program, inputs: Rasters) -> sp.Spec:
    """Return the spec that asks of a program what it gives."""
    traces = simulate(program, inputs)
    return sp.Spec([sp.Pattern(raster, trace.spikes) for raster, trace in zip(inputs, traces, strict=True)])


def is_true(cause: str, found: Divergence, program: sp.Program, inputs: Rasters, planted: Changes) -> bool:
    """Return whether a named rule, planted by itself, gives what the fault gave, from rest to the pattern's end."""
    assert found.diagnosis is not None
    before = inputs[max(found.pattern - 1, 0) : found.pattern + 1]
    return Runtimes(SIMULATOR).are_equal(planted, EVERY_FAULT[cause], program, before)


# -------------------------------------------------------------------------------------------------- faults of one rule


def test_without_a_fault_there_is_no_difference(runtimes: Runtimes) -> None:
    for seed in range(20):
        for draw in (quiet_trial, refractory_trial, loud_trial, threshold_trial):
            assert runtimes.differ(*draw(seed), ()) is None


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_a_planted_fault_is_named(name: str, runtimes: Runtimes) -> None:
    """On some program by that name alone; and every rule ever named does give what was found."""
    differing = 0
    for program, inputs in trials_for(name):
        found = runtimes.differ(program, inputs, EVERY_FAULT[name])
        if found is None:
            continue
        differing += 1
        assert found.diagnosis is not None
        assert found.diagnosis.at_fault == ("planted",)
        named = [cause.name for cause in found.diagnosis.causes]
        assert named, str(found)
        for cause in found.diagnosis.causes:
            assert cause.ticks == len(inputs[found.pattern]) - found.diagnosis.tick
            if cause.name in EVERY_FAULT:
                assert is_true(cause.name, found, program, inputs, EVERY_FAULT[name]), cause
        if named == [name]:
            assert differing <= 12
            return
    pytest.fail(f"never named by itself in {differing} differences")


@pytest.mark.parametrize("name", ["potential decay floors", "no reset", "bias missing", "inputs one tick late"])
def test_where_spikes_were_recorded_states_are_looked_at_again(name: str, runtimes: Runtimes) -> None:
    """A fault in rounding seldom shows in spikes: it takes many ticks, little leak and small weights."""
    earlier = 0
    for seed in range(SEEDS):
        program = slow_program(seed)
        found = runtimes.differ(program, [random_raster(seed, 600, program.n_inputs)], FAULTS[name], record="spikes")
        if found is None:
            continue
        assert found.diagnosis is not None
        assert found.quantity == "spikes"
        assert found.diagnosis.tick <= found.tick
        if found.diagnosis.tick < found.tick:
            earlier += 1
            origin = f"of neuron {found.diagnosis.neuron} part at tick {found.diagnosis.tick} already"
            assert origin in str(found)
        if [cause.name for cause in found.diagnosis.causes] == [name] and earlier:
            return
    pytest.fail("never named by itself")


SHOWN_IN_SPIKES = [
    "inputs one tick late",
    "neurons one tick early",
    "delays ignored",
    "no reset",
    "reset by subtraction",
    "refractory",
    "bias missing",
    "negative weights positive",
    "weights negated",
    "exponents ignored",
]


@pytest.mark.parametrize("name", SHOWN_IN_SPIKES)
def test_a_backend_without_states_is_understood_by_its_spikes(name: str, runtimes: Runtimes) -> None:
    runtimes.has_states = False
    for program, inputs in trials_for(name):
        found = runtimes.differ(program, inputs, FAULTS[name], record="spikes")
        if found is None:
            continue
        assert found.diagnosis is not None
        assert "its states cannot be had" in str(found)
        assert (found.diagnosis.tick, found.diagnosis.quantity) == (found.tick, "spikes")
        if [cause.name for cause in found.diagnosis.causes] == [name]:
            return
    pytest.fail("never named by itself")


@pytest.mark.parametrize("name", ["state kept", "spikes kept", "everything kept"])
def test_what_a_pattern_leaves_behind_is_told_as_such(name: str, runtimes: Runtimes) -> None:
    program, inputs = quiet_trial(3)
    found = runtimes.differ(program, inputs, FAULTS[name])
    assert found is not None
    assert found.diagnosis is not None
    assert found.pattern == 1
    assert [(cause.aspect, cause.name) for cause in found.diagnosis.causes] == [("start", name)]
    assert "alone, this pattern does not differ: it does after the one before" in str(found)


def test_a_chip_that_reads_out_only_some_neurons_is_understood(
    runtimes: Runtimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(program: sp.Program, **changes: Any) -> sp.Program:
        raise sp.LimitError("outputs", 1, "the last layer")

    monkeypatch.setattr("snnprog.divergence.sight.replace", refuse)
    program, inputs = wired_trial()
    seen = replace(program, outputs=np.array([2], dtype=np.int32))
    for name in ("potential decay floors", "no reset"):
        found = runtimes.differ(seen, inputs, FAULTS[name])
        assert found is not None
        assert found.diagnosis is not None
        assert [cause.name for cause in found.diagnosis.causes] == [name]


def test_a_fault_that_no_rule_gives_is_said_to_be_that(runtimes: Runtimes) -> None:
    program, inputs = quiet_trial(3)
    found = runtimes.differ(program, inputs, (("shown = v\n            v = np", "shown = v\n            v = 3 + np"),))
    assert found is not None
    assert found.diagnosis is not None
    assert found.diagnosis.causes == ()
    assert found.diagnosis.rules_tried > 30
    assert f"none of {found.diagnosis.rules_tried} other rules gives what planted gave" in str(found)


def test_a_difference_that_does_not_come_again_is_told(runtimes: Runtimes) -> None:
    program, inputs = quiet_trial(3)
    runtimes.plant(())
    right = runtimes.run(program, inputs, "reference", "state")
    spikes = right.traces[0].spikes.copy()
    spikes[20, 0] ^= True
    wrong = Run((replace(right.traces[0], spikes=spikes), *right.traces[1:]), {})
    found = compare_runs("planted", wrong, right)
    assert found is not None
    text = str(explain_difference(program, inputs, divergence=found, answer=wrong, reference=right))
    assert "the difference did not come again when this pattern was run a second time" in text


# -------------------------------------------------------------------------------------------- a chip that nobody makes


def made_up_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a recurrent program of the chip that nobody makes, whose potentials often come to their ends."""
    generator = np.random.default_rng(seed)
    pre, post = np.nonzero(np.ones((7, 3), dtype=bool))
    program = sp.Program.from_arrays(
        chip=MADE_UP,
        n_inputs=4,
        n_neurons=3,
        pre=pre,
        post=post,
        delay=generator.integers(1, 4, pre.size),
        weight=generator.integers(-128, 128, pre.size),
        threshold=[20, 300, 2047],
        potential_decay=generator.integers(1, 12, 3),
        bias=generator.integers(-100, 101, 3),
    )
    return program, [random_raster(seed, 60, 4, 0.4)]


@pytest.mark.parametrize("name", MADE_UP_FAULTS)
def test_a_fault_is_named_on_a_chip_that_nobody_makes(name: str, runtimes: Runtimes) -> None:
    """Nothing but the chip's rule tells what others might do instead; here against the kernel."""
    runtimes.simulator = MADE_UP_SIMULATOR
    assert runtimes.differ(*made_up_trial(0), (), against="kernel") is None
    for seed in range(SEEDS):
        program, inputs = made_up_trial(seed)
        found = runtimes.differ(program, inputs, MADE_UP_FAULTS[name], against="kernel")
        if found is None:
            continue
        assert found.diagnosis is not None
        assert (found.quantity, found.diagnosis.at_fault) == ("potentials", ("planted",))
        named = [cause.name for cause in found.diagnosis.causes]
        assert name in named, str(found)
        if named == [name]:
            assert found.diagnosis.is_equal_a_spike
            assert found.diagnosis.threshold == program.threshold[found.diagnosis.neuron]
            return
    pytest.fail("never named by itself")


def test_one_synapse_is_named_on_a_chip_that_nobody_makes(runtimes: Runtimes) -> None:
    """Where there is no current, the potential tells."""
    runtimes.simulator = MADE_UP_SIMULATOR
    program, inputs = made_up_trial(1)
    differing = 0
    for synapse in range(program.n_synapses):
        weight = int(program.weight[synapse])
        other = f'np.where(np.arange(p["weight"].size) == {synapse}, {-weight}, p["weight"]), '
        found = runtimes.differ(program, inputs, (('p["weight"], ', other),))
        if found is None:  # its line never spikes
            continue
        differing += 1
        assert found.diagnosis is not None
        texts = [cause.text for cause in found.diagnosis.causes if cause.name == f"synapse {synapse} weight"]
        assert any(text.endswith(f"acts with weight {-weight}, not {weight}") for text in texts), str(found)
    assert differing > 10


def odd_trial() -> tuple[sp.Program, Rasters]:
    """Return a program of the other chip that nobody makes; the last neuron is not read out."""
    generator = np.random.default_rng(4)
    pre, post = np.nonzero(np.ones((6, 3), dtype=bool))
    program = sp.Program.from_arrays(
        chip=ODD,
        n_inputs=3,
        n_neurons=3,
        outputs=[0, 1],
        pre=pre,
        post=post,
        delay=generator.integers(1, 4, pre.size),
        weight=generator.integers(-70, 100, pre.size),
        threshold=[40, 25, 12],
        current_decay=[1, 2, 3],
        potential_decay=[9, 3, 30],
        bias=[0, -20, 30],
        refractory=[1, 2, 3],
    )
    return program, [random_raster(1, 30, 3, 0.3)]


def varied_run(variation: Variation, program: sp.Program, inputs: Rasters) -> Run:
    """Run a variation as if it were a backend."""
    traces = []
    for raster in inputs:
        ticks = list(replay(variation.model, raster, Start.at_rest(variation.model)))
        spikes, currents, potentials = (
            np.array([getattr(tick, name) for tick in ticks]) for name in ("spikes", "current", "potential")
        )
        traces.append(sp.Trace(spikes[:, program.outputs], currents, potentials))
    return Run(tuple(traces), {})


def test_every_variation_of_any_rule_is_found_again(runtimes: Runtimes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever registers no record shows: what is looked at first, one tick from the last state, loses none."""
    program, inputs = odd_trial()
    tried = [each for each in variations(program) if each.start == "rest" and each.aspect != "record"]
    assert {each.aspect for each in tried} >= {"rounding", "overflow", "compare", "count", "reset", "order", "sign"}
    right, differing = runtimes.run(program, inputs, "reference", "state"), set()
    for variation in tried:

        def run(program: sp.Program, inputs: Rasters, backend: str, *others: Any, each: Variation = variation) -> Run:
            return (
                varied_run(each, program, inputs)
                if backend == "planted"
                else run_backend(program, inputs, backend, *others)
            )

        monkeypatch.setattr("snnprog.divergence.sight.run_backend", run)
        wrong = varied_run(variation, program, inputs)
        found = compare_runs("planted", wrong, right)
        if found is not None:
            found = explain_difference(program, inputs, divergence=found, answer=wrong, reference=right)
            assert found.diagnosis is not None
            assert variation.name in [cause.name for cause in found.diagnosis.causes], variation.text
            differing.add(variation.name)
    assert len(differing) > 40


# ------------------------------------------------------------------------------------------- faults of a single synapse

ONE_WEIGHT = 'np.where(np.arange(p["weight"].size) == {0}, {1}, p["weight"]) << p["exponent"]'
ONE_DELAY = 'p["delay"] + {1} * (np.arange(p["delay"].size) == {0})'


def wired_trial() -> tuple[sp.Program, Rasters]:
    """Return a recurrent program in which no synapse is the only one of its kind, and all are heard."""
    pre, post = np.divmod(np.arange(21), 3)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=4,
        n_neurons=3,
        pre=pre,
        post=post,
        delay=1 + np.arange(21) % 4,
        weight=[12, -7, 9, 15, 11, -3, 8, 6, 14, -5, 13, 10, -9, 4, 7, 3, -11, 6, 5, 2, -8],
        threshold=[21, 17, 19],
        current_decay=[3000, 2000, 4095],
        potential_decay=[100, 300, 50],
        bias=[0, 70, 0],
    )
    return program, [random_raster(5, 40, 4, 0.3)]


def test_one_synapse_with_another_weight_is_named(runtimes: Runtimes) -> None:
    program, inputs = wired_trial()
    for synapse in range(program.n_synapses):
        weight, full = int(program.weight[synapse]), int(program.effective_weight()[synapse])
        other = -weight if synapse % 2 else 0
        change = ('p["weight"] << p["exponent"]', ONE_WEIGHT.format(synapse, other))
        found = runtimes.differ(program, inputs, (change,))
        assert found is not None
        assert found.diagnosis is not None
        texts = [cause.text for cause in found.diagnosis.causes if cause.name == f"synapse {synapse} weight"]
        does = f"acts with weight {-full}, not {full}" if synapse % 2 else "does not act"
        assert [text.endswith(does) for text in texts] == [True], str(found)


def test_one_synapse_with_another_delay_is_named(runtimes: Runtimes) -> None:
    program, inputs = wired_trial()
    for synapse in range(program.n_synapses):
        delay = int(program.delay[synapse])
        shift = 1 if synapse % 2 or delay == 1 else -1
        found = runtimes.differ(program, inputs, (('p["delay"].copy()', ONE_DELAY.format(synapse, shift)),))
        assert found is not None
        assert found.diagnosis is not None
        texts = [cause.text for cause in found.diagnosis.causes]
        assert f"behaves as if synapse {synapse} had a delay of {delay + shift}, not {delay}" in texts, str(found)


def test_of_parallel_synapses_only_the_last_may_count(runtimes: Runtimes) -> None:
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=1,
        pre=[0, 0, 1, 0],
        post=0,
        delay=[1, 1, 1, 2],
        weight=[20, 30, 4, 5],
        threshold=60,
        current_decay=3000,
        potential_decay=100,
    )
    overwritten = (
        "weight[heard])\n            a",
        "0); queue[delay[heard], p['post'][heard]] = weight[heard]\n            a",
    )
    found = runtimes.differ(program, [random_raster(1, 30, 2)[:, :], random_raster(2, 30, 2)], (overwritten,))
    assert found is not None
    assert found.diagnosis is not None
    assert "parallel synapses overwritten" in [cause.name for cause in found.diagnosis.causes]


# ------------------------------------------------------------------------------------------------ who and what is told


@pytest.mark.parametrize(("planted", "other"), [("no reset", ""), ("", "no reset"), ("no reset", "bias missing")])
def test_backends_are_compared_with_each_other(planted: str, other: str, runtimes: Runtimes) -> None:
    """The reference is asked for nothing but whether the run was portable; who breaks the rule is told all the same."""
    program, inputs = quiet_trial(3)
    runtimes.plant(FAULTS.get(other, ()), name="other")
    runtimes.plant(FAULTS.get(planted, ()))
    spec = answered(program, inputs)
    check = sp.verify(program, spec, ["planted", "reference"], record="state", against="other")
    assert check.against == "other"
    assert check.backends["reference"].is_identical == (other == "")
    found = check.backends["planted"].first_divergence
    assert found is not None
    assert found.diagnosis is not None
    assert (found.backend, found.against) == ("planted", "other")
    assert str(found).startswith(f"planted differs from other first at tick {found.tick} of pattern 0: ")
    causes = {(cause.backend, cause.name) for cause in found.diagnosis.causes}
    at_fault = set(found.diagnosis.at_fault)
    assert at_fault <= {name for name, fault in (("planted", planted), ("other", other)) if fault}
    assert causes <= {("planted", planted), ("other", other)}
    assert causes
    assert {backend for backend, _ in causes} == at_fault


def test_the_parts_are_what_plain_integers_say(runtimes: Runtimes) -> None:
    for seed in range(10):
        program, inputs = quiet_trial(seed)
        found = runtimes.differ(program, inputs, FAULTS["potential decay rounds to nearest"])
        if found is None:
            continue
        origin = found.diagnosis
        assert origin is not None
        raster, plain = inputs[found.pattern], plain_run(program, inputs[found.pattern])
        assert origin.expected == getattr(plain, origin.quantity)[origin.tick][origin.neuron]
        assert (origin.reached is not None and origin.reached > origin.threshold) == plain.spikes[origin.tick][
            origin.neuron
        ]
        lines = np.concatenate([raster, np.array(plain.spikes)], axis=1)
        expected = [
            (synapse, origin.tick - int(program.delay[synapse]), int(program.effective_weight()[synapse]))
            for synapse in range(program.n_synapses)
            if program.post[synapse] == origin.neuron
            and origin.tick >= program.delay[synapse]
            and lines[origin.tick - program.delay[synapse], program.pre[synapse]]
        ]
        assert [(each.synapse, each.tick, each.weight) for each in origin.arrivals] == expected
        json.dumps(found.as_dict(), allow_nan=False)


def test_a_wrong_program_is_told_what_its_output_heard() -> None:
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        outputs=[1],
        pre=[0, 1, 2],
        post=1,
        delay=[1, 2, 3],
        weight=[30, 20, 9],
        threshold=60,
        potential_decay=0,
    )
    inputs = np.array([[0, 1], [1, 0], [0, 0], [0, 0]], dtype=bool)
    check = sp.verify(program, sp.Spec([sp.Pattern(inputs, after(inputs[:, :1], 1))]))
    assert str(check.first_divergence) == (
        "kernel differs from the target first at tick 2 of pattern 0: output 0 is silent, expected a spike."
        " At tick 2 neuron 1 heard input 0 of tick 1 (synapse 0, weight 30), input 1 of tick 0 (synapse 1, weight 20);"
        " the rule gives a potential of 3200, and a spike needs more than 3840"
    )


def test_a_diagnosis_is_no_part_of_what_makes_divergences_equal() -> None:
    place = Divergence("one", "reference", 0, 3, "spikes", 1, 0, 1)
    program, inputs = quiet_trial(3)
    check = sp.verify(program, sp.Spec([sp.Pattern(inputs[0], np.ones((40, program.n_outputs), dtype=bool))]))
    assert check.first_divergence is not None
    assert replace(place, diagnosis=check.first_divergence.diagnosis) == place
    assert (
        str(place) == "one differs from the reference first at tick 3 of pattern 0: output 1 spikes, expected silence"
    )


# ---------------------------------------------------------------------------------------------------------- the replay


@pytest.mark.parametrize("draw", [quiet_trial, loud_trial, threshold_trial])
def test_the_replay_of_the_chips_rule_is_the_reference(draw: Callable[[int], tuple[sp.Program, Rasters]]) -> None:
    """From rest, and from every seventh tick of the run."""
    for seed in range(8):
        program, inputs = draw(seed)
        everyone = replace(program, outputs=np.arange(program.n_neurons))
        (trace,) = simulate(everyone, inputs[:1], state=True)
        assert trace.currents is not None
        assert trace.potentials is not None
        lines = np.concatenate([inputs[0], trace.spikes], axis=1)
        model = Model.of(program)
        held = np.zeros(program.n_neurons, int)
        states = [
            {"current": current.astype(int), "potential": potential.astype(int), "held": held}
            for current, potential in zip(trace.currents, trace.potentials, strict=True)
        ]
        starts = [Start.at_rest(model)]
        starts += [Start(tick, states[tick - 1], lines[:tick].astype(int)) for tick in range(1, len(inputs[0]), 7)]
        for start in starts:
            ticks = list(replay(model, inputs[0], start))
            assert np.array_equal([tick.current for tick in ticks], trace.currents[start.tick :])
            assert np.array_equal([tick.potential for tick in ticks], trace.potentials[start.tick :])
            assert np.array_equal([tick.spikes for tick in ticks], trace.spikes[start.tick :])


def test_every_variation_has_a_name_of_its_own_and_can_matter() -> None:
    programs = [quiet_trial(2)[0], refractory_trial(2)[0], loud_trial(1)[0]]
    named: dict[str, Variation] = {}
    for program in programs:
        tried = variations(program)
        assert len({each.name for each in tried}) == len(tried)
        named |= {each.name: each for each in tried}
    assert set(EVERY_FAULT) <= set(named)
    aspects = {each.aspect for each in named.values()}
    assert aspects >= {
        "rounding",
        "overflow",
        "delay",
        "compare",
        "reset",
        "bias",
        "weight",
        "sign",
        "order",
        "start",
        "record",
    }


def test_what_can_make_no_difference_is_not_tried() -> None:
    program = single_neuron(weight=30, threshold=25, potential_decay=0)
    names = {each.name for each in variations(program)}
    absent = {"bias missing", "current decay floors", "both decays floors", "neurons one tick late", "delays ignored"}
    assert not names & (absent | {"all spikes one tick late", "exponents ignored", "weights floored to even"})
    assert {"inputs one tick late", "fires at the threshold", "no reset"} <= names


# ------------------------------------------------------------------------------------------------ through real folders

THROUGH_FOLDERS = {
    "rounding": ("potential decay floors", quiet_trial),
    "overflow": ("current clipped", loud_trial),
    "delay": ("all spikes one tick late", quiet_trial),
    "compare": ("fires at the threshold", threshold_trial),
    "reset": ("reset by subtraction", quiet_trial),
    "bias": ("bias missing", quiet_trial),
    "sign": ("negative weights positive", quiet_trial),
    "weight": ("weights floored to even", quiet_trial),
    "start": ("everything kept", quiet_trial),
}


@pytest.mark.parametrize("aspect", THROUGH_FOLDERS)
def test_a_backend_folder_with_a_fault_is_found_and_named(
    aspect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, draw = THROUGH_FOLDERS[aspect]
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "liar", EVERY_FAULT[name])
    program, inputs = draw(0)
    spec = answered(program, inputs)
    found = sp.verify(program, spec, ["liar"], record="state").first_divergence
    assert found is not None
    assert found.diagnosis is not None
    assert [(cause.aspect, cause.name) for cause in found.diagnosis.causes] == [(aspect, name)]
    assert found.diagnosis.causes[0].text in str(found)


def test_a_folder_without_states_is_named_by_its_spikes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "mute", FAULTS["delays ignored"], has_states=False)
    program, inputs = quiet_trial(0)
    spec = answered(program, inputs)
    found = sp.verify(program, spec, ["mute"]).first_divergence
    assert found is not None
    assert found.diagnosis is not None
    assert [cause.name for cause in found.diagnosis.causes] == ["delays ignored"]


@pytest.mark.snnprog_backend("lava")
def test_a_fault_is_found_and_named_against_lava(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By spikes alone at first; both then run once more with their states."""
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "liar", FAULTS["delays ignored"])
    program, inputs = quiet_trial(0)
    check = sp.verify(program, answered(program, inputs[:1]), ["lava", "liar"], against="lava")
    assert check.backends["lava"].exact
    found = check.first_divergence
    assert found is not None
    assert found.diagnosis is not None
    assert (found.backend, found.against, found.diagnosis.at_fault) == ("liar", "lava", ("liar",))
    assert [cause.name for cause in found.diagnosis.causes] == ["delays ignored"]


def test_conformance_explains_what_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "liar", FAULTS["bias twice"])
    found = check_conformance("liar", programs=3).divergence
    assert found is not None
    assert found.diagnosis is not None
    assert [cause.name for cause in found.diagnosis.causes] == ["bias twice"]
