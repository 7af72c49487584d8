"""Inequalities that all integers of a neuron keep: what prices of its rows leave of the unknowns, roundings counted in.

Where the real program with roundings (`snnprog.design.proofs.course`) has no answer in a box of unknowns, its prices
are a sum of rows that nothing in that box fulfils. The same sum holds in every other box, and breaks in many.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.proofs.boxes import EXPONENT
from snnprog.design.proofs.course import IntegerCourse
from snnprog.design.proofs.exhausting import Cut
from snnprog.design.proofs.refuting import SURE, kept_rows, whole_prices
from snnprog.solver import maximise_if_possible

PROGRAMS_WORK = 12_000
"""How many programs are solved for the cuts of one output, times their roundings: a second or two."""


class CourseCutter:
    """Finds cuts by linear programs.

    Parameters
    ----------
    course : IntegerCourse
    taps : (columns,) int
        Which taps the mantissas of a box belong to.
    """

    def __init__(self, course: IntegerCourse, taps: Int64s) -> None:
        self.course, self.taps, self.program = course, taps, course.program(has_answer=False)
        self.left = PROGRAMS_WORK // (1 + len(course.roundings))

    def cut(self, least: Int64s, greatest: Int64s) -> Cut | None:
        """Return a cut that no unknowns between two ends keep, (taps + 3,) each; None where none is found."""
        if self.left <= 0:
            return None
        self.left -= 1
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        n_taps = self.course.mapping.n_taps
        lower[self.taps], upper[self.taps] = least[:EXPONENT], greatest[:EXPONENT]
        lower[n_taps], upper[n_taps] = least[-1], greatest[-1]
        lower[n_taps + 1], upper[n_taps + 1] = least[-2] / self.course.unit, greatest[-2] / self.course.unit
        optimum = maximise_if_possible(replace(self.program, lower=lower, upper=upper))
        if optimum is None or optimum.values[-1] > -SURE:
            return None
        prices = whole_prices(optimum.duals[: len(self.course.rows)])
        if not prices:
            return None
        constant, multiples = carried(self.course, prices)
        n = self.taps.size
        by = np.zeros(n + 3)
        by[:n] = multiples[self.taps]
        by[-2], by[-1] = multiples[n_taps + 1] / self.course.unit, multiples[n_taps]
        cut = Cut(constant, by, kept_rows(self.course, prices))
        most = np.maximum(by * least, by * greatest)
        return cut if constant + float(most.sum()) < 0 else None


def carried(course: IntegerCourse, prices: list[int]) -> tuple[float, Floats]:
    """Return what priced rows come to: a constant, and multiples of all columns of unknowns, roundings carried back."""
    constant, multiples = 0.0, np.zeros(len(course.lower))
    for price, (_, form) in zip(prices, course.rows, strict=True):
        if price:
            constant += price * float(form.constant)
            for name, coefficient in form.terms.items():
                column, scale = course.columns[name]
                multiples[column] += price * float(coefficient * scale)
    for each in reversed(course.roundings):
        by = multiples[each.column] / course.unit
        multiples[each.column] = 0.0
        if not by:
            continue
        low, high = course.errors(each)
        constant += max(by * low, by * high) + by * float(each.operand.constant * each.factor)
        for name, coefficient in each.operand.terms.items():
            column, scale = course.columns[name]
            multiples[column] += by * float(coefficient * scale * each.factor)
    for column in range(course.mapping.n_taps + 2, len(course.lower)):
        if multiples[column]:
            constant += max(multiples[column] * course.lower[column], multiples[column] * course.upper[column])
    return constant, multiples
