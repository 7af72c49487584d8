"""Rules as bit-vectors: each node, and each chip's tick, against the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
from hardware_tools import need
from made_up_chips import KINDS, chip_of

from snnprog.chips import CHIPS, Chip
from snnprog.errors import SpecError
from snnprog.proving.lemmas import all_of, decided
from snnprog.rules.bitvectors import BITVECTORS, Formulas, TickFormulas, gather_formulas, ranges_of, tick_formulas
from snnprog.rules.building import greatest, leak, least, scale, select, shift_right
from snnprog.rules.expressions import NODES, Const, End, Expression, FloorDiv, Hold, Ref, Rounding, evaluate
from snnprog.rules.interpreter import OPERATIONS, Interpreter
from snnprog.rules.ranges import Reach, Span, reach_of
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT
from snnprog.rules.vectors import Vector, number
from snnprog.solver.formulas import solve_formulas

need("bitwuzla")

EVERY_CHIP = pytest.mark.parametrize("chip", [*CHIPS.values(), *map(chip_of, KINDS)], ids=lambda chip: chip.name)
ARRIVING = (-(2**15), 2**15 - 1)
x, y, bits = Ref("x"), Ref("y"), Ref("bits")

NODES_OF_EACH_KIND: dict[str, Expression] = {
    **{f"shift {each.value}": shift_right(x, bits, rounding=each) for each in Rounding},
    **{f"leak {each.value}": leak(x, bits, rounding=each) for each in Rounding},
    **{f"scale {each.value}": scale(x, bits, bits=3, rounding=each) for each in Rounding},
    **{
        f"{end.value} {low} {high}": Hold(x * 2 + y, low, high, end)
        for end in End
        for low, high in ((-8, 7), (-7, 8), (0, 2), (-5, 0))
    },
    "sum": x + y - 3,
    "product": x * y,
    "product of one": x * x,
    "product by a number": -5 * x,
    "negative": -x << 2,
    "greater": x > y,
    "greater or equal": x >= y,
    "choice": select(x, y, 7),
    "least": least(x, y),
    "greatest": greatest(x, y),
    "quotient": FloorDiv(x, bits + 1),
    "quotient of what is not negative": FloorDiv(bits, y + 7),
    "nested": scale(x + y, bits + 2, bits=2, rounding=Rounding.TOWARD_ZERO) * (x - 1) > Const(4),
}
RANGES = {"x": (-9, 8), "y": (-6, 5), "bits": (0, 4)}


def said(vector: Vector, value: int) -> str:
    """Return, as a formula, that a vector has a value."""
    return f"(= {vector.text} {number(value, vector.width)})"


def test_every_node_has_a_formula() -> None:
    assert set(BITVECTORS) == set(NODES) - {Ref}


@pytest.mark.parametrize("case", NODES_OF_EACH_KIND)
def test_a_node_is_what_the_interpreter_makes_of_it_for_all_small_values(case: str) -> None:
    expression = NODES_OF_EACH_KIND[case]
    formulas = Formulas()
    values = {name: formulas.declared(name, ends) for name, ends in RANGES.items()}
    result = formulas.expression(expression, values)
    grid = np.array(list(product(*(range(low, high + 1) for low, high in RANGES.values()))))
    arrays = dict(zip(RANGES, grid.T, strict=True))
    expected = np.broadcast_to(evaluate(expression, {**OPERATIONS, Ref: lambda node: arrays[node.name]}), len(grid))
    rows = [
        all_of([*(said(values[name], given) for name, given in zip(RANGES, row, strict=True)), said(result, answer)])
        for row, answer in zip(grid.tolist(), expected.tolist(), strict=True)
    ]
    assumed = [f"(assert {each})" for each in formulas.assumed]
    lines = [*formulas.operations.exact, *formulas.lines, *assumed]
    assert decided("a row of the table", lines, claim=f"(or {' '.join(rows)})").holds
    assert decided("widths", lines, claim=all_of(formulas.fits)).holds
    wrong = [*rows[:-1], rows[-1].replace(said(result, int(expected[-1])), said(result, int(expected[-1]) ^ 1))]
    assert not decided("a row of a wrong table", lines, claim=f"(or {' '.join(wrong)})").holds


def evaluated(tick: TickFormulas, given: Mapping[str, int]) -> dict[str, int]:
    """Return what the formulas make of values."""
    formulas = tick.formulas
    asserted = [f"(assert {said(tick.before[name], value)})" for name, value in given.items()]
    asserted += [f"(assert {each})" for each in (*formulas.assumed, *formulas.fits)]
    script = "\n".join(["(set-logic ALL)", *formulas.operations.exact, *formulas.lines, *asserted])
    found = solve_formulas(script, [each.text for each in tick.after.values()]).values
    assert found is not None
    return {name: each.integer(found[each.text]) for name, each in tick.after.items()}


def drawn(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """Return a value within a range: often an end of it, or near 0."""
    low, high = ends
    near = [value for value in (low, low + 1, -1, 0, 1, high - 1, high) if low <= value <= high]
    return int(rng.choice(near)) if rng.random() < 0.4 else int(rng.integers(low, high, endpoint=True))


def reach(chip: Chip) -> Reach:
    rule = chip.rule
    ranges = {each.name: (each.low, each.high) for each in rule.parameters}
    ranges |= {each.name: (min(each.hidden, each.readout), max(each.hidden, each.readout)) for each in rule.constants}
    spans = {name: Span(np.array([low]), np.array([high])) for name, (low, high) in ranges.items()}
    return reach_of(rule, spans, arriving=Span(*(np.array([end]) for end in ARRIVING)))


@EVERY_CHIP
def test_a_tick_is_the_interpreters(chip: Chip) -> None:
    rule, rng = chip.rule, np.random.default_rng(3)
    tick = tick_formulas(rule, ranges_of(rule, reach(chip)))
    spiking = 0
    for trial in range(12):
        given = {name: drawn(rng, (each.low, each.high)) for name, each in tick.before.items()}
        given["threshold"] = given["threshold"] if trial % 2 else 1
        arrays = {name: np.array(value) for name, value in given.items()}
        state = {name: arrays[name] for name in rule.registers}
        outcome = Interpreter(rule, {name: arrays[name] for name in arrays if name not in state}).tick(
            state, arrays[rule.gather.target]
        )
        found = evaluated(tick, given)
        assert found == {**{name: int(value) for name, value in outcome.state.items()}, SPIKES: int(outcome.spikes)}
        spiking += found[SPIKES] > 0
    assert spiking > 0


@EVERY_CHIP
def test_an_event_is_gathered_as_by_the_interpreter(chip: Chip) -> None:
    rule, rng = chip.rule, np.random.default_rng(4)
    target = rule.gather.target
    event = gather_formulas(rule, {target: ARRIVING, WEIGHT: (-128, 127), COUNT: (0, 3)})
    for _ in range(8):
        given = {name: drawn(rng, (each.low, each.high)) for name, each in event.before.items()}
        gathered, weight, count = (np.array(given[name]) for name in (target, WEIGHT, COUNT))
        expected = Interpreter(rule, {}).gather(gathered, weight, count)
        assert evaluated(event, given) == {target: int(expected)}


def test_a_value_without_bounds_is_refused() -> None:
    with pytest.raises(SpecError, match="Mul of a rule has no bounds below"):
        Formulas().expression(x * x * x, {"x": Vector("|x|", -(2**31), 2**31)})
