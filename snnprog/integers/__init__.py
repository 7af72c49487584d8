"""Network → Program: the chip's integers, with a certificate per neuron and widths proved."""

from __future__ import annotations

from snnprog.integers.quantizer import CERTIFIED, EXACT, INEXACT, NeuronReport, Quantized, quantize

__all__ = ["CERTIFIED", "EXACT", "INEXACT", "NeuronReport", "Quantized", "quantize"]
