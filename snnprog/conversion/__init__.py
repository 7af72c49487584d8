"""Artificial neural networks (ReLU, dense or convolutional) converted to spiking programs.

::

    ONNX, scikit-learn ──▶ Ann (layers of weights) ──balance on data──▶ TrainedNetwork ──quantize──▶ Program
"""

from __future__ import annotations

from snnprog.conversion.converting import convert
from snnprog.conversion.result import Conversion

__all__ = ["Conversion", "convert"]
