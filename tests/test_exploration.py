"""Proofs for every input stream, against streams that are tried one by one, on programs that were not compiled."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made_up_chips import KINDS, Kind, chip_of, taught
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.automata import WRONG, StreamClaim, all_rows, from_expression
from snnprog.exploration.merging import Merged
from snnprog.exploration.states import StateSet
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.watching import Watching

SHORT = 5  # ticks: the 1024 streams of two lines are tried one by one

BUILDERS: dict[str, Callable[[], sp.Spec]] = {
    "machine": lambda: sp.specs.finite_state_machine({"a": {"x": "b", "y": "a"}, "b": {"x": "c"}, "c": {"y": "a"}}),
    "counter": lambda: sp.specs.counter(8),
    "counter with reset": lambda: sp.specs.counter(4, reset=True),
    "divider": lambda: sp.specs.frequency_divider(10),
    "winner": lambda: sp.specs.winner_take_all(3),
    "winner of two at once": lambda: sp.specs.winner_take_all(5, at_once=2, reset=True),
    "generator": lambda: sp.specs.pattern_generator([np.eye(6, 3, dtype=bool), np.eye(4, 3, dtype=bool)], stop=True),
    "delay line": lambda: sp.specs.delay_line([1, 3, 7]),
    "coincidence": lambda: sp.specs.coincidence(4, least=3),
    "coincidence within": lambda: sp.specs.coincidence(2, within=2),
    "sequence": lambda: sp.specs.sequence([0, 1, None, 2]),
    "sequence with tolerance": lambda: sp.specs.sequence([0, None, 1], tolerance=1),
    "exclusive or": lambda: sp.specs.truth_table(lambda a, b: a != b, lines=2),
    "equality with clock": lambda: sp.specs.truth_table(lambda a, b: a == b, lines=2, clock=True),
    "nor": lambda: sp.specs.truth_table(lambda a, b: not (a or b), lines=2),
    "adder": lambda: sp.specs.truth_table(lambda a, b, c: ((a + b + c) // 2, (a + b + c) % 2), lines=3, spacing=2),
}


@pytest.fixture(scope="module")
def compiled() -> dict[str, tuple[sp.Program, sp.Automaton]]:
    found = {}
    for name, build in BUILDERS.items():
        spec = build()
        assert spec.automaton is not None
        found[name] = (sp.compile(spec).program, spec.automaton)
    return found


def first_wrong(program: sp.Program, claim: StreamClaim, stream: Raster) -> int | None:
    """Return the first tick at which the reference is wrong."""
    return wrong_tick(program, claim, stream, sp.run(program, stream, backend="reference"))


def wrong_tick(program: sp.Program, claim: StreamClaim, stream: Raster, trace: sp.Trace) -> int | None:
    monitor = claim.monitor(program)
    state: Any = monitor.start
    for tick, (row, fired) in enumerate(zip(stream.tolist(), trace.spikes.tolist(), strict=True)):
        state = monitor.after(state, tuple(row), tuple(fired))
        if state is WRONG:
            return tick
    return None


def random_program(rng: np.random.Generator) -> sp.Program:
    """Return two neurons that two lines and each other drive, with delays to 3."""
    synapses = 12
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        outputs=[0, 1],
        pre=rng.integers(0, 4, synapses),
        post=rng.integers(0, 2, synapses),
        delay=rng.integers(1, 4, synapses),
        weight=2 * rng.integers(-60, 61, synapses),
        exponent=[0] * synapses,
        threshold=[60, 90],
        current_decay=[4095, 2000],
        potential_decay=rng.integers(200, 4096, 2),
        bias=[0, 0],
    )


@pytest.mark.parametrize("name", BUILDERS)
def test_specs_by_name_are_proved(name: str, compiled: dict[str, tuple[sp.Program, sp.Automaton]]) -> None:
    program, automaton = compiled[name]
    proof = sp.prove(program, automaton, states=200_000)
    assert proof.holds
    assert str(proof).startswith("proved for every input stream: ")


@pytest.mark.parametrize("name", BUILDERS)
def test_a_changed_weight_is_found_with_the_shortest_stream(
    name: str, compiled: dict[str, tuple[sp.Program, sp.Automaton]]
) -> None:
    program, automaton = compiled[name]
    for synapse in range(program.n_synapses):
        weight = program.weight.copy()
        weight[synapse] = 0
        names = (
            "pre",
            "post",
            "delay",
            "exponent",
            "threshold",
            "bias",
            "current_decay",
            "potential_decay",
            "refractory",
        )
        arrays: dict[str, Any] = {each: getattr(program, each) for each in ("n_inputs", "n_neurons", "outputs", *names)}
        changed = sp.Program.from_arrays(chip=program.chip, weight=weight, **arrays)
        proof = sp.prove(changed, automaton, states=50_000)
        if proof.counterexample is None:
            continue
        last = len(proof.counterexample) - 1
        assert first_wrong(changed, automaton, proof.counterexample) == last
        assert proof.depth == last
        return
    pytest.fail("no weight matters")


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_against_all_short_streams(seed: int) -> None:
    program = random_program(np.random.default_rng(seed))
    tried = [np.array(rows) for rows in itertools.product(all_rows(2), repeat=SHORT)]
    traces = sp.run(program, tried, backend="reference")
    claims = (
        sp.never(lambda row, spikes: sum(spikes) > 1),
        sp.at_most(1, ticks=3, output=0),
        sp.within(3, after=1, answers=[1]),
    )
    for claim in claims:
        proof = sp.prove(program, claim, states=3000)
        found = [wrong_tick(program, claim, *each) for each in zip(tried, traces, strict=True)]
        shortest = min((tick for tick in found if tick is not None), default=None)
        if proof.counterexample is not None and len(proof.counterexample) <= SHORT:
            assert len(proof.counterexample) - 1 == shortest
        else:
            assert shortest is None


@pytest.mark.parametrize("memory", [0, 5])
@pytest.mark.parametrize("seed", range(8))
def test_merged_states_never_prove_what_is_false(seed: int, memory: int) -> None:
    program = random_program(np.random.default_rng(seed + 100))
    for claim in (
        sp.never(lambda row, spikes: sum(spikes) > 1),
        sp.at_most(2, ticks=4, output=1),
        sp.never(lambda row, spikes: spikes[0]),
    ):
        merged = Merged(ProgramTicks(program, memory=memory), Watching(claim.monitor(program), n_inputs=2, n_outputs=2))
        merged.explore(10_000)
        if merged.is_proved:
            rng = np.random.default_rng(seed)
            for share in (0.1, 0.5, 0.9):
                assert first_wrong(program, claim, rng.random((500, 2)) < share) is None


def adder(threshold: int) -> sp.Program:
    """Return a neuron that adds up the spikes of two lines, 100 each, and keeps 2596/4096 of it from tick to tick."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=1,
        outputs=[0],
        pre=[0, 1],
        post=[0, 0],
        delay=[1, 1],
        weight=[100, 100],
        exponent=[0, 0],
        threshold=[threshold],
        current_decay=[4095],
        potential_decay=[1500],
        bias=[0],
    )


