"""The linear map that all neurons of a spec share."""

from __future__ import annotations

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


def potential_map(spec: Spec) -> PotentialMap:
    """Return the linear map that all neurons of a spec share."""
    rasters = [presynaptic_raster(spec, pattern) for pattern in spec.patterns]
    is_heard_often = spec.recurrent and spec.chip.semantics.most_spikes_heard > 1
    leaks = leaks_of(spec.dynamics, spec.chip, spec.refractory)
    return map_of(rasters, spec.delays, leaks, is_heard_often=is_heard_often)
