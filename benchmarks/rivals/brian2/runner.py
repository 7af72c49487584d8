"""Time a network in Brian2, C++ standalone: ``runner.py TASK.npz RESULT.json``; building is not counted.

The neuron is the chip's without currents, in double precision, so nothing is truncated: ``v = leak * v + arrivals``,
spike where ``v > threshold``, reset to 0. A synapse adds to the arrivals, which the next tick takes: a delay of d ticks
is d - 1 here. Spikes are recorded.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import brian2 as b2
import numpy as np
from numpy.typing import NDArray


def main(task_path: str, result_path: str) -> None:
    """Build the network, run it a number of times, write seconds and spikes."""
    task = dict(np.load(task_path))
    n_inputs, n_neurons = int(task["n_inputs"]), int(task["n_neurons"])
    folder = tempfile.mkdtemp(prefix="brian2-")
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b2.defaultclock.dt = 1 * b2.ms
    tick, line = np.nonzero(task["raster"])
    neurons = b2.NeuronGroup(
        n_neurons,
        "v : 1\narrivals : 1",
        threshold="v > theta",
        reset="v = 0",
        namespace={"theta": float(task["threshold"]), "leak": float(task["leak"])},
    )
    neurons.run_regularly("v = leak * v + arrivals\narrivals = 0", when="groups")
    inputs = b2.SpikeGeneratorGroup(n_inputs, line, tick * b2.ms, sorted=True)
    is_input = task["pre"] < n_inputs
    connections = [
        connect(inputs, neurons, task, is_input, 0),
        connect(neurons, neurons, task, ~is_input, n_inputs),
    ]
    monitor = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, inputs, monitor, *[connection for connection in connections if connection])
    network.run(len(task["raster"]) * b2.ms)
    b2.device.build(directory=folder, run=False, with_output=False)
    seconds = []
    for _ in range(int(task["repeats"])):
        b2.device.run(directory=folder, with_output=False)
        seconds.append(float((Path(folder) / "results" / "last_run_info.txt").read_text().split()[0]))
    result = {"seconds": seconds, "spikes": int(monitor.num_spikes), "version": f"Brian2 {b2.__version__}"}
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


def connect(
    source: b2.Group,
    target: b2.NeuronGroup,
    task: dict[str, NDArray[np.generic]],
    chosen: NDArray[np.int64],
    first: int,
) -> b2.Synapses | None:
    """Connect the chosen synapses; a delay that all share is given once, which Brian2 runs faster."""
    if not chosen.any():
        return None
    delay = task["delay"][chosen] - 1
    shared = {"delay": delay[0] * b2.ms} if (delay == delay[0]).all() else {}
    synapses = b2.Synapses(source, target, "w : 1", on_pre="arrivals_post += w", **shared)
    synapses.connect(i=task["pre"][chosen] - first, j=task["post"][chosen])
    synapses.w = task["weight"][chosen].astype(float)
    if not shared:
        synapses.delay = delay * b2.ms
    return synapses


if __name__ == "__main__":
    main(*sys.argv[1:])
