"""Checks of a program's neurons, outputs, readouts and cores; those of its synapses are in `snnprog.synapses`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from snnprog.arrays import Int32s
from snnprog.checks import as_integer, check_between
from snnprog.chips import Chip
from snnprog.errors import LimitError, SpecError
from snnprog.synapses import SynapseTable

BY_SPIKES, BY_POTENTIAL = 0, 1
COUNT_LIMIT = 1 << 24
"""The most input lines, and the most neurons."""
READOUTS: Mapping[int, str] = MappingProxyType({BY_SPIKES: "spikes", BY_POTENTIAL: "potential"})


def as_count(name: str, value: int, *, least: int) -> int:
    """Return a number of lines or neurons as int; raise `SpecError` unless it is from ``least`` to `COUNT_LIMIT`."""
    count = as_integer(name, value)
    if not least <= count <= COUNT_LIMIT:
        raise SpecError(f"{name} must be an integer from {least} to {COUNT_LIMIT}, got {count!r}")
    return count


def check_outputs(outputs: Int32s, *, n_neurons: int) -> None:
    """Raise an error unless outputs are at least one neuron, without duplicates."""
    if outputs.size == 0:
        raise SpecError("outputs is empty; name at least one neuron to read out")
    if np.unique(outputs).size != outputs.size:
        raise SpecError("outputs names a neuron twice; name each once")
    check_between("outputs", outputs, allowed=(0, n_neurons - 1))


def check_neurons(arrays: Mapping[str, Int32s], chip: Chip, *, n_neurons: int) -> None:
    """Raise an error unless each array has a number in the chip's range for each neuron."""
    for name, array in arrays.items():
        if array.size != n_neurons:
            raise SpecError(f"{name} must have {n_neurons} entries, one for each neuron, got {array.size}")
    for name, allowed in (
        ("threshold", chip.thresholds),
        ("current_decay", chip.current_decays),
        ("potential_decay", chip.potential_decays),
        ("refractory", chip.refractory),
    ):
        check_between(name, arrays[name], allowed=allowed)
    for bias in np.unique(arrays["bias"]).tolist():
        if not chip.is_bias(bias):
            top, shift = chip.bias_mantissas[1], chip.bias_exponents[1]
            raise LimitError("bias", bias, f"a mantissa of -{top} to {top} shifted left by 0 to {shift}")


def check_cores(core: Int32s | None, chip: Chip, *, n_neurons: int) -> None:
    """Raise an error unless each neuron has a core, and cores are numbered without gaps, or none has a core."""
    if core is None:
        return
    if core.size != n_neurons:
        raise SpecError(f"core must have {n_neurons} entries, one for each neuron, got {core.size}")
    check_between("core", core, allowed=(0, (chip.cores or core.size) - 1))
    unused = np.flatnonzero(np.bincount(core) == 0)
    if unused.size:
        raise SpecError(f"core must number its cores from 0 without gaps, got {core.max()} and no {unused[0]}")


def check_readout(
    readout: Int32s, threshold: Int32s, synapses: SynapseTable, chip: Chip, *, n_inputs: int, n_neurons: int
) -> None:
    """Raise an error unless neurons that are read by their potential only integrate.

    Such a neuron has the highest threshold of its chip, and no synapse leaves it. Every run checks that it stays below
    the threshold (`snnprog.backends`), because an integrator without a leak has no bound.
    """
    if readout.size != n_neurons:
        raise SpecError(f"readout must have {n_neurons} entries, one for each neuron, got {readout.size}")
    check_between("readout", readout, allowed=(BY_SPIKES, BY_POTENTIAL))
    read = np.flatnonzero(readout == BY_POTENTIAL)
    if not read.size:
        return
    low = read[threshold[read] != chip.thresholds[1]]
    if low.size:
        allowed = f"{chip.thresholds[1]} (the highest) for a neuron that is read by its potential"
        raise LimitError(f"threshold[{low[0]}]", int(threshold[low[0]]), allowed)
    heard = read[synapses.has_synapses_from(read + n_inputs)]
    if heard.size:
        raise SpecError(
            f"neuron {heard[0]} is read by its potential and must not feed neurons, but synapses leave it; read its"
            " spikes, or add a neuron for its potential"
        )
