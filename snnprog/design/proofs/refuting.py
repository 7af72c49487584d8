"""From infeasibility for real weights to a proof for all integers of the chip.

Prices of the real program come first: where decays lose nothing, or lose the same on both sides, they are a proof.
Where they are none, the program with an unknown for each rounding (`snnprog.design.proofs.course`) is solved. Where
that has an answer, the answer is split: where a rounding goes away from zero, by the sign of what is rounded; where an
unknown is not an integer, between its two neighbours. Both halves are refuted in turn, as long as the work allows.
Every leaf is checked by `snnprog.check_proof` as it is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.course import Assumed, IntegerCourse
from snnprog.design.proofs.lifting import Lifted, lifted
from snnprog.design.proofs.orders import course_of
from snnprog.design.proofs.referee import Referee, Step
from snnprog.design.proofs.roundings import Rounded, rounded_integer
from snnprog.errors import SolverError, UndecidedError
from snnprog.proof import BinRow, BinSplit, Farkas, Node, OrderRow, RangeSplit, RegisterSplit, Row, TapSplit
from snnprog.rules.resolve import Form
from snnprog.solver import check_time

# Ticks times taps, and roundings, up to which the program with roundings is made.
MOST_ENTRIES, MOST_ROUNDINGS = 2_000_000, 4000
# How many programs are solved for one proof, times their roundings; and at most so many. A program of 46 roundings
# takes .3 s, so this is some seconds.
BRANCHING_WORK, MOST_BRANCHES = 1500, 100
# The same before integers are fitted: 20 programs of 24 roundings, a quarter of a second. All five proofs by branches
# among 17 slow Xylo specs took less; half of it would have missed one.
SOON_BRANCHING_WORK = 500
ROOT_ALONE = 1  # the first program, and no branch
# Bits of the dearest price; a cheaper one than a unit of that has none.
PRICE_BITS = 44
# What of a rounding or a fraction a solver's tolerance explains, in units of the potential, or LSBs.
SURE = 1e-4


@dataclass
class _Search:
    """One refutation: its remaining work, and the path to the current part."""

    problem: NeuronProblem
    referee: Referee
    work: int
    left: int = MOST_BRANCHES


def refute_prices(
    problem: NeuronProblem, prices: Mapping[int, int], referee: Referee, path: Sequence[Step] = ()
) -> Node | None:
    """Return the leaf that prices (tick of the map -> price) are, if it holds."""
    leaf = Farkas(problem.neuron, rows_of(problem, prices))
    return leaf if leaf.rows and referee.refutes(leaf, path) else None


def rows_of(problem: NeuronProblem, prices: Mapping[int, int]) -> tuple[Row, ...]:
    """Return prices of ticks of the map as rows of bins."""
    mapping, rows = problem.potential_map, []
    for tick, price in sorted(prices.items()):
        pattern, local = mapping.tape.where(tick)
        is_again = bool(problem.fires[tick] and mapping.is_after_reset[tick])
        is_look_again = bool(mapping.is_after_reset[tick]) and not is_again
        if price > 0 and not is_look_again:
            rows.append(BinRow(pattern, local, price, is_again))
        elif price > 0:
            rows.append(BinRow(pattern, local, price))
    merged: dict[tuple[int, int, bool], int] = {}
    for row in rows:
        place = row.pattern, row.tick, row.is_after_reset
        merged[place] = merged.get(place, 0) + row.price
    return tuple(BinRow(pattern, tick, price, again) for (pattern, tick, again), price in merged.items())


def refute_integers(
    problem: NeuronProblem, referee: Referee, path: Sequence[Step] = (), *, work: int = BRANCHING_WORK
) -> Node | None:
    """Return a proof that no integers meet the rows of a neuron; None if none was found.

    Parameters
    ----------
    work : int
        How many programs may be solved, times their roundings.
    """
    mapping = problem.potential_map
    if mapping.n_taps * problem.raster.size > MOST_ENTRIES:
        return None
    search = _Search(problem, referee, work)
    try:
        return _refuted(search, tuple(path))
    except UndecidedError:
        raise
    except SolverError:
        return None


def _refuted(search: _Search, path: tuple[Step, ...]) -> Node | None:
    check_time()
    if search.left <= 0:
        return None
    course = course_of(search.problem, search.referee.spec, assumed_of(search.problem.neuron, path))
    if not course.rows or len(course.roundings) > MOST_ROUNDINGS:
        return None
    search.left = min(search.left - 1, search.work // (1 + len(course.roundings)))
    answer = lifted(course)
    if answer.lift < SURE:
        leaf = _leaf(search, course, answer, path)
        if leaf is not None:
            return leaf
    taken = {_place(each) for each, _ in path}
    splits = _splits(search.problem, course, answer)
    split = next((each for each in splits if _place(each) not in taken), None)
    if split is None:
        return None
    cases = []
    for side in (0, 1):
        case = _refuted(search, (*path, (split, side)))
        if case is None:
            return None
        cases.append(case)
    return replace(split, if_low=cases[0], if_high=cases[1])


def _place(split: Node) -> Node:
    """Return a split without its cases, to distinguish splits."""
    if isinstance(split, RangeSplit | RegisterSplit):
        return replace(split, if_low=OPEN, if_high=OPEN)
    return split


def _leaf(search: _Search, course: IntegerCourse, answer: Lifted, path: tuple[Step, ...]) -> Farkas | None:
    prices = whole_prices(answer.prices)
    leaf = Farkas(search.problem.neuron, kept_rows(course, prices))
    return leaf if leaf.rows and search.referee.refutes(leaf, path) else None


def whole_prices(prices: Floats) -> list[int]:
    """Return prices as integers, the dearest of `PRICE_BITS` bits; all are 0 if none is above 0."""
    top = float(prices.max(initial=0.0))
    return [round(float(price) / top * (1 << PRICE_BITS)) if top > 0.0 else 0 for price in prices]


def kept_rows(course: IntegerCourse, prices: list[int]) -> tuple[Row, ...]:
    """Return the rows that have a price, and those that they rest on, with their prices."""
    needed = {index for index, price in enumerate(prices) if price > 0}
    for index in range(len(prices) - 1, -1, -1):  # rows rest on earlier ones
        needed |= set(course.rests_on.get(index, ())) if index in needed else set()
    rows: list[Row] = []
    place: dict[int, int] = {}
    for index in sorted(needed):
        row = course.rows[index][0]
        if isinstance(row, OrderRow):
            place[index] = len(place)
            row = replace(row, given=tuple(place[each] for each in course.rests_on.get(index, ())))
        rows.append(replace(row, price=prices[index]))
    return tuple(rows)


def assumed_of(output: int, path: Sequence[Step]) -> Assumed:
    """Return the assumptions of the splits on a path about one output's integers and registers."""
    ranges: dict[object, tuple[int | None, int | None]] = {}
    registers: dict[tuple[int, int, str], tuple[int | None, int | None]] = {}
    for split, side in path:
        if isinstance(split, RangeSplit) and split.output == output:
            name = split.unknown if split.line is None else (split.unknown, split.line, split.delay)
            ranges[name] = _narrowed(ranges.get(name, (None, None)), split.at, side=side)
        elif isinstance(split, TapSplit) and split.output == output and not side:
            ranges["weight", split.line, split.delay] = 0, 0
        elif isinstance(split, RegisterSplit) and split.output == output:
            place = split.pattern, split.tick, split.register
            registers[place] = _narrowed(registers.get(place, (None, None)), split.at, side=side)
    bins = {(split.pattern, split.tick) for split, _ in path if isinstance(split, BinSplit) and split.output == output}
    return Assumed(ranges, registers, bins)


