"""Synapses of a rule that sums its inputs: tables in flash, a ring of sums in RAM, and the code that fills it.

The ring has a slot for each future tick in which spikes may arrive, with a sum for each neuron; if all delays are 1, it
is one slot. A power of two that all weights share is taken out of them, so that sums and weights get the narrowest
types. Synapses are sorted by line, in the forms of `snnprog.emit.c.groups`; convolutions stay kernels
(`snnprog.emit.c.kernels`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.emit.c.code import Sheet, branch, counter, indented, loop, total
from snnprog.emit.c.groups import Block, Groups, forms_of, groups_of
from snnprog.emit.c.kernels import EmittedKernel, kernels_of
from snnprog.emit.c.lean import LeanProgram
from snnprog.emit.c.tables import Lookup
from snnprog.emit.c.types import INT64, IntegerType, narrowest_signed, type_of
from snnprog.program import Program
from snnprog.simulate.layout import common_shift

DUE, NOW, SEND = "due", "now", "send"


@dataclass
class SummedWiring:
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
        self.forms = forms_of(self.groups, program.n_neurons)
        self.kernels = kernels_of(program, self.shift)
        delays = [self.groups.delay, *(each.delays for each in self.kernels)]
        self.slots = max(int(each.max(initial=1)) for each in delays)
        arriving = self.lean.arriving
        low, high = arriving.least >> self.shift, arriving.greatest >> self.shift
        self.sum_type: IntegerType = narrowest_signed(low, high)
        self.size = self.slots * program.n_neurons

    @property
    def most(self) -> int:
        """A bound for all indices, and for the steps of their calculation."""
        matrices = [each.n_lines * each.n_neurons for each in self.forms.blocks]
        kernels = [max(each.n_lines, each.weights.size) for each in self.kernels]
        lines = self.lean.program.n_inputs + self.lean.program.n_neurons
        rows = self.forms.rows.group.size * self.lean.program.n_neurons
        return 2 * max([lines, self.size, self.groups.line.size, rows, *matrices, *kernels])

    @property
    def is_counted(self) -> bool:
        """Whether a line may spike more than once in a tick."""
        return max(self.lean.most_spikes, self.lean.most_of_input) > 1

    @property
    def has_ring(self) -> bool:
        """Whether sums of several ticks are in progress."""
        return self.slots > 1

    @property
    def here(self) -> str:
        """Where the sum of this tick for neuron ``n`` is."""
        index = f"{self.sheet.own(NOW)} + n" if self.has_ring else "n"
        return f"{self.sheet.own(DUE)}[{index}]"

    def declare(self) -> None:
        """Add the state."""
        ticks = f"next {self.slots} ticks" if self.has_ring else "next tick"
        unit = f", in units of {1 << self.shift}" if self.shift else ""
        about = f"what arrives at each neuron in the {ticks}{unit}"
        self.sheet.keep(DUE, self.sum_type, self.size, about=about)
        if self.has_ring:
            about = "where the sums of this tick begin"
            self.sheet.keep(NOW, type_of(np.array([self.size])), about=about)

    def sender(self) -> list[str]:
        """Return the function that adds the weights of a line's synapses to future arrivals."""
        body: list[str] = []
        count = ", int32_t count" if self.is_counted else ""
        for number, block in enumerate(self.forms.blocks, start=1):
            body += self._block(block, number)
        if self.forms.rows.group.size:
            body += self._rows(self.forms.rows)
        if self.forms.lists.group.size:
            body += self._lists(self.forms.lists)
        for number, kernel in enumerate(self.kernels, start=1):
            body += self._kernel(kernel, number)
        return [
            "/* Adds the weights of a line's synapses to what will arrive; lines are the inputs, then the neurons. */",
            f"static void {self.sheet.own(SEND)}({counter(self.most)} line{count})",
            "{",
            *indented(body),
            "}",
            "",
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

    def _block(self, block: Block, number: int) -> list[str]:
        """Return the code for a matrix of weights, one row for each line."""
        own, neurons = self.sheet.own, self.lean.program.n_neurons
        about = f"weights of lines {block.first_line} to {block.first_line + block.n_lines - 1}"
        matrix = block.matrix(self.groups).ravel()
        numbers = self.sheet.tables.numbers(f"block_{number}", matrix, about=f"{about}, {block.n_neurons} for each")
        line = f"(line - {block.first_line})" if block.first_line else "line"
        place = str(block.delay % self.slots * neurons + block.first_neuron)
        kind = self.sheet.tables.kind_of(numbers).name
        body = [
            f"{self.sum_type.name} *const sum = {total(own(DUE), self._at(place))};",
            f"const {kind} *const weight = {numbers.name} + {block.n_neurons} * {line};",
            *loop("i", 0, block.n_neurons, [self._added("sum[i]", "weight[i]")], most=block.n_neurons),
        ]
        return self._within(block.first_line, block.n_lines, body)

    def _rows(self, rows: Groups) -> list[str]:
        """Return the code for the weights of consecutive neurons."""
        own, tables, starts = self.sheet.own, self.sheet.tables, rows.starts
        ends = np.append(starts[1:], rows.group.size)
        first = rows.neuron[starts]
        length = rows.neuron[ends - 1] - first + 1
        offset = np.cumsum(length) - length
        weights = np.zeros(int(length.sum()), np.int64)
        weights[offset[rows.group] + rows.neuron - first[rows.group]] = rows.weight
        line = rows.line[starts]
        begins = tables.add("row_first", _starts(line), about="of each line: its first row, and where its rows end")
        place = self._place(rows.delay[starts], first, name="row_place", about="of each row: delay and first neuron")
        long = tables.add("row_length", length, about="of each row: how many neurons it reaches")
        where = tables.add("row_weight", offset, about="of each row: where its weights begin")
        numbers = tables.numbers("weight", weights, about="weights of all rows")
        inner = [
            f"{self.sum_type.name} *const sum = {total(own(DUE), self._at(place.at('row')))};",
            f"const {tables.kind_of(numbers).name} *const weight = {total(numbers.name, where.at('row'))};",
            *loop("i", 0, long.at("row"), [self._added("sum[i]", "weight[i]")], most=long.high),
        ]
        return self._each("row", begins, inner, last=int(line.max()))

    def _lists(self, lists: Groups) -> list[str]:
        """Return the code for weights that have a neuron each."""
        own, tables = self.sheet.own, self.sheet.tables
        about = "of each line: its first listed synapse, and where they end"
        begins = tables.add("list_first", _starts(lists.line), about=about)
        place = self._place(
            lists.delay, lists.neuron, name="list_place", about="of each listed synapse: delay and neuron"
        )
        number = self._weight(lists.weight)
        inner = [
            f"{self.sum_type.name} *const sum = {total(own(DUE), self._at(place.at('s')))};",
            self._added("*sum", number.at("s")),
        ]
        return self._each("s", begins, inner, last=int(lists.line.max()))

    def _weight(self, weight: Int64s) -> Lookup:
        if (weight == weight[0]).all():
            return self.sheet.tables.add("list_weight", weight, about="")
        return self.sheet.tables.numbers("list_weight", weight, about="of each listed synapse: its weight")

    def _each(self, index: str, begins: Lookup, inner: Sequence[str], *, last: int) -> list[str]:
        """Return code that visits a line's rows or listed synapses; lines after the last one have none."""
        if begins.step == 1 and not begins.name:
            is_used = any(re.search(rf"\b{index}\b", each) for each in inner)
            declared = f"const {counter(self.most)} {index} = {begins.at('line')};"
            return self._within(0, last + 1, [declared] * is_used + list(inner))
        return self._within(0, last + 1, loop(index, begins.at("line"), begins.at("line + 1"), inner, most=self.most))

    def _within(self, first: int, count: int, body: Sequence[str]) -> list[str]:
        """Return code that runs for some consecutive lines."""
        lines, end = self.lean.program.n_inputs + self.lean.program.n_neurons, first + count
        tests = [f"line >= {first}"] * (first > 0) + [f"line < {end}"] * (end < lines)
        return branch(" && ".join(tests), body) if tests else ["{", *indented(body), "}"]

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
        kind, now = counter(self.most), self.sheet.own(NOW)
        return [
            "/* Index in the ring of a place that is counted from this tick's sums on. */",
            f"static inline {kind} {self.sheet.own('around')}({kind} place)",
            "{",
            f"    const {kind} index = ({kind})({now} + place);",
            f"    return index < {self.size} ? index : index - {self.size};",
            "}",
            "",
        ]

    # ------------------------------------------------------------------------------------------------------- kernels

    def _kernel(self, kernel: EmittedKernel, number: int) -> list[str]:
        body = kernel.code(
            self.sheet, number, slots=self.slots, most=self.most, at=self._at, added=self._added, sum_type=self.sum_type
        )
        return self._within(kernel.first_line, kernel.n_lines, body)


def _shared_shift(program: Program) -> int:
    table = program.synapses
    parts = [(table.weight, table.exponent), *((each.weight, each.exponent) for each in table.shared)]
    return common_shift(np.concatenate([weight.astype(np.int64) << exponent for weight, exponent in parts]))


def _starts(line: Int64s) -> Int64s:
    """Return the start of each line in a list that is sorted by line, and the end of the last line."""
    return np.searchsorted(line, np.arange(int(line.max()) + 2)).astype(np.int64)
