"""The chips that programs can be compiled for: one file each, listed here by name."""

from __future__ import annotations

from snnprog.chips.chip import Chip, Range, Semantics, Wiring
from snnprog.chips.core import RESOURCES, Core, Energy, SynapticMemory
from snnprog.chips.loihi1 import LOIHI1
from snnprog.chips.loihi2 import LOIHI2
from snnprog.chips.xylo import XYLO, ShiftSemantics
from snnprog.errors import SpecError

CHIPS: dict[str, Chip] = {chip.name: chip for chip in (LOIHI1, LOIHI2, XYLO)}


def find_chip(name: str) -> Chip:
    """Return the chip of that name.

    Raises
    ------
    SpecError
        If there is none.
    """
    if not isinstance(name, str) or name not in CHIPS:
        raise SpecError(f"chip is {name!r}; known chips are {', '.join(sorted(CHIPS))}")
    return CHIPS[name]


__all__ = [
    "CHIPS",
    "RESOURCES",
    "Chip",
    "Core",
    "Energy",
    "Range",
    "Semantics",
    "ShiftSemantics",
    "SynapticMemory",
    "Wiring",
    "find_chip",
]
