"""A fault planted in a simulator of Xylo is found and named, as on Loihi (`test_divergence`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from planted import Changes
from planted_xylo import FAULTS, LOUD_FAULTS, SIMULATOR
from runtimes import Rasters, Runtimes

import snnprog as sp
from snnprog.backends import run_backend
from snnprog.divergence import Divergence
from snnprog.divergence.catalogue import variations
from snnprog.divergence.replay import Model, Start, replay
from snnprog.simulate import simulate
from snnprog.verification import compare_runs, explain_difference

pytestmark = pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")

Draw = Callable[[int], tuple[sp.Program, Rasters]]
SEEDS = 40
EVERY_FAULT = FAULTS | LOUD_FAULTS


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> Runtimes:
    """Return the simulator that is run wherever a backend would be."""
    runtimes = Runtimes(SIMULATOR)
    monkeypatch.setattr("snnprog.divergence.sight.run_backend", runtimes.run)
    return runtimes


def layered(generator: np.random.Generator, *, weight: NDArray[np.int64], **others: Any) -> sp.Program:
    """Return two hidden neurons in a loop and two readouts; 4 inputs; all that may be connected is."""
    pre, post = np.nonzero(np.ones((6, 4), dtype=bool))
    neurons: dict[str, Any] = {
        "threshold": generator.integers(20, 90, 4),
        "current_decay": generator.integers(1, 4, 4),
        "potential_decay": generator.integers(1, 5, 4),
        "bias": generator.integers(-3, 4, 4),
    }
    return sp.Program.from_arrays(
        chip="xylo",
        n_inputs=4,
        n_neurons=4,
        outputs=[2, 3],
        pre=pre,
        post=post,
        weight=weight,
        exponent=np.where(post < 2, 1, 0),
        **neurons | others,
    )


def quiet_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program that clips nothing, whose hidden neurons now and then spike several times in a tick."""
    generator = np.random.default_rng(seed)
    program = layered(generator, weight=generator.integers(-60, 90, 24))
    return program, [generator.random((40, 4)) < 0.3 for _ in range(2)]


def loud_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose currents and potentials leave their registers, both ways."""
    generator = np.random.default_rng(seed)
    weight = generator.integers(60, 128, 24) * np.where(generator.random(24) < 0.55, 1, -1)
    exponent = np.full(24, 7)
    program = layered(
        generator,
        weight=weight,
        current_decay=generator.integers(3, 9, 4),
        potential_decay=generator.integers(0, 6, 4),
        threshold=generator.choice([1000, 9000, 32767], 4),
        bias=[0, 100, -100, 0],
    )
    return program.with_synapses(exponent=exponent), [generator.random((60, 4)) < 0.6 for _ in range(2)]


def lowest_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose potentials reach the lowest value there is, all of which the decay takes."""
    generator = np.random.default_rng(seed)
    program = layered(
        generator,
        weight=generator.integers(-128, 20, 24),
        current_decay=generator.integers(10, 15, 4),
        potential_decay=0,
        threshold=9000,
        bias=-127,
    )
    return program.with_synapses(exponent=np.full(24, 7)), [generator.random((40, 4)) < 0.4]


def crowded_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose hidden neurons would spike more than 31 times in a tick."""
    generator = np.random.default_rng(seed)
    program = layered(generator, weight=generator.integers(-20, 128, 24), threshold=[1, 2, 30, 40])
    return program, [generator.random((30, 4)) < 0.3]


def equal_trial(seed: int) -> tuple[sp.Program, Rasters]:
    """Return a program whose potentials often just equal the threshold, and whose small values linger."""
    generator = np.random.default_rng(seed)
    program = layered(
        generator, weight=generator.integers(-3, 5, 24), threshold=generator.integers(2, 6, 4), bias=[0] * 4
    )
    return program, [generator.random((40, 4)) < 0.3]


def trials_for(name: str) -> Iterator[tuple[sp.Program, Rasters]]:
    draws: list[Draw] = [quiet_trial, equal_trial]
    if name in LOUD_FAULTS:
        draws = [
            {"hidden spikes not limited": crowded_trial, "lowest potential negated": lowest_trial}.get(name, loud_trial)
        ]
    for seed in range(SEEDS):
        for draw in draws:
            yield draw(seed)


def is_true(cause: str, found: Divergence, program: sp.Program, inputs: Rasters, planted: Changes) -> bool:
    """Return whether a named rule, planted by itself, gives what the fault gave, from rest to the pattern's end."""
    before = inputs[max(found.pattern - 1, 0) : found.pattern + 1]
    return Runtimes(SIMULATOR).are_equal(planted, EVERY_FAULT[cause], program, before)


def test_without_a_fault_there_is_no_difference(runtimes: Runtimes) -> None:
    for seed in range(10):
        for draw in (quiet_trial, loud_trial, crowded_trial, equal_trial):
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
            if cause.ticks and cause.name in EVERY_FAULT:
                assert is_true(cause.name, found, program, inputs, EVERY_FAULT[name]), cause
        if named == [name]:
            assert found.diagnosis.causes[0].ticks == len(inputs[found.pattern]) - found.diagnosis.tick
            return
    pytest.fail(f"never named by itself in {differing} differences")


