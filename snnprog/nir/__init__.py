"""NIR, the neuromorphic intermediate representation (``.nir``): networks of other tools in, compiled programs out.

::

    .nir ──from_nir──▶ NirNetwork (real, in ticks) ──quantize_nir──▶ Program, and what rounding changed
    Program ──to_nir, write_nir──▶ .nir
"""

from __future__ import annotations

from snnprog.nir.exporting import to_nir, write_nir
from snnprog.nir.importing import from_nir
from snnprog.nir.network import NirNetwork
from snnprog.nir.quantization import Change, NirProgram, quantize_nir

__all__ = ["Change", "NirNetwork", "NirProgram", "from_nir", "quantize_nir", "to_nir", "write_nir"]
