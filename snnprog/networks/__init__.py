"""Trained networks of other tools (``.nir``, ``.net``): import, quantization, and comparison with the original.

::

    .nir ──from_nir──▶ TrainedNetwork (real, in ticks) ──quantize──▶ Program and changes
    .net ──from_net──▶
"""

from __future__ import annotations

from snnprog.networks.changes import Change
from snnprog.networks.importing import from_nir
from snnprog.networks.lava_dl import from_net
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.quantization import QuantizedNetwork, quantize
from snnprog.networks.recorded import wrong_output_bins
from snnprog.networks.running import RealTrace, run_network

__all__ = [
    "Change",
    "QuantizedNetwork",
    "RealTrace",
    "TrainedNetwork",
    "from_net",
    "from_nir",
    "quantize",
    "run_network",
    "wrong_output_bins",
]
