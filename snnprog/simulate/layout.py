"""The kernel's memory layout of a program: neurons in blocks of lanes, synapses by presynaptic line.

Everything here is plain NumPy; generated code (`snnprog.simulate.kernel_source`) runs over it.

The program's rule is simplified first: interval analysis (`snnprog.rules.ranges`) removes ends that no
value of this program reaches, registers that stay 0, and watches that are never exceeded. Values that only depend on
parameters are calculated once. Neurons are in blocks of `LANES`, with a block's fields in sequence, so that one
vector instruction handles many neurons; the last block is padded with neurons without synapses. Arriving weights are
added in slots, one per future tick, each cleared as it is read; the slots are moved to the front periodically, so that
indices never wrap around. A line's synapses of one delay are a row of all neurons if there are many of them, added as a
vector; otherwise they are listed, in chunks of `CHUNK` words, each with an index into the slots and a weight.

Weights are divided by their common power of two, then stored in the narrowest integers that hold them, to move less
memory. Registers have 32 bits where it is proved that none overflows, else 64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Int64s, Integers, UInt64s
from snnprog.program import Program
from snnprog.rules.expressions import Hold, Scale, children, nodes
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import Reach, Span, reach_of
from snnprog.rules.rule import UNSET, Rule
from snnprog.rules.simplifying import simplified
from snnprog.simulate.kernel_source import BlockCode, block_code
from snnprog.simulate.memory import CHUNK, LANES, Shape, Wires, aligned
from snnprog.simulate.parameters import parameters_of
from snnprog.simulate.ticks import Ticks, calm_code

UNCOUNTED = 1 << 20
"""Assumed spikes in a tick of a neuron without a limit: more than a register of a million holds."""

DENSE_SHARE = 8
"""A line's synapses of one delay become a row if they reach at least one neuron in this number."""

WEIGHT_TYPES = (np.int8, np.int16, np.int32, np.int64)
ARRIVAL_TYPES = (np.int16, np.int32)
WORDS = ((np.uint32, np.int8), (np.uint32, np.int16), (np.uint64, np.int32))
"""Words that hold a listed synapse, and the type of its weight, from the narrowest on; the index takes the rest."""

LEAST_PERIOD = 8
"""In ticks, for short delays. Insensitive: 4 takes as long, within 5 %."""

LEAST_TURNS = 2
"""A period in longest delays. Moving costs as much as the slots that are moved: longer periods reduce it. 1 takes 6 %
longer with 10,000 neurons, and 4 as long as 2."""

QUEUE_BYTES = 1 << 15
"""Size up to which periods are longer: that of an L1 cache. Insensitive: 2^13 and 2^14 take as long, within 5 %."""

PART = 1 << 20
"""Number of synapses processed at a time: all millions of a convolution would take as much memory again.
Insensitive from 2^16 to 2^22."""

NARROW_LIMIT = 1 << 31
"""Values below it fit 32 bits, of which a vector instruction takes twice as many as of 64."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A program in the form for generated code.

    Attributes
    ----------
    ticks : Ticks
        The code that advances the neurons.
    cells : (padded neurons * fields,) int32 or int64
        All neurons at rest.
    outputs : (outputs,) uint64
        Neurons read out; empty if they are the first ones in order.
    arrivals : type
        The narrowest integers for the possible input of a tick, in units of the wires' weights.
    wires, shape : Wires, Shape
    """

    ticks: Ticks
    cells: Integers
    outputs: UInt64s
    arrivals: type[np.integer]
    wires: Wires
    shape: Shape

    @property
    def code(self) -> BlockCode:
        """The code that advances the neurons, whatever happens, and their fields."""
        return self.ticks.code

    @property
    def is_wide(self) -> bool:
        """Whether registers have 64 bits."""
        return bool(self.cells.dtype == np.int64)


@dataclass(frozen=True, eq=False)
class _Lean:
    """A program's simplified rule, and the bounds of its values."""

    rule: Rule
    arriving: Span
    spans: Mapping[str, Span]
    can_be_summed: bool


def can_be_laid_out(program: Program) -> bool:
    """Return whether arrivals can be added in any order, and no step counts the spikes of a tick."""
    return _lean(program).can_be_summed


