"""Items into bins with limits of several kinds, as neurons go onto cores."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from snnprog.arrays import Bools, Int64s
from snnprog.solver.programs import Packing, PackingAnswer, StoredParts
from snnprog.solver.sat import solve_model


def find_packing(packing: Packing, *, effort: float) -> PackingAnswer:
    """Find the bin of each item, prove that they do not fit, or stop after ``effort`` units of work.

    Raises
    ------
    UndecidedError
        If the time that `until` allows runs out.
    """
    builder = _PackingModel(packing)
    solver, status = solve_model(builder.model, effort=effort)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        inside = [[solver.value(variable) for variable in row] for row in builder.inside]
        return PackingAnswer(np.argmax(np.array(inside), axis=1).astype(np.int64), False)
    return PackingAnswer(None, status == cp_model.INFEASIBLE)


class _PackingModel:
    """The constraints of a packing."""

    def __init__(self, packing: Packing) -> None:
        self.packing, self.model = packing, cp_model.CpModel()
        items, self.bins = packing.synapses.shape[0], range(packing.bins)
        self.inside = [[self.model.new_bool_var("") for _ in self.bins] for _ in range(items)]
        self.sizes = [cp_model.LinearExpr.sum([row[index] for row in self.inside]) for index in self.bins]
        for item, row in enumerate(self.inside):
            self.model.add_exactly_one(row)
            for later in row[item + 1 :]:  # bins are alike: the first item is in the first, and so on
                self.model.add(later == 0)
        if packing.capacity is not None:
            for size in self.sizes:
                self.model.add(size <= packing.capacity)
        for marks, limit in packing.kinds:
            for has in self._marks(marks):
                self.model.add(cp_model.LinearExpr.sum(has) <= limit)
        if packing.routes is not None:
            self._limit_routes(packing.routes)
        if packing.stored is not None:
            for index in self.bins:
                self._limit_words(packing.stored, index)

    def _marks(self, marks: Bools) -> list[list[cp_model.IntVar]]:
        """Return, for each bin, a variable for each mark that is 1 if an item in the bin has it."""
        has = [[self.model.new_bool_var("") for _ in range(marks.shape[1])] for _ in self.bins]
        for item, mark in np.argwhere(marks).tolist():
            for index in self.bins:
                self.model.add_implication(self.inside[item][index], has[index][mark])
        return has

    def _limit_routes(self, limit: int) -> None:
        items = len(self.inside)
        reached = self._marks(self.packing.lines[:, -items:])
        for index in self.bins:
            routes = []
            for item in range(items):
                going = self.model.new_int_var(0, self.packing.bins, "")
                there = cp_model.LinearExpr.sum([row[item] for row in reached])
                self.model.add(going >= there).only_enforce_if(self.inside[item][index])
                routes.append(going)
            self.model.add(cp_model.LinearExpr.sum(routes) <= limit)

    def _limit_words(self, stored: StoredParts, index: int) -> None:
        size = self.model.new_int_var(0, len(self.inside), "")
        self.model.add(size == self.sizes[index])
        classes = [self.model.new_bool_var("") for _ in stored.sizes]
        self.model.add_exactly_one(classes)
        for is_of, greatest in zip(classes, stored.sizes, strict=True):
            self.model.add(size <= greatest).only_enforce_if(is_of)
        whole = [self._entry(size, table) for table in stored.whole]
        words = [
            self._words(stored, index, part, classes, whole[stored.format[part]])
            for part in range(self.packing.synapses.shape[1])
        ]
        self.model.add(cp_model.LinearExpr.sum(words) <= stored.words)

    def _words(
        self, stored: StoredParts, index: int, part: int, classes: list[cp_model.IntVar], whole: cp_model.IntVar
    ) -> cp_model.IntVar:
        """Return a variable that is at least the words of a part in a bin, listed or whole, whichever is shorter."""
        column = self.packing.synapses[:, part]
        users = np.flatnonzero(column).tolist()
        words = self.model.new_int_var(0, stored.words, "")
        number = self.model.new_int_var(0, int(column.sum()), "")
        self.model.add(
            number == cp_model.LinearExpr.weighted_sum([self.inside[u][index] for u in users], column[users].tolist())
        )
        is_whole = self.model.new_bool_var("")
        self.model.add(words >= whole).only_enforce_if(is_whole)
        for user in users:
            if column[user] > 1:
                self.model.add_implication(is_whole, ~self.inside[user][index])
        for is_of, tables in zip(classes, stored.listed, strict=True):
            listed = self._entry(number, tables[stored.format[part]][: int(column.sum()) + 1])
            self.model.add(words >= listed).only_enforce_if([is_of, ~is_whole])
        return words

    def _entry(self, place: cp_model.IntVar, table: Int64s) -> cp_model.IntVar:
        """Return a variable that equals the table's entry at an index."""
        entry = self.model.new_int_var(int(table.min()), int(table.max()), "")
        self.model.add_element(place, table.tolist(), entry)
        return entry
