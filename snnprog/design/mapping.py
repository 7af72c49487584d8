"""The linear map that all neurons of a spec share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Raster
from snnprog.design.once import map_of
from snnprog.potential import PotentialMap
from snnprog.spec import Spec, presynaptic_raster


def presynaptic_rasters(spec: Spec, hidden: Sequence[Raster] = ()) -> list[Raster]:
    """Return the spikes of each line in each pattern, (ticks, lines): inputs, hidden neurons, and outputs if recurrent.

    Parameters
    ----------
    hidden : sequence of (ticks of all patterns,) bool
        What each hidden neuron does.
    """
    rasters: list[Raster] = [presynaptic_raster(spec, pattern) for pattern in spec.patterns]
    if not hidden:
        return rasters
    ends = np.cumsum([pattern.ticks for pattern in spec.patterns])[:-1]
    spikes = np.split(np.stack(hidden, axis=1), ends)
    return [
        np.concatenate([lines[:, : spec.n_inputs], more, lines[:, spec.n_inputs :]], axis=1)
        for lines, more in zip(rasters, spikes, strict=True)
    ]


def potential_map(spec: Spec, hidden: Sequence[Raster] = ()) -> PotentialMap:
    """Return the linear map that all neurons of a spec share, beside hidden neurons that do ``hidden``."""
    rasters = presynaptic_rasters(spec, hidden)
    linear = spec.linear_rule
    return map_of(rasters, spec.delays, linear, is_heard_often=spec.recurrent and linear.most_spikes > 1)