def lay_out(program: Program) -> Layout:
    """Return the layout of a program that `can_be_laid_out`."""
    lean, weights = _lean(program), _effective_weight(program)
    assert lean.can_be_summed, "callers have checked this"
    register: type[np.signedinteger]
    register = np.int32 if is_narrow(lean.rule, reach_of(lean.rule, lean.spans, arriving=lean.arriving)) else np.int64
    code = block_code(lean.rule, register.__name__)
    shared = common_shift(weights)
    weights >>= shared
    words = _words_of(program, int(weights.min(initial=0)), int(weights.max(initial=0)))
    assert words is not None, "callers have checked this"
    most = np.maximum(lean.arriving.high, -lean.arriving.low) >> shared
    arrivals: type[np.integer] = np.int64 if register is np.int64 else _narrowest(ARRIVAL_TYPES, most)
    shape = _shape(program, code, shared=shared, arrivals=arrivals, weight_bits=np.iinfo(words[1]).bits)
    is_first = np.array_equal(program.outputs, np.arange(program.n_outputs))
    cells = _cells(program, code, shape=shape, register=register)
    wires = _wires(program, weights, shape, words=words, is_wide=register is np.int64)
    calm, calm_lines = calm_code(
        lean.rule, code, lean.spans, arriving=lean.arriving, wires=wires, shape=shape, register=register.__name__
    )
    number, marks = np.uint64(0), np.empty(0, np.uint32)
    arguments = cells, np.empty(0, arrivals), marks, cells, number, number, number, register(0)
    return Layout(
        ticks=Ticks(code, calm, calm_lines, arguments),
        cells=cells,
        outputs=program.outputs[: 0 if is_first else None].astype(np.uint64),
        arrivals=arrivals,
        wires=wires,
        shape=shape,
    )


def lean_rule(program: Program) -> Rule:
    """Return the rule without parts that have no effect on any neuron of the program for any input."""
    return _lean(program).rule


_LEAN: WeakKeyDictionary[Program, _Lean] = WeakKeyDictionary()
"""Cached simplified rules of programs, by identity."""


def _lean(program: Program) -> _Lean:
    """Return the simplified rule of a program, calculated once."""
    if program not in _LEAN:
        _LEAN[program] = _made_lean(program)
    return _LEAN[program]


def _made_lean(program: Program) -> _Lean:
    rule, spans = program.chip.rule, _spans(program)
    arriving = arriving_span(program)
    reach = reach_of(rule, spans, arriving=arriving)
    lean = simplified(rule, reach)
    can_be_summed = lean.is_sum and not _counts(rule, reach) and _rests(rule) and _fits_words(program)
    return _Lean(lean, arriving, spans, can_be_summed)


def _counts(rule: Rule, reach: Reach) -> bool:
    """Return whether any neuron could spike more than once in a tick."""
    return reach.of(rule.fire, rule.fire.expression).greatest > 1


@lru_cache(maxsize=64)
def _rests(rule: Rule) -> bool:
    """Return whether a neuron without input never spikes, so that blocks can be padded with such neurons."""
    spans = {name: Span.of(np.array([value], np.int64)) for name, value in resting(rule).items()}
    return not _can_spike(rule, reach_of(rule, spans, arriving=Span.of(np.zeros(1, np.int64))))


def _fits_words(program: Program) -> bool:
    """Return whether a word holds the index and the weight of any synapse."""
    most = max(int(program.weight.max(initial=0)), -int(program.weight.min(initial=0)))
    return _words_of(program, most << int(program.exponent.max(initial=0))) is not None


def _words_of(program: Program, *weights: int) -> tuple[type[np.unsignedinteger], type[np.signedinteger]] | None:
    """Return the narrowest words for listed synapses with these extreme weights, and the weights' type."""
    last = program.max_delay * _padded(program) - 1
    for word, kind in WORDS:
        limits = np.iinfo(kind)
        holds_weights = all(limits.min <= weight <= limits.max for weight in weights)
        if holds_weights and last.bit_length() + limits.bits <= np.iinfo(word).bits:
            return word, kind
    return None


