"""What the lines of an input stand for: an encoder for a network's values, and the values behind its spikes."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.coding import Encoder, EvenRate, Latency
from snnprog.conversion.ann import INPUT, Ann, with_pairs, with_shares
from snnprog.networks.weights import Kernel

RATE, LATENCY = "rate", "latency"
CODES = (RATE, LATENCY)

LEAST_AT_REST = 0.25
"""Where fewer values than this share are at the low ends of their ranges, as dark pixels are, a latency code gives each
value a pair of lines. A choice: of digits half are, of measurements hardly any."""

REACH_OF_PAIRS = 99.0
"""Percentile of the distances from the mean: beyond it, values of a pair count as that far. On breast cancer, the
greatest distance gave the same accuracy within its noise, at 64 and 256 ticks."""


def encoder_of(ann: Ann, samples: Floats, *, code: str, ticks: int) -> EvenRate | Latency:
    """Return an encoder with the range of each value; of each channel, where a convolution shares its weights."""
    low, high = samples.min(axis=0), samples.max(axis=0)
    if code == LATENCY and _is_paired(ann, samples):
        middle = samples.mean(axis=0)
        reach = np.percentile(np.abs(samples - middle), REACH_OF_PAIRS, axis=0)
        reach = np.where(reach > 0.0, reach, 1.0)
        return Latency(last=ticks, low=middle - reach, high=middle + reach, is_paired=True)
    if any(isinstance(layer.parts.get(INPUT), Kernel) for layer in ann.layers):
        channels = ann.input_shape[0]
        least = np.minimum(low.reshape(channels, -1).min(axis=1), 0.0)
        most = np.maximum(high.reshape(channels, -1).max(axis=1), 0.0)
        low, high = (np.repeat(each, low.size // channels) for each in (least, most))
    if code == LATENCY:
        return Latency(last=ticks, low=low, high=high)
    return EvenRate(duration=ticks, low=low, high=high)


def _is_paired(ann: Ann, samples: Floats) -> bool:
    """Tell whether a latency code needs two lines for each value.

    With one line, the values above the least drive a layer from their spikes on, and all that the least ones add is in
    its constant, from the first tick on. Where most values lie within their ranges, the two are large and meet only at
    the end: before it, neurons spike that should not.
    """
    if any(isinstance(layer.parts.get(INPUT), Kernel) for layer in ann.layers):
        return False
    return float((samples == samples.min(axis=0)).mean()) < LEAST_AT_REST


def of_lines(ann: Ann, encoder: EvenRate | Latency) -> Ann:
    """Return a network that takes what the lines of an encoder stand for, from 0 to 1."""
    is_paired = isinstance(encoder, Latency) and encoder.is_paired
    return (with_pairs if is_paired else with_shares)(ann, encoder.low, encoder.span)


def line_values(encoder: EvenRate | Latency, samples: Floats) -> Floats:
    """Return (samples, lines) what the lines of an encoder stand for, from 0 to 1."""
    share: Floats = encoder.share(samples)
    return np.concatenate([share, 1.0 - share], axis=1) if encoder.n_lines > share.shape[1] else share


def encoded(encoder: Encoder, samples: Floats, *, ticks: int, total: int) -> list[Raster]:
    """Return input rasters (total, inputs): spikes of the first ``ticks`` ticks, then silence."""
    rasters: list[Raster] = []
    for spikes in encoder.transform(samples):
        raster = np.zeros((total, spikes.shape[1]), dtype=np.bool_)
        raster[:ticks] = spikes[:ticks]  # in a latency code, a spike after that stands for 0
        rasters.append(raster)
    return rasters
