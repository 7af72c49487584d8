"""The chips that programs can be compiled for: built-in ones, listed here by name, and custom ones.

A chip is a value, `Chip`: define one with `snnprog.rules`, and pass it as ``Spec(chip=…)``; see
``docs/how-to/chips.md``.
"""

from __future__ import annotations

from snnprog.calls import call_checked
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


@call_checked
def is_built_in(chip: Chip) -> bool:
    """Return whether a chip is identified by its name alone."""
    return CHIPS.get(chip.name) == chip


@call_checked
def is_named_in_files(chip: Chip) -> bool:
    """Return whether a program file only names a chip; files for all other chips contain the chip."""
    return is_built_in(chip) and chip.rule.name in SEMANTICS


@call_checked
def find_chip(chip: str | Chip) -> Chip:
    """Return the chip of a name; a `Chip` is returned unchanged.

    Names are those of the chips that are built in, then of the entry points that installed packages register (see
    `snnprog.chips.registered`). Only constructors, file readers and the command line use this: every other function
    takes a `Chip`.

    Raises
    ------
    SpecError
        If the name of the chip is unknown, or the package that registers it fails.
    """
    if isinstance(chip, Chip):
        return chip
    found = None
    if isinstance(chip, str):
        found = CHIPS.get(chip) or registered_chip(chip)
    if found is None:
        known = sorted({*CHIPS, *registered_names()})
        raise SpecError(f"unknown chip {chip!r}; known chips are {', '.join(known)}{did_you_mean(chip, known)}")
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
