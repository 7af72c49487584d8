"""Outputs that feed other neurons, on a chip whose readout neurons cannot: each of them is duplicated.

The first stands where others receive it, the second in the readout layer. Both have the same integers and receive the
same lines, so they do the same, tick for tick, as long as the first spikes once in a tick: which its design asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from snnprog.program import NEURON_ARRAYS, SYNAPSE_ARRAYS


def with_readouts(arrays: Mapping[str, ArrayLike], n_hidden: int) -> dict[str, ArrayLike]:
    """Return the arrays of a program with a readout neuron for each output; the neurons' own indices stay.

    The first ``n_hidden`` neurons are not outputs.
    """
    post, n_neurons = np.asarray(arrays["post"]), np.asarray(arrays["threshold"]).size
    again = dict.fromkeys(SYNAPSE_ARRAYS, post >= n_hidden)
    again |= {name: np.arange(n_neurons) >= n_hidden for name in NEURON_ARRAYS}
    doubled = {
        name: np.concatenate([np.asarray(values), np.asarray(values)[again[name]]]) if name in again else values
        for name, values in arrays.items()
    }
    n_outputs = n_neurons - n_hidden
    outputs = n_neurons + np.arange(n_outputs)
    return doubled | {"post": np.concatenate([post, post[again["post"]] + n_outputs]), "outputs": outputs}
