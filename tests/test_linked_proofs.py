"""Proofs of systems from their parts: against exploring the linked program, plain loops, and systems that are wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from cases import toward_zero
from linked_systems import late, random_part
from untyped import untyped

import snnprog as sp
from snnprog.automata import all_rows
from snnprog.automata.automaton import Row, State
from snnprog.synapses import EXCITATORY

Table = dict[str, dict[tuple[int, ...], tuple[str, list[bool | None]]]]


def automaton_of(program: sp.Program) -> sp.Automaton:
    """Return what a program does, as an automaton: its own states, of a plain model of Loihi without memory in u."""
    synapses = list(zip(program.pre.tolist(), program.post.tolist(), program.delay.tolist(), strict=True))
    added = program.effective_weight().tolist()
    kept = [4096 - decay for decay in program.potential_decay.tolist()]
    thresholds = (program.threshold.astype(np.int64) << 6).tolist()
    outputs, longest = program.outputs.tolist(), int(program.max_delay)
    nothing = (False,) * (program.n_inputs + program.n_neurons)

    def step(state: State, row: Row) -> tuple[State, list[bool | None]]:
        potentials, past = untyped(state)  # past[k]: what every line sent k + 1 ticks ago
        sums = [0] * program.n_neurons
        for (pre, post, delay), weight in zip(synapses, added, strict=True):
            sums[post] += past[delay - 1][pre] * weight << 6
        values = [toward_zero(*each) + total for *each, total in zip(potentials, kept, sums, strict=True)]
        spikes = [value > threshold for value, threshold in zip(values, thresholds, strict=True)]
        after = tuple(0 if spike else value for value, spike in zip(values, spikes, strict=True))
        sent = (*row, *spikes)
        return (after, (sent, *past[:-1])), [spikes[neuron] for neuron in outputs]

    start = (0,) * program.n_neurons, (nothing,) * longest
    return sp.Automaton(n_inputs=program.n_inputs, n_outputs=program.n_outputs, start=start, step=step)


def repeater(delay: int = 1, lines: int = 1) -> sp.Program:
    """Return a program that repeats its lines some ticks later."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=lines,
        pre=range(lines),
        post=range(lines),
        delay=delay,
        weight=100,
        threshold=50,
        potential_decay=4095,
    )


def repeating(delay: int = 1, lines: int = 1, **symbols: object) -> sp.Automaton:
    """Return the automaton of a repeater."""

    def step(state: State, row: Row) -> tuple[State, list[bool | None]]:
        rows = untyped(state)
        return (*rows[1:], row), list(rows[0])

    start = ((False,) * lines,) * delay
    return sp.Automaton(n_inputs=lines, n_outputs=lines, start=start, step=step, **untyped(symbols))


def seldom(state: State) -> list[Row]:
    """Allow no spike right after one, in states of a repeater."""
    return [(False,)] if untyped(state)[-1][0] else [(False,), (True,)]


def run(automaton: sp.Automaton, stream: list[Row]) -> list[list[bool | None]]:
    state, found = automaton.start, []
    for row in stream:
        assert row in automaton.rows(state)
        state, answer = automaton.answer(state, row)
        found.append(list(answer))
    return found


