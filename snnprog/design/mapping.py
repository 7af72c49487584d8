"""The linear map that all neurons of a spec share."""

from __future__ import annotations

from snnprog.design.once import map_of
from snnprog.potential import PotentialMap
from snnprog.spec import Spec, presynaptic_raster


def potential_map(spec: Spec) -> PotentialMap:
    """Return the linear map that all neurons of a spec share."""
    rasters = [presynaptic_raster(spec, pattern) for pattern in spec.patterns]
    linear = spec.linear_rule
    return map_of(rasters, spec.delays, linear, is_heard_often=spec.recurrent and linear.most_spikes > 1)