def _padded(program: Program) -> int:
    return -(-program.n_neurons // LANES) * LANES


def _can_spike(rule: Rule, reach: Reach) -> bool:
    return reach.of(rule.fire, rule.fire.expression).greatest > 0


def resting(rule: Rule) -> dict[str, int]:
    """Return the parameters of a padding neuron."""
    own = {each.name: int(np.clip(UNSET[each.name], each.low, each.high)) for each in rule.parameters}
    return own | {each.name: each.readout for each in rule.constants}


def _spans(program: Program) -> dict[str, Span]:
    """Return the spans of a program's parameters, for each neuron."""
    return {name: Span.of(values) for name, values in parameters_of(program).items()}


def _effective_weight(program: Program) -> Integers:
    """Return the effective weight of each synapse, in 32 bits if possible."""
    most, least = int(program.weight.max(initial=0)), int(program.weight.min(initial=0))
    if max(most, -least) << int(program.exponent.max(initial=0)) < NARROW_LIMIT:
        return program.weight << program.exponent
    return program.effective_weight()


def common_shift(weights: Integers) -> int:
    """Return the exponent of the greatest power of two that divides all weights."""
    together = int(np.bitwise_or.reduce(weights)) if weights.size else 0
    return (together & -together).bit_length() - 1 if together else 0


def arriving_span(program: Program, *, most_of_input: int = 1) -> Span:
    """Return bounds of the sum of events that can arrive together at each neuron in a tick.

    Parameters
    ----------
    most_of_input : int
        Maximum number of spikes of an input line in a tick.
    """
    most = np.full(program.n_inputs + program.n_neurons, most_of_input, np.int64)
    most[program.n_inputs :] = _most_spikes(program)
    sums = np.zeros((2, program.n_neurons), dtype=np.int64)
    for start in range(0, program.n_synapses, PART):
        part = slice(start, start + PART)
        added = (program.weight[part].astype(np.int64) << program.exponent[part]) * most[program.pre[part]]
        np.add.at(sums, ((added > 0).astype(np.int64), program.post[part]), added)
    return Span(sums[0], sums[1])


def _most_spikes(program: Program) -> Int64s:
    """Return the maximum number of spikes of each neuron in a tick."""
    most = program.chip.rule.firing.most
    if most is None:
        return np.full(program.n_neurons, UNCOUNTED)
    return np.broadcast_to(Interpreter(program.chip.rule, parameters_of(program)).value(most), program.n_neurons)


def is_narrow(rule: Rule, reach: Reach) -> bool:
    """Return whether neither 32-bit registers nor parts of the rule's operations overflow for any stimulus.

    A scaling multiplies no more than ``bits`` of its value at a time (`snnprog.rules.operations`); folding and wrapping
    add the span of their register.
    """
    for step in rule.all_steps:
        for node in nodes(step.expression):
            parts = [reach.of(step, part).magnitude for part in (node, *children(node))]
            if isinstance(node, Scale):
                parts.append(reach.of(step, node.factor).magnitude << node.bits)
            if isinstance(node, Hold):
                parts += [node.high, -node.low, reach.of(step, node.operand).magnitude + node.span]
            if max(parts) >= NARROW_LIMIT:
                return False
    return True


def _shape(program: Program, code: BlockCode, *, shared: int, arrivals: type[np.integer], weight_bits: int) -> Shape:
    padded, slots = _padded(program), program.max_delay
    return Shape(
        n_inputs=program.n_inputs,
        n_neurons=program.n_neurons,
        n_outputs=program.n_outputs,
        padded=padded,
        slots=slots,
        period=max(LEAST_PERIOD, LEAST_TURNS * slots, QUEUE_BYTES // (padded * np.dtype(arrivals).itemsize) - slots),
        fields=code.n_fields,
        unit=1 << shared,
        weight_bits=weight_bits,
        hears_neurons=bool((program.pre >= program.n_inputs).any()),
    )


def _cells(program: Program, code: BlockCode, *, shape: Shape, register: type[np.signedinteger]) -> Integers:
    filling = {name: np.array([value], np.int64) for name, value in resting(program.chip.rule).items()}
    fields = np.zeros((code.n_fields, shape.padded), dtype=register)
    for chosen, values in ((slice(None), filling), (slice(shape.n_neurons), parameters_of(program))):
        for field, numbers in code.parameter_fields(program.chip.rule, values).items():
            fields[field, chosen] = numbers
    return fields.reshape(code.n_fields, -1, LANES).transpose(1, 0, 2).ravel()


def _wires(
    program: Program,
    weights: Integers,
    shape: Shape,
    *,
    words: tuple[type[np.unsignedinteger], type[np.signedinteger]],
    is_wide: bool,
) -> Wires:
    """Return the wires; a group of synapses is those of one line and one delay."""
    n_lines, delays = shape.n_inputs + shape.n_neurons, program.max_delay
    narrow: type[np.signedinteger] = np.int32 if n_lines * delays < NARROW_LIMIT else np.int64
    group = program.pre.astype(narrow) * delays + (program.delay - 1)
    counts = np.bincount(group, minlength=n_lines * delays)
    is_row = counts * DENSE_SHARE >= shape.n_neurons
    dense = np.flatnonzero(is_row[group])
    rows = _rows(group[dense], program.post[dense], weights[dense], is_row, shape)
    order = np.lexsort((program.post, group))
    order = order if not dense.size else order[~is_row[group[order]]]
    owned = np.where(is_row, 0, counts).reshape(n_lines, delays).sum(axis=1)
    chunk_first, listed = _listed(program, weights, order, owned=owned, shape=shape, word=words[0])
    return Wires(
        row_first=_starts(is_row.reshape(n_lines, delays).sum(axis=1)).astype(np.uint64),
        row_delay=(np.flatnonzero(is_row) % delays + 1).astype(np.uint64),
        rows=_aligned_copy(rows, np.int64 if is_wide else _narrowest(WEIGHT_TYPES, rows)),
        chunk_first=chunk_first,
        listed=listed,
        weight=np.zeros(0, words[1]),
    )


def _listed(
    program: Program,
    weights: Integers,
    order: Int64s,
    *,
    owned: Int64s,
    shape: Shape,
    word: type[np.unsignedinteger],
) -> tuple[NDArray[np.uint32], NDArray[np.unsignedinteger]]:
    """Return the first chunk of each line, and the words of the listed synapses, of which lines own so many, in order.

    The weights of 0 that fill a chunk have different indices, because additions to one index wait for each other.
    """
    chunk_first = _starts(-(-owned // CHUNK))
    listed = np.tile(np.arange(CHUNK, dtype=word) << word(shape.weight_bits), int(chunk_first[-1]))
    moved = np.repeat(chunk_first[:-1] * CHUNK - _starts(owned)[:-1], owned)
    for start in range(0, order.size, PART):
        part = slice(start, start + PART)
        chosen = order[part]
        index = (program.delay[chosen].astype(np.int64) - 1) * shape.padded + program.post[chosen]
        low = weights[chosen].astype(np.int64) & ((1 << shape.weight_bits) - 1)
        listed[moved[part] + np.arange(start, start + chosen.size)] = (index << shape.weight_bits) | low
    return chunk_first.astype(np.uint32), listed


def _rows(group: Integers, post: Integers, weights: Integers, is_row: Bools, shape: Shape) -> Int64s:
    """Return the weights ``(rows, padded neurons)`` of the groups that are rows, then a row of 0.

    Parallel synapses are added.
    """
    number = np.cumsum(is_row) - 1
    n_rows = int(is_row.sum())
    sums = np.zeros((n_rows + (n_rows > 0)) * shape.padded, dtype=np.int64)
    np.add.at(sums, number[group] * shape.padded + post, weights)
    return sums


def _aligned_copy(values: Integers, kind: type[np.integer]) -> Integers:
    copied: Integers = aligned(values.size, kind)
    copied[:] = values.ravel()
    return copied


def _starts(counts: Int64s) -> Int64s:
    return np.concatenate([[0], np.cumsum(counts)])


def _narrowest(kinds: Sequence[type[np.integer]], *values: Integers) -> type[np.integer]:
    """Return the first type that holds all values."""
    least = min(int(array.min(initial=0)) for array in values)
    most = max(int(array.max(initial=0)) for array in values)
    return next(kind for kind in kinds if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
