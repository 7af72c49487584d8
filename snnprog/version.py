"""The version of snnprog, in one place for the package, its wheel and every program file it writes."""

from functools import cache

__version__ = "0.1.0"

DETERMINING_PACKAGES = ("numpy", "scipy", "ortools")
"""The packages whose versions may decide the bytes of a program."""


@cache
def determining_versions() -> dict[str, str]:
    """Return the versions that decide the bytes of a program: of this package, and of those that it calculates with."""
    from importlib import metadata  # takes 20 ms to import, and few commands need it

    return {"snnprog": __version__, **{name: metadata.version(name) for name in DETERMINING_PACKAGES}}
