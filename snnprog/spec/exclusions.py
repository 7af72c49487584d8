"""What cannot be asked for together, and why: one list, which the checks and the documentation are made from.

Whatever is not listed here goes together, whatever else is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from snnprog.chips import Chip
from snnprog.errors import SpecError


@dataclass(frozen=True)
class Exclusion:
    """An option, and another or a kind of chip beside which it cannot be asked for.

    Attributes
    ----------
    option : str
        Its name.
    other : str
        The name of the other option; where it is a kind of chip, what these have in common.
    reason : str
        Why, in one sentence that begins in lower case and has no full stop.
    is_of_chip : callable, optional
        Tells whether a chip is one of these; only where ``other`` is a kind of chip.
    """

    option: str
    other: str
    reason: str
    is_of_chip: Callable[[Chip], bool] | None = None

    def applies(self, asked: Mapping[str, object], chip: Chip) -> bool:
        """Tell whether options that are not at their default, and a chip, exclude each other here."""
        if self.option not in asked:
            return False
        return self.other in asked if self.is_of_chip is None else self.is_of_chip(chip)


EXCLUSIONS: tuple[Exclusion, ...] = ()


def check_exclusions(asked: Mapping[str, object], chip: Chip) -> None:
    """Raise `SpecError` where what is asked for cannot be had together.

    Parameters
    ----------
    asked : mapping of str to object
        The options that are not at their default, by name.
    """
    for exclusion in EXCLUSIONS:
        if exclusion.applies(asked, chip):
            raise SpecError(f"{_clash(exclusion, asked, chip)}: {exclusion.reason}")


def _clash(exclusion: Exclusion, asked: Mapping[str, object], chip: Chip) -> str:
    own = f"{exclusion.option} is {asked[exclusion.option]!r}"
    if exclusion.is_of_chip is not None:
        return f"{own} and the chip is {chip.name}"
    return f"{own} and {exclusion.other} is {asked[exclusion.other]!r}; ask for one of them at a time"
