"""Commands that start an isolated Python, which runs no code from the current folder or the environment.

Python puts the current folder first on the import path of ``python -c`` and ``python -m``, so a ``json.py`` beside
untrusted data would run. Every Python that the package starts is isolated (``-I``) instead. Isolation also
removes the user's site-packages and PYTHONPATH, so a process that imports this package gets the import path of
its parent: its absolute folders, without the current one. With ``-I`` a script's folder is not on the path either.

``python -m snnprog`` uses this module before any other, so it imports only modules that Python has loaded by then.
"""

# ruff: noqa: PTH109, PTH117, PTH120  (pathlib is not loaded by then)

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

START = (
    "import json, runpy, sys; sys.path[:0] = json.loads(sys.argv.pop(1));"
    " runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def isolated(python: str | os.PathLike[str], *words: str) -> list[str]:
    """Return the command that starts an isolated Python.

    Parameters
    ----------
    python : path
        The interpreter, by an absolute path.
    words : str
        The arguments of the interpreter; paths among them must be absolute.
    """
    return [os.fspath(python), "-I", *words]


def own_module(module: str, words: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a module of this package as a script."""
    from json import dumps  # not loaded either when `python -m snnprog` begins

    return isolated(sys.executable, "-c", START, dumps(import_folders()), module, *words)


def import_folders() -> list[str]:
    """Return the absolute folders of the import path of this process, without the current folder.

    A relative folder depends on the current folder of a process. The current folder is kept if it contains this
    package: a checkout, run as ``python -m snnprog``.
    """
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    current = _current_folder()
    kept = []
    for folder in sys.path:
        place = os.path.realpath(folder or current) if isinstance(folder, str) else current
        if place == package:
            kept.append(package)
        elif place != current and os.path.isabs(folder):
            kept.append(folder)
    return kept if package in kept else [*kept, package]


def _current_folder() -> str:
    """Return the current folder with links followed; if it was deleted, a folder that is not on any import path."""
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:
        return os.devnull
