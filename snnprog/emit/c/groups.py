"""The form of synapses in flash: blocks, rows or lists, whichever takes the fewest bytes.

A *group* is the synapses of one line and one delay. A *block* is the matrix of consecutive lines and consecutive
neurons, as between two layers: nothing but weights; a line without synapses in between is a row of zeros. A *row* is
the weights of consecutive neurons, with where it begins and how long it is. A *list* has a neuron for each weight.
Blocks and rows hold zeros where a synapse is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.emit.c.types import type_of, value_type
from snnprog.program import Program

ROW_COST = 5
"""Bytes that a row takes beside its weights, counted: its place (2), its length (1), and where its weights begin (2).
Small and large tables take fewer or more."""

BLOCK_COST = 48
"""Bytes of code that a block takes, about: a test and a loop on a Cortex-M0. A choice, not a measurement."""

MOST_BLOCKS = 16
"""Each is a test for every spike. A choice, not a measurement; trained networks have one for each pair of layers."""


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

    def chosen(self, which: Bools) -> Groups:
        """Return some of the groups, numbered again."""
        kept = which[self.group]
        group = np.cumsum(which)[self.group[kept]] - 1
        return Groups(self.line[kept], self.delay[kept], self.neuron[kept], self.weight[kept], group)

    @property
    def starts(self) -> Int64s:
        """Where each group ``(groups,)`` begins."""
        return np.flatnonzero(np.diff(self.group, prepend=-1)).astype(np.int64)


@dataclass(frozen=True)
class Block:
    """The synapses of one delay between consecutive lines and consecutive neurons.

    Attributes
    ----------
    first_line, n_lines, first_neuron, n_neurons, delay : int
    groups : tuple of int
        Those that are in it, at most one for each line.
    saved : int
        Bytes that it takes less than its groups by themselves.
    """

    first_line: int
    n_lines: int
    first_neuron: int
    n_neurons: int
    delay: int
    groups: tuple[int, ...]
    saved: int

    def matrix(self, groups: Groups) -> Int64s:
        """Return the weights ``(lines, neurons)``."""
        found = np.zeros((self.n_lines, self.n_neurons), np.int64)
        chosen = np.isin(groups.group, self.groups)
        places = groups.line[chosen] - self.first_line, groups.neuron[chosen] - self.first_neuron
        found[places] = groups.weight[chosen]
        return found


@dataclass(frozen=True, eq=False)
class Forms:
    """Synapses by the form they take."""

    blocks: tuple[Block, ...]
    rows: Groups
    lists: Groups


def groups_of(program: Program, shift: int) -> Groups:
    """Return the synapses of a program that are listed, weights in units of ``2**shift``."""
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


def forms_of(groups: Groups, n_neurons: int) -> Forms:
    """Return which form each group takes."""
    if not groups.group.size:
        return Forms((), groups, groups)
    starts = groups.starts
    counts = np.diff(np.append(starts, groups.group.size))
    first, last = groups.neuron[starts], groups.neuron[starts + counts - 1]
    weight, place = (
        value_type(int(groups.weight.min()), int(groups.weight.max())).size,
        type_of(np.array([n_neurons])).size,
    )
    as_row, as_list = (last - first + 1) * weight + ROW_COST, counts * (weight + place)
    costs = np.minimum(as_row, as_list)
    blocks = _blocks(groups.line[starts], groups.delay[starts], first, last, costs=costs, weight=weight)
    is_alone = np.ones(starts.size, np.bool_)
    for block in blocks:
        is_alone[list(block.groups)] = False
    is_row = as_row <= as_list
    return Forms(blocks, groups.chosen(is_alone & is_row), groups.chosen(is_alone & ~is_row))


def _blocks(
    line: Int64s, delay: Int64s, first: Int64s, last: Int64s, *, costs: Int64s, weight: int
) -> tuple[Block, ...]:
    """Return the blocks that save the most bytes.

    Line after line, a group joins the block before it where that costs no more than another block would.
    """
    found: list[Block] = []
    for group in np.lexsort((line, delay)).tolist():
        cost = int(costs[group])
        width = int(last[group] - first[group]) + 1
        where = int(line[group]), 1, int(first[group]), width, int(delay[group])
        alone = Block(*where, (group,), cost - width * weight - BLOCK_COST)
        joined = _joined(found[-1], alone, cost=cost, weight=weight) if found else None
        if joined is not None and joined.saved >= found[-1].saved - BLOCK_COST:
            found[-1] = joined
        else:
            found.append(alone)
    best = sorted((each for each in found if each.saved > 0), key=lambda each: -each.saved)[:MOST_BLOCKS]
    return tuple(sorted(best, key=lambda each: each.first_line))


def _joined(block: Block, alone: Block, *, cost: int, weight: int) -> Block | None:
    """Return a block with the group of a later line; None if it has another delay, or another group of that line."""
    n_lines = alone.first_line + 1 - block.first_line
    if alone.delay != block.delay or n_lines <= block.n_lines:
        return None
    low = min(block.first_neuron, alone.first_neuron)
    width = max(block.first_neuron + block.n_neurons, alone.first_neuron + alone.n_neurons) - low
    before, after = block.n_lines * block.n_neurons, n_lines * width
    saved = block.saved + cost - (after - before) * weight
    where = block.first_line, n_lines, low, width, block.delay
    return Block(*where, (*block.groups, *alone.groups), saved)
