"""Checks of a program's neurons, outputs and cores; those of its synapses are in `snnprog.synapses`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snnprog.arrays import Int32s
from snnprog.checks import check_between
from snnprog.chips import Chip
from snnprog.errors import LimitError, SpecError


def check_outputs(outputs: Int32s, *, n_neurons: int) -> None:
    """Raise an error unless outputs are neurons, each at most once, and at least one."""
    if outputs.size == 0:
        raise SpecError("outputs is empty; name at least one neuron to read out")
    if np.unique(outputs).size != outputs.size:
        raise SpecError("outputs names a neuron twice; name each once")
    check_between("outputs", outputs, allowed=(0, n_neurons - 1))


def check_neurons(arrays: Mapping[str, Int32s], chip: Chip, *, n_neurons: int) -> None:
    """Raise an error unless each array has a number of the chip's for each neuron."""
    for name, array in arrays.items():
        if array.size != n_neurons:
            raise SpecError(f"{name} has {array.size} entries; {n_neurons} are needed, one for each neuron")
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


def check_cores(core: Int32s, chip: Chip, *, n_neurons: int) -> None:
    """Raise an error unless each neuron has a core, and cores are numbered without gaps."""
    if core.size != n_neurons:
        raise SpecError(f"core must have {n_neurons} entries, one for each neuron, got {core.size}")
    check_between("core", core, allowed=(0, (chip.cores or core.size) - 1))
    unused = np.flatnonzero(np.bincount(core) == 0)
    if unused.size:
        raise SpecError(f"core must number its cores from 0 without gaps, got {core.max()} and no {unused[0]}")
