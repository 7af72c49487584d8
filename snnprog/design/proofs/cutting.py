"""Inequalities that all integers of a neuron satisfy: priced sums of its rows, with rounding included.

Where the real program with roundings (`snnprog.design.proofs.course`) has no answer in a box of unknowns, its prices
are a sum of rows that nothing in that box fulfils. The same sum holds in every other box, and breaks in many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.proofs.boxes import BIAS, EXPONENT, THRESHOLD
from snnprog.design.proofs.course import IntegerCourse
from snnprog.design.proofs.exhausting import Cut, cut_down
from snnprog.design.proofs.refuting import SURE, kept_rows, whole_prices
from snnprog.solver import LinearProgram, Optimum, maximise_if_possible

SUNKEN = 1e5
"""Penalty for violating a row by 1 LSB, beside 1 for each LSB of the unknown that is maximised: six times the largest
weight of a Xylo neuron, 127 << 7. Not measured: a lesser one gives weaker cuts, which hold all the same."""

NARROW = 0.75
"""A cut is kept if it leaves at most this share of a range, because every box is checked against every cut. A choice,
not a measurement."""

PROGRAMS_WORK = 12_000
"""How many programs are solved for the cuts of one output, times their roundings: a second or two."""


class CourseCutter:
    """Finds cuts by linear programs.

    Parameters
    ----------
    course : IntegerCourse
    taps : (columns,) int
        Which taps the mantissas of a box belong to.

    Attributes
    ----------
    solved : int
        How many programs were solved.
    """

    def __init__(self, course: IntegerCourse, taps: Int64s) -> None:
        self.course, self.taps, self.program = course, taps, course.program(has_answer=False)
        self.most = PROGRAMS_WORK // (1 + len(course.roundings))
        self.solved = 0
        n_taps = course.mapping.n_taps
        self._columns = np.array([*taps.tolist(), n_taps + 1, n_taps])
        self._places = np.delete(np.arange(taps.size + 3), EXPONENT)
        self._units = np.array([*(1,) * taps.size, course.unit, 1])

    def bounds(self, least: Int64s, greatest: Int64s) -> Iterator[Cut]:
        """Yield cuts that bring together the ends of unknowns, (taps + 3,) each: first of the threshold.

        Real weights that miss the targets by a little can be rescued by rounding errors only if they are small.
        """
        box = np.stack([least, greatest])[:, None]
        box[..., EXPONENT] = 0  # both ends are of what one spike adds
        for unknown in (THRESHOLD, *range(self.taps.size), BIAS):
            place = self._places[unknown]
            for side in (1, -1):
                wide = box[1, 0, place] - box[0, 0, place]
                if self.solved >= self.most - self.most // 2 or not wide:  # the others are for cuts
                    break
                cut = self._end_of(unknown, side, box[:, 0])
                if cut is None:
                    continue
                box = cut_down(box, cut)
                if not box.size or box[1, 0, place] - box[0, 0, place] <= NARROW * wide:
                    yield cut
                if not box.size:
                    return

    def _end_of(self, unknown: int, side: int, box: Int64s) -> Cut | None:
        """Return the cut that keeps an unknown below its upper, or above its lower end; or one that empties the box."""
        program = self._between(*box)
        objective, upper = program.objective * SUNKEN, program.upper.copy()
        objective[self._columns[unknown]], upper[-1] = side, 0.0
        optimum = maximise_if_possible(replace(program, objective=objective, upper=upper))
        if optimum is None:
            return None
        return self.cut(*box) if optimum.values[-1] < -SURE else self._cut(optimum)

    def cut(self, least: Int64s, greatest: Int64s) -> Cut | None:
        """Return a cut that no unknowns between two ends keep, (taps + 3,) each; None if none is found."""
        if self.solved >= self.most:
            return None
        optimum = maximise_if_possible(self._between(least, greatest))
        if optimum is None or optimum.values[-1] > -SURE:
            return None
        cut = self._cut(optimum)
        if cut is None:
            return None
        most = np.maximum(cut.multiples * least, cut.multiples * greatest)
        return cut if cut.constant + float(most.sum()) < 0 else None

    def _between(self, least: Int64s, greatest: Int64s) -> LinearProgram:
        """Return the program between two ends; it counts as one that is solved."""
        self.solved += 1
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        lower[self._columns] = least[self._places] / self._units
        upper[self._columns] = greatest[self._places] / self._units
        return replace(self.program, lower=lower, upper=upper)

    def _cut(self, optimum: Optimum) -> Cut | None:
        """Return the cut that an optimum's prices imply; empty rows may have any price."""
        says = np.array([not form.is_constant for _, form in self.course.rows])
        prices = whole_prices(np.where(says, optimum.duals[: len(self.course.rows)], 0.0))
        if not any(prices):
            return None
        constant, multiples = carried(self.course, prices)
        by = np.zeros(self.taps.size + 3)
        by[self._places] = multiples[self._columns] / self._units
        return Cut(constant, by, kept_rows(self.course, prices))


def carried(course: IntegerCourse, prices: list[int]) -> tuple[float, Floats]:
    """Return the sum of priced rows: a constant, and multiples of all columns of unknowns, roundings carried back."""
    constant, multiples = 0.0, np.zeros(len(course.lower))
    for price, (_, form) in zip(prices, course.rows, strict=True):
        if price:
            constant += price * float(form.constant)
            for column, multiple in course.multiples(form):
                multiples[column] += price * multiple
    for each in reversed(course.roundings):
        by = float(multiples[each.column]) / course.unit
        multiples[each.column] = 0.0
        if not by:
            continue
        (low, high), factor = course.errors(each), float(each.factor)
        constant += max(by * low, by * high) + by * float(each.operand.constant) * factor
        for column, multiple in course.multiples(each.operand):
            multiples[column] += by * multiple * factor
    for column in range(course.mapping.n_taps + 2, len(course.lower)):
        if multiples[column]:
            constant += max(multiples[column] * course.lower[column], multiples[column] * course.upper[column])
    return constant, multiples
