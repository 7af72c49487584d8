"""A low-pass filter of spiking neurons: two neurons of Loihi follow ``x' = (u - x) / 50`` by their spikes.

`sp.specs.linear_system` makes the spec, the compiler finds the weights, and the program filters a noisy wave that is in
no spec, for 100,000 ticks. Its error is compared with a bound that holds for real weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

TICKS, DELAY = 100_000, 3


def noisy_wave(seed: int = 0) -> NDArray[np.float64]:
    """Return a slow wave with noise (ticks, 1), between -1 and 1."""
    noise = np.random.default_rng(seed).uniform(-0.4, 0.4, (TICKS, 1))
    wave: NDArray[np.float64] = 0.6 * np.sin(np.arange(TICKS)[:, None] / 200.0) + noise
    return wave


def main() -> None:
    """Print how far the neurons' estimate is from the exact filter."""
    spec = sp.specs.linear_system(-1 / 50, 1 / 50, delay=DELAY)
    result = sp.compile(spec)
    print(f"{result.program}: {', '.join(neuron.status for neuron in result.report.neurons)} on the spec")

    code = sp.coding.BalancedCode(-1 / 50, 1 / 50, delay=DELAY)
    wave = noisy_wave()
    spikes = sp.run(result.program, code.encode(wave)).spikes
    states = code.solution(wave)
    error = code.decode(spikes) - states
    share = np.sqrt((error**2).mean() / (states**2).mean())
    print(f"{spikes.mean():.3f} spikes per neuron and tick, error {share:.1%} of the filtered wave")
    assert code.error_bound is not None
    print(f"largest error {np.abs(error).max():.3f}, bound {code.error_bound[0]:.3f}")


if __name__ == "__main__":
    main()
