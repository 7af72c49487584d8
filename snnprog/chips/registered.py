"""Chips that installed packages register: entry points of the group ``snnprog.chips``.

::

    [project.entry-points."snnprog.chips"]
    mychip = "mychip:CHIP"

The name is that of the chip. A package's code runs only when its chip is requested by that name; the user who
installed the package permits this.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from snnprog.chips.chip import Chip
from snnprog.errors import SpecError
from snnprog.wording import a_type

GROUP = "snnprog.chips"


def registered_names() -> list[str]:
    """Return the names that installed packages register."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def registered_chip(name: str) -> Chip | None:
    """Return the chip that an installed package registers by that name; None if there is none.

    Raises
    ------
    SpecError
        If the package's code fails or does not return a chip of that name, or several packages register different ones.
    """
    points = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if not points:
        return None
    if len(points) > 1:
        raise SpecError(f"chip {name!r} is registered as {' and '.join(sorted(points))}; uninstall all but one package")
    return _loaded(*points.values())


def _loaded(point: EntryPoint) -> Chip:
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # a package's code may raise any exception
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SpecError(f"chip {point.name!r} cannot be loaded from entry point {point.value!r}: {reason}") from error
    if not isinstance(found, Chip) or found.name != point.name:
        what = f"a chip named {found.name!r}" if isinstance(found, Chip) else a_type(found)
        raise SpecError(f"entry point {point.value!r} must be a Chip named {point.name!r}, got {what}")
    return found
