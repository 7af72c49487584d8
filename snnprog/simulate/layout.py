"""How the fast simulator lays a program out in memory: neurons in blocks of lanes, synapses by the line they leave.

Everything here is plain NumPy; `snnprog.simulate.loops` runs over it, compiled.

Neurons stand in blocks of `LANES`, a block's fields one after another, so that one vector instruction serves many
neurons; the last block is filled up with neurons that nothing reaches. What arrives is added up in slots, one per tick
ahead; every so many ticks they move to the front, so that none is ever looked for around an end. A line's synapses of
one delay are a row of all neurons where there are many of them, to be added as a vector; else they are a list of places
in the slots.

Weights lose the power of two that all of them share, then take the narrowest integers that hold them: the less is
moved, the faster. Registers have 32 bits where it is proved that none overflows, else 64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Int32s, Int64s, Integers, UInt64s
from snnprog.chips import Chip, Semantics, ShiftSemantics
from snnprog.program import Program

DECAY_BITS = 12
LANES = 32
CURRENT, POTENTIAL, CURRENT_FACTOR, POTENTIAL_FACTOR, BIAS, THRESHOLD, UNWRAPPED, UNCLIPPED = range(8)
FIELDS = 8
DENSE_SHARE = 8
"""A line's synapses of one delay become a row where they reach at least one neuron in so many."""

LEAST_PERIOD = 8
"""Moving costs as much as the slots that are moved: with more ticks between, the less."""

SCAN_BYTES = 8
WEIGHT_TYPES = (np.int8, np.int16, np.int32, np.int64)
ARRIVAL_TYPES = (np.int16, np.int32)
PLACE_TYPES = (np.uint16, np.uint32)
NARROW_LIMIT = 1 << 31


class Wires(NamedTuple):
    """The synapses; weights in units of ``1 << shift`` of the chip's LSB, lines counted as in `Program`.

    Attributes
    ----------
    row_first : (lines + 1,) uint64
        Where each line's rows begin.
    row_delay : (rows,) uint64
    rows : (rows * padded neurons,) integers
    listed_first : (lines + 1,) uint32
        Where each line's listed synapses begin.
    listed_place : (synapses,) uint16 or uint32
        ``(delay - 1) * padded + post``.
    listed_weight : (synapses,) integers
    """

    row_first: UInt64s
    row_delay: UInt64s
    rows: Integers
    listed_first: NDArray[np.uint32]
    listed_place: NDArray[np.unsignedinteger]
    listed_weight: Integers


class Rule(NamedTuple):
    """The chip's rule and limits as integers, and what is known about this program's run.

    Attributes
    ----------
    shift : int
        From units of the queue to units of the current.
    half, top : int
        Currents are folded into ``(-half, half]``, potentials limited to ``±top``.
    arrival_limit, current_limit, potential_limit : int
        Magnitudes from which on a state has left the portable range.
    has_currents : bool
        Whether any neuron keeps a current, or what arrives could be more than a current holds.
    """

    shift: int
    half: int
    top: int
    arrival_limit: int
    current_limit: int
    potential_limit: int
    has_currents: bool


class Shape(NamedTuple):
    """Counts: of what is simulated, and of what it is padded to.

    Attributes
    ----------
    n_inputs, n_neurons, n_outputs : int
    padded : int
        Neurons, filled up to whole blocks.
    slots : int
        How many ticks ahead something may arrive, each with a place for every padded neuron: the longest delay.
    period : int
        How many ticks pass before what is still to arrive is moved to the front of the queue.
    hears_neurons : bool
        Whether any synapse leaves a neuron.
    """

    n_inputs: int
    n_neurons: int
    n_outputs: int
    padded: int
    slots: int
    period: int
    hears_neurons: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """A program as the compiled loops want it.

    Attributes
    ----------
    cells : (padded neurons * FIELDS,) int32 or int64
        All neurons at rest.
    outputs : (outputs,) uint64
        Neurons read out; empty where they are the first ones in order.
    refractory : (neurons,) int32
        Refractory periods; empty where every neuron may spike at every tick.
    arrivals : type
        The narrowest integers that hold all that can arrive in a tick, in units of the wires' weights.
    wires, rule, shape : Wires, Rule, Shape
    """

    cells: Integers
    outputs: UInt64s
    refractory: Int32s
    arrivals: type[np.integer]
    wires: Wires
    rule: Rule
    shape: Shape