def test_the_joined_automaton_is_what_the_linked_program_does() -> None:
    """The program is explored to prove it, and another wire's delay is refuted."""
    proved = refuted = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        some = random_part(generator, "loihi1")
        if some.n_inputs != 2:
            continue
        if seed % 2:
            some = some.with_synapses(weight=np.abs(some.weight), sign_mode=np.full(some.n_synapses, EXCITATORY))
        lowered = np.maximum(1, some.threshold // 4)
        some = replace(some, potential_decay=np.full(some.n_neurons, 4095, np.int32), threshold=lowered)
        some = replace(some, outputs=np.arange(some.n_neurons, dtype=np.int32))
        busiest = int(sp.run(some, generator.random((60, some.n_inputs)) < 0.5).spikes.sum(axis=0).argmax())
        parts = {"a": some, "b": repeater(2)}
        further = int(generator.integers(0, 3))
        wires = [(f"a.{busiest}", "b.0", further), ("b.0", "a.0", int(generator.integers(0, 2)))]
        outputs = [f"{name}.{output}" for name, part in parts.items() for output in range(part.n_outputs)]
        system = sp.System(parts, wires=wires, outputs=outputs)
        automata = {name: automaton_of(part) for name, part in parts.items()}
        whole = system.automaton(automata)
        proof = sp.prove(system.program, whole, states=1_500)
        assert proof.verdict != "refuted", seed
        proved += proof.holds
        other = sp.System(parts, wires=[(wires[0][0], "b.0", further + 1), wires[1]], outputs=outputs)
        refuted += sp.prove(other.program, whole, states=1_500).verdict == "refuted"
        stream = (generator.random((60, system.program.n_inputs)) < 0.5).tolist()
        spikes = sp.run(system.program, np.array(stream)).spikes
        assert run(whole, [tuple(row) for row in stream]) == spikes.tolist()
    assert proved > 3
    assert refuted > 2


def test_inputs_and_outputs_with_further_ticks() -> None:
    system = sp.System({"a": repeater()}, inputs={"x": ("a.0", 3)}, outputs={"y": ("a.0", 70)})
    proof = sp.prove_parts(system, {"a": repeating()})
    assert proof.holds
    stream = np.random.default_rng(1).random(200) < 0.5
    assert [row[0] for row in run(proof.automaton, [(spike,) for spike in stream.tolist()])] == late(
        stream, 74
    ).tolist()


def test_a_system_is_proved_from_its_parts() -> None:
    spec = sp.specs.finite_state_machine({"locked": {"coin": "open"}, "open": {"push": "locked"}})
    sequence = sp.specs.sequence([0, None, 1])
    parts = {"detector": sp.compile(sequence).program, "machine": sp.compile(spec).program}
    system = sp.System(parts, wires=[("detector.0", "machine.0")])
    proof = sp.prove_parts(system, {"detector": untyped(sequence.automaton), "machine": untyped(spec.automaton)})
    assert proof.holds
    assert str(proof).startswith("proved for every input stream: each part meets its automaton, detector (64 states)")
    assert sp.prove(system.program, proof.automaton).holds
    assert proof.states == 0
    assert "holds" not in repr(proof)
    assert "detector" in proof._repr_html_()


def test_many_copies_are_proved_where_their_product_is_too_large() -> None:
    """Twelve machines in a row: each has seven states and more, and all assume nothing about their wires."""
    names = [f"m{number}" for number in range(12)]
    parts = {name: repeater(delay=3) for name in names}
    wires = [(f"{one}.0", f"{other}.0") for one, other in pairwise(names)]
    system = sp.System(parts, wires=wires)
    assert (
        sp.prove(system.program, system.automaton(dict.fromkeys(names, repeating(3))), states=2_000).verdict
        == "undecided"
    )
    proof = sp.prove_parts(system, dict.fromkeys(names, repeating(3)))
    assert proof.holds
    assert [each.cone for each in proof.assumptions] == [()] * len(proof.assumptions)


def test_what_a_reader_assumes_must_be_what_its_driver_does() -> None:
    """A reader that allows no spike right after one, behind a driver that gives none, or may."""
    resting = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=1,
        pre=[0, 1],
        post=[0, 0],
        weight=[100, -100],
        threshold=50,
        potential_decay=4095,
    )

    def step(state: State, row: Row) -> tuple[State, list[bool | None]]:
        heard, spiked = untyped(state)
        return (row[0], heard and not spiked), [heard and not spiked]

    sparse = sp.Automaton(n_inputs=1, n_outputs=1, start=(False, False), step=step)
    reader = repeating(symbols=seldom)
    for further in (0, 5):
        system = sp.System({"d": resting, "r": repeater()}, wires=[("d.0", "r.0", further)])
        proof = sp.prove_parts(system, {"d": sparse, "r": reader})
        assert proof.holds
        assert [each.cone for each in proof.assumptions] == [("d", "r")]
        assert "'r' gets what it expects" in str(proof.assumptions[0])
        wrong = sp.System({"d": repeater(), "r": repeater()}, wires=[("d.0", "r.0", further)])
        proof = sp.prove_parts(wrong, {"d": repeating(), "r": reader})
        assert proof.verdict == "undecided"
        assert "'r' may get what it does not expect: r reads a spike on line 0" in str(proof)
        assert len(proof.assumptions[0].search.stream) == further + 3
    far = sp.System({"d": resting, "m": repeater(), "r": repeater()}, wires=[("d.0", "m.0"), ("m.0", "r.0")])
    proof = sp.prove_parts(far, {"d": sparse, "m": repeating(), "r": reader})
    assert proof.holds  # the driver alone does not show it, so the cone is widened
    assert [each.cone for each in proof.assumptions] == [("d", "m", "r")]


