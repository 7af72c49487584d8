"""A recorded retina as a spec: 40 of its units are the inputs, the other 17 what a network must reproduce from them.

The recording is an ``.npz`` with ``spike_times_s`` and ``neuron_index`` (57 units), binned to ticks of 20 ms.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.design import design
from snnprog.quantize import quantize
from snnprog.raster import bin_spike_times
from snnprog.report.tables import print_table

UNITS, INPUTS, BIN_MS, LONGEST_DELAY = 57, 40, 20.0, 62


def main() -> None:
    """Design all outputs, then compile those that can be built, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording")
    parser.add_argument("--ticks", type=int, default=1000)
    parser.add_argument("--backend", action="append", default=["reference"])
    chosen = parser.parse_args()
    with np.load(chosen.recording, allow_pickle=False) as archive:
        times, units = archive["spike_times_s"], archive["neuron_index"]
    raster, merged = bin_spike_times(times, units, bin_ms=BIN_MS, ticks=chosen.ticks, neurons=UNITS)
    delays = range(1, LONGEST_DELAY + 1)
    spec = sp.Spec([sp.Pattern(raster[:, :INPUTS], raster[:, INPUTS:])], delays)
    start = time.perf_counter()
    designed = design(spec)
    buildable = [index for index, outcome in enumerate(designed.outcomes) if outcome.neuron is not None]
    rest = sp.Spec([sp.Pattern(raster[:, :INPUTS], raster[:, INPUTS:][:, buildable])], delays)
    quantized = quantize(rest, designed.network)
    seconds = time.perf_counter() - start
    check = sp.verify(quantized.program, rest, chosen.backend)
    found = iter(quantized.neurons)
    rows = []
    for index, outcome in enumerate(designed.outcomes):
        spikes = int(raster[:, INPUTS + index].sum())
        if outcome.neuron is None:
            rows.append((index, spikes, "infeasible", "", outcome.conflicts[0].reason))
        else:
            neuron = next(found)
            rows.append((index, spikes, neuron.status, f"{neuron.margin:.1f}", f"portable for {neuron.portable_for}"))
    console = Console(width=200)
    print_table(console, f"Retina, {chosen.ticks} ticks", ("output", "spikes", "verdict", "margin (LSB)", "why"), rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"{merged} spikes shared a bin; {dict(Counter(row[2] for row in rows))}")
    console.print(f"design and quantization {seconds:.1f} s, peak memory {peak:.0f} MiB")
    for name, answer in check.backends.items():
        console.print(f"exact on {name}: {'yes' if answer.exact else answer.first_divergence}")


if __name__ == "__main__":
    main()