def is_known(semantics: Semantics) -> bool:
    """Tell whether compiled loops execute an integer rule: these, or those of `snnprog.simulate.shift_kernel`."""
    return isinstance(semantics, ShiftSemantics) or (
        type(semantics) is Semantics
        and (semantics.rounding, semantics.decay_bits) == ("toward zero", DECAY_BITS)
        and (semantics.current_overflow, semantics.potential_overflow) == ("wrap", "clip")
        and (semantics.compare, semantics.reset) == (">", "zero")
        and max(semantics.current_bits, semantics.potential_bits) < 31
    )


def lay_out(program: Program) -> Layout:
    """Return the layout of a program."""
    chip = program.chip
    weights = program.effective_weight()
    shared = common_shift(weights)
    reach = arrival_reach(program, weights) << chip.semantics.input_shift
    shape = _shape(program)
    register = np.int32 if is_narrow(program, chip.semantics, reach) else np.int64
    has_currents = bool(
        (_current_factor(program, chip.semantics) != 0).any()
        or reach.max() >= min(chip.current_limit, 1 << chip.semantics.current_bits)
    )
    is_first = np.array_equal(program.outputs, np.arange(program.n_outputs))
    most = reach >> (chip.semantics.input_shift + shared)
    return Layout(
        cells=_cells(program, chip.semantics, shape, register),
        outputs=program.outputs[: 0 if is_first else None].astype(np.uint64),
        refractory=program.refractory[: None if program.has_refractory else 0].copy(),
        arrivals=np.int64 if register is np.int64 else _narrowest(ARRIVAL_TYPES, most),
        wires=_wires(program, weights >> shared, shape, is_wide=register is np.int64),
        rule=_rule(chip, shared, has_currents),
        shape=shape,
    )


def common_shift(weights: Int64s) -> int:
    """Return the greatest power of two, as an exponent, that divides all weights."""
    together = int(np.bitwise_or.reduce(weights)) if weights.size else 0
    return (together & -together).bit_length() - 1 if together else 0


def arrival_reach(program: Program, weights: Int64s) -> Int64s:
    """Return the greatest magnitude ``(neurons,)`` that any subset of a neuron's weights adds up to."""
    sums = np.zeros((2, program.n_neurons), dtype=np.int64)
    np.add.at(sums, ((weights < 0).astype(np.int64), program.post), np.abs(weights))
    reach: Int64s = sums.max(axis=0)
    return reach


