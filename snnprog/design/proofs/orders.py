"""Rows that state that rounding keeps order, in addition to those of a neuron's run.

Where one value is sure to be no less than another, so is what it is rounded to. Such rows refute what the errors of
single roundings leave open.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.course import NOTHING_ASSUMED, Assumed, IntegerCourse, Register
from snnprog.design.proofs.roundings import Rounded, key_of, rounded_integer
from snnprog.proof import OrderRow
from snnprog.rules.resolve import Form
from snnprog.solver import check_time
from snnprog.spec import Spec

NEAR = 1 << 20
"""Distance of ends of values, in units of the potential, for rows about their roundings."""

MOST_ORDERED = 60
"""Roundings of which any two are compared."""


def course_of(problem: NeuronProblem, spec: Spec, assumed: Assumed = NOTHING_ASSUMED) -> IntegerCourse:
    """Return the course of a neuron's integers, with rows of order."""
    course = IntegerCourse(problem, spec, assumed)
    _note_orders(course)
    return course


def _note_orders(course: IntegerCourse) -> None:
    """Note rows of roundings of values that are sure to be in order, of up to `MOST_ORDERED` roundings."""
    places = {key_of(form): place for place, form in reversed(course.registers.items())}
    ordered: dict[tuple[str, str], int] = {}
    known = [each for each in course.roundings if key_of(each.operand) in places][:MOST_ORDERED]
    for each in known:
        _note_ends(course, each, places[key_of(each.operand)])
    least_apart = _least_apart(course, known)
    for (one, latter), (other, former) in itertools.product(enumerate(known), enumerate(known)):
        check_time()
        if one == other or (latter.factor, latter.rounding) != (former.factor, former.rounding):
            continue
        rests_on: list[int] = []
        if least_apart[one, other] < 0:
            more, rests_on = _without_ordered(latter.operand.plus(former.operand.times(-1)), ordered)
            if not rests_on or course.ends(more)[0] < 0:
                continue
        pair = places[key_of(former.operand)], places[key_of(latter.operand)]
        factor, bits = latter.factor.numerator, latter.factor.denominator.bit_length() - 1
        row = OrderRow(*pair[0], *pair[1], factor, bits, latter.rounding.name.lower(), 1)
        course.rests_on[len(course.rows)] = rests_on
        ordered[former.name, latter.name] = len(course.rows)
        course.rows.append((row, Form({former.name: -1, latter.name: 1})))


def _least_apart(course: IntegerCourse, known: Sequence[Rounded]) -> Floats:
    """Return (roundings, roundings) the least difference between the value of one rounding and of another."""
    sums, lower, upper = np.zeros((len(known), len(course.lower))), np.array(course.lower), np.array(course.upper)
    for row, each in enumerate(known):
        for name, coefficient in each.operand.terms.items():
            column, scale = course.columns[name]
            sums[row, column] = float(coefficient * scale)
    constants = np.array([float(each.operand.constant) for each in known])
    used = np.flatnonzero(sums.any(axis=0))
    found = np.empty((len(known), len(known)))
    for row in range(len(known)):
        apart = sums[row, used] - sums[:, used]
        with np.errstate(invalid="ignore"):
            ends = np.where(apart == 0.0, 0.0, np.where(apart > 0.0, apart * lower[used], apart * upper[used]))
        found[row] = ends.sum(axis=1) + constants[row] - constants
    return found


def _without_ordered(more: Form, ordered: Mapping[tuple[str, str], int]) -> tuple[Form, list[int]]:
    """Take out of a difference the pairs that are in order, so are 0 or more; return the rest, and their rows."""
    rests_on: list[int] = []
    lesser = [name for name, coefficient in more.terms.items() if coefficient <= -1]
    greater = [name for name, coefficient in more.terms.items() if coefficient >= 1]
    for pair in itertools.product(lesser, greater):
        if pair in ordered and more.terms.get(pair[0], 0) <= -1 and more.terms.get(pair[1], 0) >= 1:
            more = more.plus(Form({pair[0]: 1, pair[1]: -1}))
            rests_on.append(ordered[pair])
    return more, rests_on


def _note_ends(course: IntegerCourse, each: Rounded, place: Register) -> None:
    """Record that a rounding is bounded by that of a near bound of its value."""
    factor, bits = each.factor.numerator, each.factor.denominator.bit_length() - 1
    for side, end in zip((-1, 1), course.ends(each.operand), strict=True):
        if not math.isfinite(end) or abs(end) > NEAR:
            continue
        whole = math.floor(end) if side > 0 else math.ceil(end)
        limit = Form.of(rounded_integer(whole, each.factor, each.rounding))
        constant = (*place[:2], str(whole))
        pair = (*place, *constant) if side > 0 else (*constant, *place)
        row = OrderRow(*pair, factor, bits, each.rounding.name.lower(), 1)
        form = limit.times(side).plus(Form({each.name: -side}))
        course.rows.append((row, form))
