"""Network → Program: the chip's integers, with a certificate per neuron and widths proved."""

from __future__ import annotations

from snnprog.integers.quantizer import CERTIFIED, EXACT, INEXACT, NeuronReport, Quantized, quantize
from snnprog.integers.settling import FEW, MANY, settled
from snnprog.integers.unbuilt import fit_outputs, sweep_outputs

__all__ = [
    "CERTIFIED",
    "EXACT",
    "FEW",
    "INEXACT",
    "MANY",
    "NeuronReport",
    "Quantized",
    "fit_outputs",
    "quantize",
    "settled",
    "sweep_outputs",
]
