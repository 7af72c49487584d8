"""Streams of some ticks by a solver, against all streams that are tried one by one on the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hardware_tools import need
from made_up_chips import KINDS, Kind, chip_of, taught
from test_exploration import SHORT, adder, random_program, wrong_tick

import snnprog as sp
from snnprog.automata import StreamClaim, all_rows
from snnprog.exploration.bounded import check_streams
from snnprog.exploration.ticking import ProgramTicks

need("bitwuzla")


def shortest_wrong(program: sp.Program, claim: StreamClaim, *, rows: list[tuple[bool, ...]], ticks: int) -> int | None:
    """Return the first tick at which any stream of the rows is wrong on the reference, or None."""
    tried = [np.array(each) for each in itertools.product(rows, repeat=ticks)]
    traces = sp.run(program, tried, backend="reference")
    found = [wrong_tick(program, claim, *each) for each in zip(tried, traces, strict=True)]
    return min((tick for tick in found if tick is not None), default=None)


def check_against_all_streams(program: sp.Program, claim: StreamClaim, *, rows: list[tuple[bool, ...]]) -> None:
    monitor = claim.monitor(program)
    found = check_streams(ProgramTicks(program), monitor, known=0, depth=SHORT)
    shortest = shortest_wrong(program, claim, rows=rows, ticks=SHORT)
    assert found is not None
    if shortest is None:
        assert (found.depth, found.counterexample) == (SHORT, None)
        return
    assert found.counterexample is not None
    assert (found.depth, len(found.counterexample)) == (shortest, shortest + 1)
    trace = sp.run(program, found.counterexample, backend="reference")
    assert wrong_tick(program, claim, found.counterexample, trace) == shortest


@pytest.mark.parametrize("seed", range(8))
def test_verdicts_against_all_short_streams(seed: int) -> None:
    program = random_program(np.random.default_rng(seed))
    for claim in (
        sp.never(lambda row, spikes: sum(spikes) > 1),
        sp.at_most(1, ticks=3, output=0),
        sp.within(3, after=1, answers=[1]),
        sp.never(lambda row, spikes: row[0] and row[1] and spikes[1]),
    ):
        check_against_all_streams(program, claim, rows=list(all_rows(2)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rules_of_other_chips(kind: Kind) -> None:
    program = next(filter(None, (taught(seed, kind, chip_of(kind)) for seed in range(20))))[1]
    rng = np.random.default_rng(0)
    rows = [(False,) * program.n_inputs, *(tuple(row) for row in (rng.random((2, program.n_inputs)) < 0.5).tolist())]
    rows = list(dict.fromkeys(rows))
    check_against_all_streams(program, sp.at_most(1, ticks=3, output=0, symbols=rows), rows=rows)


def test_xylo() -> None:
    rng = np.random.default_rng(3)
    spec = sp.Spec([sp.Pattern(*(rng.random((12, size)) < 0.3 for size in (2, 1)))], chip="xylo")
    program = sp.compile(spec, on_infeasible="closest").program
    for claim in (sp.at_most(1, ticks=4, output=0), sp.never(lambda row, spikes: spikes[0])):
        check_against_all_streams(program, claim, rows=list(all_rows(2)))


@pytest.mark.parametrize("late", [False, True])
def test_an_automaton_is_the_monitor_that_it_is_for_exploration(late: bool) -> None:
    spec = sp.specs.finite_state_machine({"a": {"x": "b", "y": "a"}, "b": {"x": "c"}, "c": {"y": "a"}})
    program, claim = sp.compile(spec).program, spec.automaton
    assert claim is not None
    proof = sp.prove(program, claim.delayed(1) if late else claim, states=1, depth=6)
    assert proof.depth == (1 if late else 6)
    assert proof.verdict == ("refuted" if late else "undecided")
    explored = sp.prove(program, claim.delayed(1) if late else claim)
    if late:
        assert explored.counterexample is not None
        assert proof.counterexample is not None
        assert len(explored.counterexample) == len(proof.counterexample)
        assert "a solver" not in proof.method
    else:
        assert explored.holds
        assert "a solver decided the rest" in proof.method
        assert str(proof).startswith("undecided: true for all streams of up to 6 ticks; ")


def test_a_solver_goes_deeper_than_exploration() -> None:
    """273 (1 - (2596/4096)^n) is beyond 270 from the tenth spike on, and the last spike takes a tick to arrive."""
    one_by_one = sp.never(lambda row, spikes: spikes[0], symbols=all_rows(2, at_once=1))
    found = sp.prove(adder(270), one_by_one, states=100, depth=14)
    assert found.counterexample is not None
    assert len(found.counterexample) == 11
    undecided = sp.prove(adder(270), one_by_one, states=100, depth=10)
    assert (undecided.verdict, undecided.depth) == ("undecided", 10)


def test_too_many_cases_stay_undecided() -> None:
    spec = sp.specs.delay_line(40)
    assert spec.automaton is not None
    proof = sp.prove(sp.compile(spec).program, spec.automaton.delayed(0), states=100, depth=30)
    assert proof.verdict == "undecided"
    assert proof.method.endswith("the claim has too many cases for a solver")


def test_a_depth_without_end_is_answered_at_once() -> None:
    spec = sp.specs.delay_line(3)
    program, claim = sp.compile(spec).program, spec.automaton
    assert claim is not None
    assert sp.prove(program, claim, depth=10**12).holds
    undecided = sp.prove(adder(270), sp.never(lambda row, spikes: False), states=10, depth=10**12)
    assert undecided.verdict == "undecided"
    assert undecided.method.endswith("depth must be at most 4,096 for this program, got 1,000,000,000,000")


def test_depth_is_checked() -> None:
    with pytest.raises(sp.SpecError, match="depth must be at least 0, got -1"):
        sp.prove(adder(270), sp.never(lambda row, spikes: False), depth=-1)
