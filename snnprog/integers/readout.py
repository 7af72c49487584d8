"""Neurons that are read out and heard, on a chip where what is read out feeds nothing: each of them stands twice.

The first stands where others hear it, the second in the readout layer. Both have the same integers and hear the same
lines, so they do the same, tick for tick, as long as the first spikes once in a tick: which its design asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS

COPIED = set(SYNAPSE_ARRAYS) | set(NEURON_ARRAYS)


def with_readouts(arrays: Mapping[str, ArrayLike], n_neurons: int) -> dict[str, ArrayLike]:
    """Return the arrays of a program with a readout neuron for each of its neurons; the neurons' own indices stay."""
    doubled = {name: np.tile(np.asarray(values), 2) if name in COPIED else values for name, values in arrays.items()}
    post = np.asarray(arrays["post"])
    return doubled | {"post": np.concatenate([post, post + n_neurons]), "outputs": n_neurons + np.arange(n_neurons)}
