"""A chip as plain data, for program files: one key per field, its rule and all limits included."""

from __future__ import annotations

from snnprog.chips.chip import Chip
from snnprog.rules.data import object_from_data, object_to_data


def chip_to_data(chip: Chip) -> dict[str, object]:
    """Return a chip as plain data."""
    return object_to_data(chip)


def chip_from_data(data: object) -> Chip:
    """Return the chip of plain data.

    Raises
    ------
    FormatError
        If the data is not a chip; the sentence says where.
    """
    return object_from_data(Chip, data, where="chip")
