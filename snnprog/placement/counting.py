"""The number of cores of a program, fast: large programs get a bound instead of a placement."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.chips import RESOURCES
from snnprog.errors import FitError
from snnprog.placement.placer import least_for, place
from snnprog.program import Program

MOST_PLACED = 1 << 21
"""Maximum number of synapses for which a placement is searched: some seconds. Two convolutional networks of 1.1 and 2.0
million synapses took 5 s of processor time each."""


@dataclass(frozen=True)
class CoreCount:
    """The cores of its chip that a program takes.

    Attributes
    ----------
    chip : str
    used : int or None
        None if no placement was searched, or none fits.
    at_least : int or None
        No placement has fewer; None if none fits.
    misfit : FitError or None
        Why it does not fit.
    """

    chip: str
    used: int | None
    at_least: int | None
    misfit: FitError | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the counts as plain data."""
        misfit = None if self.misfit is None else str(self.misfit)
        return {"used": self.used, "at_least": self.at_least, "misfit": misfit}


def count_cores(program: Program) -> CoreCount | None:
    """Return the cores that a program takes; None if no limit of a core of its chip is known."""
    chip = program.chip
    if all(chip.core.limit(name) is None for name in RESOURCES):
        return None
    try:
        if program.n_synapses > MOST_PLACED:
            return CoreCount(chip.name, None, least_for(program))
        placement = place(program)
    except FitError as error:
        return CoreCount(chip.name, None, None, error)
    return CoreCount(chip.name, placement.cores, placement.at_least)
