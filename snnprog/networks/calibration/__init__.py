"""Calibration: fit a chip's integers to trained weights on sample inputs, with few bits, on plain arrays."""

from __future__ import annotations

from snnprog.networks.calibration.calibrating import calibrate, split_samples
from snnprog.networks.calibration.fewest import BitsTrial, FewestBits, fewest_bits
from snnprog.networks.calibration.report import Accuracy, Calibrated, Counts, SampleSplit, StageReport
from snnprog.networks.calibration.stages import NetworkIntegers
from snnprog.networks.calibration.trained import Samples, TrainedLayers

__all__ = [
    "Accuracy",
    "BitsTrial",
    "Calibrated",
    "Counts",
    "FewestBits",
    "NetworkIntegers",
    "SampleSplit",
    "Samples",
    "StageReport",
    "TrainedLayers",
    "calibrate",
    "fewest_bits",
    "split_samples",
]