def test_parts_that_restrict_the_same_input_are_examined_together() -> None:
    always, never_spikes = [(True,)], [(False,)]
    parts = {"a": repeater(), "b": repeater()}
    shared = sp.System(parts, inputs={"x": ["a.0", "b.0"]})
    assert sp.prove_parts(shared, dict.fromkeys(parts, repeating(symbols=seldom))).holds
    proof = sp.prove_parts(shared, {"a": repeating(symbols=always), "b": repeating(symbols=never_spikes)})
    assert proof.verdict == "undecided"
    assert "no row of the inputs suits all parts" in str(proof)
    apart = sp.System(parts)
    assert sp.prove_parts(apart, {"a": repeating(symbols=always), "b": repeating(symbols=never_spikes)}).holds


def test_a_part_that_does_not_meet_its_automaton_is_named() -> None:
    system = sp.System({"a": repeater(), "b": repeater(2)}, wires=[("a.0", "b.0")])
    proof = sp.prove_parts(system, {"a": repeating(), "b": repeating()})
    assert (proof.verdict, proof.assumptions) == ("undecided", ())
    assert str(proof).startswith("undecided: part 'b' is refuted at tick 1")


def test_claims_about_the_whole() -> None:
    system = sp.System({"a": repeater(), "b": repeater(2)}, wires=[("a.0", "b.0", 1)])
    automata = {"a": repeating(), "b": repeating(2)}
    proof = sp.prove_parts(system, automata, claim=repeating(4))
    assert proof.holds
    assert proof.states > 8
    wrong = sp.prove_parts(system, automata, claim=repeating(3))
    assert wrong.verdict == "refuted"
    assert untyped(wrong.counterexample).tolist() == [[1], [0], [0], [0]]
    assert wrong.counterexample is not None
    assert len(untyped(sp.prove(system.program, repeating(3)).counterexample)) == len(wrong.counterexample)
    late_answer = sp.prove_parts(system, automata, claim=sp.within(3, after=0))
    assert late_answer.verdict == "refuted"
    assert sp.prove_parts(system, automata, claim=sp.within(4, after=0)).holds
    few = sp.prove_parts(system, automata, claim=repeating(4), states=5)
    assert few.verdict == "undecided"


def test_a_claim_must_be_about_rows_that_the_parts_expect() -> None:
    system = sp.System({"a": repeater(), "b": repeater()}, wires=[("a.0", "b.0")])
    automata = {"a": repeating(symbols=seldom), "b": repeating()}
    proof = sp.prove_parts(system, automata, claim=sp.at_most(1, ticks=2, output=0))
    assert proof.verdict == "undecided"
    assert "(tick 0: line 0; tick 1: line 0)" in str(proof).replace(" (a.input 0)", "")
    assert "the claim allows a row that part 'a' does not expect" in str(proof)
    covered = replace(repeating(2), symbols=lambda state: seldom(untyped(state)[-1:]))
    assert sp.prove_parts(system, automata, claim=covered).holds


def open_table() -> sp.Automaton:
    """Return an automaton whose output may do anything after a spike, and is silent else."""
    table: Table = {
        "rest": {(0,): ("rest", [False]), (1,): ("heard", [False])},
        "heard": {(0,): ("rest", [None]), (1,): ("heard", [None])},
    }
    return sp.automata.from_table(table)


def test_what_an_automaton_leaves_open_is_tried_both_ways() -> None:
    system = sp.System({"a": repeater(), "b": repeater()}, wires=[("a.0", "b.0")])
    automata = {"a": open_table(), "b": repeating()}
    proof = sp.prove_parts(system, automata)
    assert proof.holds
    assert run(proof.automaton, [(True,), (False,), (False,), (False,)]) == [[False], [False], [None], [False]]
    silent = sp.never(lambda row, spikes: spikes[0])
    undecided = sp.prove_parts(system, automata, claim=silent)
    assert undecided.verdict == "refuted"  # the program does spike
    deaf = replace(repeater(), threshold=np.array([500], np.int32))
    left_open = sp.prove_parts(sp.System({"a": deaf, "b": repeater()}, wires=[("a.0", "b.0")]), automata, claim=silent)
    assert left_open.verdict == "undecided"
    assert "the automata leave open" in str(left_open)
    unread = sp.System({"a": repeater()})
    assert run(unread.automaton({"a": open_table()}), [(True,), (False,)]) == [[False], [None]]


