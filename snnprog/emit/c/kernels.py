"""Convolutions in C: the kernel is stored once in flash, with the target places of each row and column of the source.

A spike of source place (channel, row, column) reaches, for each target row that its row meets and each target column
that its column meets, the same place of all target channels of its group. Strides, dilation, padding and pooling are
all in these two short lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.convolution import Convolution
from snnprog.emit.c.code import Sheet, counter, loop, total
from snnprog.emit.c.tables import Lookup
from snnprog.emit.c.types import IntegerType
from snnprog.program import Program


@dataclass(frozen=True, eq=False)
class EmittedKernel:
    """A convolution whose weights are emitted once.

    Attributes
    ----------
    convolution : Convolution
    first_line, first_neuron, n_neurons : int
        The first line of the source, the first neuron of the target, and how many neurons the program has.
    weights, delays : (weights,) int64
        In the order (source channel, row, column, target channel of the group); weights in units of ``2**shift``.
    """

    convolution: Convolution
    first_line: int
    first_neuron: int
    n_neurons: int
    weights: Int64s
    delays: Int64s

    @property
    def n_lines(self) -> int:
        """Number of lines of the source."""
        return self.convolution.n_sources

    def code(
        self,
        sheet: Sheet,
        number: int,
        *,
        slots: int,
        most: int,
        at: Callable[[str], str],
        added: Callable[[str, str], str],
        sum_type: IntegerType,
    ) -> list[str]:
        """Return the statements that deliver a spike of a line.

        Parameters
        ----------
        sheet : Sheet
        number : int
            Of the convolution, counted from 1.
        slots : int
            Of the ring.
        most : int
            What no index exceeds.
        at : callable
            Place in the ring -> its index.
        added : callable
            Sum and weight -> the statement that adds.
        sum_type : IntegerType
            Of the sums.
        """
        geometry, tables = self.convolution, sheet.tables
        outs = geometry.channels[1] // geometry.groups
        ins = geometry.channels[0] // geometry.groups
        (height, width), (rows, columns) = geometry.image, geometry.size
        name = f"kernel_{number}"
        weights = tables.numbers(name, self.weights, about=f"convolution {number}: its kernel")
        row = self._axis(sheet, number, axis=0, target=columns, tap=geometry.kernel[1] * outs)
        column = self._axis(sheet, number, axis=1, target=1, tap=outs)
        later = (self.delays % slots) * self.n_neurons
        delay = tables.add(
            f"{name}_delay", later, about=f"convolution {number}: delay of each weight, as place in the ring"
        )
        first = self.first_neuron + (delay.low if delay.is_constant else 0)
        per_channel = self.weights.size // geometry.channels[0]
        moved = f" + {delay.at('where + o')}" if not delay.is_constant else ""
        kind = counter(most)
        inner = [
            f"{sum_type.name} *const sum = {sheet.own('due')} + {at(f'target + o * {rows * columns}{moved}')};",
            added("*sum", f"{weights.name}[where + o]"),
        ]
        meeting = [
            f"const {kind} where = {total(f'channel * {per_channel}', row.tap.at('r'), column.tap.at('c'))};",
            f"const {kind} target = {total('first', row.target.at('r'), column.target.at('c'))};",
            *loop("o", 0, outs, inner, most=outs),
        ]
        across = loop("c", column.first.at("column"), column.first.at("column + 1"), meeting, most=most)
        place = f"(line - {self.first_line})" if self.first_line else "line"
        return [
            f"const {kind} channel = {place} / {height * width};",
            *([f"const {kind} row = {place} / {width} % {height};"] if row.first.name or row.first.step else []),
            f"const {kind} column = {place} % {width};",
            f"const {kind} first = {total(str(first), f'channel / {ins} * {outs * rows * columns}')};",
            *loop("r", row.first.at("row"), row.first.at("row + 1"), across, most=most),
        ]

    def _axis(self, sheet: Sheet, number: int, *, axis: int, target: int, tap: int) -> _Axis:
        """Return the targets and taps of each place of the source along an axis; target and tap are the strides."""
        places, taps, sources = self.convolution.meetings(axis)
        order = np.lexsort((taps, places, sources))
        word = ("row", "column")[axis]
        first = np.searchsorted(sources[order], np.arange(self.convolution.image[axis] + 1)).astype(np.int64)
        where = f"convolution {number}"
        add, name = sheet.tables.add, f"kernel_{number}_{word}"
        return _Axis(
            first=add(
                f"{name}_first", first, about=f"{where}: of each source {word}, the first target {word} it meets"
            ),
            target=add(f"{name}_target", places[order] * target, about=f"{where}: target {word}s, as places"),
            tap=add(f"{name}_tap", taps[order] * tap, about=f"{where}: {word}s of the kernel, as places"),
        )


@dataclass(frozen=True, eq=False)
class _Axis:
    """The targets and taps of the places of a source along an axis."""

    first: Lookup
    target: Lookup
    tap: Lookup


def kernels_of(program: Program, shift: int) -> list[EmittedKernel]:
    """Return the convolutions of a program that have synapses; weights are in units of ``2**shift``."""
    found = []
    for each in program.shared:
        if each.n_synapses:
            weights = (each.weight.astype(np.int64) << each.exponent) >> shift
            delays = np.where(each.weight != 0, each.delay, each.delay[np.flatnonzero(each.weight)[0]])
            arrays = (_by_source(each.convolution, array.astype(np.int64)) for array in (weights, delays))
            found.append(EmittedKernel(each.convolution, each.first_pre, each.first_post, program.n_neurons, *arrays))
    return found


def _by_source(convolution: Convolution, values: Int64s) -> Int64s:
    """Return values of weights in the order (source channel, row, column, target channel of the group)."""
    outs, ins, rows, columns = convolution.weight_shape
    grouped = values.reshape(convolution.groups, outs // convolution.groups, ins, rows, columns)
    return grouped.transpose(0, 2, 3, 4, 1).ravel()