@pytest.mark.parametrize("draw", [quiet_trial, loud_trial, crowded_trial, equal_trial])
def test_the_replay_of_the_chips_rule_is_the_reference(draw: Draw) -> None:
    """From rest, and from every seventh tick of the run."""
    for seed in range(5):
        program, inputs = draw(seed)
        (trace,) = simulate(program, inputs[:1], state=True)
        assert trace.currents is not None
        assert trace.potentials is not None
        model = Model.of(program)
        rest = list(replay(model, inputs[0], Start.at_rest(model)))
        lines = np.concatenate([inputs[0], [tick.counts for tick in rest]], axis=1)
        states = [
            {"current": current.astype(int), "potential": potential.astype(int)}
            for current, potential in zip(trace.currents, trace.potentials, strict=True)
        ]
        starts = [Start.at_rest(model)]
        starts += [Start(tick, states[tick - 1], lines[:tick]) for tick in range(1, len(inputs[0]), 7)]
        for start in starts:
            ticks = list(replay(model, inputs[0], start))
            assert np.array_equal([tick.current for tick in ticks], trace.currents[start.tick :])
            assert np.array_equal([tick.potential for tick in ticks], trace.potentials[start.tick :])
            assert np.array_equal([tick.spikes[program.outputs] for tick in ticks], trace.spikes[start.tick :])


def test_every_variation_has_a_name_of_its_own() -> None:
    named = set()
    for program, _ in (quiet_trial(2), loud_trial(1)):
        tried = variations(program)
        assert len({each.name for each in tried}) == len(tried)
        named |= {each.name for each in tried}
    assert set(EVERY_FAULT) <= named


SHOWN_IN_SPIKES = [
    "inputs one tick late",
    "readout hears at once",
    "no reset",
    "reset to zero",
    "one spike per tick",
    "bias missing",
    "negative weights positive",
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
        if [cause.name for cause in found.diagnosis.causes] == [name]:
            return
    pytest.fail("never named by itself")


def test_one_synapse_with_another_weight_or_delay_is_named(runtimes: Runtimes) -> None:
    program, inputs = quiet_trial(3)
    for synapse in range(0, program.n_synapses, 3):
        full = int(program.effective_weight()[synapse])
        chosen = f"np.arange(p['weight'].size) == {synapse}"
        other = 0 if synapse % 2 else -int(program.weight[synapse])
        change = ('p["weight"] << p["exponent"]', f"np.where({chosen}, {other}, p['weight']) << p['exponent']")
        found = runtimes.differ(program, inputs, (change,))
        assert found is not None
        assert found.diagnosis is not None
        texts = [cause.text for cause in found.diagnosis.causes if cause.name == f"synapse {synapse} weight"]
        does = "does not act" if synapse % 2 else f"acts with weight {-full}, not {full}"
        assert any(text.endswith(does) for text in texts), str(found)
        late = ("(older if late_neurons else sent)[pre])", f"np.where({chosen}, older[pre], sent[pre]))")
        if program.pre[synapse] >= program.n_inputs:
            found = runtimes.differ(program, inputs, (late,))
            assert found is not None
            assert found.diagnosis is not None
            assert f"synapse {synapse} delay" in [cause.name for cause in found.diagnosis.causes], str(found)


def test_what_the_neuron_heard_is_told_with_its_counts(runtimes: Runtimes) -> None:
    """Several spikes of a hidden neuron in one tick, and a threshold that is to be reached, not exceeded."""
    program = sp.Program.from_arrays(
        chip="xylo",
        n_inputs=1,
        n_neurons=2,
        outputs=[1],
        pre=[0, 1],
        post=[0, 1],
        weight=[60, 20],
        threshold=[10, 50],
        potential_decay=1,
    )
    found = runtimes.differ(program, [np.eye(4, 1, dtype=bool)], FAULTS["several spikes heard as one"])
    assert str(found) == (
        "planted differs from the reference first at tick 2 of pattern 0: current of neuron 1 is 10, expected 30;"
        " planted delivers several spikes of a tick as one, which gives all that it recorded, for 2 ticks from there."
        " At tick 2 neuron 1 heard 3 spikes of neuron 0 of tick 1 (synapse 1, weight 20); the rule gives a potential"
        " of 30, and a spike needs 50 or more"
    )


@pytest.mark.snnprog_backend("xylosim")
def test_a_fault_is_found_and_named_against_xylosim(runtimes: Runtimes) -> None:
    program, inputs = quiet_trial(3)
    runtimes.plant(FAULTS["reset to zero"])
    answer, other = runtimes.run(program, inputs, "planted", "state"), run_backend(program, inputs, "xylosim", "state")
    found = compare_runs("planted", answer, other, against="xylosim")
    assert found is not None
    found = explain_difference(program, inputs, divergence=found, answer=answer, reference=other)
    assert found.diagnosis is not None
    assert (found.against, found.diagnosis.at_fault) == ("xylosim", ("planted",))
    assert [cause.name for cause in found.diagnosis.causes] == ["reset to zero"]
