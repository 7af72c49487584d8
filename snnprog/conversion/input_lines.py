"""Input lines of a converted network: its encoder, and the values that the lines carry."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.coding import Encoder, EvenRate, Latency
from snnprog.conversion.ann import INPUT, Ann, with_pairs, with_shares
from snnprog.networks.weights import Kernel

RATE, LATENCY = "rate", "latency"
CODES = (RATE, LATENCY)

LEAST_AT_REST = 0.25
"""If fewer values than this share are at the low ends of their ranges, like dark pixels, a latency code gives each
value a pair of lines. A choice: half of the pixels of digits are, and hardly any measurements."""

REACH_OF_PAIRS = 99.0
"""Percentile of the distances from the mean: values of a pair are clipped to it. On breast cancer, the
greatest distance gave the same accuracy within its noise, at 64 and 256 ticks."""


def encoder_of(ann: Ann, samples: Floats, *, code: str, ticks: int) -> EvenRate | Latency:
    """Return an encoder with the range of each value; of each channel, if a convolution shares its weights."""
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
    """Return whether a latency code uses two lines for each value.

    With one line, values above the minimum drive a layer from their spikes on, and the contribution of minimum values
    is in its constant from the first tick on. If most values lie within their ranges, the two are large and balance
    only at the end: before it, neurons spike erroneously.
    """
    if any(isinstance(layer.parts.get(INPUT), Kernel) for layer in ann.layers):
        return False
    return float((samples == samples.min(axis=0)).mean()) < LEAST_AT_REST


def of_lines(ann: Ann, encoder: EvenRate | Latency) -> Ann:
    """Return the equivalent network for the values of an encoder's lines, from 0 to 1."""
    is_paired = isinstance(encoder, Latency) and encoder.is_paired
    return (with_pairs if is_paired else with_shares)(ann, encoder.low, encoder.span)


def line_values(encoder: EvenRate | Latency, samples: Floats) -> Floats:
    """Return the values of an encoder's lines for samples, (samples, lines), from 0 to 1."""
    share: Floats = encoder.share(samples)
    return np.concatenate([share, 1.0 - share], axis=1) if encoder.n_lines > share.shape[1] else share


def encoded(encoder: Encoder, samples: Floats, *, ticks: int, total: int) -> list[Raster]:
    """Return input rasters (total, inputs): spikes of the first ``ticks`` ticks, then silence."""
    rasters: list[Raster] = []
    for spikes in encoder.transform(samples):
        raster = np.zeros((total, spikes.shape[1]), dtype=np.bool_)
        raster[:ticks] = spikes[:ticks]  # in a latency code, a later spike means 0
        rasters.append(raster)
    return rasters
