"""An encoder of continuous signals of any duration: signed pulse density (sigma-delta)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.coding.samples import as_samples
from snnprog.errors import SpecError

AXES = ("ticks", "channels")


@call_checked
def pulse_density(signal: ArrayLike, step: ArrayLike = 1.0) -> Raster:
    """Return spikes whose signed density is a signal: a spike on a channel's first line stands for +step, else -step.

    This is a first-order sigma-delta modulator (Inose and Yasuda 1963): a line spikes when the sum of the signal has
    moved by a step beyond what was sent. From the first tick on, the sum of what was sent and that of the signal
    differ by half a step at most.

    Parameters
    ----------
    signal : (ticks, channels) float
        The values, each between ``-step`` and ``step`` of its channel.
    step : float, or (channels,) float
        What a spike stands for, in the units of the signal.

    Returns
    -------
    (ticks, 2 channels) bool
        A channel has two neighbouring lines, first that of positive spikes.

    Raises
    ------
    SpecError
        If a step is not positive, or a value is larger than its step.
    """
    values = as_samples(signal, AXES)
    steps = np.broadcast_to(np.asarray(step, dtype=np.float64), values.shape[1:])
    if not (steps > 0.0).all():
        raise SpecError(f"step must be positive, got {steps.tolist()}")
    if (np.abs(values) > steps).any():
        tick, channel = np.argwhere(np.abs(values) > steps)[0].tolist()
        raise SpecError(
            f"signals must be between -{steps[channel]:g} and {steps[channel]:g} on channel {channel}, got"
            f" {values[tick, channel]:g} at tick {tick}: take a greater step, or clip the signal"
        )
    sent: Floats = np.floor(np.cumsum(values / steps, axis=0) + 0.5)
    moved = np.diff(sent, axis=0, prepend=0.0)
    return np.stack([moved > 0.0, moved < 0.0], axis=2).reshape(len(values), -1)
