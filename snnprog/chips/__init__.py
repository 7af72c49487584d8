"""The chips that programs can be compiled for: one file each, listed here by name."""

from __future__ import annotations

from snnprog.chips.chip import Chip, Range, Semantics, Wiring
from snnprog.chips.core import RESOURCES, Core, Energy, SynapticMemory
from snnprog.chips.loihi1 import LOIHI1
from snnprog.chips.loihi2 import LOIHI2
from snnprog.chips.xylo import XYLO, ShiftSemantics
from snnprog.errors import SpecError

CHIPS: dict[str, Chip] = {chip.name: chip for chip in (LOIHI1, LOIHI2, XYLO)}


def find_chip(chip: str | Chip) -> Chip:
    """Return the chip that a user names; a `Chip` object is returned as it is.

    Only constructors, file readers and the command line need this: every other function takes the `Chip`.

    Raises
    ------
    SpecError
        If there is no chip of that name.
    """
    if isinstance(chip, Chip):
        return chip
    if not isinstance(chip, str) or chip not in CHIPS:
        raise SpecError(f"chip is {chip!r}; known chips are {', '.join(sorted(CHIPS))}")
    return CHIPS[chip]


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
