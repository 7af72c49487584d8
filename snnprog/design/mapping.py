"""The linear map that all neurons of a spec share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Raster
from snnprog.chips import Chip
from snnprog.design.once import map_of
from snnprog.potential import Leaks, PotentialMap
from snnprog.spec import Dynamics, Spec, presynaptic_raster


def leaks_of(dynamics: Dynamics, chip: Chip, refractory: int = 1) -> Leaks:
    """Return the exact leaks that decays mean on a chip, and how long its resets last."""
    return Leaks(
        current=chip.semantics.current_leak(dynamics.current_decay),
        potential=chip.semantics.potential_leak(dynamics.potential_decay),
        input_shift=chip.semantics.input_shift,
        are_arrivals_decayed=chip.semantics.are_arrivals_decayed,
        is_threshold_subtracted=chip.semantics.is_threshold_subtracted,
        refractory=refractory,
    )


def presynaptic_rasters(spec: Spec, hidden: Sequence[Raster] = ()) -> list[Raster]:
    """Return what each line does in each pattern, (ticks, lines): inputs, hidden neurons, and outputs if recurrent.

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
    is_heard_often = spec.recurrent and spec.chip.semantics.most_spikes_heard > 1
    leaks = leaks_of(spec.dynamics, spec.chip, spec.refractory)
    return map_of(rasters, spec.delays, leaks, is_heard_often=is_heard_often)
