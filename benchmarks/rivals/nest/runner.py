"""Time a network in NEST: ``runner.py TASK.npz RESULT.json``; building is not counted, seconds are CPU time.

The neuron is ``iaf_psc_delta`` at a resolution of one tick, in double precision: ``v = leak * v + arrivals``, spike
where ``v >= threshold`` (raised by half an LSB, which integers never meet), reset to 0, no refractory time. Inputs are
spike generators, one for each line. Spikes are recorded.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import nest
import numpy as np
from numpy.typing import NDArray


def main(task_path: str, result_path: str) -> None:
    """Build the network, run it a number of times, write seconds and spikes."""
    task = dict(np.load(task_path))
    nest.set_verbosity("M_ERROR")
    seconds, spikes = [], 0
    for _ in range(int(task["repeats"])):
        recorder = build(task)
        nest.Prepare()
        start = time.process_time()
        nest.Run(float(len(task["raster"]) + 1))
        seconds.append(time.process_time() - start)
        nest.Cleanup()
        spikes = int(recorder.n_events)
    result = {"seconds": seconds, "spikes": spikes, "version": f"NEST {nest.__version__}"}
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


def build(task: dict[str, NDArray[np.generic]]) -> nest.NodeCollection:
    """Rebuild the network; return its recorder."""
    n_inputs, n_neurons, raster = int(task["n_inputs"]), int(task["n_neurons"]), task["raster"]
    nest.ResetKernel()
    nest.SetKernelStatus({"resolution": 1.0, "local_num_threads": 1})
    parameters = {
        "tau_m": -1.0 / np.log(float(task["leak"])),
        "C_m": 1.0,
        "E_L": 0.0,
        "V_reset": 0.0,
        "V_m": 0.0,
        "t_ref": 0.0,
        "V_th": float(task["threshold"]) + 0.5,
    }
    neurons = nest.Create("iaf_psc_delta", n_neurons, params=parameters)
    times = [{"spike_times": np.flatnonzero(raster[:, line]) + 1.0} for line in range(n_inputs)]
    inputs = nest.Create("spike_generator", n_inputs, params=times)
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    sources = np.concatenate([np.array(inputs.tolist()), np.array(neurons.tolist())])
    synapses = {
        "synapse_model": "static_synapse",
        "weight": task["weight"].astype(float),
        "delay": task["delay"].astype(float),
    }
    pre, post = sources[task["pre"]], np.array(neurons.tolist())[task["post"]]
    nest.Connect(pre, post, conn_spec="one_to_one", syn_spec=synapses)
    return recorder


if __name__ == "__main__":
    main(*sys.argv[1:])
