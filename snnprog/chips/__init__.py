"""The chips that programs can be compiled for: built in, one file each and listed here by name, or from anywhere else.

A chip is a value, `Chip`: write one with `snnprog.rules`, and give it as ``Spec(chip=…)``.
``docs/how-to/chips.md`` shows how.
"""

from __future__ import annotations

from snnprog.chips.chip import RULES, Chip, Range, WeightRanges
from snnprog.chips.core import RESOURCES, Core, Energy, SynapticMemory
from snnprog.chips.fpga import FPGA_CHIPS
from snnprog.chips.layers import Layers, Wiring
from snnprog.chips.loihi1 import LOIHI1
from snnprog.chips.loihi2 import LOIHI2
from snnprog.chips.registered import registered_chip, registered_names
from snnprog.chips.semantics import SEMANTICS
from snnprog.chips.xylo import XYLO
from snnprog.errors import SpecError
from snnprog.wording import did_you_mean

CHIPS: dict[str, Chip] = {chip.name: chip for chip in (LOIHI1, LOIHI2, XYLO, *FPGA_CHIPS)}


def is_built_in(chip: Chip) -> bool:
    """Tell whether a chip is one of those that a name alone stands for."""
    return CHIPS.get(chip.name) == chip


def is_named_in_files(chip: Chip) -> bool:
    """Tell whether a program file names a chip and no more; files for all other chips carry the chip itself."""
    return is_built_in(chip) and chip.rule.name in SEMANTICS


def find_chip(chip: str | Chip) -> Chip:
    """Return the chip that a user names; a `Chip` object is returned as it is.

    Names are those of the chips that are built in, then of the entry points that installed packages register (see
    `snnprog.chips.registered`). Only constructors, file readers and the command line need this: every other function
    takes the `Chip`.

    Raises
    ------
    SpecError
        If there is no chip of that name, or a package that registers it cannot give it.
    """
    if isinstance(chip, Chip):
        return chip
    found = None
    if isinstance(chip, str):
        found = CHIPS.get(chip) or registered_chip(chip)
    if found is None:
        known = sorted({*CHIPS, *registered_names()})
        raise SpecError(f"chip is {chip!r}; known chips are {', '.join(known)}{did_you_mean(chip, known)}")
    return found


__all__ = [
    "CHIPS",
    "RESOURCES",
    "RULES",
    "Chip",
    "Core",
    "Energy",
    "Layers",
    "Range",
    "SynapticMemory",
    "WeightRanges",
    "Wiring",
    "find_chip",
    "is_built_in",
    "is_named_in_files",
]