def _narrowed(ends: tuple[int | None, int | None], at: int, *, side: int) -> tuple[int | None, int | None]:
    low, high = ends
    if side:
        return at + 1 if low is None else max(low, at + 1), high
    return low, at if high is None else min(high, at)


def _splits(problem: NeuronProblem, course: IntegerCourse, answer: Lifted) -> Iterator[RangeSplit | RegisterSplit]:
    """Yield how an answer that is not one of integers can be split, the best first."""
    by_key = {
        (form.constant, frozenset(form.terms.items())): place for place, form in reversed(course.registers.items())
    }
    found: list[tuple[bool, float, RegisterSplit]] = []
    for each in course.roundings:
        place = by_key.get((each.operand.constant, frozenset(each.operand.terms.items())))
        wrong, at = _misrounded(course, answer, each)
        if place is not None and wrong > SURE:
            found.append((at != -1, -wrong, RegisterSplit(problem.neuron, *place, at, OPEN, OPEN)))
    yield from (split for *_, split in sorted(found, key=lambda each: each[:2]))
    yield from _fractions(problem, course, answer)


def _misrounded(course: IntegerCourse, answer: Lifted, each: Rounded) -> tuple[float, int]:
    """Return the difference between an answer's rounding of a value and the chip's, and where to split the value.

    A value of which the sign is open is split there; else it is kept to what is rounded to the same integer.
    """
    value, found = value_of(course, answer, each.operand), float(answer.values[each.column]) * course.unit
    least = rounded_integer(math.floor(value + SURE), each.factor, each.rounding)
    most = rounded_integer(math.ceil(value - SURE), each.factor, each.rounding)
    wrong = max(found - most, least - found)
    low, high = course.ends(each.operand)
    if low < 0 <= high:
        return wrong, -1
    if found > most:
        return wrong, _last_that_rounds_to(most, each)
    return wrong, _last_that_rounds_to(least - 1, each)


def _last_that_rounds_to(most: int, each: Rounded) -> int:
    """Return the largest integer whose rounding is at most this."""
    reach = math.ceil(2 / each.factor)
    low, high = math.floor(most / each.factor) - reach, math.ceil(most / each.factor) + reach
    while low < high:
        middle = (low + high + 1) // 2
        if rounded_integer(middle, each.factor, each.rounding) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def value_of(course: IntegerCourse, answer: Lifted, form: Form) -> float:
    """Return the value of a sum, in units of the potential."""
    total = float(form.constant)
    for name, coefficient in form.terms.items():
        column, scale = course.columns[name]
        total += float(coefficient * scale) * float(answer.values[column])
    return total


def _fractions(problem: NeuronProblem, course: IntegerCourse, answer: Lifted) -> Iterator[RangeSplit]:
    """Yield splits of unknowns that are not integers in an answer, the threshold first."""
    taps, lines = course.mapping.n_taps, course.mapping.n_lines
    for unknown, value in (("threshold", answer.values[taps]), ("bias", answer.values[taps + 1] * course.unit)):
        if abs(value - round(value)) > SURE:
            yield RangeSplit(problem.neuron, unknown, None, None, math.floor(value), OPEN, OPEN)
    weights = answer.values[:taps]
    apart = np.abs(weights - np.round(weights))
    for tap in np.argsort(-apart, kind="stable").tolist():
        if apart[tap] > SURE:
            slot, line = divmod(tap, lines)
            delay, at = int(course.mapping.delays[slot]), math.floor(weights[tap])
            yield RangeSplit(problem.neuron, "weight", line, delay, at, OPEN, OPEN)


OPEN = Farkas(0, ())
"""Stands for a case that is not refuted yet."""