def test_slow_decays_are_proved_by_merging_states() -> None:
    """One spike a tick adds up to 100 / (1 - 2596/4096) = 273 at most, over endless many values."""
    one_by_one = sp.never(lambda row, spikes: spikes[0], symbols=all_rows(2, at_once=1))
    proof = sp.prove(adder(274), one_by_one, states=50_000)  # of 52,425 that can be reached
    assert proof.holds
    assert "merged states" in proof.method
    refuted = sp.prove(adder(270), one_by_one)
    assert refuted.verdict == "refuted"
    assert refuted.counterexample is not None
    # 273 (1 - (2596/4096)^n) is beyond 270 from the tenth spike on, and the last spike takes a tick to arrive.
    assert len(refuted.counterexample) == 11
    assert refuted.counterexample[:-1].sum() == 10


def test_what_is_too_much_is_undecided() -> None:
    program = sp.compile(sp.specs.delay_line(40)).program
    spec = sp.specs.delay_line(40)
    assert spec.automaton is not None
    claim = spec.automaton.delayed(0)  # as a table of states, which are the histories of 40 ticks
    proof = sp.prove(program, claim, states=1000)
    assert not proof.holds
    assert (proof.verdict, proof.counterexample) == ("undecided", None)
    assert str(proof).startswith(f"undecided: true for all streams of up to {proof.depth} ticks; ")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rules_of_other_chips(kind: Kind) -> None:
    found = next(filter(None, (taught(seed, kind, chip_of(kind)) for seed in range(20))))
    check_against_the_reference(found[1])


def test_xylo() -> None:
    rng = np.random.default_rng(3)
    spec = sp.Spec([sp.Pattern(*(rng.random((12, size)) < 0.3 for size in (2, 1)))], chip="xylo")
    program = sp.compile(spec, on_infeasible="closest").program
    check_against_the_reference(program)


def check_against_the_reference(program: sp.Program) -> None:
    """Check what is said of a program whose first output may spike twice in three ticks, or not at all."""
    rng = np.random.default_rng(0)
    rows = [(False,) * program.n_inputs, *(tuple(row) for row in (rng.random((3, program.n_inputs)) < 0.5).tolist())]
    for claim in (
        sp.at_most(1, ticks=3, output=0, symbols=rows),
        sp.never(lambda row, spikes: spikes[0], symbols=rows),
    ):
        proof = sp.prove(program, claim, states=2000)
        if proof.counterexample is not None:
            assert first_wrong(program, claim, proof.counterexample) == len(proof.counterexample) - 1
            continue
        for _ in range(20):
            stream = np.array(rows)[rng.integers(0, len(rows), proof.depth + 200 * proof.holds)]
            assert first_wrong(program, claim, stream) is None


def test_a_set_of_states_numbers_rows_in_their_order() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (5000, 5)).astype(np.uint64)
    numbered: dict[bytes, int] = {}
    states = StateSet(5)
    for part in np.array_split(rows, 7):
        expected = [numbered.setdefault(row.tobytes(), len(numbered)) for row in part]
        before = len(states)
        found, fresh = states.add(part)
        assert found.tolist() == expected
        assert found[fresh].tolist() == list(range(before, len(states)))
    assert len(states) == len(numbered)
    assert [row.tobytes() for row in states.rows] == list(numbered)


def test_bad_arguments() -> None:
    program = random_program(np.random.default_rng(0))
    with pytest.raises(sp.SpecError, match="states must be from 1 to 1,000,000,000, got 0"):
        sp.prove(program, sp.never(lambda row, spikes: False), states=0)
    with pytest.raises(sp.SpecError, match="2 input lines and 2 outputs, but the automaton has 2 and 1"):
        sp.prove(program, from_expression("a", n_inputs=2))
    with pytest.raises(sp.SpecError, match=r"claim must be an Automaton or an invariant such as sp\.never"):
        sp.prove(program, untyped("always"))
    with pytest.raises(sp.SpecError, match=r"got a Spec; spec\.automaton is that of a spec by name$"):
        sp.prove(program, untyped(sp.specs.counter(2)))
