"""File formats of rasters, one module for each; the suffix selects the format.

=======  ========================  ==================================================================================
suffix   module                    content
=======  ========================  ==================================================================================
.npz     `snnprog.files.arrays`    arrays ``(ticks, neurons)`` or ``(patterns, ticks, neurons)``, or in a given layout
.csv     `snnprog.files.events`    one line for each spike: ``tick,neuron``, ``pattern,tick,neuron``, or times
.h5      `snnprog.files.sonata`    SONATA spikes: times and node ids of a population
.nwb     `snnprog.files.nwb`       NWB: the spike times of sorted units
(none)   `snnprog.files.neo`       Neo's spike trains, in memory
=======  ========================  ==================================================================================

Recordings of event cameras and cochleas are read by `snnprog.files.event_files`, and become rasters in
`snnprog.files.event_raster`.

Information that a file lacks (the milliseconds of a tick if it holds times, the size if it lists spikes) must be
given by the caller, and is never guessed.
"""

from __future__ import annotations

from snnprog.files.rasters import options_of, read_observed, read_rasters, split_key, write_rasters

__all__ = ["options_of", "read_observed", "read_rasters", "split_key", "write_rasters"]
