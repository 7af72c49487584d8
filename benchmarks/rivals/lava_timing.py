"""Time a network in Lava: ``lava_timing.py PROGRAM STIMULUS RESULT.json``, by the interpreter of the backend ``lava``.

The network is the backend's, but for ``Dense`` instead of ``DelayDense`` where no synapse has a delay beyond the first
tick, because that is faster. Only the calls of ``run`` count: not the building, not the readback of spikes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense

RUNNER = Path(__file__).resolve().parents[2] / "backends" / "lava" / "runner.py"
TICKS_PER_RUN = 64


def load_runner() -> Any:
    """Import the backend's runner as a module."""
    specification = importlib.util.spec_from_file_location("lava_runner", RUNNER)
    assert specification is not None
    assert specification.loader is not None
    runner: Any = importlib.util.module_from_spec(specification)
    sys.modules["lava_runner"] = runner
    specification.loader.exec_module(runner)
    with_delays = runner.make_connection
    runner.make_connection = lambda layer: with_delays(layer) if layer.delays.any() else make_dense(layer)
    return runner


def make_dense(layer: Any) -> Dense:
    """Return a connection without delays."""
    return Dense(weights=layer.weights, sign_mode=layer.sign_mode, weight_exp=layer.exponent, num_weight_bits=8)


def main(program_path: str, stimulus_path: str, result_path: str) -> None:
    """Build the network, run it in parts, write the seconds of all parts but the first, and the spikes."""
    runner = load_runner()
    os.register_at_fork(after_in_child=runner.tie_to_parent)
    program = runner.read_program(Path(program_path))
    stimulus = runner.read_stimulus(Path(stimulus_path), program.n_inputs)
    network = runner.build_network(program, runner.lay_out(program), stimulus.raster, state=False)
    seconds, spikes, ticks = 0.0, 0, len(stimulus.raster)
    with runner.running(network):
        for start in range(0, ticks, TICKS_PER_RUN):
            steps = min(TICKS_PER_RUN, ticks - start)
            begun = time.perf_counter()
            network.neurons.run(RunSteps(num_steps=steps))
            seconds += (time.perf_counter() - begun) if start else 0.0
            spikes += sum(int(network.spike_recorder.receive().sum()) for _ in range(steps))
    result = {
        "seconds": seconds,
        "ticks": ticks - TICKS_PER_RUN,
        "spikes": spikes,
        "version": runner.versions()["lava-nc"],
    }
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