def test_an_automaton_must_answer_later_than_it_reads() -> None:
    at_once: Table = {"s": {(0,): ("s", [False]), (1,): ("s", [True])}}
    system = sp.System({"a": repeater(), "b": repeater()}, wires=[("a.0", "b.0")])
    early = sp.automata.from_table(at_once)
    with pytest.raises(sp.SpecError, match="the automaton of part 'a' must answer later than it reads: in state 's'"):
        system.automaton({"a": early, "b": repeating()}).answer(
            system.automaton({"a": early, "b": repeating()}).start, (False,)
        )
    assert sp.prove_parts(system, {"a": early.delayed(1), "b": repeating()}).holds


def test_the_joined_automaton_can_be_pickled() -> None:
    system = sp.System({"a": repeater()})
    whole = system.automaton({"a": open_table()})
    again = pickle.loads(pickle.dumps(whole))
    assert again.answer(again.start, (True,)) == whole.answer(whole.start, (True,))


def test_too_many_rows_are_refused() -> None:
    parts = {f"p{number}": repeater(lines=5) for number in range(3)}
    system = sp.System(parts)
    whole = system.automaton(dict.fromkeys(parts, repeating(lines=5)))
    with pytest.raises(sp.SpecError, match="15 inputs of the system have more than 4,096 rows"):
        whole.rows(whole.start)
    assert sp.prove_parts(system, dict.fromkeys(parts, repeating(lines=5))).holds


def one_of(lines: int) -> list[Row]:
    return list(all_rows(lines, at_once=1))


def test_rows_of_the_whole_are_those_that_all_parts_allow() -> None:
    parts = {"a": repeater(lines=2), "b": repeater(lines=2)}
    system = sp.System(parts, inputs={"x": ["a.0", "b.1"], "y": "a.1", "z": "b.0"})
    whole = system.automaton(dict.fromkeys(parts, repeating(lines=2, symbols=one_of(2))))
    allowed = [row for row in all_rows(3) if not (row[0] and (row[1] or row[2]))]
    assert list(whole.rows(whole.start)) == allowed


@pytest.mark.parametrize(
    ("automata", "message"),
    [
        (3, "automata must be a mapping of parts to automata, got an int"),
        ({"a": repeating()}, "automata must have one for each part, got none for 'b'"),
        ({"a": repeating(), "b": repeating(), "c": repeating()}, "automata names an unknown part 'c'"),
        ({"a": repeating(), "b": 3}, r"automata\['b'\] must be an Automaton, got an int"),
        (
            {"a": repeating(), "b": repeating(lines=2)},
            "part 'b' has 1 input line and 1 output, but the automaton has 2 and 2",
        ),
    ],
)
def test_automata_must_fit(automata: object, message: str) -> None:
    system = sp.System({"a": repeater(), "b": repeater()}, wires=[("a.0", "b.0")])
    with pytest.raises(sp.SpecError, match=message):
        sp.prove_parts(system, untyped(automata))


def test_a_claim_must_be_one() -> None:
    system = sp.System({"a": repeater()})
    with pytest.raises(sp.SpecError, match="claim must be an Automaton or an invariant such as"):
        sp.prove_parts(system, {"a": repeating()}, claim=untyped(3))


@pytest.mark.parametrize("wires", [None, 3, "a.0", {"a.0": "b.0"}])
def test_wires_must_be_a_list(wires: object) -> None:
    with pytest.raises(sp.SpecError, match=r"wires must be a list of \(output, line\)"):
        sp.link({"a": repeater(), "b": repeater()}, wires=untyped(wires))


def test_wires_may_come_from_an_iterator() -> None:
    system = sp.System({"a": repeater(), "b": repeater()}, wires=untyped(iter([("a.0", "b.0")])))
    assert str(system.wires) == "(('a.0', 'b.0'),)"
    assert "1 wire" in repr(system)


def test_open_outputs_must_be_few() -> None:
    step: Callable[..., object] = lambda state, row: (state, [None] * 8)  # noqa: E731
    anything = sp.Automaton(n_inputs=8, n_outputs=8, start=0, step=untyped(step))
    system = sp.System(
        {"a": repeater(lines=8), "b": repeater(2, lines=8)}, wires=[(f"a.{line}", f"b.{line}") for line in range(8)]
    )
    whole = system.automaton({"a": anything, "b": repeating(2, lines=8)})
    state = whole.answer(whole.start, (False,) * 8)[0]
    with pytest.raises(sp.SpecError, match="automata must leave few wired outputs open, got more than 4,096"):
        whole.answer(state, (False,) * 8)
