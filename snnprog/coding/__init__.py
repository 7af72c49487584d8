"""Encoders from samples to rasters, and decoders from output spikes to classes.

An encoder is fitted on training samples only, and then frozen: the same sample always becomes the same spikes, alone
or among others. Time is in ticks, of any duration.
"""

from __future__ import annotations

from snnprog.coding.decoders import (
    NO_CLASS,
    Questions,
    first_spike,
    highest_potential,
    spike_count,
    with_rest,
)
from snnprog.coding.encoders import Encoder, EvenRate, GaussianFields, Latency, Levels, Rate
from snnprog.coding.series import Delta

__all__ = [
    "NO_CLASS",
    "Delta",
    "Encoder",
    "EvenRate",
    "GaussianFields",
    "Latency",
    "Levels",
    "Questions",
    "Rate",
    "first_spike",
    "highest_potential",
    "spike_count",
    "with_rest",
]


def __dir__() -> list[str]:
    return sorted(__all__)
