"""Quantization of a network to a program: the chip's integers, with a certificate per neuron and proved widths."""

from __future__ import annotations

from snnprog.integers.all_integers import FEW, MANY, AllIntegers
from snnprog.integers.quantizer import CERTIFIED, EXACT, INEXACT, NeuronReport, Quantized, quantize
from snnprog.integers.unbuilt import fit_outputs, sweep_outputs

__all__ = [
    "CERTIFIED",
    "EXACT",
    "FEW",
    "INEXACT",
    "MANY",
    "AllIntegers",
    "NeuronReport",
    "Quantized",
    "fit_outputs",
    "quantize",
    "sweep_outputs",
]
