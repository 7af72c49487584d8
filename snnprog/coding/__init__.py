"""Encoders from samples to rasters, and decoders from output spikes to classes and values.

An encoder is fitted on training samples only, and then frozen: the same sample always becomes the same spikes, alone
or among others. `Contrast` and `AdaptiveFields` are for streams instead: what they do follows the rows before. Time is
in ticks, of any duration.
"""

from __future__ import annotations

from snnprog.coding.adaptive import AdaptiveFields, Contrast
from snnprog.coding.balanced import BalancedCode
from snnprog.coding.bottleneck import CurvePoint, ReadoutCurve, readout_curve
from snnprog.coding.decoders import (
    NO_CLASS,
    Questions,
    first_spike,
    highest_potential,
    spike_count,
    with_rest,
    with_start,
)
from snnprog.coding.encoders import Encoder, EvenRate, GaussianFields, Latency, Levels, Rate
from snnprog.coding.pulses import pulse_density
from snnprog.coding.readout import Readout
from snnprog.coding.series import Delta

__all__ = [
    "NO_CLASS",
    "AdaptiveFields",
    "BalancedCode",
    "Contrast",
    "CurvePoint",
    "Delta",
    "Encoder",
    "EvenRate",
    "GaussianFields",
    "Latency",
    "Levels",
    "Questions",
    "Rate",
    "Readout",
    "ReadoutCurve",
    "first_spike",
    "highest_potential",
    "pulse_density",
    "readout_curve",
    "spike_count",
    "with_rest",
    "with_start",
]


def __dir__() -> list[str]:
    return sorted(__all__)
