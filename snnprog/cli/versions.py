"""``snnprog --version``: installed versions, without imports."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from snnprog.cli.output import tell
from snnprog.errors import BackendError
from snnprog.version import __version__

PACKAGES = {"NumPy": "numpy", "SciPy": "scipy", "Numba": "numba", "OR-Tools": "ortools"}
"""Packages that affect the integers of a program, or run it."""


def show_versions(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the versions and exit, if the option is given."""
    if value and not ctx.resilient_parsing:
        tell(versions_text())
        ctx.exit()


def versions_text() -> str:
    """Return the versions of snnprog, Python and the packages, and the backends that are installed."""
    from snnprog.backends import BUILT_IN, backend_names

    packages = [f"{name} {_version(package)}" for name, package in PACKAGES.items()]
    ready = [name for name in backend_names() if _is_ready(name)]
    return "\n".join(
        (
            f"snnprog {__version__}",
            ", ".join([f"Python {platform.python_version()}", *packages]),
            f"backends: {', '.join([*BUILT_IN, *ready])}",
        )
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _is_ready(name: str) -> bool:
    from snnprog.backends import find_backend, status

    try:
        return status(find_backend(name)).is_ready
    except BackendError:
        return False
