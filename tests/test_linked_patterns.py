"""Patterns of a system from those of its parts: all that agree, and what the linked program does on them."""

from __future__ import annotations

from itertools import product

import pytest
from untyped import untyped

import snnprog as sp


def compiled(spec: sp.Spec) -> sp.Program:
    return sp.compile(spec).program


def test_exactness_composes_where_a_wire_is_among_the_patterns() -> None:
    one = sp.Spec([sp.Pattern([[a, b], [0, 0], [0, 0]], [[0], [a and b], [0]]) for a, b in product((0, 1), repeat=2)])
    two = sp.Spec([sp.Pattern([[0], [a], [0]], [[0], [0], [a]]) for a in (0, 1)])
    parts = {"and": compiled(one), "late": compiled(two)}
    system = sp.System(parts, wires=[("and.0", "late.0")])
    whole = system.spec({"and": one, "late": two})
    shown = [(pattern.inputs[0].tolist(), pattern.targets[:, 0].tolist()) for pattern in whole.patterns]
    assert shown == [([bool(a), bool(b)], [False, False, bool(a and b)]) for a, b in product((0, 1), repeat=2)]
    assert whole.automaton is None
    assert sp.verify(system.program, whole).exact
    further = sp.System(parts, wires=[("and.0", "late.0", 1)])
    silent = further.spec({"and": one, "late": two})
    assert [pattern.inputs[0].tolist() for pattern in silent.patterns] == [[False, False], [False, True], [True, False]]
    assert sp.verify(further.program, silent).exact


def test_shared_inputs_must_agree_and_outputs_may_come_later() -> None:
    one = sp.Spec([sp.Pattern([[a], [0], [0], [0]], [[0], [a], [0], [0]]) for a in (0, 1)])
    parts = {"a": compiled(one), "b": compiled(one)}
    system = sp.System(parts, inputs={"x": ["a.0", "b.0"]}, outputs={"first": "a.0", "second": ("b.0", 2)})
    whole = system.spec({"a": one, "b": one})
    assert len(whole.patterns) == 2
    assert whole.patterns[1].targets.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]
    assert sp.verify(system.program, whole).exact
    apart = sp.System(parts).spec({"a": one, "b": one})
    assert len(apart.patterns) == 4
    shifted = sp.System(parts, inputs={"x": ["a.0", ("b.0", 1)]})
    assert len(shifted.spec({"a": one, "b": one}).patterns) == 1


def test_a_bin_that_does_not_count_tells_nothing_to_a_reader() -> None:
    care = [[1], [0], [1]]
    one = sp.Spec([sp.Pattern([[1], [0], [0]], [[0], [1], [0]], care=care)])
    two = sp.Spec([sp.Pattern([[0], [1], [0]], [[0], [0], [1]])])
    system = sp.System({"a": compiled(two), "b": compiled(two)}, wires=[("a.0", "b.0")])
    with pytest.raises(sp.SpecError, match="no patterns of the parts agree about their wires"):
        system.spec({"a": one, "b": two})
    shown = sp.System({"a": compiled(two)}).spec({"a": one})
    assert shown.patterns[0].care.tolist() == [[True], [False], [True]]


def test_automata_of_specs_are_joined() -> None:
    spec = sp.specs.delay_line(2)
    system = sp.System({"a": compiled(spec), "b": compiled(spec)}, wires=[("a.0", "b.0")])
    found = system.automaton({"a": untyped(spec.automaton), "b": untyped(spec.automaton)})
    assert sp.prove(system.program, found).holds


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([], "specs must be a mapping of parts to specs, got a list"),
        ({}, "specs must have one for each part, got none for 'a'"),
        ({"a": 1}, r"specs\['a'\] must be a Spec, got an int"),
        ({"b": 1}, "specs names an unknown part 'b'"),
        (
            {"a": sp.Spec([sp.Pattern([[0, 0]], [[0]])])},
            "the spec of part 'a' must have 1 input and 1 output, got 2 and 1",
        ),
        ({"a": sp.Spec([sp.Pattern([[0]], [[0]])], window=(0, 1))}, "the spec of part 'a' must have no window"),
    ],
)
def test_specs_must_fit(specs: object, message: str) -> None:
    part = sp.Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, pre=0, post=0, weight=9, threshold=5)
    with pytest.raises(sp.SpecError, match=message):
        sp.System({"a": part}).spec(untyped(specs))