def is_narrow(program: Program, semantics: Semantics, reach: Int64s) -> bool:
    """Tell whether no 32-bit register overflows, whatever the stimulus.

    With a neuron's arrivals at most A and its current decaying by f / F each tick, a current is folded once, hence at
    most ``max(half, (A - 2 half) F / (F - f))`` after it and A more before it; a potential adds its top and the bias.
    Two halves of a product with f stay below their factor (`snnprog.simulate.loops.scale`).
    """
    scale, half = 1 << semantics.decay_bits, 1 << semantics.current_bits
    kept = scale - _current_factor(program, semantics)
    current = np.maximum(half, -(-np.maximum(reach - 2 * half, 0) * scale // np.maximum(kept, 1)))
    potential = current + reach + (1 << semantics.potential_bits) + np.abs(program.bias.astype(np.int64))
    return bool((kept > 0).all() and (potential < NARROW_LIMIT).all())


def _current_factor(program: Program, semantics: Semantics) -> Int64s:
    return (1 << semantics.decay_bits) - semantics.current_decay_offset - program.current_decay.astype(np.int64)


def _rule(chip: Chip, shared: int, has_currents: bool) -> Rule:
    return Rule(
        shift=chip.semantics.input_shift + shared,
        half=1 << chip.semantics.current_bits,
        top=(1 << chip.semantics.potential_bits) - 1,
        arrival_limit=chip.arrival_limit,
        current_limit=chip.current_limit,
        potential_limit=chip.potential_limit,
        has_currents=has_currents,
    )


def _shape(program: Program) -> Shape:
    padded = -(-program.n_neurons // LANES) * LANES
    return Shape(
        n_inputs=program.n_inputs,
        n_neurons=program.n_neurons,
        n_outputs=program.n_outputs,
        padded=padded,
        slots=program.max_delay,
        period=max(program.max_delay, LEAST_PERIOD),
        hears_neurons=bool((program.pre >= program.n_inputs).any()),
    )


def _cells(program: Program, semantics: Semantics, shape: Shape, register: type[np.signedinteger]) -> Integers:
    fields = np.zeros((FIELDS, shape.padded), dtype=register)
    fields[THRESHOLD] = np.iinfo(np.int32).max
    fields[CURRENT_FACTOR, : shape.n_neurons] = _current_factor(program, semantics)
    fields[POTENTIAL_FACTOR, : shape.n_neurons] = (1 << semantics.decay_bits) - program.potential_decay
    fields[BIAS, : shape.n_neurons] = program.bias
    fields[THRESHOLD, : shape.n_neurons] = program.threshold.astype(np.int64) << semantics.input_shift
    return fields.reshape(FIELDS, -1, LANES).transpose(1, 0, 2).ravel()


def _wires(program: Program, weights: Int64s, shape: Shape, *, is_wide: bool) -> Wires:
    """Return the wires; a group of synapses is those of one line and one delay."""
    n_lines = shape.n_inputs + shape.n_neurons
    group = program.pre.astype(np.int64) * shape.slots + (program.delay - 1)
    counts = np.bincount(group, minlength=n_lines * shape.slots)
    is_row = counts * DENSE_SHARE >= shape.n_neurons
    dense = is_row[group]
    rows = _rows(group[dense], program.post[dense], weights[dense], is_row, shape)
    order = np.lexsort((program.post[~dense], group[~dense]))
    place = ((program.delay[~dense].astype(np.int64) - 1) * shape.padded + program.post[~dense])[order]
    listed = weights[~dense][order]
    kind = np.int64 if is_wide else _narrowest(WEIGHT_TYPES, rows, listed)
    return Wires(
        row_first=_starts(is_row.reshape(n_lines, shape.slots).sum(axis=1)).astype(np.uint64),
        row_delay=(np.flatnonzero(is_row) % shape.slots + 1).astype(np.uint64),
        rows=rows.astype(kind).ravel(),
        listed_first=_starts(np.where(is_row, 0, counts).reshape(n_lines, shape.slots).sum(axis=1)).astype(np.uint32),
        listed_place=place.astype(np.uint32 if is_wide else _narrowest(PLACE_TYPES, place)),
        listed_weight=listed.astype(kind),
    )


def _rows(group: Int64s, post: Integers, weights: Int64s, is_row: Bools, shape: Shape) -> Int64s:
    """Return the weights ``(rows, padded neurons)`` of the groups that are rows; synapses in parallel are added up."""
    number = np.cumsum(is_row) - 1
    sums = np.zeros(int(is_row.sum()) * shape.padded, dtype=np.int64)
    np.add.at(sums, number[group] * shape.padded + post, weights)
    return sums


def _starts(counts: Int64s) -> Int64s:
    return np.concatenate([[0], np.cumsum(counts)])


def _narrowest(kinds: Sequence[type[np.integer]], *values: Int64s) -> type[np.integer]:
    """Return the first type that holds all values."""
    least = min(int(array.min(initial=0)) for array in values)
    most = max(int(array.max(initial=0)) for array in values)
    return next(kind for kind in kinds if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
