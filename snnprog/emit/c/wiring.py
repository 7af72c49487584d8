"""Synapses of a rule that adds up what arrives: tables in flash, a ring of sums in RAM, and the code that fills it.

The ring has a slot for each tick ahead that something may arrive in, each with a sum for each neuron; with delays of 1
alone it is one slot. Weights lose the power of two that all of them share, so that sums and weights take the narrowest
types. Synapses are sorted by line. Those of one line and one delay are a *row*, the weights of consecutive neurons, where
that takes no more flash than a *list* of neurons and weights does. Convolutions stay kernels (`snnprog.emit.c.kernels`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.emit.c.code import Sheet, branch, counter, loop, total
from snnprog.emit.c.kernels import Kernel, kernels_of
from snnprog.emit.c.lean import LeanProgram
from snnprog.emit.c.tables import Lookup
from snnprog.emit.c.types import INT64, IntegerType, narrowest_signed, type_of
from snnprog.program import Program
from snnprog.simulate.layout import common_shift

ROW_COST = 5
"""Bytes that a row takes beside its weights: where it begins in two tables, and how long it is."""

DUE, NOW, SEND = "due", "now", "send"


@dataclass(frozen=True, eq=False)
class Groups:
    """Listed synapses, sorted by line, delay and neuron; those in parallel are one.

    Attributes
    ----------
    line, delay, neuron, weight : (synapses,) int64
        Weights in units of ``2**shift``.
    group : (synapses,) int64
        Which line and delay each belongs to, numbered in order.
    """

    line: Int64s
    delay: Int64s
    neuron: Int64s
    weight: Int64s
    group: Int64s


def groups_of(program: Program, shift: int) -> Groups:
    """Return the synapses of a program that are listed."""
    table = program.synapses
    weight = (table.weight.astype(np.int64) << table.exponent) >> shift
    keys = np.stack([table.pre, table.delay, table.post]).astype(np.int64)
    (line, delay, neuron), inverse = np.unique(keys, axis=1, return_inverse=True)
    sums = np.zeros(line.size, np.int64)
    np.add.at(sums, inverse.ravel(), weight)
    kept = sums != 0
    line, delay, neuron, sums = line[kept], delay[kept], neuron[kept], sums[kept]
    is_new = np.ones(line.size, np.bool_)
    is_new[1:] = (np.diff(line) != 0) | (np.diff(delay) != 0)
    return Groups(line, delay, neuron, sums, np.cumsum(is_new) - 1)


@dataclass
class Wiring:
    """The code that carries spikes to the neurons of a program.

    Attributes
    ----------
    lean : LeanProgram
    sheet : Sheet
    """

    lean: LeanProgram
    sheet: Sheet

    def __post_init__(self) -> None:
        program = self.lean.program
        self.shift = _shared_shift(program)
        self.groups = groups_of(program, self.shift)
        self.kernels = kernels_of(program, self.shift)
        delays = [self.groups.delay, *(each.delays for each in self.kernels)]
        self.slots = max(int(each.max(initial=1)) for each in delays)
        arriving = self.lean.arriving
        low, high = arriving.least >> self.shift, arriving.greatest >> self.shift
        self.sum_type: IntegerType = narrowest_signed(low, high)
        self.size = self.slots * program.n_neurons

    @property
    def is_counted(self) -> bool:
        """Whether a line may spike more than once in a tick."""
        return max(self.lean.most_spikes, self.lean.most_of_input) > 1

    @property
    def has_ring(self) -> bool:
        """Whether sums of several ticks are under way."""
        return self.slots > 1

    @property
    def here(self) -> str:
        """Where the sum of this tick for neuron ``n`` is."""
        index = f"{self.sheet.own(NOW)} + n" if self.has_ring else "n"
        return f"{self.sheet.own(DUE)}[{index}]"

    def declare(self) -> None:
        """Add the state."""
        neurons = self.lean.program.n_neurons
        ticks = f"{self.slots} ticks ahead" if self.has_ring else "the next tick"
        unit = f", in units of {1 << self.shift}" if self.shift else ""
        self.sheet.keep(
            DUE, self.sum_type, self.size, about=f"what will arrive in {ticks}, for each of {neurons} neurons{unit}"
        )
        if self.has_ring:
            about = "where the sums of this tick begin"
            self.sheet.keep(NOW, type_of(np.array([self.size])), about=about)

    def sender(self) -> list[str]:
        """Return the function that adds the weights of a line's synapses to what will arrive."""
        body: list[str] = []
        count = ", int32_t count" if self.is_counted else ""
        is_row = _rows_of(self.groups, self.lean.program.n_neurons)
        if is_row.any():
            body += self._rows(is_row)
        if not is_row.all():
            body += self._list(~is_row)
        for number, kernel in enumerate(self.kernels, start=1):
            body += self._kernel(kernel, number)
        lines = self.lean.program.n_inputs + self.lean.program.n_neurons
        return [
            "/* Adds the weights of a line's synapses to what will arrive; lines are the inputs, then the neurons. */",
            f"static void {self.sheet.own(SEND)}({counter(lines)} line{count})",
            "{",
            *("    " * (not each.startswith("#")) + each for each in body),
            "}",
        ]

    def advance(self) -> list[str]:
        """Return the statements that move on to the next tick."""
        if not self.has_ring:
            return []
        now, neurons = self.sheet.own(NOW), self.lean.program.n_neurons
        kind = type_of(np.array([self.size])).name
        return [f"{now} = ({kind})({now} + {neurons} < {self.size} ? {now} + {neurons} : 0);"]

    def sources(self) -> Bools:
        """Return which lines ``(lines,)`` have synapses."""
        found = np.zeros(self.lean.program.n_inputs + self.lean.program.n_neurons, np.bool_)
        found[self.groups.line] = True
        for each in self.kernels:
            found[each.first_line : each.first_line + each.n_lines] = True
        return found

    # ------------------------------------------------------------------------------------------------- rows and lists

    def _rows(self, is_row: Bools) -> list[str]:
        groups, tables, own = self.groups, self.sheet.tables, self.sheet.own
        chosen = is_row[groups.group]
        line, delay, neuron, weight, group = (
            each[chosen] for each in (groups.line, groups.delay, groups.neuron, groups.weight, groups.group)
        )
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        ends = np.append(starts[1:], group.size)
        first, last = neuron[starts], neuron[ends - 1]
        length = last - first + 1
        offset = np.cumsum(length) - length
        weights = np.zeros(int(length.sum()), np.int64)
        row = np.cumsum(np.diff(group, prepend=-1) != 0) - 1
        weights[offset[row] + neuron - first[row]] = weight
        begins = tables.add(
            "row_first", _starts(line[starts]), about="of each line: its first row, and where its rows end"
        )
        place = self._place(delay[starts], first, name="row_place", about="of each row: delay and first neuron")
        long = tables.add("row_length", length, about="of each row: how many neurons it reaches")
        where = tables.add("row_weight", offset, about="of each row: where its weights begin")
        numbers = tables.array("weight", weights, about="weights of all rows")
        kind = tables.kind_of(numbers)
        inner = [
            f"{self.sum_type.name} *const sum = {total(own(DUE), self._at(place.at('row')))};",
            f"const {kind.name} *const weight = {total(numbers.name, where.at('row'))};",
            *loop("i", 0, long.at("row"), [self._added("sum[i]", "weight[i]")], most=long.high),
        ]
        return self._each("row", begins, inner, most=starts.size, last=int(line.max()))

    def _list(self, is_listed: Bools) -> list[str]:
        groups, tables, own = self.groups, self.sheet.tables, self.sheet.own
        chosen = is_listed[groups.group]
        line, delay, neuron, weight = (
            each[chosen] for each in (groups.line, groups.delay, groups.neuron, groups.weight)
        )
        begins = tables.add(
            "list_first", _starts(line), about="of each line: its first listed synapse, and where they end"
        )
        place = self._place(delay, neuron, name="list_place", about="of each listed synapse: delay and neuron")
        number = self._weight(weight)
        inner = [
            f"{self.sum_type.name} *const sum = {total(own(DUE), self._at(place.at('s')))};",
            self._added("*sum", number.at("s")),
        ]
        return self._each("s", begins, inner, most=line.size, last=int(line.max()))

    def _weight(self, weight: Int64s) -> Lookup:
        if (weight == weight[0]).all():
            return self.sheet.tables.add("list_weight", weight, about="")
        return self.sheet.tables.array("list_weight", weight, about="of each listed synapse: its weight")

    def _each(self, index: str, begins: Lookup, inner: Sequence[str], *, most: int, last: int) -> list[str]:
        """Return code that visits a line's rows or listed synapses; lines after the last one have none."""
        lines = self.lean.program.n_inputs + self.lean.program.n_neurons
        kind = counter(most)
        if begins.step == 1 and not begins.name:
            is_used = any(re.search(rf"\b{index}\b", each) for each in inner)
            body = [f"const {kind} {index} = {begins.at('line')};"] * is_used + list(inner)
            return (
                ["{", *("    " + each for each in body), "}"] if last + 1 == lines else branch(f"line <= {last}", body)
            )
        body = loop(index, begins.at("line"), begins.at("line + 1"), inner, most=most)
        return body if last + 1 == lines else branch(f"line <= {last}", body)

    def _place(self, delay: Int64s, neuron: Int64s, *, name: str, about: str) -> Lookup:
        """Return the place in the ring, from this tick's slot on; a delay of all slots leads to that slot again."""
        neurons = self.lean.program.n_neurons
        return self.sheet.tables.add(
            name, delay % self.slots * neurons + neuron, about=f"{about}, as place in the ring"
        )

    def _at(self, place: str) -> str:
        """Return the index in the ring of a place that is counted from this tick's slot on."""
        return f"{self.sheet.own('around')}({place})" if self.has_ring else place

    def _added(self, target: str, weight: str) -> str:
        """Return the statement that adds a weight."""
        wide = "(int64_t)" if self.sum_type is INT64 else ""
        added = f"{wide}{weight} * count" if self.is_counted else weight
        return f"{target} = ({self.sum_type.name})({target} + {added});"

    def around(self) -> list[str]:
        """Return the function that finds places in the ring."""
        if not self.has_ring:
            return []
        kind, now = counter(2 * self.size), self.sheet.own(NOW)
        return [
            "/* Index in the ring of a place that is counted from this tick's sums on. */",
            f"static inline {kind} {self.sheet.own('around')}({kind} place)",
            "{",
            f"    const {kind} index = ({kind})({now} + place);",
            f"    return index < {self.size} ? index : index - {self.size};",
            "}",
        ]

    # ------------------------------------------------------------------------------------------------------- kernels

    def _kernel(self, kernel: Kernel, number: int) -> list[str]:
        body = kernel.code(self.sheet, number, slots=self.slots, at=self._at, added=self._added, sum_type=self.sum_type)
        end = kernel.first_line + kernel.n_lines
        tests = [f"line >= {kernel.first_line}"] * (kernel.first_line > 0) + [f"line < {end}"]
        return branch(" && ".join(tests), body)


def _shared_shift(program: Program) -> int:
    table = program.synapses
    parts = [(table.weight, table.exponent), *((each.weight, each.exponent) for each in table.shared)]
    return common_shift(np.concatenate([weight.astype(np.int64) << exponent for weight, exponent in parts]))


def _starts(line: Int64s) -> Int64s:
    """Return where each line begins in a list that is sorted by line, up to the end of the last line that is in it."""
    return np.searchsorted(line, np.arange(int(line.max()) + 2)).astype(np.int64)


def _rows_of(groups: Groups, neurons: int) -> Bools:
    """Return which groups ``(groups,)`` are rows."""
    if not groups.group.size:
        return np.zeros(0, np.bool_)
    starts = np.flatnonzero(np.diff(groups.group, prepend=-1))
    counts = np.diff(np.append(starts, groups.group.size))
    length = groups.neuron[starts + counts - 1] - groups.neuron[starts] + 1
    weight, place = type_of(groups.weight).size, type_of(np.array([neurons])).size
    return length * weight + ROW_COST <= counts * (weight + place)
