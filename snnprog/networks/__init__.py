"""Trained networks of other tools in, through NIR (``.nir``): read, turned into integers, and what rounding changed.

::

    .nir ──from_nir──▶ NirNetwork (real, in ticks) ──quantize_nir──▶ Program, and what rounding changed
"""

from __future__ import annotations

from snnprog.networks.importing import from_nir
from snnprog.networks.network import NirNetwork
from snnprog.networks.quantization import Change, NirProgram, quantize_nir

__all__ = ["Change", "NirNetwork", "NirProgram", "from_nir", "quantize_nir"]
