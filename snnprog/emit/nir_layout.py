"""The populations of a NIR graph for a program's neurons, and their connections: matrices, or convolutions.

A convolution of the program stays one where its source and its target are populations, each of one shape, and NIR can
say it: zeros added alike before and after, one group, one delay for all its weights, nothing else between the same
populations with that delay. Otherwise all convolutions are unrolled, and neurons are those that are read out and those
that are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from snnprog.arrays import Floats, Int32s, Int64s
from snnprog.program import Program
from snnprog.synapses import SharedSynapses

INPUT, HIDDEN, READOUT, OUTPUT = "input", "hidden", "readout", "output"
Shape = tuple[int, ...]
Key = tuple[str, str, int]
"""Source, target and delay of a connection."""


@dataclass(frozen=True, eq=False)
class NirLayout:
    """A program as populations and connections.

    Attributes
    ----------
    neurons : mapping of str to (neurons,) int
        Of each population, in the order of its node.
    shapes : mapping of str to tuple of int
        Of each population and of the input.
    connections : mapping of (str, str, int) to (to, from) float, or SharedSynapses
    read : str
        The population that is read out.
    """

    neurons: Mapping[str, Int64s]
    shapes: Mapping[str, Shape]
    connections: Mapping[Key, Floats | SharedSynapses]
    read: str


def layout_of(program: Program) -> NirLayout:
    """Return the populations and connections of a program."""
    return _convolutional(program) or _unrolled(program)


def _unrolled(program: Program) -> NirLayout:
    """Return the layout without convolutions: the neurons that are read out, in order, and all others."""
    outputs = program.outputs.astype(np.int64)
    hidden = np.setdiff1d(np.arange(program.n_neurons), outputs)
    neurons = {HIDDEN: hidden, READOUT: outputs} if hidden.size else {READOUT: outputs}
    shapes = {INPUT: (program.n_inputs,), **{name: (each.size,) for name, each in neurons.items()}}
    weight = program.effective_weight()
    matrices = _matrices(program, neurons, pre=program.pre, post=program.post, delay=program.delay, weight=weight)
    return NirLayout(neurons, shapes, matrices, READOUT)


def _matrices(
    program: Program, neurons: Mapping[str, Int64s], *, pre: Int32s, post: Int32s, delay: Int32s, weight: Int64s
) -> dict[Key, Floats | SharedSynapses]:
    """Return the weights (to, from) of each source, target and delay."""
    lines = {INPUT: np.arange(program.n_inputs)} | {name: each + program.n_inputs for name, each in neurons.items()}
    place = np.zeros(program.n_inputs + program.n_neurons, dtype=np.int64)
    for each in lines.values():
        place[each] = np.arange(each.size)
    connections: dict[Key, Floats | SharedSynapses] = {}
    for source, from_lines in lines.items():
        for target, to_neurons in neurons.items():
            chosen = np.isin(pre, from_lines) & np.isin(post, to_neurons)
            for ticks in np.unique(delay[chosen]).tolist():
                synapses = np.flatnonzero(chosen & (delay == ticks))
                matrix = np.zeros((to_neurons.size, from_lines.size))
                where = place[post[synapses] + program.n_inputs], place[pre[synapses]]
                np.add.at(matrix, where, weight[synapses])
                connections[source, target, int(ticks)] = matrix
    return connections


def _convolutional(program: Program) -> NirLayout | None:
    """Return the layout that keeps convolutions; None without any, or if NIR does not support one."""
    table, shared = program.synapses, program.shared
    if not shared or not all(_is_in_nir(each) for each in shared):
        return None
    images = _images(shared, program.n_inputs)
    if images is None:
        return None
    outputs = program.outputs.astype(np.int64)
    bounds = sorted({0, program.n_inputs, program.n_inputs + program.n_neurons, *_ends(images), *_outer(program)})
    shapes: dict[str, Shape] = {}
    names: dict[int, str] = {}
    neurons: dict[str, Int64s] = {}
    for first, end in pairwise(bounds):
        shape = images.get((first, end), (end - first,))
        name = INPUT if first < program.n_inputs else f"population_{len(neurons):03d}"
        if name in shapes or (name == INPUT and end != program.n_inputs):
            return None
        shapes[name], names[first] = shape, name
        if name != INPUT:
            neurons[name] = np.arange(first, end) - program.n_inputs
    read = [name for name, each in neurons.items() if np.array_equal(each, outputs)]
    if not read or any((first, end) not in set(pairwise(bounds)) for first, end in images):
        return None
    weight = table.weight.astype(np.int64) << table.exponent
    matrices = _matrices(program, neurons, pre=table.pre, post=table.post, delay=table.delay, weight=weight)
    kept = {_key(each, names, program.n_inputs): each for each in shared}
    if len(kept) < len(shared) or set(kept) & set(matrices) or any(len(shapes[key[1]]) > 1 for key in matrices):
        return None
    return NirLayout(neurons, shapes, matrices | kept, read[0])


def _is_in_nir(synapses: SharedSynapses) -> bool:
    """Return whether NIR has such a convolution: zeros alike on both sides, one group, and one delay.

    NIR has groups, but nir 1.0.8 takes the channels of a kernel for those of the image and refuses the graph.
    """
    geometry = synapses.convolution
    is_even = geometry.before == geometry.after and geometry.pool_before == geometry.pool_after
    return is_even and geometry.groups == 1 and np.unique(synapses.delay).size == 1


def _images(shared: Sequence[SharedSynapses], n_inputs: int) -> dict[tuple[int, int], Shape] | None:
    """Return the shape of each range of lines that a convolution leads from, or of neurons' lines that it leads to."""
    found: dict[tuple[int, int], Shape] = {}
    for each in shared:
        geometry = each.convolution
        for first, count, shape in (
            (each.first_pre, geometry.n_sources, (geometry.channels[0], *geometry.image)),
            (each.first_post + n_inputs, geometry.n_targets, (geometry.channels[1], *geometry.size)),
        ):
            if found.setdefault((first, first + count), shape) != shape:
                return None
    return found


def _ends(images: Mapping[tuple[int, int], Shape]) -> set[int]:
    return {end for pair in images for end in pair}


def _outer(program: Program) -> tuple[int, int]:
    """Return the first line and the end of the neurons that are read out."""
    return program.n_inputs + int(program.outputs.min()), program.n_inputs + int(program.outputs.max()) + 1


def _key(synapses: SharedSynapses, names: Mapping[int, str], n_inputs: int) -> Key:
    return names[synapses.first_pre], names[synapses.first_post + n_inputs], int(synapses.delay[0])
