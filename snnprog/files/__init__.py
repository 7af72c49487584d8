"""The files that rasters come in, one module for each format; the suffix decides which.

=======  ===========================  =============================================================================
suffix   module                       what it holds
=======  ===========================  =============================================================================
.npz     `snnprog.files.arrays`       arrays ``(ticks, neurons)`` or ``(patterns, ticks, neurons)``
.csv     `snnprog.files.events`       one line for each spike: ``tick,neuron`` or ``pattern,tick,neuron``
=======  ===========================  =============================================================================
"""

from __future__ import annotations

from snnprog.files.rasters import read_rasters, write_rasters

__all__ = ["read_rasters", "write_rasters"]
