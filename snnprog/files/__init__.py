"""The files that rasters come in, one module for each format; the suffix decides which.

=======  ========================  ==================================================================================
suffix   module                    what it holds
=======  ========================  ==================================================================================
.npz     `snnprog.files.arrays`    arrays ``(ticks, neurons)`` or ``(patterns, ticks, neurons)``, or in a given layout
.csv     `snnprog.files.events`    one line for each spike: ``tick,neuron``, ``pattern,tick,neuron``, or times
.h5      `snnprog.files.sonata`    SONATA spikes: times and node ids of a population
.nwb     `snnprog.files.nwb`       NWB: the spike times of sorted units
(none)   `snnprog.files.neo`       Neo's spike trains, in memory
=======  ========================  ==================================================================================

Recordings of event cameras and cochleas are read by `snnprog.files.event_files`, and become rasters in
`snnprog.files.event_raster`.

What a file does not tell (the milliseconds of a tick where it holds times, its extent where silence leaves no trace) is
told beside it, and never guessed.
"""

from __future__ import annotations

from snnprog.files.rasters import options_of, read_observed, read_rasters, split_key, write_rasters

__all__ = ["options_of", "read_observed", "read_rasters", "split_key", "write_rasters"]
