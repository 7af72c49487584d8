"""NeuroBench's metrics of a program, under NeuroBench's names.

The definitions are those of the harness of NeuroBench 2.3 (Yik et al. 2025, Nature Communications 16:1545), which
measures networks of PyTorch. Its layers are dense matrices, and a program is a list of synapses. So the metrics are
those of the network of PyTorch that computes the same: neurons in layers by their longest way from the inputs (neurons
in a loop share a layer), and a matrix for each pair of layers and each delay that has a synapse. Parallel synapses
with the same delay are one entry, which is their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Integers, Raster
from snnprog.program import NEURON_ARRAYS, Program

STATE_BYTES = 4
"""Of a register: the kernel and C keep 32 bits."""

DIGITS = 4
"""As the harness rounds the connection sparsity."""


@dataclass(frozen=True)
class NeuroBenchMetrics:
    """NeuroBench's metrics of complexity.

    Attributes
    ----------
    footprint : int
        Bytes of all matrices, zeros included, of the neurons' parameters, of their states, and of the spikes that
        wait for delays. Weights and parameters have the smallest type of integers that holds all of a kind, weights in
        units of their least exponent; a register has 4 bytes, a waiting spike 1.
    connection_sparsity : float
        The share of the entries of the matrices that are 0, in 4 decimals as NeuroBench rounds it.
    activation_sparsity : float
        The share of the ticks of all neurons without a spike.
    effective_macs : float
        Multiply-accumulates with a value other than 0 per pattern: 0, since a spike is 1.
    effective_acs : float
        Accumulates per pattern: a spike times an entry other than 0.
    dense : float
        All entries at all ticks, per pattern.
    model_execution_rate : float or None
        Ticks per second in hertz; None if a tick has no length.
    """

    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: float
    effective_acs: float
    dense: float
    model_execution_rate: float | None

    def as_dict(self) -> dict[str, object]:
        """Return the metrics by the names that they have in NeuroBench's results."""
        return {
            "Footprint": self.footprint,
            "ConnectionSparsity": self.connection_sparsity,
            "ActivationSparsity": self.activation_sparsity,
            "SynapticOperations": {
                "Effective_MACs": self.effective_macs,
                "Effective_ACs": self.effective_acs,
                "Dense": self.dense,
            },
            "ModelExecutionRate": self.model_execution_rate,
        }


def neurobench_metrics(
    program: Program, inputs: Sequence[Raster], *, spikes: Sequence[Raster], dt_ms: float | None = None
) -> NeuroBenchMetrics:
    """Return NeuroBench's metrics of a program on patterns.

    Parameters
    ----------
    program : Program
    inputs : sequence of (ticks, inputs) bool
    spikes : sequence of (ticks, neurons) bool
        The spikes of all neurons.
    dt_ms : float, optional
        Length of a tick in milliseconds.
    """
    lines, entries, smallest = _entries(program)
    dense = _dense_entries(program)
    sent = sum(
        np.concatenate([raster.sum(axis=0), own.sum(axis=0)]) for raster, own in zip(inputs, spikes, strict=True)
    )
    fanout = np.bincount(lines, minlength=program.n_inputs + program.n_neurons)
    bins, fired, patterns = sum(own.size for own in spikes), sum(int(own.sum()) for own in spikes), max(len(inputs), 1)
    return NeuroBenchMetrics(
        footprint=dense * smallest + _other_bytes(program),
        connection_sparsity=round(1.0 - entries / max(dense, 1), DIGITS),
        activation_sparsity=1.0 - fired / max(bins, 1),
        effective_macs=0.0,
        effective_acs=int(np.sum(sent * fanout)) / patterns,
        dense=dense * sum(map(len, inputs)) / patterns,
        model_execution_rate=None if dt_ms is None else 1000.0 / dt_ms,
    )


def _entries(program: Program) -> tuple[Int64s, int, int]:
    """Return the line of each entry other than 0, their number, and the bytes of one."""
    keys = (program.delay * np.int64(program.n_neurons) + program.post) * np.int64(
        program.n_inputs + program.n_neurons
    ) + program.pre
    distinct, place = np.unique(keys, return_inverse=True)
    units = program.weight.astype(np.int64) << (program.exponent - program.exponent.min(initial=31))
    weights = np.zeros(distinct.size, np.int64)
    np.add.at(weights, place, units)
    lines = distinct[weights != 0] % (program.n_inputs + program.n_neurons)
    return lines, int(lines.size), _bytes_of(weights)


def _bytes_of(values: Integers) -> int:
    """Return the bytes of the smallest signed type that holds integers."""
    ends = [int(values.min(initial=0)), int(values.max(initial=0))]
    return max(np.min_scalar_type(end if end < 0 else -end - 1).itemsize for end in ends)


def _other_bytes(program: Program) -> int:
    parameters = sum(_bytes_of(getattr(program, name)) for name in NEURON_ARRAYS)
    longest = np.zeros(program.n_inputs + program.n_neurons, np.int64)
    np.maximum.at(longest, program.pre, program.delay)
    return program.n_neurons * (parameters + STATE_BYTES * len(program.chip.rule.registers)) + int(longest.sum())


def _dense_entries(program: Program) -> int:
    """Return the entries of the matrices of all pairs of layers and delays that have a synapse."""
    layer = np.concatenate([np.zeros(program.n_inputs, np.int64), _layers(program)])
    sizes = np.bincount(layer)
    found = np.unique(np.stack([layer[program.pre], layer[program.n_inputs + program.post], program.delay]), axis=1)
    return int(np.sum(sizes[found[0]] * sizes[found[1]]))


def _layers(program: Program) -> Int64s:
    """Return the layer of each neuron, from 1: the longest way from the inputs, with loops taken as one.

    Layers are found from the first, each from the neurons all of whose sources are in earlier ones (Kahn 1962).
    """
    from scipy.sparse import csr_array  # a small run needs NumPy alone
    from scipy.sparse.csgraph import connected_components

    inner = program.pre >= program.n_inputs
    pre, post = program.pre[inner] - program.n_inputs, program.post[inner]
    shape = (program.n_neurons, program.n_neurons)
    count, group = connected_components(
        csr_array((np.ones(pre.size, np.int8), (pre, post)), shape=shape), directed=True, connection="strong"
    )
    links = np.unique(np.stack([group[pre], group[post]]), axis=1)
    links = links[:, links[0] != links[1]].astype(np.int64)
    begins = np.searchsorted(links[0], np.arange(count + 1))
    waiting = np.bincount(links[1], minlength=count)
    found, ready, number = np.zeros(count, np.int64), np.flatnonzero(waiting == 0), 0
    while ready.size:
        number += 1
        found[ready] = number
        reached = np.concatenate([links[1, begins[one] : begins[one + 1]] for one in ready.tolist()])
        np.subtract.at(waiting, reached, 1)
        ready = np.unique(reached[waiting[reached] == 0])
    layers: Int64s = found[group]
    return layers
